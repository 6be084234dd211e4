"""Recursive queries whose `union` drops what was found already, which Spark has not.

Such a query ends where paths run in circles. It is run here as SQL defines it: the rows of the
first part, then again and again those that the second part makes of the rows found last and that
are new. Each round stays in the memory of the executors.
"""

from __future__ import annotations

import uuid

from pyspark.sql import SparkSession
from sqlglot import exp

from dbt.adapters.sparksession.translation import parse, written

# The plan grows with each round, of which a chain of records needs one a record.
MOST_ROUNDS = 100


def run_recursions(session: SparkSession, sql: str) -> str:
    """Translate a query; its recursive parts are run and stand in it as temporary views."""
    tree = parse(sql)
    clause = tree.args.get("with_") or tree.args.get("with")
    if clause is None or not clause.args.get("recursive"):
        return written(tree)
    earlier: list[exp.CTE] = []
    for part in clause.expressions:
        if any(_is_read(part, table) for table in part.this.find_all(exp.Table)):
            view = _run(session, part, earlier)
            part.set("this", exp.select("*").from_(view))
        earlier.append(part)
    clause.set("recursive", False)
    return written(tree)


def _run(session: SparkSession, part: exp.CTE, earlier: list[exp.CTE]) -> str:
    union = part.this
    if not isinstance(union, exp.Union) or part.args.get("alias").columns:
        raise ValueError(f"The recursive part {part.alias} is no union of two queries.")
    last = f"recursion_{uuid.uuid4().hex}"
    start, step = union.this, union.expression.copy()
    for table in step.find_all(exp.Table):
        if _is_read(part, table):
            named = exp.to_table(last)
            named.set("alias", exp.TableAlias(this=exp.to_identifier(table.alias or part.alias)))
            table.replace(named)
    is_distinct = bool(union.args.get("distinct"))
    found = session.sql(written(_with(start, earlier)))
    names = found.columns
    newest = found = (found.distinct() if is_distinct else found).persist()
    read = _kept(session, step, earlier)
    for _ in range(MOST_ROUNDS):
        newest.createOrReplaceTempView(last)
        made = session.sql(written(_with(step, read))).toDF(*names)
        newest = (made.subtract(found) if is_distinct else made).persist()
        if newest.isEmpty():
            break
        found = found.unionAll(newest)
    else:
        raise ValueError(f"The recursive part {part.alias} has no end.")
    found.createOrReplaceTempView(last)
    return last


def _kept(session: SparkSession, step: exp.Expression, earlier: list[exp.CTE]) -> list[exp.CTE]:
    """Compute what each round reads once, and give all earlier parts with it."""
    kept = []
    for part in earlier:
        if any(_is_read(part, table) for table in step.find_all(exp.Table)):
            view = f"read_{uuid.uuid4().hex}"
            query = exp.select("*").from_(part.alias)
            rows = session.sql(written(_with(query, [*kept, part]))).persist()
            rows.createOrReplaceTempView(view)
            part = part.copy()
            part.set("this", exp.select("*").from_(view))
        kept.append(part)
    return kept


def _is_read(part: exp.CTE, table: exp.Table) -> bool:
    return table.name == part.alias and not table.db


def _with(query: exp.Expression, parts: list[exp.CTE]) -> exp.Expression:
    """Give a query with the parts that it may read."""
    query = query.copy()
    if parts:
        query.set("with_", exp.With(expressions=[part.copy() for part in parts]))
    return query
