"""How good are the probabilities: by cycle, by slice, with intervals.

AUC with DeLong's interval (DeLong 1988, by the midranks of Sun & Xu 2014), Wilson intervals for
rates (1927), calibration slope by Cox's recalibration (1958), headcounts as Poisson-binomial sums.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from applicant_personas.rows import (
    INTEGER,
    NUMBER,
    TEXT,
    FloatArray,
    floats,
    one_thread,
    require,
    texts,
    tidy,
)

EVALUATION_TYPES = {
    "phase": TEXT,
    "model": TEXT,
    "test_cycle": TEXT,
    "slice": TEXT,
    "slice_value": TEXT,
    "metric": TEXT,
    "value": NUMBER,
    "low": NUMBER,
    "high": NUMBER,
    "n": INTEGER,
}
CALIBRATION_TYPES = {
    "phase": TEXT,
    "model": TEXT,
    "test_cycle": TEXT,
    "slice_value": TEXT,
    "bin": INTEGER,
    "n": INTEGER,
    "mean_probability": NUMBER,
    "actual_rate": NUMBER,
    "lift": NUMBER,
    "cumulative_capture": NUMBER,
}
SLICES = {"persona": "persona_key", "residency": "residency", "program": "program_code"}
KEYS = ["phase", "model", "test_cycle"]
DAYS = "days_to_census"
ALL, ALL_CYCLES = "all", "all_cycles"
MIN_ROWS = 11
N_BINS = 10
Z95 = 1.959963984540054
Interval = tuple[float, float, float]
NONE = float("nan")


def evaluate(predictions: pd.DataFrame) -> pd.DataFrame:
    """Measure each (phase, model, test_cycle), of all rows, by slice, and by day to census.

    `predictions`: phase, model, test_cycle, application_id, probability (0 to 1), outcome (1, 0),
    persona_key, residency, program_code, entry_term, days_to_census (missing = no date) and
    is_enrollment_day; rows without outcome or probability are left out. The slices all, persona,
    residency and program are of the enrollment day, days_to_census is of every day. A slice of
    fewer than 11 rows or of one outcome only gets rates and headcounts. Cycles that were predicted
    as a whole (test_cycle is the rows' entry_term) are measured once more together, as the test
    cycle all_cycles.

    Returns EVALUATION_TYPES.
    """
    require(predictions, ["entry_term", DAYS, "is_enrollment_day"], "predictions")
    known = _known(predictions)
    pooled = known[known["test_cycle"] == texts(known["entry_term"])]
    known = pd.concat([known, pooled.assign(test_cycle=ALL_CYCLES)])
    parts = []
    for keys, part in known.groupby(KEYS, sort=True):
        on_the_day = part[floats(part["is_enrollment_day"]) == 1]
        for name, value, rows in [*_slices(on_the_day), *_by_day(part)]:
            metrics = _metrics(rows["probability"].to_numpy(), rows["outcome"].to_numpy())
            parts.append(
                {
                    **dict(zip(KEYS, keys, strict=True)),
                    "slice": name,
                    "slice_value": value,
                    "metric": list(metrics),
                    "value": [metric[0] for metric in metrics.values()],
                    "low": [metric[1] for metric in metrics.values()],
                    "high": [metric[2] for metric in metrics.values()],
                    "n": len(rows),
                }
            )
    return tidy(parts, EVALUATION_TYPES)


def calibration_table(predictions: pd.DataFrame) -> pd.DataFrame:
    """Make ten bins of equal size by falling probability, bin 1 the likeliest.

    Of all rows (slice_value 'all') and of each persona, with mean probability, actual rate, lift
    over the base rate and the share of all positives captured down to the bin. Fewer bins when
    there are fewer than 10 rows. `predictions`: as for `evaluate`, of one day, without entry_term
    and the columns of the day; returns CALIBRATION_TYPES.
    """
    parts = []
    for keys, part in _known(predictions).groupby(KEYS, sort=True):
        for name, value, rows in _slices(part, {"persona": "persona_key"}):
            ordered = rows.sort_values(["probability", "application_id"], ascending=[False, True])
            n = len(ordered)
            number = np.arange(n) * min(N_BINS, n) // n
            count = np.bincount(number)
            positives = np.bincount(number, ordered["outcome"])
            rate = positives / count
            parts.append(
                {
                    **dict(zip(KEYS, keys, strict=True)),
                    "slice_value": ALL if name == ALL else value,
                    "bin": np.arange(len(count)) + 1,
                    "n": count,
                    "mean_probability": np.bincount(number, ordered["probability"]) / count,
                    "actual_rate": rate,
                    "lift": _divide(rate, positives.sum() / n),
                    "cumulative_capture": _divide(np.cumsum(positives), positives.sum()),
                }
            )
    return tidy(parts, CALIBRATION_TYPES)


def auc_components(outcome: FloatArray, score: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Compute DeLong's structural components of each positive and of each negative row.

    `score` has shape (..., n), `outcome` (n,). The mean of either component is the AUC; their
    variances, divided by their counts, add up to its variance.
    """
    positive, negative = score[..., outcome == 1], score[..., outcome == 0]
    joint = rankdata(np.concatenate([positive, negative], axis=-1), axis=-1)
    m, n = positive.shape[-1], negative.shape[-1]
    of_positive = (joint[..., :m] - rankdata(positive, axis=-1)) / n
    of_negative = 1 - (joint[..., m:] - rankdata(negative, axis=-1)) / m
    return of_positive, of_negative


def auc_interval(outcome: FloatArray, score: FloatArray) -> Interval:
    """Compute AUC with its 95 % interval; needs rows of both outcomes."""
    of_positive, of_negative = auc_components(outcome, score)
    auc = float(of_positive.mean())
    error = Z95 * np.sqrt(mean_variance(of_positive) + mean_variance(of_negative))
    return auc, float(max(0.0, auc - error)), float(min(1.0, auc + error))


def mean_variance(values: FloatArray) -> float:
    """Estimate the variance of the mean of values (n,)."""
    return float(values.var(ddof=1) / len(values)) if len(values) > 1 else 0.0


def wilson_interval(n_positive: float, n: int) -> Interval:
    """Compute a rate with Wilson's 95 % interval."""
    rate, z2 = n_positive / n, Z95**2
    center = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * np.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return rate, float(max(0.0, center - half)), float(min(1.0, center + half))


def _known(predictions: pd.DataFrame) -> pd.DataFrame:
    key = [*KEYS, "application_id"]
    require(predictions, [*key, "probability", "outcome", *SLICES.values()], "predictions")
    frame = predictions.assign(
        **{name: texts(predictions[name]) for name in [*key, *SLICES.values()]},
        probability=floats(predictions["probability"]),
        outcome=floats(predictions["outcome"]),
    )
    return frame.dropna(subset=["probability", "outcome"]).sort_values(key, kind="stable")


def _slices(
    rows: pd.DataFrame, slices: dict[str, str] = SLICES
) -> list[tuple[str, str, pd.DataFrame]]:
    found = [(ALL, ALL, rows)] if len(rows) else []
    for name, column in slices.items():
        found += [(name, str(value), part) for value, part in rows.groupby(column, sort=True)]
    return found


def _by_day(rows: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    """Slice by days to census, the earliest day first; rows without a date are in no slice."""
    days = floats(rows[DAYS])
    earliest_first = -np.unique(-days[np.isfinite(days)])
    return [(DAYS, f"{day:.0f}", rows[days == day]) for day in earliest_first]


def _metrics(probability: FloatArray, outcome: FloatArray) -> dict[str, Interval]:
    n, n_positive = len(outcome), float(outcome.sum())
    spread = Z95 * float(np.sqrt((probability * (1 - probability)).sum()))
    expected = float(probability.sum())
    metrics = {
        "base_rate": wilson_interval(n_positive, n),
        "mean_probability": (expected / n, NONE, NONE),
        "expected_headcount": (expected, max(0.0, expected - spread), min(n, expected + spread)),
        "actual_headcount": (n_positive, NONE, NONE),
    }
    if n < MIN_ROWS or n_positive in (0, n):
        return metrics
    inside = np.clip(probability, 1e-6, 1 - 1e-6)
    loss = -(outcome * np.log(inside) + (1 - outcome) * np.log1p(-inside))
    order = np.argsort(-probability, kind="stable")
    sorted_outcome = outcome[order]
    top_tenth, top_30 = max(1, round(0.1 * n)), max(1, round(0.3 * n))
    return metrics | {
        "auc": auc_interval(outcome, probability),
        "pr_auc": (float(average_precision_score(outcome, probability)), NONE, NONE),
        "brier": _mean_interval((probability - outcome) ** 2),
        "log_loss": _mean_interval(loss),
        "ece": (_calibration_error(probability[order], sorted_outcome), NONE, NONE),
        "calibration_slope": (_calibration_slope(inside, outcome), NONE, NONE),
        "lift_at_10": (float(sorted_outcome[:top_tenth].mean()) / (n_positive / n), NONE, NONE),
        "capture_at_30": (float(sorted_outcome[:top_30].sum()) / n_positive, NONE, NONE),
    }


def _mean_interval(values: FloatArray) -> Interval:
    mean, error = float(values.mean()), Z95 * float(np.sqrt(mean_variance(values)))
    return mean, max(0.0, mean - error), mean + error


def _calibration_error(probability: FloatArray, outcome: FloatArray) -> float:
    """Average the absolute gap between probability and rate over ten bins of equal size."""
    n = len(outcome)
    number = np.arange(n) * min(N_BINS, n) // n
    gap = np.bincount(number, probability - outcome)
    return float(np.abs(gap).sum() / n)


def _calibration_slope(inside: FloatArray, outcome: FloatArray) -> float:
    """Regress the outcome on the probability's logit: 1 is right, below 1 too extreme."""
    logit = np.log(inside / (1 - inside))
    if np.ptp(logit) < 1e-9:
        return NONE
    one_thread()
    model = LogisticRegression(C=1e6).fit(logit[:, np.newaxis], outcome)
    return float(model.coef_[0, 0])


def _divide(values: FloatArray, by: float) -> FloatArray:
    return values / by if by else np.full(len(values), np.nan)
