"""Several things side by side, in threads: fits leave Python for most of their time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from joblib import effective_n_jobs  # type: ignore[import-untyped]
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(
    work: Callable[[Item, int], Result], items: Sequence[Item], n_jobs: int
) -> list[Result]:
    """Do the work on each item, and give the results in the order of the items.

    n_jobs threads (-1: as many as cores) are divided among the items: `work` is given an item, and
    how many threads it has for itself. What it raises is raised here.

    >>> side_by_side(lambda item, n_jobs: item * n_jobs, [1, 2], n_jobs=2)
    [1, 2]
    >>> side_by_side(lambda item, n_jobs: item * n_jobs, [1, 2, 3], n_jobs=2)
    [2, 2, 3]
    """
    n_threads = effective_n_jobs(n_jobs)
    n_workers = max(1, min(n_threads, len(items)))
    # As many as would be left over beside idle threads come first, and have all threads.
    n_first = len(items) if n_workers == 1 else len(items) % n_workers
    found = [work(item, n_threads) for item in items[:n_first]]
    # OpenMP lets each new thread start others, whose sums in another order differ in the last bits.
    with ThreadPoolExecutor(n_workers, initializer=threadpool_limits, initargs=(1,)) as pool:
        rest = pool.map(lambda item: work(item, n_threads // n_workers), items[n_first:])
        return [*found, *rest]
