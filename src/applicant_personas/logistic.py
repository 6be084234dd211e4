"""A ridge logistic regression with predictions for rows as if each had been left out.

Missing values sit at the center and have a flag of their own. The strength of the penalty is chosen
by log loss of the left-out predictions, which need no second fit: one Newton step away from row i
lies at eta - h / (1 - h) * (y - p) / w, with the leverage h (Pregibon 1981; Rad & Maleki 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from applicant_personas.rows import NUMBER, TEXT, BoolArray, FloatArray, one_thread, tidy

# metric: value, missing or intercept; a flag is (is missing - center) / scale.
COEFFICIENT_TYPES = {
    "column_name": TEXT,
    "metric": TEXT,
    "center": NUMBER,
    "scale": NUMBER,
    "value": NUMBER,
}
PENALTIES = (0.3, 0.03, 0.003)
LARGEST_VALUE = 5.0
RARE_FLAG = 0.005


@dataclass(frozen=True)
class Logistic:
    """Weights of the columns and of their missing flags (0 where a flag says nothing)."""

    columns: tuple[str, ...]
    weight: FloatArray
    flag_weight: FloatArray
    flag_center: FloatArray
    flag_scale: FloatArray
    intercept: float

    def terms(self, x: FloatArray) -> FloatArray:
        """Give each column's part of the log-odds (n, columns), its flag included."""
        missing = np.isnan(x)
        flags = (missing - self.flag_center) / self.flag_scale * self.flag_weight
        return np.asarray(_filled(x) * self.weight + flags)

    def log_odds(self, x: FloatArray) -> FloatArray:
        """Predict the log-odds of each row of x (n, columns; NaN = missing).

        The sum of `terms` and the intercept, without a number for each column; not by BLAS, whose
        last bit depends on how many rows there are.
        """
        flagged = self.flag_weight != 0
        of_flags = self.flag_weight[flagged] / self.flag_scale[flagged]
        start = self.intercept - float((self.flag_center[flagged] * of_flags).sum())
        values = np.clip(x, -LARGEST_VALUE, LARGEST_VALUE)
        missing = np.isnan(values)
        values[missing] = 0.0
        flags = missing[:, flagged].astype(np.float64)
        sums = np.einsum("ij,j->i", values, self.weight) + np.einsum("ij,j->i", flags, of_flags)
        return np.asarray(sums + start)


def fit_logistic(
    x: FloatArray, y: FloatArray, columns: Sequence[str]
) -> tuple[Logistic, FloatArray]:
    """Fit on x (n, standardized columns; NaN = missing) and y (n; 0 or 1).

    Returns the model, and the log-odds of each row as if it had been left out (n).
    """
    one_thread()
    share = np.isnan(x).mean(axis=0)
    flagged = (share > RARE_FLAG) & (share < 1 - RARE_FLAG)
    scale = np.where(flagged, np.sqrt(share * (1 - share)), 1.0)
    design = np.hstack([_filled(x), ((np.isnan(x) - share) / scale)[:, flagged]])
    best: tuple[float, LogisticRegression, FloatArray] | None = None
    for strength in PENALTIES:
        fitted = LogisticRegression(C=strength, solver="newton-cholesky", max_iter=50)
        fitted.fit(design, y)
        left_out = _left_out_log_odds(fitted, design, y, strength)
        loss = float(np.logaddexp(0.0, np.where(y == 1, -left_out, left_out)).mean())
        if best is None or loss < best[0]:
            best = (loss, fitted, left_out)
    assert best is not None
    return _model(best[1], columns, flagged, share, scale), best[2]


def logistic_to_rows(model: Logistic) -> pd.DataFrame:
    """Write the model as COEFFICIENT_TYPES rows."""
    names = np.array(model.columns, dtype=object)
    flagged = model.flag_weight != 0
    return tidy(
        [
            {"column_name": names, "metric": "value", "value": model.weight},
            {
                "column_name": names[flagged],
                "metric": "missing",
                "center": model.flag_center[flagged],
                "scale": model.flag_scale[flagged],
                "value": model.flag_weight[flagged],
            },
            {"metric": "intercept", "value": model.intercept},
        ],
        COEFFICIENT_TYPES,
    )


def logistic_from_rows(rows: pd.DataFrame, columns: Sequence[str]) -> Logistic:
    """Read the model back from its rows, in any order."""
    by_metric = rows.groupby("metric", observed=True)
    parts = {str(metric): part.set_index("column_name") for metric, part in by_metric}
    flags = parts.get("missing", rows[:0].set_index("column_name")).reindex(list(columns))
    return Logistic(
        tuple(columns),
        parts["value"].loc[list(columns), "value"].to_numpy(np.float64),
        flags["value"].fillna(0.0).to_numpy(np.float64),
        flags["center"].fillna(0.0).to_numpy(np.float64),
        flags["scale"].fillna(1.0).to_numpy(np.float64),
        float(parts["intercept"]["value"].iloc[0]),
    )


def _filled(x: FloatArray) -> FloatArray:
    """Missing values at the center; a far value counts as a far one, however far."""
    return np.clip(np.nan_to_num(x, nan=0.0), -LARGEST_VALUE, LARGEST_VALUE)


def _left_out_log_odds(
    fitted: LogisticRegression, design: FloatArray, y: FloatArray, strength: float
) -> FloatArray:
    log_odds = design @ fitted.coef_[0] + fitted.intercept_[0]
    p = 1 / (1 + np.exp(-log_odds))
    weight = np.maximum(p * (1 - p), 1e-9)
    full = np.hstack([design, np.ones((len(y), 1))])
    hessian = full.T @ (full * weight[:, np.newaxis])
    penalized = np.arange(design.shape[1])
    hessian[penalized, penalized] += 1 / strength
    leverage = weight * np.einsum("ij,ij->i", full, np.linalg.solve(hessian, full.T).T)
    leverage = np.minimum(leverage, 0.99)
    return np.asarray(log_odds - leverage / (1 - leverage) * (y - p) / weight)


def _model(
    fitted: LogisticRegression,
    columns: Sequence[str],
    flagged: BoolArray,
    share: FloatArray,
    scale: FloatArray,
) -> Logistic:
    n = len(columns)
    flag_weight = np.zeros(n)
    flag_weight[flagged] = fitted.coef_[0, n:]
    return Logistic(
        tuple(columns),
        fitted.coef_[0, :n].copy(),
        flag_weight,
        np.where(flagged, share, 0.0),
        scale,
        float(fitted.intercept_[0]),
    )
