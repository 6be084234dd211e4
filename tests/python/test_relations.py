"""Readers of parts of a relation: the rows of a phase and day, and the columns asked for."""

import duckdb
import pandas as pd
import pytest

from applicant_personas.at_risk import KEY_COLUMNS, columns_at_risk
from applicant_personas.relations import by_phase, by_phase_and_day, coded


@pytest.fixture
def relation():
    with duckdb.connect() as connection:
        yield connection.sql(
            "select * from (values ('applied', 30, 1, 'x'), ('applied', null, 2, 'y'),"
            " ('admitted', 30, 3, 'z')) as rows (phase, days_to_census, gpa, \"the name\")"
        )


@pytest.mark.parametrize(("day", "gpa"), [(30, 1), (None, 2)])
def test_a_slice_has_the_rows_of_its_phase_and_day_and_the_columns_asked_for(relation, day, gpa):
    found = by_phase_and_day(relation, ["the name", "gpa"])("applied", day).read_all()
    assert found.column_names == ["the name", "gpa"]
    assert found["gpa"].to_pylist() == [gpa]


def test_a_phase_has_all_of_its_rows(relation):
    assert sorted(by_phase(relation)("applied")["gpa"].to_pylist()) == [1, 2]


def test_a_phase_is_a_plain_word(relation):
    with pytest.raises(ValueError, match="not a plain word"):
        by_phase(relation)("applied'")


def test_the_columns_at_risk_are_the_keys_and_every_feature_once():
    features = pd.DataFrame({"target": ["applied", "admitted"], "feature": ["gpa", "gpa"]})
    assert columns_at_risk(features) == [*KEY_COLUMNS, "gpa"]


@pytest.mark.parametrize(("condition", "gpas"), [("true", [1, 2, 3]), ("false", [])])
def test_text_is_read_as_codes_of_its_levels(relation, condition, gpas):
    rows = coded(relation.filter(condition).order("gpa"), ["gpa", "the name"])
    assert rows["gpa"].to_pylist() == gpas
    assert rows["the name"].to_pylist() == ["x", "y", "z"][: len(gpas)]
    if gpas:
        assert rows["the name"].type.value_type == "string"
