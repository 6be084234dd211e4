"""How estimates are weighed: convex, by what they tell, and evenly where little is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from applicant_personas.blend import (
    HALF_TRUST,
    MAX_LOG_ODDS,
    fit_line,
    fit_weights,
    log_odds,
    probability_of,
)


def outcomes(n=5_000, seed=1):
    """Draw true log-odds and what came of them."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-0.5, 1.5, n)
    return rng, odds, (rng.random(n) < probability_of(odds)).astype(float)


def test_log_odds_and_probabilities_are_inverse_within_bounds():
    odds = np.linspace(-MAX_LOG_ODDS, MAX_LOG_ODDS, 101)
    np.testing.assert_allclose(log_odds(probability_of(odds)), odds, atol=1e-9)
    np.testing.assert_array_equal(log_odds(np.array([0.0, 1.0])), [-MAX_LOG_ODDS, MAX_LOG_ODDS])


def test_the_better_estimate_has_most_of_the_weight():
    rng, odds, y = outcomes()
    noise = rng.normal(size=(3, len(y)))
    estimates = np.stack([odds + 3 * noise[0], odds + 0.1 * noise[1], noise[2]], axis=1)
    weights = fit_weights(estimates, y)
    assert weights[1] > 0.85
    np.testing.assert_array_equal(fit_weights(estimates[:, ::-1], y), weights[::-1])


def test_two_estimates_of_different_errors_share():
    rng, odds, y = outcomes()
    noise = rng.normal(size=(2, len(y)))
    estimates = np.stack([odds + noise[0], odds + noise[1]], axis=1)
    weights = fit_weights(estimates, y)
    np.testing.assert_allclose(weights, 0.5, atol=0.11)
    losses = [log_loss(y, probability_of(column)) for column in estimates.T]
    assert log_loss(y, probability_of(estimates @ weights)) < min(losses)


def test_an_estimate_that_is_only_on_another_scale_loses_nothing():
    rng, odds, y = outcomes()
    shifted = np.stack([0.3 * odds + 1, rng.normal(size=len(y))], axis=1)
    assert fit_weights(shifted, y)[0] > 0.85


def test_an_estimate_that_is_right_upside_down_knows_nothing():
    rng, odds, y = outcomes()
    noisy = odds + rng.normal(size=len(y))
    assert fit_weights(np.stack([noisy, -odds], axis=1), y)[0] > 0.9
    # A rate without the row itself differs by the row's own outcome, the wrong way round.
    without_itself = (y.sum() - y) / (len(y) - 1)
    weights = fit_weights(np.stack([0.1 * noisy, log_odds(without_itself)], axis=1), y)
    assert weights[0] > 0.9


def test_few_rows_are_no_reason_to_prefer_one():
    rng, odds, y = outcomes()
    estimates = np.stack([odds, *rng.normal(size=(2, len(y)))], axis=1)
    first = [fit_weights(estimates[:n], y[:n])[0] for n in (8, 100, 500, 5_000)]
    assert first == sorted(first)
    assert first[0] < 0.4
    assert first[-1] > 0.9
    # The rarer outcome counts, not all rows.
    rare = np.zeros(5_000)
    rare[:2] = 1
    np.testing.assert_allclose(fit_weights(estimates, rare), 1 / 3, atol=2 / HALF_TRUST)
    np.testing.assert_array_equal(fit_weights(estimates, np.zeros(5_000)), np.full(3, 1 / 3))


def test_a_tie_is_decided_in_one_way():
    _, odds, y = outcomes()
    twins = np.stack([odds, odds, odds], axis=1)
    np.testing.assert_array_equal(fit_weights(twins, y), fit_weights(twins[:, ::-1].copy(), y))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 300), k=st.integers(1, 3))
def test_weights_are_convex_whatever_the_estimates(seed, n, k):
    rng = np.random.default_rng(seed)
    estimates = np.clip(rng.normal(0, 4, (n, k)), -MAX_LOG_ODDS, MAX_LOG_ODDS)
    weights = fit_weights(estimates, rng.integers(0, 2, n).astype(float))
    assert weights.shape == (k,)
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(("scale", "shift"), [(1, 0), (0.2, 3), (2, -3)])
def test_a_line_is_that_of_a_logistic_regression(scale, shift):
    _, odds, y = outcomes()
    x = np.clip(scale * odds + shift, -MAX_LOG_ODDS, MAX_LOG_ODDS)
    expected = LogisticRegression(C=1e6, tol=1e-10).fit(x[:, np.newaxis], y)
    intercept, slope = fit_line(x, y)
    assert intercept == pytest.approx(expected.intercept_[0], abs=2e-3)
    assert slope == pytest.approx(expected.coef_[0, 0], abs=2e-3)


def test_a_prior_decides_a_slope_that_rows_leave_open_and_yields_to_many():
    rng = np.random.default_rng(4)
    x = rng.normal(0, 1.5, 20_000)
    y = (rng.random(len(x)) < probability_of(0.5 + 0.6 * x)).astype(float)
    few, many = (
        fit_line(x[:n], y[:n], prior_slope=1.2, prior_deviation=0.3)[1] for n in (12, 20_000)
    )
    assert few == pytest.approx(1.2, abs=0.3)
    assert many == pytest.approx(0.6, abs=0.05)


def test_a_line_through_one_value_is_the_base_rate():
    y = np.repeat([0.0, 1.0], [70, 30])
    intercept, slope = fit_line(np.zeros(100), y)
    assert (probability_of(np.array([intercept]))[0], slope) == pytest.approx((0.3, 0))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(4, 60), spread=st.sampled_from([0.1, 1.0, 6.0]))
def test_a_line_stays_finite_and_fits_no_worse_than_none(seed, n, spread):
    rng = np.random.default_rng(seed)
    x = np.clip(rng.normal(0, spread, n), -MAX_LOG_ODDS, MAX_LOG_ODDS)
    y = (rng.random(n) < probability_of(3 * x)).astype(float)
    y[:2] = [0, 1]
    intercept, slope = fit_line(x, y)
    assert np.isfinite([intercept, slope]).all()
    fitted = probability_of(intercept + slope * x)
    assert log_loss(y, fitted) <= log_loss(y, np.full(n, y.mean())) + 1e-6
