"""How much each of several estimates counts in one likelihood.

A convex mean on the log-odds scale, with weights that minimize the log loss of predictions for rows
that the estimates did not see, each mean recalibrated by a straight line first (stacking, Wolpert
1992; Breiman 1996). Few rows can't tell the weights: they are pulled towards equal ones.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import expit

from applicant_personas.rows import FloatArray

STEPS = 10
# Rows of the rarer outcome with which equal weights and the best ones count the same.
HALF_TRUST = 100.0
MAX_LOG_ODDS = 6.0


def log_odds(probability: FloatArray) -> FloatArray:
    """Log-odds of probabilities, bounded where an estimate claims certainty."""
    inside = np.clip(probability, 1e-12, 1 - 1e-12)
    return np.clip(np.log(inside / (1 - inside)), -MAX_LOG_ODDS, MAX_LOG_ODDS)


def probability_of(odds: FloatArray) -> FloatArray:
    """Probabilities of log-odds."""
    return np.asarray(expit(odds))


def fit_weights(estimates: FloatArray, outcome: FloatArray) -> FloatArray:
    """Weight the columns of estimates (n, k; log-odds for unseen rows) of outcome (n; 0 or 1).

    Returns (k,), not negative, of sum 1.
    """
    k = estimates.shape[1]
    candidates = np.array(list(_convex(k, STEPS))) / STEPS
    losses = [_calibrated_loss(estimates @ weights, outcome) for weights in candidates]
    # Rounded, so that a tie does not hang on the last bit.
    best = candidates[int(np.argmin(np.round(losses, 9)))]
    n_each = min(outcome.sum(), len(outcome) - outcome.sum())
    trust = n_each / (n_each + HALF_TRUST)
    return np.asarray(trust * best + (1 - trust) / k)


def fit_line(
    x: FloatArray,
    outcome: FloatArray,
    *,
    prior_slope: float = 0.0,
    prior_deviation: float = 30.0,
    n_steps: int = 8,
) -> tuple[float, float]:
    """Fit outcome's log-odds as intercept + slope x by Newton's method.

    The slope has a normal prior, which decides where the rows don't. Returns intercept and slope.
    """
    intercept, slope = float(log_odds(np.array([outcome.mean()]))[0]), 0.0
    precision = prior_deviation**-2
    for _ in range(n_steps):
        p = probability_of(intercept + slope * x)
        weight = np.maximum(p * (1 - p), 1e-9)
        pull = precision * (slope - prior_slope)
        gradient = np.array([(outcome - p).sum(), ((outcome - p) * x).sum() - pull])
        cross = (weight * x).sum()
        curvature = (weight * x * x).sum() + precision
        step = np.linalg.solve(np.array([[weight.sum(), cross], [cross, curvature]]), gradient)
        intercept, slope = intercept + float(step[0]), slope + float(step[1])
    return intercept, slope


def _calibrated_loss(x: FloatArray, outcome: FloatArray) -> float:
    intercept, slope = fit_line(x, outcome)
    # A falling line would mean that the mean knows nothing: then everyone gets the base rate.
    if slope < 0:
        intercept, slope = float(log_odds(np.array([outcome.mean()]))[0]), 0.0
    odds = intercept + slope * x
    return float(np.logaddexp(0.0, np.where(outcome == 1, -odds, odds)).mean())


def _convex(k: int, total: int) -> Iterator[tuple[int, ...]]:
    """List all ways to divide total steps among k weights."""
    if k == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _convex(k - 1, total - first):
            yield (first, *rest)
