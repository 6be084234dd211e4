"""The ridge logistic regression: its weights, its left-out predictions and its rows."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from applicant_personas import logistic
from applicant_personas.logistic import (
    COEFFICIENT_TYPES,
    LARGEST_VALUE,
    PENALTIES,
    fit_logistic,
    logistic_from_rows,
    logistic_to_rows,
)

NAMES = ["raises", "lowers", "noise"]


def sample(n=120, seed=2, strength=1.0):
    """Draw rows of standardized columns; whoever lacks the first is likelier than others."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    missing = rng.random(n) < 0.25
    x[missing, 0] = np.nan
    odds = strength * (1.5 * np.nan_to_num(x[:, 0]) - x[:, 1] + 2 * missing)
    return x, (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(float)


@pytest.mark.parametrize("strength", PENALTIES)
def test_left_out_log_odds_are_those_of_a_fit_without_the_row(monkeypatch, strength):
    monkeypatch.setattr(logistic, "PENALTIES", (strength,))
    x, y = sample()
    model, approximate = fit_logistic(x, y, NAMES)
    refitted = np.array(
        [
            fit_logistic(np.delete(x, row, axis=0), np.delete(y, row), NAMES)[0].log_odds(
                x[row : row + 1]
            )[0]
            for row in range(len(y))
        ]
    )
    assert np.corrcoef(approximate, refitted)[0, 1] > 0.999
    assert np.abs(approximate - refitted).mean() < 0.02
    # What it improves on: the fit's own word on its training rows.
    own = model.log_odds(x)
    assert np.abs(approximate - refitted).mean() < 0.2 * np.abs(own - refitted).mean()
    assert roc_auc_score(y, approximate) < roc_auc_score(y, own)


def test_left_out_log_odds_are_honest_about_coins():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(600, 60)), rng.integers(0, 2, 600).astype(float)
    model, left_out = fit_logistic(x, y, [str(number) for number in range(60)])
    assert roc_auc_score(y, model.log_odds(x)) > 0.6
    assert roc_auc_score(y, left_out) == pytest.approx(0.5, abs=0.06)


def test_the_penalty_follows_what_there_is_to_learn(monkeypatch):
    strong, weak = sample(2_000), (sample(2_000)[0], sample(2_000, seed=9, strength=0.0)[1])
    for (x, y), strength in ((strong, max(PENALTIES)), (weak, min(PENALTIES))):
        monkeypatch.setattr(logistic, "PENALTIES", PENALTIES)
        chosen = fit_logistic(x, y, NAMES)[0]
        monkeypatch.setattr(logistic, "PENALTIES", (strength,))
        np.testing.assert_array_equal(chosen.weight, fit_logistic(x, y, NAMES)[0].weight)


def test_it_is_scikit_learns_with_flags_beside(monkeypatch):
    monkeypatch.setattr(logistic, "PENALTIES", (0.3,))
    x, y = sample(800)
    model, _ = fit_logistic(x, y, NAMES)
    missing = np.isnan(x[:, 0])
    flag = (missing - missing.mean()) / missing.std()
    design = np.column_stack([np.nan_to_num(x), flag])
    expected = LogisticRegression(C=0.3, tol=1e-10).fit(design, y)
    np.testing.assert_allclose(model.weight, expected.coef_[0, :3], atol=1e-4)
    assert model.flag_weight[0] == pytest.approx(expected.coef_[0, 3], abs=1e-4)
    np.testing.assert_array_equal(model.flag_weight[1:], 0)
    np.testing.assert_allclose(model.log_odds(x), expected.decision_function(design), atol=1e-3)


def test_terms_add_up_and_have_the_planted_signs():
    x, y = sample(1_500)
    model, _ = fit_logistic(x, y, NAMES)
    terms = model.terms(x)
    np.testing.assert_allclose(terms.sum(axis=1) + model.intercept, model.log_odds(x), atol=1e-12)
    assert model.weight[0] > 0.8
    assert model.weight[1] < -0.5
    assert abs(model.weight[2]) < 0.15
    missing = np.isnan(x[:, 0])
    assert terms[missing, 0].min() > 0 > terms[~missing, 0].mean()


def test_a_far_value_counts_as_a_far_one():
    x, y = sample(500)
    x[3, 2] = 1e30
    model, left_out = fit_logistic(x, y, NAMES)
    assert np.isfinite(left_out).all()
    far, edge = np.array([[0.0, 1e30, -1e30]]), np.array([[0.0, LARGEST_VALUE, -LARGEST_VALUE]])
    np.testing.assert_array_equal(model.log_odds(far), model.log_odds(edge))


def test_empty_and_constant_columns_and_rare_flags_say_nothing():
    rng = np.random.default_rng(2)
    x = np.column_stack([rng.normal(size=900), np.full(900, np.nan), np.ones(900), np.zeros(900)])
    y = (x[:, 0] + rng.normal(size=900) > 0).astype(float)
    x[:2, 3] = np.nan
    names = ["signal", "empty", "flat", "rarely_missing"]
    model, left_out = fit_logistic(x, y, names)
    assert model.weight[0] > 1
    assert model.weight[1] == 0
    assert abs(model.weight[2]) < 1e-6
    np.testing.assert_array_equal(model.flag_weight, 0)
    assert np.isfinite(left_out).all()
    again = logistic_from_rows(logistic_to_rows(model), names)
    assert again.log_odds(x).tobytes() == model.log_odds(x).tobytes()


def test_a_separated_outcome_stays_finite():
    x = np.linspace(-2, 2, 200)[:, np.newaxis]
    model, left_out = fit_logistic(x, (x[:, 0] > 0).astype(float), ["x"])
    assert np.isfinite(left_out).all()
    assert model.log_odds(np.array([[3.0]]))[0] > 3


def test_rows_in_any_order_give_the_same_bits():
    x, y = sample(400)
    model, _ = fit_logistic(x, y, NAMES)
    rows = logistic_to_rows(model)
    assert dict(rows.dtypes.astype(str)) == COEFFICIENT_TYPES
    assert rows["metric"].value_counts().to_dict() == {"value": 3, "missing": 1, "intercept": 1}
    again = logistic_from_rows(rows.sample(frac=1, random_state=1), NAMES)
    new = np.vstack([x, np.full((1, 3), np.nan)])
    assert again.terms(new).tobytes() == model.terms(new).tobytes()
    assert again.log_odds(new).tobytes() == model.log_odds(new).tobytes()
    pd.testing.assert_frame_equal(logistic_to_rows(again), rows)
