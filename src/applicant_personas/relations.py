"""Reads parts of a database's relation, so that no more than one part is in memory at a time.

Before a part is read, what earlier ones took is given back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from applicant_personas.memory import give_back
from applicant_personas.progress import told

SLICE = ("phase", "days_to_census")
BATCH_ROWS = 100_000
# Makes batches of tables, by so many threads.
Function = Callable[[Iterable[pa.Table], int], Iterator[pa.RecordBatch]]


class Relation(Protocol):
    """What is asked of a relation: a condition in plain SQL, some columns, and its rows."""

    def filter(self, condition: str, /) -> Relation:
        """Keep the rows for which the condition holds."""

    def project(self, columns: str, /) -> Relation:
        """Keep some columns, a list in plain SQL."""

    def distinct(self) -> Relation:
        """Drop rows that repeat."""

    def to_arrow_table(self) -> pa.Table:
        """Read the rows."""

    def to_arrow_reader(self, batch_size: int, /) -> pa.RecordBatchReader:
        """Read the rows in batches of about so many."""


def mapped(
    relation: Relation, columns: Sequence[str], function: Function, schema: pa.Schema, what: str
) -> Any:
    """Give what a function makes of a relation's rows, for a model to return.

    `function` is given tables of SLICE and `columns`, and makes batches of `schema`. A relation
    with a method `map_in_arrow` has its own processes do it, on some rows each; of any other, a
    phase and day is read at a time, told as `what`.
    """
    names = list(dict.fromkeys([*SLICE, *columns]))
    if hasattr(relation, "map_in_arrow"):
        return relation.project(_quoted(names)).map_in_arrow(function, schema)  # type: ignore[attr-defined]
    parts = relation.project(_quoted(SLICE)).distinct().to_arrow_table()
    read = by_phase_and_day(relation, names)
    tables = (read(*part).read_all() for part in told(_ordered(parts), what))
    # All of it, before a database writes: it may not read and write at once.
    return pa.RecordBatchReader.from_batches(schema, list(function(tables, -1)))


def slices(table: pa.Table | pa.RecordBatch) -> Iterator[tuple[tuple[str, int | None], pa.Table]]:
    """Part a table by phase and days to census.

    >>> rows = pa.table({"phase": ["b", "a", "a"], "days_to_census": [9, 7, 9], "n": [1, 2, 3]})
    >>> [(*of, rows["n"].to_pylist()) for of, rows in slices(rows)]
    [('a', 9, [3]), ('a', 7, [2]), ('b', 9, [1])]
    """
    rows = pa.table(table)
    phase, day = (rows[name] for name in SLICE)
    for one in _ordered(rows.select(SLICE)):
        of_day = pc.is_null(day) if one[1] is None else pc.equal(day, one[1])
        yield one, rows.filter(pc.and_(pc.equal(phase, one[0]), of_day))


def _ordered(parts: pa.Table) -> list[tuple[str, int | None]]:
    """List each phase and day once, earliest in the season first, rows without dates last."""
    found = parts.group_by(list(SLICE)).aggregate([]).select(SLICE).to_pylist()
    pairs = [(row["phase"], row["days_to_census"]) for row in found]
    return sorted(pairs, key=lambda one: (one[0], one[1] is None, -(one[1] or 0)))


def by_phase_and_day(
    relation: Relation, columns: Iterable[str]
) -> Callable[[str, int | None], pa.RecordBatchReader]:
    """Give a reader of the rows of a phase on a day; None is the day of rows without dates."""
    names = _quoted(columns)

    def read(phase: str, day: int | None) -> pa.RecordBatchReader:
        give_back()
        on_day = f"days_to_census is not distinct from {'null' if day is None else int(day)}"
        of_slice = relation.filter(f"{_of_phase(phase)} and {on_day}")
        return of_slice.project(names).to_arrow_reader(BATCH_ROWS)

    return read


def coded(relation: Relation, columns: Iterable[str]) -> pa.Table:
    """Read columns with text as codes of its levels, in a fraction of the memory."""
    give_back()
    reader = relation.project(_quoted(columns)).to_arrow_reader(BATCH_ROWS)
    kept = [pa.table({name: _kept(batch[name]) for name in batch.schema.names}) for batch in reader]
    return pa.concat_tables(kept or [reader.schema.empty_table()]).unify_dictionaries()


def _kept(column: pa.Array) -> pa.Array:
    """Copy a column, text as codes, so that the batch it is of may go."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return column.dictionary_encode()
    return pa.concat_arrays([column, column[:0]])


def by_phase(relation: Relation) -> Callable[[str], pa.Table]:
    """Give a reader of the rows of a phase."""
    return lambda phase: relation.filter(_of_phase(phase)).to_arrow_table()


def _of_phase(phase: str) -> str:
    """Compare with a phase, whose name is a plain word."""
    if not phase.isidentifier():
        raise ValueError(f"The phase name {phase} is not a plain word, such as admitted.")
    return f"phase = '{phase}'"


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
