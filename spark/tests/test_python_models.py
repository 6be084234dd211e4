"""Python models read and write within the session."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from types import SimpleNamespace

import pandas as pd
import pyarrow as pa
import pytest
from dbt.adapters.sparksession.model_input import Relation
from dbt.adapters.sparksession.python_submissions import SessionPythonJobHelper
from dbt_common.exceptions import DbtRuntimeError
from pyspark.sql import SparkSession

MODEL = """
class dbtObj:
    def __init__(self, load):
        self.load = load

    def ref(self, name):
        return self.load(name)


def model(dbt, session):
    return {returned}
"""


@pytest.fixture
def shelf(session: SparkSession) -> str:
    session.sql("create schema if not exists shelf")
    return "shelf"


def submit(session: SparkSession, shelf: str, returned: str) -> list[tuple[object, ...]]:
    parsed = {
        "schema": shelf,
        "alias": "made",
        "original_file_path": "made.py",
        "config": {},
    }
    credentials = SimpleNamespace(server_side_parameters={})
    SessionPythonJobHelper(parsed, credentials).submit(MODEL.format(returned=returned))
    return [tuple(row) for row in session.table(f"{shelf}.made").collect()]


def test_a_frame_becomes_a_table(session: SparkSession, shelf: str) -> None:
    frame = "__import__('pandas').DataFrame({'word': ['a', None], 'n': [1.5, None]})"
    assert submit(session, shelf, frame) == [("a", 1.5), (None, None)]


def test_a_stream_without_rows_becomes_an_empty_table(session: SparkSession, shelf: str) -> None:
    reader = (
        "__import__('pyarrow').RecordBatchReader.from_batches("
        "__import__('pyarrow').schema([('code', 'string')]), [])"
    )
    assert submit(session, shelf, reader) == []
    assert session.table("shelf.made").columns == ["code"]


def test_processes_of_the_executors_make_rows_of_a_relation(session: SparkSession) -> None:
    driver = os.getpid()

    def doubled(batches: Iterable[pa.RecordBatch], n_jobs: int) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            n, words = batch.to_pydict().values()
            columns = [pa.array(2 * one for one in n), pa.array(words).dictionary_encode()]
            away = pa.array([os.getpid() != driver and n_jobs == 1] * len(n))
            yield pa.RecordBatch.from_arrays([*columns, away], schema=schema)

    code = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema([("twice", pa.int64()), ("word", code), ("is_away", pa.bool_())])
    rows = "select * from (values (1, 'x'), (2, null)) as t (n, word)"
    made = Relation(session, rows).map_in_arrow(doubled, schema)
    assert sorted(map(tuple, made.collect())) == [(2, "x", True), (4, None, True)]


def test_a_package_that_executors_lack_is_named(session: SparkSession, shelf: str) -> None:
    returned = (
        "dbt.ref('shelf.one').map_in_arrow("
        "lambda batches, n_jobs: __import__('not_installed'),"
        " __import__('pyarrow').schema([('n', 'int32')]))"
    )
    session.sql("create table shelf.one as select 1 as n")
    with pytest.raises(DbtRuntimeError, match="has no package not_installed: let PYSPARK_PYTHON"):
        submit(session, shelf, returned)


def test_a_model_reads_parts_of_a_relation(session: SparkSession) -> None:
    relation = Relation(
        session,
        "select * from (values (1, 'x', 0.5), (2, 'y', 1.5), (3, 'y', null)) as t (n, word, share)",
    )
    ordered = relation.filter("n > 1").project("n, share").order("n desc").df()
    assert ordered["n"].tolist() == [3, 2]
    assert ordered["share"].dtype == "float64"
    assert pd.isna(ordered["share"].iloc[0])
    counted = relation.aggregate("word, count(*) as n").order("word").fetchall()
    assert counted == [("x", 1), ("y", 2)]
    assert isinstance(relation.distinct().to_arrow_table(), pa.Table)
    batches = list(relation.order("n").to_arrow_reader(2))
    assert [batch["n"].to_pylist() for batch in batches] == [[1, 2], [3]]
