"""Runs a Python model within the process, and writes what it returns as a table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
from dbt.adapters.base import PythonJobHelper
from dbt.adapters.sparksession.connections import get_session
from dbt.adapters.sparksession.model_input import Relation, plain_schema
from dbt_common.exceptions import DbtRuntimeError
from pyspark.errors import PythonException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

# Rows that go to Spark at once.
MOST_ROWS = 500_000


class SessionPythonJobHelper(PythonJobHelper):
    """Submits a model to the session of the process."""

    def __init__(self, parsed_model: dict[str, Any], credential: Any) -> None:
        self.table = f"{parsed_model['schema']}.{parsed_model['alias']}"
        self.path = parsed_model["original_file_path"]
        self.file_format = parsed_model["config"].get("file_format") or "parquet"
        self.session = get_session(credential.server_side_parameters)

    def submit(self, compiled_code: str) -> None:
        """Run the model and write its rows."""
        space: dict[str, Any] = {"__name__": self.path}
        exec(compile(compiled_code.strip(), self.path, "exec"), space)
        dbt = space["dbtObj"](lambda name: Relation(self.session, f"select * from {name}"))
        mode = "overwrite"
        for rows in _frames(self.session, space["model"](dbt, self.session)):
            self._write(rows, mode)
            mode = "append"

    def _write(self, rows: DataFrame, mode: str) -> None:
        try:
            rows.write.mode(mode).format(self.file_format).saveAsTable(self.table)
        except PythonException as error:
            if missing := re.search(r"No module named '([\w.]+)'", str(error)):
                raise DbtRuntimeError(
                    f"The executors' Python has no package {missing[1]}: let PYSPARK_PYTHON name"
                    " one, on every worker, with the packages of spark/requirements.lock and this"
                    " project (docs/spark.md)."
                ) from error
            raise


def _frames(session: SparkSession, made: Any) -> Iterator[DataFrame]:
    """Give what a model returned as data frames of Spark, of a bounded size each."""
    if isinstance(made, DataFrame):
        yield made
        return
    if isinstance(made, Relation):
        yield made.spark()
        return
    if isinstance(made, pd.DataFrame):
        made = pa.Table.from_pandas(made, preserve_index=False)
    if isinstance(made, pa.Table):
        made = made.to_reader(max_chunksize=MOST_ROWS)
    if not isinstance(made, pa.RecordBatchReader):
        raise DbtRuntimeError(
            f"A Python model returned {type(made).__name__}; return a data frame."
        )
    batches: list[pa.RecordBatch] = []
    is_first = True
    for batch in made:
        batches.append(batch)
        if sum(part.num_rows for part in batches) >= MOST_ROWS:
            yield _frame(session, pa.Table.from_batches(batches))
            batches, is_first = [], False
    if batches or is_first:
        yield _frame(session, pa.Table.from_batches(batches, schema=made.schema))


def _frame(session: SparkSession, table: pa.Table) -> DataFrame:
    """Send rows; codes of a dictionary as what they stand for."""
    schema = plain_schema(table.schema)
    if table.num_rows == 0:
        return session.createDataFrame([], from_arrow_schema(schema))
    return session.createDataFrame(table.cast(schema))
