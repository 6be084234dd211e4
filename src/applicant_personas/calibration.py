"""Calibration as a table of knots: a monotone curve from raw to calibrated probability.

Isotonic regression (Zadrozny & Elkan 2002) when both classes are frequent, Platt's sigmoid (1999)
otherwise, its slope with a prior. Both become knots, read by linear interpolation, so SQL can apply
either.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.isotonic import IsotonicRegression

from applicant_personas.blend import fit_line, probability_of
from applicant_personas.rows import NUMBER, TEXT, FloatArray, tidy

# What few rows leave open of the slope: a mean of cautious estimates is too cautious by a fifth.
PRIOR_SLOPE, PRIOR_DEVIATION = 1.2, 0.3
KNOT_TYPES = {"item": TEXT, "threshold": NUMBER, "value": NUMBER}


def fit_knots(
    probability: FloatArray, outcome: FloatArray, *, min_each: int = 5_000
) -> pd.DataFrame:
    """Fit knots (item = method, threshold = raw probability, value = calibrated).

    `probability` must be honest (out-of-bag or out-of-fold). Raises ValueError for one class only.
    """
    n_positive = int(outcome.sum())
    n_each = min(n_positive, len(outcome) - n_positive)
    if n_each == 0:
        raise ValueError("Calibration needs rows with the outcome and rows without it.")
    if n_each >= min_each:
        method, (x, y) = "isotonic", _isotonic(probability, outcome)
    else:
        method, (x, y) = "sigmoid", _sigmoid(probability, outcome)
    return tidy([{"item": method, "threshold": x, "value": y}], KNOT_TYPES)


def apply_knots(probability: FloatArray, knots: pd.DataFrame) -> FloatArray:
    """Calibrate by linear interpolation between the knots, given in any order."""
    ordered = knots.sort_values("threshold")
    x, y = (ordered[name].to_numpy(np.float64) for name in ("threshold", "value"))
    calibrated: FloatArray = np.interp(probability, x, y)
    return calibrated


def _isotonic(probability: FloatArray, outcome: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Put one knot in the middle of each isotonic block, so that ranks within a block survive."""
    fitted = IsotonicRegression().fit_transform(probability, outcome)
    _, block = np.unique(fitted, return_inverse=True)
    n = np.bincount(block)
    x = np.bincount(block, probability) / n
    # A pure block of a few rows is not a certainty: add one row at the base rate.
    y = np.maximum.accumulate((np.bincount(block, outcome) + outcome.mean()) / (n + 1))
    edge = 0.5 / (len(outcome) + 1)
    inner = (x > 0) & (x < 1)
    return (
        np.concatenate([[0.0], x[inner], [1.0]]),
        np.clip(np.concatenate([[0.0], y[inner], [1.0]]), edge, 1 - edge),
    )


def _sigmoid(probability: FloatArray, outcome: FloatArray) -> tuple[FloatArray, FloatArray]:
    intercept, slope = fit_line(
        _logit(probability), outcome, prior_slope=PRIOR_SLOPE, prior_deviation=PRIOR_DEVIATION
    )
    # A falling curve would mean that the forest knows nothing: then everyone gets the base rate.
    if slope <= 0:
        return np.array([0.0, 1.0]), np.full(2, outcome.mean())
    x = np.linspace(0, 1, 101)
    return x, probability_of(intercept + slope * _logit(x))


def _logit(probability: FloatArray) -> FloatArray:
    inside = np.clip(probability, 0.005, 0.995)
    return np.log(inside / (1 - inside))
