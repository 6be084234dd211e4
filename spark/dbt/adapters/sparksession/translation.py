"""SQL written for DuckDB as Spark SQL that means the same.

sqlglot knows the grammars and most functions. What is here is what it does not know, or what it
knows otherwise than DuckDB and Spark do it. Whatever is not understood is an error, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.dialects.spark import Spark
from sqlglot.errors import ErrorLevel

# A statement that reads, or a table made of one, after comments. What else dbt says to Spark is
# written for Spark.
COMMENTS = r"\s*(?:/\*.*?\*/\s*|--[^\n]*\n\s*)*"
QUERY = re.compile(rf"{COMMENTS}(?:with\b|select\b|values\b|\()", re.IGNORECASE | re.DOTALL)
NEW_TABLE = re.compile(
    rf"{COMMENTS}create\s+(?P<anew>or\s+replace\s+)?table\s+(?P<name>[\w.`\"]+)\s+as\s+(?P<query>.*)",
    re.IGNORECASE | re.DOTALL,
)


class Written(DuckDB):
    """DuckDB's SQL, in which names may also be quoted as dbt-spark quotes them."""

    class Tokenizer(DuckDB.Tokenizer):
        """Knows both quotation marks."""

        IDENTIFIERS: ClassVar = ['"', "`"]


class Executed(Spark):
    """Spark's SQL, with the exact percentiles that sqlglot leaves out."""

    class Generator(Spark.Generator):
        """Writes percentiles as they are, and parts of queries where they stand."""

        # Moved to the top, parts of one name would be one.
        EXPRESSIONS_WITHOUT_NESTED_CTES: ClassVar[set[type[exp.Expr]]] = set()
        TRANSFORMS: ClassVar = {
            **Spark.Generator.TRANSFORMS,
            exp.WithinGroup: lambda self, node: (
                f"{self.sql(node, 'this')} WITHIN GROUP ({self.sql(node, 'expression').strip()})"
            ),
            exp.PercentileCont: lambda self, node: self.func("PERCENTILE_CONT", node.this),
            exp.PercentileDisc: lambda self, node: self.func("PERCENTILE_DISC", node.this),
        }


def is_query(sql: str) -> bool:
    """Whether a statement reads, so that it is written for DuckDB."""
    return QUERY.match(sql) is not None


def new_table(sql: str) -> tuple[str, str, bool] | None:
    """Give the name, the query and whether it replaces, of `create table .. as`."""
    found = NEW_TABLE.match(sql)
    return found and (found["name"], found["query"], found["anew"] is not None)


@lru_cache(maxsize=512)
def translate(sql: str) -> str:
    """Give the Spark SQL that means what a query means to DuckDB."""
    return written(parse(sql))


def parse(sql: str) -> exp.Expression:
    """Read a query of DuckDB's as a tree in which every node means to Spark what it says."""
    tree = sqlglot.parse_one(sql, read=Written)
    for transform in TRANSFORMS:
        tree = tree.transform(transform, copy=False)
    return tree


def written(tree: exp.Expression) -> str:
    """Write such a tree as Spark SQL."""
    return tree.sql(dialect=Executed, unsupported_level=ErrorLevel.RAISE, comments=False)


def _real_quotients(node: exp.Expression) -> exp.Expression:
    """`/` gives doubles in DuckDB, of decimals too."""
    if isinstance(node, exp.Div) and not _is_double(node.this):
        node.set("this", exp.cast(node.this, "double", dialect="duckdb"))
    return node


def _is_double(node: exp.Expression) -> bool:
    return isinstance(node, exp.Cast) and node.to.is_type("double")


def _first_match(node: exp.Expression) -> exp.Expression:
    """`regexp_replace` replaces the first match in DuckDB, unless told `g`, and all in Spark."""
    if not isinstance(node, exp.RegexpReplace):
        return node
    modifiers = node.args.get("modifiers")
    if modifiers is not None and modifiers.name == "g":
        node.set("modifiers", None)
        return node
    pattern, replacement = node.expression, node.args.get("replacement")
    if not (pattern.is_string and replacement is not None and replacement.is_string):
        raise ValueError(f"Only texts can be replaced by regexp_replace on Spark: {node.sql()}")
    node.set("modifiers", None)
    node.set("expression", exp.Literal.string(f"(?s)^(.*?)(?:{pattern.name})"))
    node.set("replacement", exp.Literal.string(f"$1{replacement.name}"))
    return node


def _named_windows(node: exp.Expression) -> exp.Expression:
    """Spark reads `over w - n` as one name with a hyphen."""
    if (
        isinstance(node, exp.Window)
        and node.args.get("alias")
        and isinstance(node.parent, exp.Binary)
    ):
        return exp.paren(node)
    return node


RANKS = (exp.RowNumber, exp.Rank, exp.DenseRank, exp.Ntile)


def _wide_numbers(node: exp.Expression) -> exp.Expression:
    """Numbers of rows, and ranks, are 64 bits wide in DuckDB and 32 in Spark."""
    if isinstance(node, exp.Window) and isinstance(node.this, RANKS):
        return exp.cast(node, "bigint", dialect="duckdb")
    return node


def _items_beyond_the_end(node: exp.Expression) -> exp.Expression:
    """Give null for what is beyond the end of a list, as DuckDB does."""
    if isinstance(node, exp.Bracket) and len(node.expressions) == 1:
        return exp.func("get", node.this, node.expressions[0])
    return node


TRANSFORMS: tuple[Callable[[exp.Expression], exp.Expression], ...] = (
    _real_quotients,
    _first_match,
    _named_windows,
    _wide_numbers,
    _items_beyond_the_end,
)
