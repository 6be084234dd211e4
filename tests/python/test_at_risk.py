"""Rows at risk become arrays: sorted, coded, in order of time, or refused in a sentence."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from planted import FEATURES, at_risk, planted, table

from applicant_personas.at_risk import PERSONA, UNDATED, read_at_risk


@pytest.fixture(scope="module")
def rows():
    return planted(n=400, seed=3).rows


def test_rows_are_sorted_by_their_digest_and_keep_together(rows):
    data = at_risk(rows)
    expected = rows.sort_values("row_code")
    np.testing.assert_array_equal(data.row, expected["row_code"])
    np.testing.assert_array_equal(data.person, expected["person_code"])
    np.testing.assert_array_equal(data.application, expected["application_code"])
    np.testing.assert_array_equal(data.outcome, expected["outcome"])
    np.testing.assert_array_equal(data.numbers["gpa"], expected["gpa"])
    days = (expected["known_on"] - pd.Timestamp("1970-01-01")).dt.days
    np.testing.assert_array_equal(data.known_on, days)
    np.testing.assert_array_equal(data.closed, ~expected["is_open"])
    assert data.persona.text().to_pylist() == list(expected["persona_key"])


def test_text_is_codes_of_sorted_levels_and_missing_is_none_of_them(rows):
    program = np.where(np.arange(len(rows)) % 3 == 0, None, rows["program"])
    levels = at_risk(rows.assign(program=program)).categories["program"]
    assert levels.names == ("cs", "ee", "mba")
    expected = pd.Series(program, dtype=object)[rows["row_code"].argsort()].to_list()
    assert levels.text().to_pylist() == expected
    assert (levels.codes == -1).sum() == expected.count(None)


def test_numbers_are_floats_and_what_is_no_number_is_missing(rows):
    faulty = rows.assign(
        gpa=np.where(np.arange(len(rows)) % 2, np.inf, 0.5),
        english=np.where(np.arange(len(rows)) % 2, -1e300, 90.0),
        is_stealth=np.arange(len(rows)) % 2 == 0,
    )
    data = at_risk(faulty)
    odd = rows["row_code"].argsort() % 2 == 1
    np.testing.assert_array_equal(data.numbers["gpa"], np.where(odd, np.nan, 0.5))
    np.testing.assert_array_equal(data.numbers["english"], np.where(odd, np.nan, 90.0))
    np.testing.assert_array_equal(data.numbers["is_stealth"], np.where(odd, 0.0, 1.0))


def test_terms_are_in_order_of_time_whatever_their_names(rows):
    names = np.array(["2022 Fall", "2023 Fall", "2024 Fall", "2025 Fall"])
    order = dict(zip(names, [40.0, 10.0, 30.0, np.nan], strict=True))
    turned = rows.assign(term_order=rows["entry_term"].map(order))
    turned.loc[turned["entry_term"] == "2022 Fall", "entry_term"] = "autumn"
    turned.loc[turned["entry_term"] == "2024 Fall", "outcome"] = np.nan
    data = at_risk(turned)
    assert data.terms == ("2023 Fall", "2024 Fall", "autumn")
    assert data.closed_terms == [0, 2]
    found = pd.Series(data.term).groupby(data.entry_term.text().to_pylist()).unique()
    assert {name: list(numbers) for name, numbers in found.items()} == {
        "2023 Fall": [0],
        "2024 Fall": [1],
        "autumn": [2],
        "2025 Fall": [UNDATED],
    }


def test_rows_without_a_term_are_not_placed_in_time(rows):
    data = at_risk(rows.assign(entry_term=None))
    assert data.terms == ()
    assert set(data.term) == {UNDATED}
    assert data.closed_terms == []


def test_no_rows_are_no_fault(rows):
    data = at_risk(rows.iloc[:0])
    assert len(data) == 0
    assert data.closed_terms == []
    assert data.persona.names == ()


def test_order_of_rows_changes_nothing_and_any_other_change_does(rows):
    digest = at_risk(rows).digest()
    assert at_risk(rows.sample(frac=1, random_state=2)).digest() == digest
    changed = rows.copy()
    changed.loc[7, "gpa"] += 1e-9
    others = [
        changed,
        rows.iloc[1:],
        rows.assign(outcome=1 - rows["outcome"]),
        rows.assign(persona_key=rows["persona_key"].replace("seeker", "striver")),
        rows.assign(program=rows["program"].replace("ee", "me")),
        rows.assign(residency="domestic"),
        rows.assign(person_code=rows["person_code"] // 2),
        rows.assign(entry_term=rows["entry_term"].replace("2022 Fall", "2021 Fall")),
        rows.assign(term_order=-rows["term_order"]),
    ]
    found = {digest, *(at_risk(other).digest() for other in others)}
    found.add(at_risk(rows, FEATURES[FEATURES["feature"] != "quant"]).digest())
    assert len(found) == 2 + len(others)


def test_a_persons_applications_share_a_fold(rows):
    persons = rows["person_code"].to_numpy().copy()
    persons[200:] = persons[:200]
    data = at_risk(rows.assign(person_code=persons))
    fold = data.person_folds(5)
    by_person = pd.Series(fold).groupby(data.person)
    assert (by_person.nunique() == 1).all()
    assert (by_person.size() == 2).all()
    assert set(fold) == set(range(5))
    assert np.bincount(fold).max() < 2 * np.bincount(fold).min()


def test_digests_may_be_negative(rows):
    fold = at_risk(rows.assign(person_code=-rows["person_code"])).person_folds(5)
    assert set(fold) == set(range(5))


def test_rows_can_be_kept_by_mark_or_number(rows):
    data = at_risk(rows)
    marked = data.take(data.closed)
    assert len(marked) == data.closed.sum()
    assert marked.digest() == data.take(np.flatnonzero(data.closed)).digest()
    assert marked.terms == data.terms
    assert marked.categories["program"].names == data.categories["program"].names
    assert marked.take(np.arange(0)).numbers["gpa"].shape == (0,)


def test_the_persona_is_a_category_and_a_number_can_join(rows):
    data = at_risk(rows)
    assert list(data.features["feature"])[-1] == PERSONA
    more = data.with_number("noise", "control", np.zeros(len(data)))
    assert more.features.iloc[-1].to_dict() == {
        "feature": "noise",
        "block": "control",
        "kind": "number",
        "transform": "none",
    }
    assert "noise" not in data.numbers
    assert len(data.features) == len(FEATURES) + 1


def test_faulty_input_is_refused_in_a_sentence(rows):
    with pytest.raises(ValueError, match=r"^The rows at risk need the column\(s\) program, gpa\.$"):
        read_at_risk(table(rows).drop_columns(["gpa", "program"]), FEATURES)
    with pytest.raises(ValueError, match=r"^The rows at risk need the column\(s\) person_code\.$"):
        read_at_risk(table(rows).drop_columns(["person_code"]), FEATURES)
    with pytest.raises(ValueError, match=r"^The features need the column\(s\) transform\.$"):
        read_at_risk(table(rows), FEATURES.drop(columns="transform"))
    with pytest.raises(ValueError, match=r"^Column english holds text where numbers are expected"):
        at_risk(rows.assign(english="B2"))
    with pytest.raises(ValueError, match=r"^The rows at risk hold the same application more than"):
        at_risk(pd.concat([rows, rows.iloc[:1]]))


def test_text_of_any_encoding_in_the_database_is_the_same(rows):
    plain = table(rows)
    place = plain.column_names.index("program")
    coded = plain.set_column(place, "program", plain["program"].dictionary_encode())
    chunked = pa.concat_tables([coded.slice(100), coded.slice(0, 100)])
    assert read_at_risk(chunked, FEATURES).digest() == read_at_risk(plain, FEATURES).digest()


def test_rows_that_come_in_batches_are_the_same_rows(rows):
    whole = table(rows)
    batches = [*whole.slice(70).to_batches(max_chunksize=23), *whole.slice(0, 70).to_batches()]
    read = read_at_risk(pa.RecordBatchReader.from_batches(whole.schema, batches), FEATURES)
    assert len(read) == len(rows)
    assert read.digest() == read_at_risk(whole, FEATURES).digest()


def test_no_batch_is_no_row(rows):
    nothing = pa.RecordBatchReader.from_batches(table(rows).schema, [])
    assert len(read_at_risk(nothing, FEATURES)) == 0
