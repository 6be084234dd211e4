"""What the likelihoods drop and why, on features with planted faults."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from applicant_personas.selection import (
    SELECTION_TYPES,
    mutual_information,
    rank_correlation,
    select_features,
)

FEATURES = pd.DataFrame(
    [
        ("signal", "number", "both", 1),
        ("twin", "number", "both", 2),
        ("noise", "number", "both", 3),
        ("rare", "number", "persona", 4),
        ("flat", "boolean", "both", 5),
        ("missing", "number", "both", 6),
        ("level", "category", "both", 7),
        ("flag", "boolean", "enrollment", 8),
        ("audit", "number", "audit", 9),
    ],
    columns=["feature", "kind", "role", "priority"],
).assign(block="b")


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(4)
    n = 2_000
    signal = rng.normal(size=n)
    outcome = (rng.random(n) < 1 / (1 + np.exp(-1.5 * signal))).astype(float)
    one = pd.DataFrame(
        {
            "application_id": [f"a{i}" for i in range(n)],
            "signal": np.where(rng.random(n) < 0.2, np.nan, signal),
            "twin": np.exp(signal) + 0.01 * rng.normal(size=n),
            "noise": rng.normal(size=n),
            "rare": np.where(np.arange(n) < 30, signal, np.nan),
            "flat": (np.arange(n) < 5).astype(float),
            "missing": np.nan,
            "level": np.where(0.6 * outcome + 0.2 > rng.random(n), "x", "y"),
            "flag": outcome,
            "audit": 1.0,
            "outcome": outcome,
        }
    )
    return pd.concat(
        [one.assign(target="melt", outcome=np.nan), one.assign(target="yield")],
        ignore_index=True,
    )


@pytest.fixture(scope="module")
def selected(rows):
    return select_features(rows, FEATURES, seed=1).set_index(["target", "feature"])


def test_the_frame_is_fixed(rows, selected):
    assert dict(selected.reset_index().dtypes.astype(str)) == SELECTION_TYPES
    empty = select_features(rows.iloc[:0], FEATURES, seed=1)
    assert dict(empty.dtypes.astype(str)) == SELECTION_TYPES
    assert not len(empty)


def test_enrollment_drops_only_what_is_constant(selected):
    kept = selected.loc["yield", "kept"]
    assert set(kept[~kept].index) == {"missing"}
    assert "twin" in selected.loc[("yield", "signal"), "reason"]
    assert "audit" not in kept.index


def test_without_an_outcome_nothing_is_kept(selected):
    assert not selected.loc["melt", "kept"].any()
    reason = "Dropped: no closed cycle has this outcome yet."
    assert (selected.loc["melt", "reason"] == reason).all()
    assert (selected.loc["melt", "mutual_information"] == 0).all()


def test_mutual_information_orders_features_by_what_they_tell(selected):
    told = selected.loc["yield", "mutual_information"]
    assert told["flag"] == pytest.approx(np.log(2), abs=0.01)
    assert told["flag"] > told["level"] > told["noise"]
    assert told["twin"] > told["signal"] > 0.1
    assert told["noise"] < 0.005


def test_mutual_information_of_independent_bins_is_about_zero():
    rng = np.random.default_rng(0)
    told = [
        mutual_information(rng.integers(0, 11, 500), rng.integers(0, 2, 500).astype(float))
        for _ in range(50)
    ]
    assert np.mean(told) < 0.006


def test_rank_correlation_is_spearmans():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(300, 3))
    values[:, 1] = values[:, 0] ** 3 + values[:, 1]
    expected = spearmanr(values).statistic
    np.testing.assert_allclose(rank_correlation(values), expected, atol=1e-9)
    values[:280, 2] = np.nan
    assert rank_correlation(values)[0, 2] == 0


def test_missing_columns_are_named_in_a_sentence(rows):
    with pytest.raises(ValueError, match=r"training rows need .*twin\."):
        select_features(rows.drop(columns="twin"), FEATURES, seed=1)


def test_a_count_that_is_mostly_zero_still_varies():
    count = np.where(np.arange(400) % 20 == 0, np.arange(400), 0.0)
    rows = pd.DataFrame(
        {
            "target": "yield",
            "application_id": [f"A{i:03d}" for i in range(400)],
            "outcome": (count > 0).astype(float),
            "visits": count,
        }
    )
    features = pd.DataFrame(
        [{"feature": "visits", "block": "b", "kind": "count", "role": "both", "priority": 1}]
    )
    found = select_features(rows, features, seed=1).set_index("target").loc["yield"]
    assert found["kept"]
    assert found["mutual_information"] > 0.1
