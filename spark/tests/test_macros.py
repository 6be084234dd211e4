"""Macros that have a version for each engine say the same on both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pytest
from dbt.adapters.sparksession.translation import translate
from pyspark.sql import SparkSession

MACROS = Path(__file__).parents[2] / "macros"
FILES = (
    "input/quoting.sql",
    "parts.sql",
    "stable_hash.sql",
    "staging.sql",
    "input/try_cast.sql",
    "input/read_input.sql",
)

TEXTS = ["", "a", "Zoë|2026-01-31", "x" * 500, "\t'\\"]
NUMBERS = [
    "1.5", "-2", "+3", ".5", "5.", "1e5", "1E-3", "1e400", "1d", "2F", "3L", "nan", "Infinity",
    "0x10", "1,5", "--1", "1 2", "", "twelve",
]  # fmt: skip
ZONED = [
    "2026-01-31 12:00:00+00", "2026-03-29 02:30:00+01", "2026-07-01 00:30:00+05:30",
    "1969-12-31 23:59:59-11",
]  # fmt: skip
# In Berlin an hour is left out in March, and one comes twice in October.
LOCAL = [
    "2026-01-31 12:00:00", "2026-03-29 01:59:59", "2026-03-29 02:30:00", "2026-03-29 03:00:00",
    "2026-10-25 01:59:59", "2026-10-25 02:30:00", "2026-10-25 03:00:00", "1980-07-01 12:00:00",
]  # fmt: skip
ROWS = [(1, "a", None), (1, "a", None), (1, None, "a"), (1, "NULL", None), (2, "a, 'b'", "c"),
        (2, "a", "b, c"), (2, '"', "{}"), (2, '"', "{}"), (2, "", None), (2, None, "")]  # fmt: skip


@pytest.fixture(scope="module")
def versions() -> Any:
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    environment.globals["var"] = {"institution_timezone": "Europe/Berlin"}.get
    text = "\n".join((MACROS / name).read_text() for name in FILES)
    return environment.from_string(text).module


def both(session: SparkSession, query: str, versions: Any, name: str, *of: str) -> list[list[Any]]:
    """Give the first column of a query on DuckDB and on Spark, `{macro}` being the version."""
    of_duckdb, of_spark = (
        query.replace("{macro}", getattr(versions, f"{engine}__{name}")(*of))
        for engine in ("duckdb", "spark")
    )
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        expected = [row[0] for row in connection.execute(of_duckdb).fetchall()]
    return [expected, [row[0] for row in session.sql(translate(of_spark)).collect()]]


def listed(rows: Sequence[tuple[object, ...]], names: str) -> str:
    """Write rows, numbered."""
    values = (f"({', '.join(map(literal, (n, *row)))})" for n, row in enumerate(rows))
    return f"(values {', '.join(values)}) as listed (n, {names})"


def literal(value: object) -> str:
    if value is None or isinstance(value, int):
        return "null" if value is None else str(value)
    return "'" + str(value).replace("'", "''") + "'"


def words(texts: Sequence[str]) -> str:
    return listed([(text,) for text in (*texts, None)], "word")


def test_digests_are_the_same(session: SparkSession, versions: Any) -> None:
    query = f"select {{macro}} from {words(TEXTS)} order by n"
    expected, found = both(session, query, versions, "stable_hash", "word")
    assert found == expected
    assert len(set(found)) == len(TEXTS) + 1
    assert found[-1] is None


def test_the_same_texts_are_numbers(session: SparkSession, versions: Any) -> None:
    finite = versions.finite_or_null("number")
    query = f"select {finite} from (select n, {{macro}} as number from {words(NUMBERS)}) order by n"
    expected, found = both(session, query, versions, "text_as_double", "word")
    assert found == expected
    assert found[:7] == [1.5, -2.0, 3.0, 0.5, 5.0, 1e5, 1e-3]
    assert set(found[7:]) == {None}


def test_moments_with_a_zone_are_the_same(session: SparkSession, versions: Any) -> None:
    query = f"select cast({{macro}} as varchar) from {words(ZONED)} order by n"
    expected, found = both(session, query, versions, "zoned_to_utc", "cast(word as timestamptz)")
    assert found == expected
    assert found[1] == "2026-03-29 01:30:00"


def test_local_times_are_the_same_moments(session: SparkSession, versions: Any) -> None:
    query = f"select cast({{macro}} as varchar) from {words(LOCAL)} order by n"
    expected, found = both(session, query, versions, "zone_to_utc", "cast(word as timestamp)")
    assert found == expected
    assert found[0] == "2026-01-31 11:00:00"


def test_rows_have_one_text_where_they_are_equal(session: SparkSession, versions: Any) -> None:
    rows = listed(ROWS, "number, one, other")
    query = f"select {{macro}} from (select number, one, other from {rows} order by n) as part"
    for texts in both(session, query, versions, "row_as_text", "part"):
        first = [texts.index(text) for text in texts]
        assert first == [ROWS.index(row) for row in ROWS]


def test_where_there_are_no_parts_all_rows_are_of_the_one(
    session: SparkSession, versions: Any
) -> None:
    query = f"select n from {words(TEXTS)} where {{macro}} order by n"
    for found in both(session, query, versions, "in_part", "word"):
        assert found == list(range(len(TEXTS) + 1))
