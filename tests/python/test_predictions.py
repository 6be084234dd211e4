"""Parts of every shape become batches of one schema."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from planted import at_risk, planted

from applicant_personas.predictions import (
    FACT_FIELDS,
    LIKELIHOOD,
    MODELS,
    OUT_OF_FOLD,
    PREDICTION_FIELDS,
    STAGE_RATE,
    prediction_part,
    stacked,
)

FIELDS = PREDICTION_FIELDS | FACT_FIELDS


def test_predictions_keep_the_rows_they_are_of():
    rows = planted(n=200, seed=1).rows
    data = at_risk(rows.assign(program=rows["program"].where(rows["program"] != "ee")))
    likelihood = np.linspace(0, 1, len(data))
    part = prediction_part(data, {LIKELIHOOD: likelihood}, OUT_OF_FOLD, phase="x", n_training=7)
    table = stacked([part], FIELDS).read_all()
    assert table.schema == pa.schema(list(FIELDS.items()))
    found = table.to_pandas()
    expected = rows.sort_values("row_code", ignore_index=True)
    np.testing.assert_array_equal(found["outcome"], expected["outcome"])
    for column in ("application_code", "entry_term", "residency", "persona_key"):
        assert found[column].to_list() == expected[column].to_list()
    assert (pd.to_datetime(found["known_on"]) == expected["known_on"]).all()
    assert (found["program_code"].isna() == (expected["program"] == "ee")).all()
    np.testing.assert_array_equal(found[LIKELIHOOD], likelihood)
    shared = found[["record", "phase", "score_kind", "n_training"]].drop_duplicates()
    assert shared.to_numpy().tolist() == [["prediction", "x", OUT_OF_FOLD, 7]]
    others = [name for name in MODELS if name != LIKELIHOOD]
    assert table.select(others).to_pandas().isna().all(axis=None)
    assert table["outcome"].null_count == expected["outcome"].isna().sum()


def test_scalars_fill_a_part_and_nothing_is_null():
    parts = [
        {"record": "run", "metric": ["a", "b"], "value": np.array([1.0, np.nan])},
        {"record": "status", "text": "One sentence."},
        {"record": "prediction", STAGE_RATE: np.array([])},
    ]
    found = stacked(parts, FIELDS).read_all()
    assert found["record"].to_pylist() == ["run", "run", "status"]
    assert found["value"].to_pylist() == [1.0, None, None]
    assert found["text"].to_pylist() == [None, None, "One sentence."]
    assert found["metric"].to_pylist() == ["a", "b", None]


def test_no_parts_are_an_empty_table():
    assert stacked([], FIELDS).read_all().schema.names == list(FIELDS)


def test_an_unknown_column_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match=r"^A part of a table has unknown columns: odd\.$"):
        stacked([{"record": "run", "odd": 1}], FIELDS)
