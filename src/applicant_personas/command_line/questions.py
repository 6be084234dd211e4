"""Questions with a query each, answered in the document that asks them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from applicant_personas.mapping.text import markdown

# A query, and below it the table of what it gave, or that it gave nothing.
NOTHING = "No rows."
QUERY = re.compile(rf"^```sql\n(.*?)^```\n(?:\n(?:(?:\|[^\n]*\n)+|{NOTHING}\n))?", re.M | re.S)
LONGEST_VALUE = 300

Run = Callable[[str], tuple[Sequence[str], Sequence[Sequence[Any]]]]


def queries(document: str) -> list[str]:
    """List the queries of a Markdown document, in its order."""
    return [found[1] for found in QUERY.finditer(document)]


def answer(document: str, run: Run) -> str:
    """Put below each query of a Markdown document what it gives, in place of what stood there.

    `run` gives the names and the rows of a query.
    """

    def answered(found: re.Match[str]) -> str:
        return f"```sql\n{found[1]}```\n\n{_table(*run(found[1]))}"

    return QUERY.sub(answered, document)


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    if not rows:
        return f"{NOTHING}\n"
    lines = [
        list(columns),
        ["---"] * len(columns),
        *([_cell(value) for value in row] for row in rows),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(value: Any) -> str:
    return "" if value is None else markdown(str(value), LONGEST_VALUE)
