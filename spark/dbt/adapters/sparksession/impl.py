"""The adapter: dbt-spark, with everything within one session."""

from __future__ import annotations

from typing import Any

from dbt.adapters.base import BaseRelation, PythonJobHelper
from dbt.adapters.base.meta import available
from dbt.adapters.contracts.relation import RelationType
from dbt.adapters.spark.impl import SparkAdapter
from dbt.adapters.sparksession.common_tables import emptied, prepare
from dbt.adapters.sparksession.connections import (
    SparkSessionConnectionManager,
    get_session,
    refusals_told,
)
from dbt.adapters.sparksession.python_submissions import SessionPythonJobHelper
from dbt.adapters.sparksession.translation import Executed
from sqlglot import exp


class SparkSessionAdapter(SparkAdapter):
    """Runs SQL that is written for DuckDB, and Python models, in the process's Spark session."""

    ConnectionManager = SparkSessionConnectionManager

    @classmethod
    def type(cls) -> str:
        """Name the adapter as profiles do."""
        return "sparksession"

    @property
    def default_python_submission_method(self) -> str:
        """Python models run here."""
        return "session"

    @property
    def python_submission_helpers(self) -> dict[str, type[PythonJobHelper]]:
        """Python models run here and nowhere else."""
        return {"session": SessionPythonJobHelper}

    def list_relations_without_caching(self, schema_relation: BaseRelation) -> list[BaseRelation]:
        """List a schema by its names: what else `show table extended` tells takes seconds."""
        schema = schema_relation.schema
        if not self._session.catalog.databaseExists(schema):
            return []
        views = {row.viewName for row in self._session.sql(f"show views in {schema}").collect()}
        return [
            self.Relation.create(
                schema=schema,
                identifier=row.tableName,
                type=RelationType.View if row.tableName in views else RelationType.Table,
            )
            for row in self._session.sql(f"show tables in {schema}").collect()
            if not row.isTemporary
        ]

    @property
    def _session(self) -> Any:
        return get_session(self.config.credentials.server_side_parameters)

    def get_column_schema_from_query(self, sql: str) -> list[Any]:
        """Name the columns of a query and their types, and compute nothing of it."""
        with refusals_told():
            fields = self._session.sql(prepare(self._session, sql, emptied)).schema.fields
        return [self.Column.create(field.name, field.dataType.simpleString()) for field in fields]

    @available
    def translate(self, sql: str) -> str:
        """Give the Spark SQL of a query that is written for DuckDB."""
        with refusals_told():
            return prepare(self._session, sql)

    @available
    def translate_type(self, type_name: str) -> str:
        """Give Spark's name of a type of DuckDB's."""
        return exp.DataType.build(type_name, dialect="duckdb").sql(dialect=Executed)

    @available
    def load_seed(self, table: str, agate_table: Any) -> None:
        """Write the rows of a seed; what is blank is null."""
        types = {field.name: field.dataType for field in self._session.table(table).schema.fields}
        rows = [
            [None if value is None else str(value) for value in row] for row in agate_table.rows
        ]
        if not rows:
            return
        names = [name.lower() for name in agate_table.column_names]
        texts = self._session.createDataFrame(rows, ", ".join(f"`{name}` string" for name in names))
        by_name = {name.lower(): kind for name, kind in types.items()}
        typed = [texts[name].cast(by_name[name]).alias(name) for name in names]
        texts.select(*typed).coalesce(1).write.insertInto(table)
