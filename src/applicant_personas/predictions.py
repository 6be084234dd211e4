"""Predictions as wide rows of numbers and codes, and everything fitted beside them, as one table.

A database reads the table batch by batch, so a part holds only the columns that it knows; the rest
is null. Text is held as codes of a few levels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from applicant_personas.at_risk import AtRisk
from applicant_personas.rows import FloatArray

# `likelihood` is published; the others stand beside it.
LIKELIHOOD = "likelihood"
FOREST, LOGISTIC, BOOSTING = "random_forest", "logistic_regression", "gradient_boosting"
STAGE_RATE, PERSONA_RATE, PREVIOUS_CYCLE_RATE = "stage_rate", "persona_rate", "previous_cycle_rate"
Part = Mapping[str, Any]

MODELS = (
    LIKELIHOOD,
    FOREST,
    LOGISTIC,
    BOOSTING,
    STAGE_RATE,
    PERSONA_RATE,
    PREVIOUS_CYCLE_RATE,
)
OUT_OF_SAMPLE, OUT_OF_FOLD = "out_of_sample", "out_of_fold"
# Text as codes of its levels, which a part has its own of.
TEXT = pa.dictionary(pa.int32(), pa.string())

PREDICTION_FIELDS: dict[str, pa.DataType] = {
    "run_id": TEXT,
    "record": TEXT,
    "phase": TEXT,
    "test_cycle": TEXT,
    "score_kind": TEXT,
    "application_code": pa.int64(),
    "entry_term": TEXT,
    "known_on": pa.date32(),
    "days_to_census": pa.int32(),
    "is_enrollment_day": pa.bool_(),
    "is_standing": pa.bool_(),
    "persona_key": TEXT,
    "residency": TEXT,
    "program_code": TEXT,
    "outcome": pa.float64(),
    "n_training": pa.int64(),
    **dict.fromkeys(MODELS, pa.float64()),
}
# What the runs, the reasons and the importances add.
FACT_FIELDS: dict[str, pa.DataType] = {
    "model": TEXT,
    "scope": TEXT,
    "feature": TEXT,
    "metric": TEXT,
    "item": TEXT,
    "value": pa.float64(),
    "low": pa.float64(),
    "high": pa.float64(),
    "n": pa.int64(),
    "text": TEXT,
}
# How a fitted model is written.
MODEL_FIELDS: dict[str, pa.DataType] = {
    "column_name": TEXT,
    "kind": TEXT,
    "level": TEXT,
    "center": pa.float64(),
    "scale": pa.float64(),
    "tree": pa.int32(),
    "node": pa.int32(),
    "left_child": pa.int32(),
    "missing_left": pa.bool_(),
    "threshold": pa.float64(),
}


def prediction_part(
    data: AtRisk, predicted: Mapping[str, FloatArray], score_kind: str, **more: Any
) -> Part:
    """Make the part of a table for rows and what each model says of them."""
    return {
        "record": "prediction",
        "score_kind": score_kind,
        "application_code": data.application,
        "entry_term": data.entry_term.text(),
        "known_on": pa.array(data.known_on.astype(np.int32)).cast(pa.date32()),
        "is_enrollment_day": data.is_enrollment_day,
        "is_standing": data.is_standing,
        "persona_key": data.persona.text(),
        "residency": data.residency.text(),
        "program_code": data.program.text(),
        "outcome": data.outcome,
        **predicted,
        **more,
    }


def stacked(parts: Iterable[Part], fields: Mapping[str, pa.DataType]) -> pa.RecordBatchReader:
    """Stack parts (columns of arrays or scalars) into batches of exactly the given fields.

    A column that a part lacks is null there, and so is NaN. The batches are made one by one, as
    they are read. Raises ValueError for an unknown column.
    """
    schema = pa.schema(list(fields.items()))
    for part in (parts := list(parts)):
        if unknown := [name for name in part if name not in schema.names]:
            raise ValueError(f"A part of a table has unknown columns: {', '.join(unknown)}.")
    return pa.RecordBatchReader.from_batches(schema, (_batch(part, schema) for part in parts))


def _batch(part: Part, schema: pa.Schema) -> pa.RecordBatch:
    n = next((len(value) for value in part.values() if _is_column(value)), 1)
    arrays = [_array(part.get(field.name), n, field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _is_column(value: Any) -> bool:
    return isinstance(value, np.ndarray | pd.Series | pa.Array | list)


def _array(value: Any, n: int, kind: pa.DataType) -> pa.Array:
    if value is None:
        return pa.nulls(n, kind)
    if not _is_column(value):
        value = pa.repeat(pa.scalar(value), n)
    elif not isinstance(value, pa.Array):
        value = pa.array(value, from_pandas=True)
    if isinstance(value, pa.DictionaryArray):
        return value
    if pa.types.is_dictionary(kind):
        return value.cast(pa.string()).dictionary_encode()
    return value.cast(kind, safe=False)
