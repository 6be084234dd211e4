"""What a Python model reads: the few methods of DuckDB's relations that models use, on Spark."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
from dbt.adapters.sparksession.translation import translate
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

Batches = Iterable[pa.RecordBatch]


class Relation:
    """A query that is run when its rows are read; conditions and columns are DuckDB's SQL."""

    def __init__(self, session: SparkSession, sql: str) -> None:
        self.session = session
        self.sql = sql

    def _from(self, columns: str, rest: str = "") -> Relation:
        return Relation(self.session, f"select {columns} from ({self.sql}) as source {rest}")

    def filter(self, condition: str, /) -> Relation:
        """Keep the rows for which the condition holds."""
        return self._from("*", f"where {condition}")

    def project(self, columns: str, /) -> Relation:
        """Keep some columns."""
        return self._from(columns)

    def aggregate(self, columns: str, /) -> Relation:
        """Group by the columns that are no aggregates."""
        return self._from(columns, "group by all")

    def distinct(self) -> Relation:
        """Drop rows that repeat."""
        return self._from("distinct *")

    def order(self, columns: str, /) -> Relation:
        """Put the rows in order."""
        return self._from("*", f"order by {columns}")

    def spark(self) -> DataFrame:
        """Give the data frame of Spark."""
        return self.session.sql(translate(self.sql))

    def to_arrow_table(self) -> pa.Table:
        """Read the rows."""
        return self.spark().toArrow()

    def to_arrow_reader(self, batch_size: int, /) -> pa.RecordBatchReader:
        """Read the rows, and give them in batches of at most so many."""
        table = self.to_arrow_table()
        return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(batch_size))

    def df(self) -> pd.DataFrame:
        """Read the rows as pandas; decimals are doubles, days are timestamps."""
        table = self.to_arrow_table()
        for place, field in enumerate(table.schema):
            if pa.types.is_decimal(field.type):
                column = table.column(place).cast(pa.float64())
                table = table.set_column(place, field.name, column)
        frame: pd.DataFrame = table.to_pandas(date_as_object=False)
        return frame

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Read the rows as tuples."""
        return [tuple(row) for row in self.spark().collect()]

    def map_in_arrow(
        self, function: Callable[[Batches, int], Batches], schema: pa.Schema
    ) -> DataFrame:
        """Have the executors make batches of the rows; they need what the function imports.

        `function` is given batches and a number of threads, and makes batches of the schema.
        """
        plain = plain_schema(schema)

        def made(batches: Batches) -> Iterator[pa.RecordBatch]:
            for batch in function(batches, 1):
                yield from pa.Table.from_batches([batch]).cast(plain).to_batches()

        return self.spark().mapInArrow(made, from_arrow_schema(plain))


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """Give the types that Spark knows: those of a dictionary's values, texts of any length."""
    return pa.schema([pa.field(field.name, _plain(field.type)) for field in schema])


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    if pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz)
    return kind
