"""What the page tells: from rows of marts to sentences, figures and charts, section by section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from applicant_personas.page.figures import (
    Line,
    Row,
    Table,
)
from applicant_personas.page.words import listed, outcome

ALL = "all"


@dataclass
class Block:
    """A part of the page: what was found, a chart, and a note; for each persona that it follows."""

    name: str
    title: str
    versions: dict[str, Version] = field(default_factory=dict)


@dataclass(frozen=True)
class Version:
    """A block for everyone, or for one persona: a finding, the chart, and what to know of it."""

    finding: object
    chart: Markup | None = None
    note: object = ""


class Story:
    """The page's content, made of tables of marts."""

    def __init__(self, tables: Mapping[str, Table], facts: Mapping[str, Any]) -> None:
        self.tables = tables
        self.facts = facts
        self.absent = set(facts["absent"])
        self.personas = tables["dim_personas"].where(is_active=True)
        self.names = {str(row["persona_key"]): str(row["persona_name"]) for row in self.personas}
        # Terms that can't be placed in time come first.
        terms = sorted(tables["dim_entry_terms"].rows, key=lambda row: row["term_order"] or 0)
        self.order = {row["entry_term"]: place for place, row in enumerate(terms)}
        is_open = sorted(
            (row for row in terms if row["is_open"]),
            key=lambda row: (row["census_on"] is None, str(row["census_on"])),
        )
        self.is_open = bool(is_open)
        self.entry_term = str((is_open or terms[-1:] or [{"entry_term": ""}])[0]["entry_term"])
        stages = [row["outcome_stage"] for row in tables["fct_enrollment_scores"].rows]
        self.will, self.did = outcome("enrolled" if not stages else stages[0])
        self.status = next(iter(tables["dq_build_status"].rows), {})

    def whole_phase(self) -> str:
        """Give the phase that stands for the whole ladder; without one, the first."""
        phases = [str(row["phase"]) for row in self.tables["rpt_model_headlines"].rows]
        return ALL if ALL in phases or not phases else phases[0]

    def missing(self, *topics: str) -> list[str]:
        """Say why something can't be told, in the build's own words."""
        rows = self.tables["dq_build_summary"].rows
        found = [
            str(r["sentence"]) for r in rows if r["topic"] in topics and r["severity"] == "warning"
        ]
        if not found and not self.is_open:
            found = ["No cycle is open, so there is nothing to expect; this tells of closed ones."]
        return found or [str(row["sentence"]) for row in rows if row["topic"] == "empty"]

    def not_there(self) -> list[str]:
        """Say which parts the copy has no mart for."""
        parts = {
            "rpt_score_changes": "where likelihoods rose and fell",
            "audit_fairness": "fairness",
        }
        lacking = [words for mart, words in parts.items() if not self.tables[mart].rows]
        return [f"There is nothing yet to tell of {listed(lacking)}."] if lacking else []


def breakdown(key: str) -> dict[str, str]:
    """Give what tells the headcounts of everyone, or of one persona."""
    return {"breakdown": ALL} if key == ALL else {"breakdown": "persona", "breakdown_value": key}


def values_of(lines: Sequence[Line]) -> list[float]:
    """List the values of all marks."""
    return [f.value for line in lines for m in line.marks for f in (m.at, m.to) if f]


def feature(row: Row) -> str:
    """Write a feature."""
    return "The persona" if row["feature"] == "persona_key" else str(row["feature_label"])
