"""Common table expressions that Spark would take badly.

Spark puts the text of one wherever it is read, so that a chain of them, each read a few times,
grows into a plan that takes minutes. What is read more than once is kept with the executors.

Recursive ones with `union`, which end where paths run in circles, Spark has not. They are run as
SQL defines them: the rows of the first part, then again and again those that the second part makes
of the rows found last and that are new.

What is kept stays in the memory and on the disks of the executors: where one is lost, the statement
fails. It is forgotten by the next statement of the thread.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator

from dbt.adapters.sparksession.translation import parse, written
from pyspark.sql import DataFrame, SparkSession
from sqlglot import exp

# The plan grows with each round, of which a chain of records needs one a record.
MOST_ROUNDS = 100
# What costs more than to read a table.
COSTLY = (exp.Join, exp.Group, exp.Window, exp.SetOperation, exp.Distinct, exp.Subquery)
KEPT = threading.local()
Keep = Callable[[DataFrame], DataFrame]


def computed(rows: DataFrame) -> DataFrame:
    """Compute rows, and keep them with the executors."""
    return rows.localCheckpoint()


def emptied(rows: DataFrame) -> DataFrame:
    """Keep the columns of rows, of which nothing else is asked."""
    return rows.sparkSession.createDataFrame([], rows.schema)


def prepare(session: SparkSession, sql: str, keep: Keep = computed) -> str:
    """Translate a query; what is kept of it stands in it as temporary views."""
    for view in getattr(KEPT, "views", []):
        session.catalog.dropTempView(view)
    KEPT.views = []
    tree = parse(sql)
    _prepare(session, tree, [], keep)
    return written(tree)


def _prepare(
    session: SparkSession, query: exp.Expression, outer: list[exp.CTE], keep: Keep
) -> None:
    """Keep what a query, and those within it, read more than once; `outer` may be read too."""
    earlier = list(outer)
    clause = query.args.get("with_")
    for part in clause.expressions if clause else []:
        view = None
        if clause.args.get("recursive") and _n_reads(part.this, part):
            view = _run(session, part, earlier, keep)
        else:
            _prepare(session, part.this, earlier, keep)
            if _n_reads(query, part) > 1 and part.this.find(*COSTLY):
                view = _view(keep(session.sql(written(_with(part.this, earlier)))))
        if view:
            part.set("this", exp.select("*").from_(view))
        earlier.append(part)
    if clause:
        clause.set("recursive", False)
    for inner in _queries_within(query):
        _prepare(session, inner, earlier, keep)


def _queries_within(node: exp.Expression) -> Iterator[exp.Expression]:
    """Find the queries within an expression that have parts of their own."""
    for child in node.iter_expressions():
        if isinstance(child, exp.Query) and child.args.get("with_"):
            yield child
        elif not isinstance(child, exp.With):
            yield from _queries_within(child)


def _run(session: SparkSession, part: exp.CTE, earlier: list[exp.CTE], keep: Keep) -> str:
    union = part.this
    if not isinstance(union, exp.Union) or part.args["alias"].columns:
        raise ValueError(f"The recursive part {part.alias} is no union of two queries.")
    is_distinct = bool(union.args.get("distinct"))
    step = union.expression
    found = session.sql(written(_with(union.this, earlier)))
    names = found.columns
    newest = _view(keep(found.distinct() if is_distinct else found))
    found = session.table(newest)
    for _ in range(MOST_ROUNDS):
        made = session.sql(written(_with(_reading(step, part, newest), earlier))).toDF(*names)
        newest = _view(keep(made.subtract(found) if is_distinct else made))
        if session.table(newest).isEmpty():
            return _view(keep(found))
        found = found.unionAll(session.table(newest))
    raise ValueError(f"The recursive part {part.alias} has no end.")


def _view(rows: DataFrame) -> str:
    """Name a temporary view of rows that are kept."""
    view = f"kept_{uuid.uuid4().hex}"
    rows.createOrReplaceTempView(view)
    KEPT.views.append(view)
    return view


def _reading(step: exp.Expression, part: exp.CTE, view: str) -> exp.Expression:
    """Have a query read a view in place of a part."""
    step = step.copy()
    for table in step.find_all(exp.Table):
        if _is_read(table, part):
            alias = exp.TableAlias(this=exp.to_identifier(table.alias or part.alias))
            table.replace(exp.Table(this=exp.to_identifier(view), alias=alias))
    return step


def _with(query: exp.Expression, parts: list[exp.CTE]) -> exp.Expression:
    """Give a query with the parts that it may read; its own may have the names of some."""
    query = query.copy()
    if not parts:
        return query
    if query.args.get("with_"):
        query = exp.select("*").from_(query.subquery("part"))
    query.set("with_", exp.With(expressions=[part.copy() for part in parts]))
    return query


def _n_reads(query: exp.Expression, part: exp.CTE) -> int:
    return sum(_is_read(table, part) for table in query.find_all(exp.Table))


def _is_read(table: exp.Table, part: exp.CTE) -> bool:
    return table.name == part.alias and not table.db
