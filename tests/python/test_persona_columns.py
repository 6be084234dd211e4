"""From raw features to columns: what is standardized, flagged and left out, and which features."""

import numpy as np
import pandas as pd
import pytest
from personas import statistics

from applicant_personas.personas.columns import (
    CLIP,
    COLUMN_TYPES,
    MAX_LEVELS,
    describe_columns,
    standardize,
)
from applicant_personas.personas.screening import SCREENING_TYPES, screen_features

N = 1_000
FEATURES = pd.DataFrame(
    [
        ("grade", "preparation", "number", "none", False),
        ("visits", "engagement", "count", "log1p", False),
        ("quant", "tests", "number", "none", True),
        ("verbal", "tests", "number", "none", True),
        ("writing", "tests", "number", "none", True),
        ("intent", "intent", "ordered", "none", True),
        ("is_alumnus", "profile", "boolean", "none", True),
        ("major", "profile", "category", "none", False),
    ],
    columns=["feature", "block", "kind", "transform", "absence_is_choice"],
).assign(priority=range(8))


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(1)
    no_tests = rng.random(N) < 0.4
    frame = pd.DataFrame(
        {
            "grade": np.where(rng.random(N) < 0.3, np.nan, rng.normal(3, 0.5, N)),
            "visits": rng.poisson(2, N).astype(float),
            "quant": np.where(no_tests, np.nan, rng.normal(160, 5, N)),
            "verbal": np.where(no_tests, np.nan, rng.normal(150, 5, N)),
            "writing": np.where(rng.random(N) < 0.3, np.nan, rng.normal(4, 1, N)),
            "intent": np.where(rng.random(N) < 0.01, np.nan, rng.integers(0, 11, N)),
            "is_alumnus": (rng.random(N) < 0.1).astype(float),
            "major": rng.choice(["cs", "ee", "mba", "rare"], N, p=[0.5, 0.3, 0.19, 0.01]),
        }
    )
    frame.loc[::10, "major"] = None
    return frame


@pytest.fixture(scope="module")
def columns(rows):
    return describe_columns(rows, FEATURES, statistics(rows, FEATURES)).set_index("column_name")


def placed(rows, columns):
    found = standardize(rows, columns.reset_index())
    return pd.DataFrame(found, columns=columns.index)


def test_columns_are_values_flags_of_gaps_and_levels(columns):
    assert dict(columns.reset_index().dtypes.astype(str)) == COLUMN_TYPES
    kinds = columns["parameter_kind"].to_dict()
    assert {name for name, kind in kinds.items() if kind == "value"} == {
        f"z_{name}" for name in FEATURES["feature"] if name != "major"
    }
    # That verbal is missing says what quant's flag says; too few lack an intent, nobody is_alumnus.
    flags = {"z_quant__missing", "z_writing__missing"}
    assert {name for name, kind in kinds.items() if kind == "missing"} == flags
    levels = columns.loc[columns["parameter_kind"] == "level", "level"]
    assert levels.to_dict() == {
        "z_major__is_1": "cs",
        "z_major__is_2": "ee",
        "z_major__is_3": "mba",
    }
    two_valued = columns.index[columns["is_two_valued"]]
    assert set(two_valued) == {*flags, *levels.index, "z_is_alumnus"}


def test_columns_have_mean_0_and_deviation_1_and_gaps_stay_gaps(rows, columns):
    z = placed(rows, columns)
    np.testing.assert_allclose(z.mean(), 0, atol=0.01)
    np.testing.assert_allclose(z.std(ddof=0), 1, atol=0.02)
    for name in FEATURES.loc[FEATURES["kind"] != "category", "feature"]:
        assert (z[f"z_{name}"].isna() == rows[name].isna()).all()
    assert (z["z_major__is_1"].isna() == rows["major"].isna()).all()
    assert z["z_quant__missing"].notna().all()


def test_counts_are_logged_and_nothing_lies_more_than_four_deviations_away(rows, columns):
    far = rows.assign(visits=0.0, grade=3.0)
    far.loc[0, ["visits", "grade"]] = [1e9, -1e9]
    z = placed(far, columns)
    visits = columns.loc["z_visits"]
    assert z.loc[1, "z_visits"] == pytest.approx((np.log1p(0) - visits["center"]) / visits["scale"])
    assert z.loc[0, "z_visits"] == CLIP
    assert z.loc[0, "z_grade"] == -CLIP


def test_new_rows_may_have_other_levels_or_none(columns):
    unseen = pd.DataFrame({name: [np.nan] * 3 for name in FEATURES["feature"]})
    unseen["major"] = pd.Series(["cs", "law", None], dtype=object)
    z = placed(unseen, columns)
    is_cs = z["z_major__is_1"]
    assert is_cs[0] > 0 > is_cs[1]
    assert np.isnan(is_cs[2])
    assert z.loc[:, columns["parameter_kind"] == "value"].isna().all(axis=None)
    assert (z["z_quant__missing"] > 0).all()


def test_of_many_levels_the_most_common_are_told():
    levels = [f"level_{number:02d}" for number in range(20)]
    sizes = np.arange(60, 40, -1)
    rows = pd.DataFrame({"grade": 1.0, "major": np.repeat(levels, sizes)})
    features = FEATURES[FEATURES["feature"].isin(rows)]
    found = describe_columns(rows, features.tail(1), statistics(rows, features))
    assert list(found["level"]) == levels[:MAX_LEVELS]


def test_a_flag_that_one_block_repeats_another_block_may_tell(rows):
    apart = FEATURES.assign(block=FEATURES["feature"])
    names = describe_columns(rows, apart, statistics(rows, apart))["column_name"]
    assert {"z_quant__missing", "z_verbal__missing"} <= set(names)


SCREENED = pd.DataFrame(
    [
        ("signal", "number", 2),
        ("twin", "number", 1),
        ("other", "number", 3),
        ("rare", "number", 4),
        ("flat", "boolean", 5),
        ("unknown", "number", 6),
        ("level", "category", 7),
        ("one_level", "category", 8),
    ],
    columns=["feature", "kind", "priority"],
)


@pytest.fixture(scope="module")
def screened():
    rng = np.random.default_rng(4)
    signal = rng.normal(size=N)
    rows = pd.DataFrame(
        {
            "signal": signal,
            "twin": -np.exp(signal),
            "other": signal + rng.normal(size=N),
            "rare": np.where(np.arange(N) < 15, signal, np.nan),
            "flat": (np.arange(N) < 4).astype(float),
            "unknown": np.nan,
            "level": rng.choice(["x", "y"], N),
            "one_level": "x",
        }
    )
    return screen_features(rows, SCREENED)


def test_features_are_screened_with_a_reason(screened):
    assert dict(screened.dtypes.astype(str)) == SCREENING_TYPES
    found = screened.set_index("feature")
    assert set(found.index[found["kept"]]) == {"twin", "other", "level"}
    assert (found.loc[found["kept"], "reason"] == "").all()
    reason = found["reason"]
    assert reason["signal"] == (
        "Dropped: says nearly the same as twin, which is kept (rank correlation -1.00)."
    )
    assert reason["rare"] == "Dropped: missing for 98.5 % of applicants."
    assert reason["unknown"] == "Dropped: missing for 100.0 % of applicants."
    same = "Dropped: nearly everyone has the same value."
    assert reason["flat"] == reason["one_level"] == same


def test_screening_tells_the_facts_also_of_what_is_kept(screened):
    found = screened.set_index("feature")
    assert found.loc["twin", "most_correlated_feature"] == "signal"
    assert found.loc["other", "correlation"] == pytest.approx(-0.7, abs=0.05)
    assert found.loc["level", ["most_correlated_feature", "correlation"]].isna().all()
    assert found.loc["rare", "share_missing"] == 0.985
    assert found.loc["signal", "variance"] == pytest.approx(1, abs=0.1)


def test_no_rows_keep_no_feature():
    nothing = pd.DataFrame({name: pd.Series([], dtype=float) for name in SCREENED["feature"]})
    found = screen_features(nothing, SCREENED)
    assert not found["kept"].any()
    assert found["reason"].str.startswith("Dropped: missing for 100.0 %").all()
