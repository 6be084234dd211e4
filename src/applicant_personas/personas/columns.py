"""From raw features to the columns that personas are found in, and which features may be there.

A column is a feature's value, a flag that it is missing, or a flag of one level of a category. All
are standardized and clipped; a missing value stays missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from applicant_personas.rows import (
    CATEGORY,
    FLAG,
    NUMBER,
    TEXT,
    FloatArray,
    floats,
    texts,
    tidy,
)

# A heavy tail would otherwise be a persona of its own.
CLIP = 4.0
# A flag that nearly everyone has, or nearly nobody, tells nothing.
RARE = 0.02
MAX_LEVELS = 12
MAX_CORRELATION = 0.9
VALUE, MISSING, LEVEL = "value", "missing", "level"
COLUMN_TYPES = {
    "column_name": TEXT,
    "feature": TEXT,
    "block": TEXT,
    "parameter_kind": TEXT,
    "transform": TEXT,
    "level": TEXT,
    "center": NUMBER,
    "scale": NUMBER,
    "is_two_valued": FLAG,
}


def describe_columns(
    rows: pd.DataFrame, features: pd.DataFrame, statistics: pd.DataFrame
) -> pd.DataFrame:
    """Make the columns of the kept features, with what standardizes each; COLUMN_TYPES.

    `rows`: a column a feature (float; text for kind 'category'), missing allowed. `features`: the
    kept ones, with feature, block, kind, transform and absence_is_choice. `statistics`: feature,
    mean and stddev of the transformed values over all training rows.
    """
    parts = [*_columns(rows, features, statistics)]
    return tidy(parts, COLUMN_TYPES)


def _columns(
    rows: pd.DataFrame, features: pd.DataFrame, statistics: pd.DataFrame
) -> Iterator[Mapping[str, Any]]:
    moments = statistics.set_index("feature")
    flags: dict[str, list[FloatArray]] = {}
    for feature in features.to_dict("records"):
        name = feature["feature"]
        shared = {key: feature[key] for key in ("feature", "block", "transform")}
        if feature["kind"] == CATEGORY:
            yield from _levels(rows[name], shared)
            known = rows[name].notna().to_numpy()
        else:
            values = floats(rows[name])
            known = np.isfinite(values)
            yield shared | {
                "column_name": f"z_{name}",
                "parameter_kind": VALUE,
                "center": float(moments.loc[name, "mean"]),
                "scale": float(moments.loc[name, "stddev"]),
                "is_two_valued": len(np.unique(values[known])) <= 2,
            }
        missing = (~known).astype(np.float64)
        of_block = flags.setdefault(feature["block"], [])
        if feature["absence_is_choice"] and _is_told(missing) and not _repeats(missing, of_block):
            of_block.append(missing)
            yield shared | _flag(f"z_{name}__missing", MISSING, missing)


def _levels(values: pd.Series[Any], shared: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Make a flag of each common level of a category."""
    known = values.dropna().astype(str)
    counts = known.value_counts()
    common = sorted(counts.index, key=lambda level: (-counts[level], level))[:MAX_LEVELS]
    number = 0
    for level in common:
        flag = (known == level).to_numpy(np.float64)
        if _is_told(flag):
            number += 1
            name = f"z_{shared['feature']}__is_{number}"
            yield {**shared, **_flag(name, LEVEL, flag), "level": level}


def _flag(name: str, kind: str, flag: FloatArray) -> dict[str, Any]:
    share = float(flag.mean())
    return {
        "column_name": name,
        "parameter_kind": kind,
        "center": share,
        "scale": float(np.sqrt(share * (1 - share))),
        "is_two_valued": True,
    }


def _is_told(flag: FloatArray) -> bool:
    return bool(len(flag)) and RARE <= flag.mean() <= 1 - RARE


def _repeats(flag: FloatArray, others: list[FloatArray]) -> bool:
    """Tell whether a flag says nearly what another of its block says."""
    return any(abs(np.corrcoef(flag, other)[0, 1]) > MAX_CORRELATION for other in others)


def standardize(rows: pd.DataFrame, columns: pd.DataFrame) -> FloatArray:
    """Standardize raw rows (n) into the columns (n, p), NaN where missing, at most 4 from 0."""
    found = [
        _standardized(rows[column["feature"]], column) for column in columns.to_dict("records")
    ]
    return np.stack(found, axis=1) if found else np.zeros((len(rows), 0))


def _standardized(values: pd.Series[Any], column: Mapping[Any, Any]) -> FloatArray:
    raw: FloatArray
    if column["parameter_kind"] == MISSING:
        raw = np.asarray(values.isna(), dtype=np.float64)
    elif column["parameter_kind"] == LEVEL:
        is_level = np.asarray(texts(values) == column["level"], dtype=np.float64)
        raw = np.where(values.isna(), np.nan, is_level)
    else:
        raw = floats(values)
        if column["transform"] == "log1p":
            raw = np.log1p(np.maximum(raw, 0.0))
    found: FloatArray = np.clip((raw - column["center"]) / column["scale"], -CLIP, CLIP)
    return found
