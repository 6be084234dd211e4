"""Metrics agree with scikit-learn and with simulation."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from applicant_personas.calibration import apply_knots, fit_knots
from applicant_personas.evaluation import (
    CALIBRATION_TYPES,
    EVALUATION_TYPES,
    auc_interval,
    calibration_table,
    evaluate,
    wilson_interval,
)


def predictions(n=600, seed=1):
    rng = np.random.default_rng(seed)
    probability = np.round(rng.beta(2, 3, n), 2)
    return pd.DataFrame(
        {
            "phase": "yield",
            "model": "random_forest",
            "test_cycle": "2024",
            "application_id": [f"a{i}" for i in range(n)],
            "probability": probability,
            "outcome": (rng.random(n) < probability).astype(float),
            "persona_key": rng.choice(["p1", "p2"], n),
            "residency": ["rare"] * 10 + ["common"] * (n - 10),
            "program_code": None,
            "entry_term": "2024",
            "days_to_census": 90,
            "is_enrollment_day": True,
        }
    )


def metric(frame, name, slice_value="all", test_cycle="2024"):
    at = (frame["slice_value"] == slice_value) & (frame["test_cycle"] == test_cycle)
    return frame[(frame["metric"] == name) & at].iloc[0]


def test_metrics_are_those_of_scikit_learn():
    frame = predictions()
    found = evaluate(frame)
    assert dict(found.dtypes.astype(str)) == EVALUATION_TYPES
    y, p = frame["outcome"], frame["probability"]
    inside = p.clip(1e-6, 1 - 1e-6)
    for name, expected in {
        "auc": roc_auc_score(y, p),
        "pr_auc": average_precision_score(y, p),
        "brier": brier_score_loss(y, p),
        "log_loss": log_loss(y, inside),
        "base_rate": y.mean(),
        "expected_headcount": p.sum(),
        "actual_headcount": y.sum(),
    }.items():
        assert metric(found, name)["value"] == pytest.approx(expected), name
    # The probabilities are the truth here.
    assert metric(found, "calibration_slope")["value"] == pytest.approx(1, abs=0.2)
    headcount = metric(found, "expected_headcount")
    assert headcount["low"] < y.sum() < headcount["high"]


def test_the_auc_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(5)
    truth, covered = 0.7602499389065233, 0  # normal scores one apart: AUC = Phi(1 / sqrt(2))
    for _ in range(300):
        y = np.repeat([0.0, 1.0], [70, 40])
        _, low, high = auc_interval(y, rng.normal(size=110) + y)
        covered += low <= truth <= high
    assert 0.91 <= covered / 300 <= 0.985


def test_wilson_interval_of_a_known_case():
    # Newcombe 1998, table I: 81 of 263.
    assert wilson_interval(81, 263) == pytest.approx((0.3080, 0.2553, 0.3662), abs=1e-4)


def test_small_or_uniform_slices_have_rates_only():
    found = evaluate(predictions())
    rare = found[found["slice_value"] == "rare"]
    rates = {"base_rate", "mean_probability", "expected_headcount", "actual_headcount"}
    assert set(rare["metric"]) == rates
    assert (rare["n"] == 10).all()
    assert set(rare["test_cycle"]) == {"2024", "all_cycles"}
    same = predictions().assign(outcome=1.0)
    assert set(evaluate(same)["metric"]) == rates


def test_rows_without_outcome_are_left_out_and_nothing_is_an_empty_frame():
    frame = predictions()
    frame.loc[:99, "outcome"] = np.nan
    assert (evaluate(frame).query("slice == 'all'")["n"] == 500).all()
    nothing = frame.assign(outcome=None)
    assert dict(evaluate(nothing).dtypes.astype(str)) == EVALUATION_TYPES
    assert dict(calibration_table(nothing).dtypes.astype(str)) == CALIBRATION_TYPES


def test_days_are_slices_and_tested_cycles_are_also_measured_together():
    first, second = predictions(), predictions(n=400, seed=2)
    early = first.assign(
        days_to_census=150, is_enrollment_day=False, probability=1 - first["probability"]
    )
    second = second.assign(test_cycle="2025", entry_term="2025")
    folds = first.assign(test_cycle="grouped_5_fold")
    found = evaluate(pd.concat([first, early, second, folds]))
    here = found[(found["metric"] == "auc")].set_index(["test_cycle", "slice", "slice_value"])
    assert here.loc["2024", "all", "all"]["value"] > 0.7
    assert here.loc["2024", "days_to_census", "150"]["value"] < 0.3
    n = here["n"].xs("days_to_census", level="slice").to_dict()
    assert n == {
        ("2024", "150"): 600,
        ("2024", "90"): 600,
        ("2025", "90"): 400,
        ("all_cycles", "150"): 600,
        ("all_cycles", "90"): 1_000,
        ("grouped_5_fold", "90"): 600,
    }
    # The slices of people are of the enrollment day alone.
    assert here.loc["all_cycles", "all", "all"]["n"] == 1_000
    # Nothing but rates without dates, and nothing at all of a phase that has other days only.
    undated = evaluate(first.assign(days_to_census=None))
    assert "days_to_census" not in set(undated["slice"])
    assert set(evaluate(early)["slice"]) == {"days_to_census"}


def test_calibration_bins_account_for_everyone():
    frame = predictions(n=605)
    table = calibration_table(frame.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(table, calibration_table(frame))
    overall = table[table["slice_value"] == "all"]
    assert list(overall["bin"]) == list(range(1, 11))
    assert overall["n"].sum() == 605
    assert (overall["actual_rate"] * overall["n"]).sum() == pytest.approx(frame["outcome"].sum())
    assert overall["mean_probability"].is_monotonic_decreasing
    assert overall["cumulative_capture"].iloc[-1] == pytest.approx(1)
    assert overall["lift"].iloc[0] > 1.5
    assert set(table["slice_value"]) == {"all", "p1", "p2"}


@pytest.mark.parametrize(("n", "method"), [(40_000, "isotonic"), (300, "sigmoid")])
def test_calibration_repairs_overconfidence(n, method):
    rng = np.random.default_rng(3)
    logit = rng.normal(size=2 * n)
    outcome = (rng.random(2 * n) < 1 / (1 + np.exp(-logit))).astype(float)
    raw = 1 / (1 + np.exp(-2.5 * logit))
    knots = fit_knots(raw[:n], outcome[:n])
    assert set(knots["item"]) == {method}
    assert knots.sort_values("threshold")["value"].is_monotonic_increasing
    calibrated = apply_knots(raw[n:], knots.sample(frac=1, random_state=0))
    assert log_loss(outcome[n:], calibrated) < log_loss(outcome[n:], raw[n:]) - 0.05
    assert roc_auc_score(outcome[n:], calibrated) > roc_auc_score(outcome[n:], raw[n:]) - 0.003
    assert 0 < calibrated.min() < calibrated.max() < 1


def test_calibration_of_a_useless_score_is_the_base_rate():
    raw = np.tile([0.2, 0.8], 50)
    outcome = np.tile([1.0, 0.0], 50)
    assert set(apply_knots(raw, fit_knots(raw, outcome))) == {0.5}
    with pytest.raises(ValueError, match="with the outcome and rows without"):
        fit_knots(raw, np.ones(100))
