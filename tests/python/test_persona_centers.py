"""Weighted k-means over what is observed: its objective, its distances, and rows with gaps."""

from itertools import product

import numpy as np
import pytest
from groups import people
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.cluster import KMeans

from applicant_personas.personas import centers
from applicant_personas.personas.centers import Observed, center_means, fit_centers, refine_centers


def drawn(n=1_500, k=5, seed=1, share_missing=0.0):
    groups = np.random.default_rng(seed).integers(0, k, n)
    return people(groups, seed, share_missing=share_missing).to_numpy()


def naive(x, weights, points):
    """Sum weight x (value - center)^2 over observed columns; centers are in the weighted space."""
    shape = len(x), len(points)
    return np.array(
        [np.nansum((np.sqrt(weights) * row - point) ** 2) for row, point in product(x, points)]
    ).reshape(shape)


def test_with_nothing_missing_it_is_k_means():
    x = drawn()
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    expected = KMeans(5, n_init=5, random_state=0).fit(x)
    found = fit_centers(Observed.of(x), 5, np.random.default_rng(2))
    assert found.inertia == pytest.approx(expected.inertia_, rel=0.01)
    order = naive(expected.cluster_centers_, np.ones(8), found.centers).argmin(axis=1)
    assert sorted(order) == list(range(5))
    # A center leans a little on the mean of everyone.
    np.testing.assert_allclose(found.centers[order], expected.cluster_centers_, atol=0.01)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_with_gaps_it_reaches_the_best_of_all_partitions(monkeypatch, seed):
    monkeypatch.setattr(centers, "PRIOR_ROWS", 1e-9)
    x = drawn(n=10, k=3, seed=seed, share_missing=0.3)
    rows = Observed.of(x)
    found = fit_centers(rows, 2, np.random.default_rng(seed), n_starts=50)

    def objective(labels):
        labels = np.array(labels)
        own = center_means(rows, labels, 2)[labels]
        return np.nansum((x - own) ** 2)

    best = min(objective(labels) for labels in product(range(2), repeat=len(x)))
    assert found.inertia == pytest.approx(best, rel=1e-6)
    assert found.inertia == pytest.approx(objective(found.labels), rel=1e-6)


def test_a_center_is_the_mean_of_what_is_observed_shrunk_by_one_row():
    rows = Observed.of(np.array([[2.0, np.nan], [4.0, 3.0], [-1.0, -2.0]]))
    found = center_means(rows, np.array([0, 0, 1]), 3)
    np.testing.assert_allclose(found, [[2.0, 1.5], [-0.5, -1.0], [0.0, 0.0]])


def test_distances_are_those_over_observed_columns():
    x = drawn(n=200, share_missing=0.4)
    weights = np.linspace(0.1, 3.0, x.shape[1])
    rows = Observed.of(x, weights)
    points = np.random.default_rng(3).normal(size=(4, x.shape[1]))
    expected = naive(x, weights, points)
    np.testing.assert_allclose(rows.distances(points), expected, atol=1e-9)
    np.testing.assert_array_equal(rows.nearest(points), expected.argmin(axis=1))
    some = np.array([5, 3, 3])
    np.testing.assert_allclose(rows.rows(some).distances(points), expected[some], atol=1e-9)


def test_of_equally_near_centers_the_first_is_taken():
    rows = Observed.of(np.array([[0.0, 1.0], [np.nan, np.nan], [np.nan, 1.0]]))
    points = np.array([[1.0, 1.0], [-1.0, 1.0], [1.0, 1.0]])
    assert list(rows.nearest(points)) == [0, 0, 0]


def test_the_same_seed_gives_the_same_centers():
    rows = Observed.of(drawn(share_missing=0.1))
    first, second = (fit_centers(rows, 5, np.random.default_rng(7)) for _ in range(2))
    assert first.centers.tobytes() == second.centers.tobytes()
    assert first.labels.tobytes() == second.labels.tobytes()


def test_more_starts_are_never_worse_and_refining_changes_nothing_further():
    rows = Observed.of(drawn(k=8, share_missing=0.2))
    one, many = (fit_centers(rows, 8, np.random.default_rng(1), n) for n in (1, 10))
    assert many.inertia <= one.inertia
    again = refine_centers(rows, many.centers[np.newaxis])
    np.testing.assert_array_equal(again.labels, many.labels)
    np.testing.assert_allclose(again.centers, many.centers)


def test_fewer_rows_than_centers_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match=r"^2 rows can't carry 3 centers\.$"):
        fit_centers(Observed.of(np.eye(2)), 3, np.random.default_rng(0))


@st.composite
def patterns(draw):
    """Draw rows with arbitrary gaps; the first has nothing observed, nor has the first column."""
    shape = draw(st.tuples(st.integers(3, 12), st.integers(1, 5)))
    value = st.floats(-4, 4) | st.just(np.nan)
    x = draw(arrays(np.float64, shape, elements=value))
    x[0] = np.nan
    x[:, 0] = np.nan
    return x, draw(arrays(np.float64, shape[1], elements=st.floats(0.01, 9)))


@settings(max_examples=150, deadline=None)
@given(patterns(), st.integers(1, 3), st.integers(0, 3))
def test_any_pattern_of_gaps_has_distances_and_labels(pattern, k, seed):
    x, weights = pattern
    rows = Observed.of(x, weights)
    found = fit_centers(rows, k, np.random.default_rng(seed), n_starts=2)
    squared = rows.distances(found.centers)
    assert (squared >= 0).all()
    assert (squared[0] == 0).all()
    np.testing.assert_allclose(squared, naive(x, weights, found.centers), atol=1e-9)
    assert set(found.labels) <= set(range(k))
    assert np.isfinite(found.centers).all()
    assert (found.centers[:, 0] == 0).all()
    assert found.inertia >= 0
