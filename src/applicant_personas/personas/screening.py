"""Which features may shape personas at all, before any group is looked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from applicant_personas.rows import CATEGORY, FLAG, NUMBER, TEXT, floats, tidy
from applicant_personas.selection import common_share, facts, numbers, rank_correlation, strongest

SCREENING_TYPES = {
    "feature": TEXT,
    "kept": FLAG,
    "reason": TEXT,
    "share_missing": NUMBER,
    "variance": NUMBER,
    "most_correlated_feature": TEXT,
    "correlation": NUMBER,
}
MAX_MISSING = 0.98
MAX_COMMON = 0.995
MAX_CORRELATION = 0.9


def screen_features(rows: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """Drop features that are hardly known, hardly vary, or say what a better one says.

    `rows`: a column a feature (float, missing allowed; text for kind 'category'). `features`:
    feature, kind and priority (1 = keep first). A feature is dropped when it is missing in more
    than 98 % of rows, has one value in more than 99.5 %, or is rank-correlated above .9 with a kept
    one of higher priority, in whatever block: the same information twice looks like structure.
    Returns SCREENING_TYPES, a row a feature.
    """
    ordered = features.sort_values(["priority", "feature"], kind="stable")
    return tidy([*_screened(rows, ordered)], SCREENING_TYPES)


def _screened(rows: pd.DataFrame, features: pd.DataFrame) -> Iterator[Mapping[str, Any]]:
    values, names = numbers(rows, features)
    correlation = rank_correlation(values)
    place = {name: number for number, name in enumerate(names)}
    kept: list[int] = []
    for feature, kind in zip(features["feature"], features["kind"], strict=True):
        number = place.get(feature)
        found = facts(rows[feature], kind)
        twin, strength = strongest(correlation, names, number, kept)
        reason = ""
        if found["share_missing"] > MAX_MISSING:
            reason = f"Dropped: missing for {100 * found['share_missing']:.1f} % of applicants."
        elif _most_common(rows[feature], kind) > MAX_COMMON:
            reason = "Dropped: nearly everyone has the same value."
        elif abs(strength) > MAX_CORRELATION:
            reason = (
                f"Dropped: says nearly the same as {twin}, which is kept "
                f"(rank correlation {strength:.2f})."
            )
        elif number is not None:
            kept.append(number)
        others = [other for other in range(len(names)) if other != number]
        twin, strength = strongest(correlation, names, number, others)
        yield {
            "feature": feature,
            "kept": not reason,
            "reason": reason,
            "most_correlated_feature": twin,
            "correlation": strength if twin else np.nan,
            **found,
        }


def _most_common(values: pd.Series[Any], kind: str) -> float:
    if kind == CATEGORY:
        return float(values.value_counts(normalize=True).max()) if values.notna().any() else 1.0
    return common_share(floats(values))
