"""SQL written for DuckDB says the same on Spark, by running it on both."""

from __future__ import annotations

import duckdb
import pytest
from dbt.adapters.sparksession.common_tables import emptied, prepare
from dbt.adapters.sparksession.connections import SessionHandle
from dbt.adapters.sparksession.translation import is_query, new_table, translate
from dbt_common.exceptions import DbtRuntimeError
from pyspark.sql import SparkSession

ROWS = (
    "(values (1, 'b', 2.5, date '2026-01-31'), (2, 'a', null, date '2024-02-29'),"
    " (3, null, -1.0, null), (4, 'a', 0.1, date '2026-03-01')) as rows (n, word, amount, day)"
)
# What transpiling alone would get wrong, or what the models lean on.
QUERIES = {
    "nulls come last": "select n, row_number() over (order by word desc, n) as place from {rows}",
    "lists are in order": "select listagg(word, ', ' order by n desc) as words from {rows}",
    "quotients are real": "select n / 2 as half, cast(n as decimal(9, 2)) / 3 as third from {rows}",
    "percentiles are exact": (
        "select percentile_cont(0.5) within group (order by n) as middle,"
        " percentile_disc(0.25) within group (order by amount) as low from {rows}"
    ),
    "the first match is replaced": (
        "select regexp_replace('a1b22c', '[0-9]+', '') as once,"
        " regexp_replace('a1b22c', '[0-9]+', '', 'g') as always from {rows}"
    ),
    "patterns keep their backslashes": (
        "select regexp_matches('a.b', '^a\\.b$') as found,"
        " regexp_extract('Fall 2024', '((19|20)[0-9][0-9])', 1) as year from {rows}"
    ),
    "windows have names": (
        "select n, sum(n) over w - n as others from {rows} window w as (partition by word)"
    ),
    "rows are chosen by a window": (
        "select n from {rows} qualify row_number() over (partition by word order by n) = 1"
    ),
    "lists are filtered": (
        "select list_filter([{{'k': word, 'v': n}}], lambda item: item.k = 'a')[1].v as v"
        " from {rows}"
    ),
    "lists become rows": (
        "select n, unnest(string_split_regex('a,b;c', '[,;]')) as part from {rows} where n = 1"
    ),
    "blanks of all kinds are trimmed": (
        "select nullif(trim(chr(9) || chr(160) || ' x ', chr(9) || chr(32) || chr(160)), '') as x"
        " from {rows}"
    ),
    "what is no number is null": (
        "select try_cast('x' as double) as x, try_cast('2026-02-30' as date) as day from {rows}"
    ),
    "months keep their days": (
        "select cast(cast(day as timestamp) + (2) * interval '1' year as date) as later,"
        " date_diff('day', day, date '2026-12-31') as days from {rows}"
    ),
    "numbers of rows are wide": (
        "select lower(typeof(row_number() over (order by n))) as kind,"
        " ntile(2) over (order by n) - 1 as half from {rows}"
    ),
    "texts beside numbers are numbers": "select n from {rows} where amount not in ('2.50', '-1')",
    "names are quoted either way": 'select n as "a b", word as `c` from {rows}',
}


def rows_of(values: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Round doubles, and put rows in order."""
    rounded = [
        tuple(
            round(float(value), 9) if hasattr(value, "as_integer_ratio") else value for value in row
        )
        for row in values
    ]
    return sorted(rounded, key=repr)


@pytest.mark.parametrize("rule", QUERIES)
def test_both_engines_agree(session: SparkSession, rule: str) -> None:
    query = QUERIES[rule].format(rows=ROWS)
    expected = duckdb.sql(query.replace("`c`", '"c"')).fetchall()
    found = [tuple(row) for row in session.sql(translate(query)).collect()]
    assert rows_of(found) == rows_of(expected)


def test_recursive_unions_end_where_paths_run_in_circles(session: SparkSession) -> None:
    query = """
        with recursive ties as (
            select * from (values (1, 2), (2, 3), (3, 1), (7, 8)) as listed (a, b)
        ),
        walks as (
            select a, b from ties
            union
            select walks.a, ties.b from walks inner join ties on walks.b = ties.a
        )
        select * from walks
    """
    expected = duckdb.sql(query).fetchall()
    found = [tuple(row) for row in session.sql(prepare(session, query)).collect()]
    assert len(expected) == 10
    assert sorted(found) == sorted(expected)


def test_what_is_read_often_is_kept_and_read_once(session: SparkSession) -> None:
    query = (
        "select * from (with counted as (select n % 2 as odd, count(*) as n from "
        "(values (1), (2), (3)) as listed (n) group by all) "
        "select one.n + other.n as n from counted as one inner join counted as other on true) as q"
    )
    prepared = prepare(session, query)
    assert "GROUP BY" not in prepared
    columns = session.sql(prepare(session, query, emptied))
    assert columns.isEmpty()
    assert columns.schema == session.sql(translate(query)).schema
    found = [row.n for row in session.sql(prepare(session, query)).collect()]
    assert sorted(found) == sorted(n for (n,) in duckdb.sql(query).fetchall())


def test_parts_of_one_name_are_their_own(session: SparkSession) -> None:
    query = (
        "with part as (select 1 as n), "
        "other as (select sum(n) as n from (with part as (select n, count(*) as often from "
        "(values (2), (3), (2)) as listed (n) group by all) "
        "select one.n from part as one inner join part as two on one.often = two.often) as q) "
        "select other.n, part.n as own from other cross join part"
    )
    for statement in (translate(query), prepare(session, query)):
        assert [tuple(row) for row in session.sql(statement).collect()] == [(5, 1)]
    assert duckdb.sql(query).fetchall() == [(5, 1)]


def test_statements_of_dbt_are_told_from_queries() -> None:
    assert is_query("/* {} */ -- a note\n  with a as (select 1) select * from a")
    assert not is_query("show tables in marts")
    assert new_table("create or replace table a.b as\nselect 1") == ("a.b", "select 1", True)
    assert new_table("create table a.b using parquet as select 1") is None


def test_a_table_is_replaced_by_what_reads_it_not(session: SparkSession) -> None:
    handle = SessionHandle(session).cursor()
    session.sql("create schema if not exists shelf")
    for value in (1, 2):
        handle.execute(f"create or replace table shelf.book as select {value} as n")
    handle.execute("select n from shelf.book")
    assert handle.fetchall() == [(2,)]


def test_what_spark_refuses_is_told_in_a_sentence(session: SparkSession) -> None:
    with pytest.raises(DbtRuntimeError, match="nowhere") as raised:
        SessionHandle(session).execute("select * from nowhere")
    assert "\tat " not in str(raised.value)
