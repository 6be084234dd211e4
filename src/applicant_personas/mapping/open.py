"""What a written mapping still leaves to a human: columns to map, formats to choose."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from applicant_personas.mapping.contract import Table
from applicant_personas.mapping.expressions import CHOOSE
from applicant_personas.mapping.starters import MAP_ME

# A quoted name or text, or a comment: what is quoted holds no comment.
_QUOTED_OR_COMMENT = re.compile(r"""('(?:[^']|'')*'|"(?:[^"]|"")*")|--[^\n]*""")
_TO_MAP = re.compile(rf'"{MAP_ME}(\w+)"')
_TO_CHOOSE = re.compile(rf"'{CHOOSE}([^']*)'.*?\bas (\w+)\s*(?:,|\n|$)", re.DOTALL)


def without_comments(query: str) -> str:
    """Return a query without what follows -- on its lines."""
    return _QUOTED_OR_COMMENT.sub(lambda found: found[1] or "", query)


def without_open(query: str) -> str:
    """Return a query in which the columns that are still to be mapped are null."""
    return _TO_MAP.sub("null", query)


def what_is_open(
    name: str, query: str, table: Table | None, columns: Sequence[str]
) -> Iterator[str]:
    """Say in one sentence what must be done before a query is a table of the contract, if anything.

    `columns`: what the query returns. `table`: None for a table that the contract does not know.
    """
    plain = without_comments(query)
    required = [column.name for column in table.columns if column.is_required] if table else []
    present = {column.lower() for column in columns}
    to_map = dict.fromkeys(_TO_MAP.findall(plain))
    to_map |= dict.fromkeys(column for column in required if column not in present)
    wants = [f"a source for {_listed(list(to_map))}"] if to_map else []
    choices: dict[str, list[str]] = {}
    for alternatives, column in _TO_CHOOSE.findall(plain):
        choices.setdefault(column, []).append(alternatives)
    wants += [
        f"how {column} is written ({'; '.join(dict.fromkeys(alternatives))})"
        for column, alternatives in choices.items()
    ]
    if wants:
        rest = "" if table and table.is_required else ", or delete the file"
        yield f"{name}.sql still needs {_listed(wants)}: write it in the file{rest}."


def _listed(items: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(items[:-1]), items[-1])))
