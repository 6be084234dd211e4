"""A column may say as much about personas as groups formed without its block tell of it."""

import numpy as np
import pytest

from applicant_personas.personas.weights import (
    GRANTED,
    MIN_ROWS,
    MOST_SHARED,
    TWO_VALUED,
    Weights,
    explained,
    learn_weights,
    told_by_chance,
)

N = 2_000
NAMES = ["a1", "a2", "b1", "b2", "b_noise", "c1", "c_flag", "own1", "own2"]
BLOCKS = np.array(["a", "a", "b", "b", "b", "c", "c", "own", "own"], dtype=object)
PLACE = {name: number for number, name in enumerate(NAMES)}


@pytest.fixture(scope="module")
def x():
    """Four groups seen in blocks a, b and c; block own has groups that no other block knows."""
    rng = np.random.default_rng(5)
    group, own = rng.integers(0, 4, N), rng.integers(0, 3, N)
    centers = np.array([[2, 0], [-2, 0], [0, 2], [0, -2]], dtype=float)[group]
    values = rng.normal(size=(N, len(NAMES)))
    for first in ("a1", "b1"):
        values[:, PLACE[first] : PLACE[first] + 2] += centers
    values[:, PLACE["c1"]] += centers.sum(axis=1)
    values[:, PLACE["c_flag"]] = rng.random(N) < np.where(group == 0, 0.9, 0.1)
    values[:, PLACE["own1"] :] += 3.0 * (own[:, np.newaxis] - 1)
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    values[rng.random(values.shape) < 0.1] = np.nan
    return values


@pytest.fixture(scope="module")
def learned(x):
    two_valued = np.array([name == "c_flag" for name in NAMES])
    return learn_weights(x, BLOCKS, two_valued, np.random.default_rng(1))


def test_what_no_other_block_knows_has_no_weight(learned):
    assert learned.are_learned
    weight = dict(zip(NAMES, learned.weight, strict=True))
    assert [name for name in NAMES if weight[name] == 0] == ["b_noise", "own1", "own2"]
    assert min(weight["a1"], weight["a2"], weight["b1"], weight["b2"]) > 0.5


def test_a_weight_grows_with_the_share_and_is_half_of_that_with_two_values(x, learned):
    share = np.minimum(learned.shared, MOST_SHARED)
    expected = np.where(share < told_by_chance(x), 0.0, (share + GRANTED) / (1 - share))
    expected[PLACE["c_flag"]] *= TWO_VALUED
    np.testing.assert_allclose(learned.weight, expected)
    assert 0.2 < learned.shared[PLACE["c_flag"]] < 0.8


def test_where_little_is_shared_weights_are_nearly_even():
    """Ratios of small shares are uncertain: one of .08 and one of .02 may well be alike."""
    rng = np.random.default_rng(3)
    group = rng.integers(0, 2, N) - 0.5
    faint = rng.normal(size=(N, 6)) + group[:, np.newaxis] * [1.2, 1.0, 0.8, 0.6, 0.5, 0.4]
    blocks = np.array(["a", "b", "c", "a", "b", "c"], dtype=object)
    found = learn_weights(faint, blocks, np.zeros(6, dtype=bool), np.random.default_rng(1))
    assert found.are_learned
    used = found.weight > 0
    assert found.shared[used].max() > 3 * found.shared[used].min()
    assert found.weight[used].max() < 2 * found.weight[used].min()


def test_what_chance_alone_tells_of_noise_is_below_the_bound():
    rng = np.random.default_rng(4)
    groups = rng.integers(0, 12, N)
    noise = rng.normal(size=(N, 200))
    noise[rng.random(noise.shape) < 0.3] = np.nan
    told = np.array([explained(column, groups) for column in noise.T])
    assert told.max() > 0
    assert (told < told_by_chance(noise)).all()
    assert (told_by_chance(noise[:, :1]) < told_by_chance(noise[: N // 2, :1])).all()


def test_without_two_blocks_that_know_of_each_other_weights_stay_even():
    noise = np.random.default_rng(2).normal(size=(N, 6))
    blocks = np.array(["a", "a", "b", "b", "c", "c"], dtype=object)
    two_valued = np.array([False, True] * 3)
    found = learn_weights(noise, blocks, two_valued, np.random.default_rng(1))
    assert not found.are_learned
    np.testing.assert_array_equal(found.weight, [1.0, TWO_VALUED] * 3)


@pytest.mark.parametrize("case", ["one block", "few rows"])
def test_one_block_or_few_rows_teach_nothing(x, case):
    blocks = np.full(len(NAMES), "a", dtype=object) if case == "one block" else BLOCKS
    rows = x if case == "one block" else x[: MIN_ROWS - 1]
    no_flag = np.zeros(len(NAMES), dtype=bool)
    found = learn_weights(rows, blocks, no_flag, np.random.default_rng(1))
    assert not found.are_learned
    assert (found.weight == 1).all()


def test_a_standing_weight_stays_while_its_share_holds():
    now = Weights(np.array([1.0, 2.0, 3.0, 0.0]), np.array([0.50, 0.60, 0.75, 0.01]), True)
    found = now.lean_on(np.array([1.2, 2.8, np.nan, 0.1]), np.array([0.54, 0.66, np.nan, 0.03]))
    np.testing.assert_array_equal(found.weight, [1.2, 2.0, 3.0, 0.1])
    np.testing.assert_array_equal(found.shared, [0.54, 0.60, 0.75, 0.03])
    assert found.are_learned


def test_the_share_explained_is_adjusted_for_the_number_of_groups():
    rng = np.random.default_rng(3)
    groups = rng.integers(0, 12, N)
    assert explained(groups.astype(float), groups) == pytest.approx(1)
    shares = [explained(rng.normal(size=N), groups) for _ in range(40)]
    assert np.mean(shares) < 0.005
    half = explained(groups + groups.std() * rng.normal(size=N), groups)
    assert half == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("values", [np.full(30, np.nan), np.ones(30)], ids=["missing", "constant"])
def test_nothing_is_explained_of_what_does_not_vary(values):
    assert explained(values, np.arange(30) % 3) == 0
