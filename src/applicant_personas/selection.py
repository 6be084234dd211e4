"""Which features enter the enrollment models, and why.

Missing share, variance, redundancy (Spearman's rank correlation) and mutual information with each
phase's outcome, over bins of equal size with missing as a bin of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from applicant_personas.rows import (
    CATEGORY,
    FEATURE_COLUMNS,
    FLAG,
    NUMBER,
    TEXT,
    FloatArray,
    IntArray,
    floats,
    require,
    sample_mask,
    texts,
    tidy,
)

SELECTION_TYPES = {
    "target": TEXT,
    "feature": TEXT,
    "kept": FLAG,
    "reason": TEXT,
    "mutual_information": NUMBER,
    "share_missing": NUMBER,
    "variance": NUMBER,
    "most_correlated_feature": TEXT,
    "correlation": NUMBER,
}
ENROLLMENT_ROLES = ("enrollment", "both")
MAX_CORRELATION = 0.9
MIN_PAIRS = 30
N_BINS = 10


def select_features(
    rows: pd.DataFrame, features: pd.DataFrame, *, seed: int, max_rows: int = 20_000
) -> pd.DataFrame:
    """Judge each feature for each phase.

    `rows`: target (a phase), application_id, outcome (1, 0) and a column a feature (float, missing
    allowed; text for kind 'category'). `features`: feature, block, kind, role, priority; only the
    roles enrollment and both take part. At most max_rows rows a target are read, a sample by
    digest.

    A feature is dropped when it has at most one value, a missing one included; a forest bears
    redundancy, so that is only reported. Mutual information is in nats. Returns SELECTION_TYPES, a
    row for each target among the rows and feature of its role.
    """
    require(features, [*FEATURE_COLUMNS, "priority"], "features")
    require(rows, ["target", "application_id", "outcome", *features["feature"]], "training rows")
    ordered = features.sort_values(["priority", "feature"], kind="stable")
    parts: list[Mapping[str, Any]] = []
    for target, part in rows.sort_values("application_id", kind="stable").groupby("target"):
        part = part[sample_mask(texts(part["application_id"]), max_rows, seed)]
        eligible = ordered[ordered["role"].isin(ENROLLMENT_ROLES)]
        parts += _enrollment_rows(str(target), part, eligible)
    return tidy(parts, SELECTION_TYPES)


def _enrollment_rows(
    phase: str, rows: pd.DataFrame, features: pd.DataFrame
) -> Iterator[Mapping[str, Any]]:
    rows = rows[np.isfinite(floats(rows["outcome"]))]
    outcome = floats(rows["outcome"])
    values, names = numbers(rows, features)
    correlation = rank_correlation(values)
    place = {name: number for number, name in enumerate(names)}
    for feature, kind in zip(features["feature"], features["kind"], strict=True):
        number = place.get(feature)
        others = [other for other in range(len(names)) if other != number]
        twin, strength = strongest(correlation, names, number, others)
        bins = _bins(rows[feature], kind)
        found = facts(rows[feature], kind)
        kept = False
        if not len(rows):
            reason = "Dropped: no closed cycle has this outcome yet."
        elif found["share_missing"] == 1:
            reason = "Dropped: missing for every applicant."
        elif np.ptp(bins) == 0:
            reason = "Dropped: every applicant has the same value."
        else:
            kept, reason = True, "Kept: it varies between applicants."
            if abs(strength) > MAX_CORRELATION:
                reason = (
                    f"Kept, though it says nearly the same as {twin} "
                    f"(rank correlation {strength:.2f}); they share their importance."
                )
        yield {
            "target": phase,
            "feature": feature,
            "kept": kept,
            "reason": reason,
            "mutual_information": mutual_information(bins, outcome),
            "most_correlated_feature": twin,
            "correlation": strength if twin else np.nan,
            **found,
        }


def rank_correlation(values: FloatArray) -> FloatArray:
    """Compute Spearman's correlation of the columns of values (n, features).

    Over the rows that both know; 0 where fewer than 30 do, or one of them does not vary. Ranks
    are taken once a column.
    """
    known = np.isfinite(values)
    rank = pd.DataFrame(values).rank(pct=True).to_numpy(np.float64) - 0.5
    filled, mask = np.where(known, rank, 0.0), known.astype(np.float64)
    n = mask.T @ mask
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (filled.T @ mask) / n
        square = ((filled**2).T @ mask) / n - mean**2
        covariance = (filled.T @ filled) / n - mean * mean.T
        correlation = covariance / np.sqrt(square * square.T)
    usable = (n >= MIN_PAIRS) & np.isfinite(correlation)
    return np.where(usable, np.clip(correlation, -1, 1), 0.0)


def mutual_information(bins: IntArray, outcome: FloatArray) -> float:
    """Estimate mutual information (nats, Miller-Madow corrected) of bins and outcome, both (n)."""
    n = len(bins)
    if n == 0 or np.ptp(outcome) == 0:
        return 0.0
    table = np.zeros((int(bins.max()) + 1, 2))
    np.add.at(table, (bins, outcome.astype(np.int64)), 1.0)
    table = table[table.sum(axis=1) > 0]
    share = table / n
    expected = share.sum(axis=1, keepdims=True) * share.sum(axis=0, keepdims=True)
    seen = share > 0
    information = float((share[seen] * np.log(share[seen] / expected[seen])).sum())
    return max(0.0, information - (len(table) - 1) / (2 * n))


def numbers(rows: pd.DataFrame, features: pd.DataFrame) -> tuple[FloatArray, list[str]]:
    """Give the numeric features' values (n, p) and their names."""
    names = list(features.loc[features["kind"] != CATEGORY, "feature"])
    columns = [floats(rows[name]) for name in names]
    return (np.stack(columns, axis=1) if columns else np.zeros((len(rows), 0))), names


def strongest(
    correlation: FloatArray, names: list[str], number: int | None, others: list[int]
) -> tuple[str | None, float]:
    """Find the one of the others with which a feature is correlated most."""
    if number is None or not others:
        return None, 0.0
    strengths = correlation[number, others]
    best = int(np.argmax(np.abs(strengths)))
    return names[others[best]], float(strengths[best])


def facts(values: pd.Series[Any], kind: str) -> dict[str, float]:
    """Compute the share of missing values, and the variance of the others."""
    share_missing = float(values.isna().mean()) if len(values) else 1.0
    numbers = np.array([]) if kind == CATEGORY else floats(values)
    known = numbers[np.isfinite(numbers)]
    return {
        "share_missing": share_missing,
        "variance": float(known.var(ddof=1)) if len(known) > 1 else np.nan,
    }


def common_share(values: FloatArray) -> float:
    """Compute the share of the most common value among the known ones."""
    _, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    return float(counts.max() / counts.sum()) if len(counts) else 1.0


def _bins(values: pd.Series[Any], kind: str) -> IntArray:
    """Bin each value; 0 is missing, categories are their own bins, numbers ten of equal size."""
    if kind == CATEGORY:
        return np.asarray(pd.factorize(texts(values), sort=True)[0], dtype=np.int64) + 1
    numbers = floats(values)
    known = np.isfinite(numbers)
    bins = np.zeros(len(numbers), dtype=np.int64)
    levels, codes = np.unique(numbers[known], return_inverse=True)
    if len(levels) > N_BINS:
        # A value that many share is a bin of its own, also where it is the lowest of all.
        edges = np.unique(np.quantile(numbers[known], np.linspace(0, 1, N_BINS + 1)))[:-1]
        codes = np.searchsorted(edges, numbers[known], side="left")
    bins[known] = 1 + codes
    return bins
