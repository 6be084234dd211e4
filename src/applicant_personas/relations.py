"""Reads parts of a database's relation, so that no more than one part is in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import pyarrow as pa


class Relation(Protocol):
    """What is asked of a relation: a condition in plain SQL, some columns, and its rows."""

    def filter(self, condition: str, /) -> Relation:
        """Keep the rows for which the condition holds."""

    def project(self, columns: str, /) -> Relation:
        """Keep some columns, a list in plain SQL."""

    def to_arrow_table(self) -> pa.Table:
        """Read the rows."""


def by_phase_and_day(
    relation: Relation, columns: Iterable[str]
) -> Callable[[str, int | None], pa.Table]:
    """Give a reader of the rows of a phase on a day; None is the day of rows without dates."""
    names = ", ".join(f'"{name}"' for name in columns)

    def read(phase: str, day: int | None) -> pa.Table:
        on_day = f"days_to_census is not distinct from {'null' if day is None else int(day)}"
        of_slice = relation.filter(f"{_of_phase(phase)} and {on_day}")
        return of_slice.project(names).to_arrow_table()

    return read


def by_phase(relation: Relation) -> Callable[[str], pa.Table]:
    """Give a reader of the rows of a phase."""
    return lambda phase: relation.filter(_of_phase(phase)).to_arrow_table()


def _of_phase(phase: str) -> str:
    """Compare with a phase, whose name is a plain word."""
    if not phase.isidentifier():
        raise ValueError(f"The phase name {phase} is not a plain word, such as admitted.")
    return f"phase = '{phase}'"
