"""What changed since the cycle before: little between equal cycles, and what was moved."""

import numpy as np
import pandas as pd
import pytest
from groups import FEATURES, figure, fit, keys_of, people

from applicant_personas.personas.change import ALL_FEATURES, CHANGE_TYPES, compare_cycles
from applicant_personas.personas.drift import stability_index

K, N = 4, 1_500
MOVED, LESS_KNOWN = "feature_0", "feature_5"


def cycle(seed, shares=(1, 1, 1, 1)):
    shares = np.array(shares) / sum(shares)
    return people(np.random.default_rng(seed).choice(K, N, p=shares), seed)


@pytest.fixture(scope="module")
def earlier():
    return cycle(1)


@pytest.fixture(scope="module")
def fitted(earlier):
    return fit(earlier, n_personas=K)


def compared(fitted, earlier, now):
    rows = pd.concat([earlier, now], ignore_index=True)
    is_present = np.repeat([False, True], [len(earlier), len(now)])
    terms = np.where(is_present, "2026 Fall", "2025 Fall")
    keys = keys_of(rows, fitted)
    rows = rows.assign(is_present=is_present, entry_term=terms, persona_key=keys)
    return compare_cycles(rows, fitted, seed=1)


def told(found, metric, feature=ALL_FEATURES):
    of_both = (found["metric"] == metric) & (found["feature"] == feature)
    return found[of_both].set_index("persona_key")


def is_beyond(found):
    return found["change"] > found["noise_floor"]


def test_a_row_a_persona_and_figure(fitted, earlier):
    found = compared(fitted, earlier, cycle(2))
    assert dict(found.dtypes.astype(str)) == CHANGE_TYPES
    assert len(found) == K * (2 + len(FEATURES))
    assert not found.duplicated(["persona_key", "metric", "feature"]).any()
    assert set(found["run_id"]) == set(fitted["run_id"])
    assert set(found["previous_entry_term"]) == {"2025 Fall"}
    assert set(found["entry_term"]) == {"2026 Fall"}
    share = told(found, "share")
    assert share["n_before"].sum() == share["n_now"].sum() == N
    np.testing.assert_allclose(share["before"], share["n_before"] / N)
    np.testing.assert_allclose(share["change"], (share["now"] - share["before"]).abs())
    assert (found["noise_floor"] > 0).all()


def test_between_equal_cycles_hardly_anything_is_beyond_chance(fitted, earlier):
    found = pd.concat([compared(fitted, earlier, cycle(seed)) for seed in (2, 3, 4)])
    assert len(found) == 3 * K * 10
    assert is_beyond(found).mean() <= 0.1


@pytest.fixture(scope="module")
def changed(fitted, earlier):
    now = cycle(2, shares=(3, 1, 1, 1))
    now[MOVED] += 0.3
    now.loc[np.random.default_rng(3).random(N) < 0.3, LESS_KNOWN] = np.nan
    return compared(fitted, earlier, now)


def test_what_was_moved_is_beyond_chance(changed):
    assert is_beyond(told(changed, "share")).all()
    assert is_beyond(told(changed, "center_distance")).all()
    assert is_beyond(told(changed, "population_stability_index", MOVED)).all()


def test_missing_is_a_bin_of_its_own(changed):
    assert is_beyond(told(changed, "population_stability_index", LESS_KNOWN)).all()
    index = changed[changed["metric"] == "population_stability_index"]
    others = index[~index["feature"].isin([MOVED, LESS_KNOWN])]
    assert is_beyond(others).mean() <= 0.1


def test_what_nobody_knew_before_has_changed(fitted, earlier):
    unknown = earlier.assign(**{LESS_KNOWN: np.nan})
    found = told(compared(fitted, unknown, cycle(2)), "population_stability_index", LESS_KNOWN)
    assert is_beyond(found).all()


def test_levels_of_a_category_are_compared(earlier):
    rng = np.random.default_rng(5)

    def with_major(rows, p):
        """Give a major that the other features tell."""
        is_far = (rows["feature_0"] > 0).to_numpy()
        major = np.where(rng.random(N) < p, is_far, ~is_far)
        return rows.assign(major=np.where(major, "arts", "law")).astype({"major": object})

    category = {"feature": "major", "block": "profile", "kind": "category", "priority": 9}
    category |= {"transform": "none", "absence_is_choice": False}
    features = pd.concat([FEATURES, pd.DataFrame([category])], ignore_index=True)
    before = with_major(earlier, 0.9)
    fitted = fit(before, features=features, n_personas=K)
    assert figure(fitted, "feature", "kept", "feature")["major"] == 1
    now = with_major(cycle(2), 0.6)
    found = told(compared(fitted, before, now), "population_stability_index", "major")
    # One of the groups lies half on either side, so its majors were and are a coin's.
    assert is_beyond(found).sum() == K - 1


def test_the_same_cycles_give_the_same_figures(fitted, earlier):
    now = cycle(2)
    first, second = (compared(fitted, earlier, now) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_a_persona_that_a_cycle_lacks_has_no_row(fitted, earlier):
    found = compared(fitted, earlier, cycle(2, shares=(1, 1, 1, 0)))
    assert found["persona_key"].nunique() == K - 1


def test_without_two_cycles_or_without_personas_there_is_nothing(fitted, earlier):
    nobody = earlier.head(0)
    without = fitted[fitted["record"] != "centroid"]
    for found in (
        compared(fitted, earlier, nobody),
        compared(fitted, nobody, earlier),
        compare_cycles(
            earlier.assign(is_present=earlier.index < 9, entry_term="x", persona_key=None),
            without,
            seed=1,
        ),
    ):
        assert dict(found.dtypes.astype(str)) == CHANGE_TYPES
        assert not len(found)


def test_the_stability_index_is_the_usual_one():
    before, now = np.array([0.5, 0.5]), np.array([0.6, 0.4])
    expected = 0.1 * np.log(0.6 / 0.5) - 0.1 * np.log(0.4 / 0.5)
    assert stability_index(before, now) == pytest.approx(expected)
    assert stability_index(before, before) == 0
    assert np.isfinite(stability_index(np.array([1.0, 0.0]), np.array([0.0, 1.0])))
