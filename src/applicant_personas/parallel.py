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

    >>> side_by_side(lambda item, n_jobs: item * n_jobs, [1, 2, 3], n_jobs=2)
    [1, 2, 3]
    >>> side_by_side(lambda item, n_jobs: item * n_jobs, [1], n_jobs=2)
    [2]
    """
    n_threads = effective_n_jobs(n_jobs)
    n_workers = min(n_threads, len(items))
    if n_workers <= 1:
        return [work(item, n_threads) for item in items]
    # OpenMP lets each new thread start others, whose sums in another order differ in the last bits.
    with ThreadPoolExecutor(n_workers, initializer=threadpool_limits, initargs=(1,)) as pool:
        return list(pool.map(lambda item: work(item, n_threads // n_workers), items))
