"""Side by side or one after the other: the same results, in the order of the items."""

import threading

import pytest

from applicant_personas.parallel import side_by_side


@pytest.mark.parametrize(
    ("n_jobs", "own"),
    [(1, [1, 1, 1, 1, 1]), (2, [2, 1, 1, 1, 1]), (3, [3, 3, 1, 1, 1]), (11, [2, 2, 2, 2, 2])],
)
def test_threads_are_divided_and_results_are_in_order(n_jobs, own):
    """Who would be alone at the end, beside idle threads, comes first and has all of them."""
    found = side_by_side(lambda item, n_jobs: (item, n_jobs), list("cabed"), n_jobs)
    assert found == list(zip("cabed", own, strict=True))


def test_two_are_at_work_at_once():
    both = threading.Barrier(2, timeout=30)
    side_by_side(lambda item, own: both.wait(), [1, 2], n_jobs=2)


def test_a_single_item_has_all_threads_and_none_is_no_fault():
    assert side_by_side(lambda item, own: own, ["only"], n_jobs=4) == [4]
    assert side_by_side(lambda item, own: own, [], n_jobs=4) == []


def test_a_fault_is_raised():
    with pytest.raises(ValueError, match="no such fold"):
        side_by_side(fail, [1, 2, 3], n_jobs=2)


def fail(item, own):
    if item == 2:
        raise ValueError("no such fold")
