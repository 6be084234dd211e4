"""Importance finds the drivers that were planted, where they were planted."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from planted import (
    FEATURES,
    RECIPE,
    SCHOLARSHIP,
    days_of,
    first_runs,
    frame,
    planted,
    reader,
    targeted,
)

from applicant_personas.at_risk import Levels
from applicant_personas.enrollment import fit_enrollment
from applicant_personas.forest import fit_forest
from applicant_personas.importance import (
    IMPORTANCE_TYPES,
    HeldOut,
    permutation_importance,
    persona_importance,
    shuffles,
)


@pytest.fixture(scope="module")
def drivers():
    rows = planted(n=4_500, seed=11).rows
    closed = rows[~rows["is_open"]]
    runs = first_runs("enrollment", "admitted")
    fitted = frame(
        fit_enrollment(
            reader(closed),
            days_of(closed),
            targeted("admitted"),
            runs,
            replace(RECIPE, n_trees=60, n_jobs=2),
            ["admitted"],
        ).read_all()
    )
    found = fitted[fitted["record"] == "importance"]
    wide = found.pivot(index=["scope", "feature"], columns="metric", values="value")
    first = found[found["metric"] == "permutation"].set_index(["scope", "feature"])
    return wide.join(first[["low", "high", "n", "text", "item"]])


def test_a_scholarship_drives_two_personas_and_is_not_first_for_all(drivers):
    for persona in ("seeker", "striver"):
        assert drivers.loc[(persona, "scholarship"), "rank"] <= 3
        assert drivers.loc[(persona, "scholarship"), "text"] == "raises"
        assert drivers.loc[(persona, "scholarship"), "beats_noise"] == 1
    assert drivers.loc[("global", "scholarship"), "rank"] > 1
    others = {"local_pro", "home_graduate", "switcher"} - set(SCHOLARSHIP)
    most = max(drivers.loc[(name, "scholarship"), "permutation"] for name in others)
    assert most < 0.5 * drivers.loc[("seeker", "scholarship"), "permutation"]


def test_directions_are_those_planted(drivers):
    overall = drivers.loc["global", "text"]
    assert overall["intent"] == "raises"
    assert overall["days_since_admission"] == "lowers"
    assert overall["program"] == "mixed"


def test_noise_does_not_beat_itself_and_a_useless_feature_does_not_beat_noise(drivers):
    assert drivers["is_noise_control"].groupby("scope").sum().eq(1).all()
    assert drivers.xs("random_noise", level="feature")["beats_noise"].eq(0).all()
    assert drivers.loc[("global", "program"), "beats_noise"] == 0
    # Impurity importance is not to be trusted: it gives noise a good part.
    assert drivers.loc[("global", "random_noise"), "impurity"] > 0.03


def test_blocks_are_shuffled_together(drivers):
    block = drivers.loc[("global", "block: engagement")]
    assert block["item"] == "engagement"
    parts = drivers.loc["global"]
    alone = parts.loc[["virtual_events", "in_person_events", "is_stealth"], "permutation"]
    assert block["permutation"] > alone.max()
    assert ("global", "block: intent") not in drivers.index


def test_every_row_is_measured_and_intervals_cover(drivers):
    assert set(drivers.index.get_level_values("scope")) > {"global", *SCHOLARSHIP}
    sizes = drivers["n"].groupby("scope").agg(["min", "max"])
    assert (sizes["min"] == sizes["max"]).all()
    assert sizes["max"].drop("global").sum() <= sizes.loc["global", "max"]
    assert (drivers["low"] <= drivers["permutation"]).all()
    assert (drivers["permutation"] <= drivers["high"]).all()
    assert drivers.loc["global", "rank"].min() == 1


def test_the_persona_itself_drives_everyone_and_nobody_within_it(drivers):
    everyone = drivers.loc["global"]
    assert everyone.loc["persona_key", "beats_noise"] == 1
    assert everyone.loc["persona_key", "rank"] <= 3
    within = drivers.drop(index="global", level="scope").xs("persona_key", level="feature")
    np.testing.assert_allclose(within["permutation"], 0, atol=1e-12)


def held_out(n=3_000, seed=3):
    """Fit a forest on half of the rows, of which two columns are twins and one is flat."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=n)
    x = np.column_stack([signal, signal + 0.01 * rng.normal(size=n), np.zeros(n)])
    y = (rng.random(n) < 1 / (1 + np.exp(-2 * signal))).astype(float)
    half = n // 2
    forest = fit_forest(x[:half], y[:half], max_rows=n, n_trees=40, seed=1)
    held = HeldOut(
        lambda values: forest.predict(values.astype(np.float32)),
        x[half:],
        Levels(np.full(half, -1), ()),
        {"one": [0], "two": [1], "lone": [2]},
        forest.feature_importances_,
    )
    return held, y[half:]


TWINS = pd.DataFrame(
    {"feature": ["one", "two", "lone"], "block": ["b", "b", "c"], "kind": "number"}
)


def test_a_twin_hides_a_feature_but_not_its_block_and_the_interval_covers():
    held, y = held_out()
    run = {"seed": 1, "n_repeats": 3}
    found = permutation_importance([held], {"global": [y]}, shuffles(TWINS), **run)
    importance = found.set_index("feature")["importance"]
    assert importance["block: b"] > 1.5 * max(importance["one"], importance["two"])
    assert importance["lone"] == pytest.approx(0)
    assert (found["importance_low"] <= found["importance"]).all()
    threaded = permutation_importance([held], {"global": [y]}, shuffles(TWINS), n_jobs=2, **run)
    pd.testing.assert_frame_equal(found, threaded)


def test_a_feature_of_which_a_fold_saw_no_level_moves_nothing():
    held, y = held_out()
    blind = replace(held, columns={"two": [1], "lone": [2]})
    found = permutation_importance([blind], {"global": [y]}, shuffles(TWINS), seed=1)
    one = found.set_index("feature").loc["one"]
    assert one["importance"] == pytest.approx(0, abs=1e-12)
    assert one["direction"] == "mixed"


def test_personas_of_few_rows_of_either_outcome_are_named_and_not_measured():
    held, y = held_out()
    small = Levels(np.where(np.arange(len(y)) < 15, 0, 1), ("small", "large"))
    found = permutation_importance(
        [replace(held, scope=small)], {"global": [y]}, shuffles(TWINS), seed=1, n_repeats=1
    )
    measured = ["importance", "importance_low", "importance_high", "importance_rank"]
    told = found.groupby("scope")[measured].count()
    assert told.loc["small"].eq(0).all()
    assert told.drop(index="small").eq(len(shuffles(TWINS))).all(axis=None)
    assert set(found.loc[found["scope"] == "small", "n_rows"]) == {15}
    assert not found.loc[found["scope"] == "small", "beats_noise"].any()


@pytest.fixture(scope="module")
def defining():
    applicants = planted(n=2_500, seed=5)
    features = FEATURES[FEATURES["role"] != "enrollment"]
    rows = applicants.rows
    return rows, features, persona_importance(rows, rows["persona_key"], features, seed=2)


def test_what_defines_a_persona_is_what_sets_it_apart(defining):
    rows, _, found = defining
    assert dict(found.dtypes.astype(str)) == IMPORTANCE_TYPES
    assert set(found["scope"]) == {"global", *rows["persona_key"]}
    features = found[~found["feature"].str.startswith("block: ")]
    first = features[features["importance_rank"] == 1].set_index("scope")
    assert first.loc["self_funded", "feature"] == "english"
    assert first.loc["self_funded", "direction"] == "lowers"
    assert first.loc["highflyer", "feature"] == "gpa"
    assert first.loc["highflyer", "direction"] == "raises"
    noise = found[found["feature"] == "random_noise"]
    assert noise["is_noise_control"].all()
    assert noise["importance"].abs().max() < 0.01
    assert found.loc[found["feature"] == "gpa", "beats_noise"].any()
    assert not found.loc[found["feature"] == "is_stealth", "beats_noise"].any()


def test_order_of_rows_changes_nothing(defining):
    rows, features, found = defining
    again = rows.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(
        found, persona_importance(again, again["persona_key"], features, seed=2, n_jobs=2)
    )


def test_one_persona_or_none_has_nothing_that_defines_it(defining):
    rows, features, _ = defining
    for labels in (pd.Series("one", index=rows.index), pd.Series(None, index=rows.index)):
        found = persona_importance(rows, labels, features, seed=2)
        assert dict(found.dtypes.astype(str)) == IMPORTANCE_TYPES
        assert not len(found)
