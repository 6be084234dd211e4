"""The applications at risk in one phase, by cycle, and which cycles the ones before can predict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from applicant_personas.encoding import fit_encoding
from applicant_personas.importance import MIN_EACH, PERSONA
from applicant_personas.rows import (
    CATEGORY,
    FEATURE_COLUMNS,
    BoolArray,
    FloatArray,
    TextArray,
    floats,
    require,
    sample_mask,
    texts,
)

KEY_COLUMNS = (
    "phase",
    "application_id",
    "person_id",
    "entry_term",
    "term_order",
    "is_open",
    "outcome",
    PERSONA,
)


@dataclass(frozen=True)
class AtRisk:
    """The rows of a phase on one day, ordered by application, as arrays beside the frame."""

    frame: pd.DataFrame
    features: pd.DataFrame
    application: TextArray
    person: TextArray
    term: TextArray
    persona: TextArray
    outcome: FloatArray
    is_open: BoolArray
    closed_terms: list[str]
    open_terms: list[str]

    @property
    def closed(self) -> BoolArray:
        """Mark the rows whose outcome is known."""
        return ~self.is_open & np.isfinite(self.outcome)

    def in_terms(self, terms: list[str]) -> BoolArray:
        """Mark the rows of these cycles."""
        return np.isin(self.term.astype(str), terms)

    def sampled(self, rows: BoolArray, max_rows: int, seed: int) -> BoolArray:
        """Mark at most max_rows of the marked rows."""
        places = np.flatnonzero(rows)
        chosen = np.zeros(len(rows), dtype=bool)
        chosen[places[sample_mask(self.application[places], max_rows, seed)]] = True
        return chosen

    def terms_of(self, rows: BoolArray) -> list[str]:
        """List the closed cycles of the marked rows, earliest first."""
        return [name for name in self.closed_terms if self.in_terms([name])[rows].any()]


@dataclass(frozen=True)
class Step:
    """Train on some rows to predict a test cycle."""

    test_cycle: str
    train: BoolArray
    test: BoolArray


def read_phase(rows: pd.DataFrame, features: pd.DataFrame, phase: str) -> AtRisk:
    """Take the rows of one phase; the persona joins the features as a category.

    `rows`: KEY_COLUMNS (term_order missing = not placed in time) and a column a feature.
    `features`: feature, block, kind, role. Raises ValueError for missing columns or an application
    in more than one row.
    """
    require(features, FEATURE_COLUMNS, "features")
    require(rows, [*KEY_COLUMNS, *features["feature"]], "enrollment rows")
    frame = rows[(rows["phase"] == phase).fillna(False).astype(bool)]
    frame = frame.sort_values("application_id", kind="stable").reset_index(drop=True)
    if frame["application_id"].duplicated().any():
        raise ValueError(f"Phase {phase} has the same application in more than one row.")
    persona = {"feature": PERSONA, "block": "persona", "kind": CATEGORY, "role": "enrollment"}
    term, order = texts(frame["entry_term"]), floats(frame["term_order"])
    is_open = floats(frame["is_open"]) == 1
    outcome = floats(frame["outcome"])
    dated = np.isfinite(order) & (term != None)  # noqa: E711  (elementwise)
    closed = dated & ~is_open & np.isfinite(outcome)
    return AtRisk(
        frame=frame,
        features=pd.concat(
            [features[list(FEATURE_COLUMNS)], pd.DataFrame([persona])], ignore_index=True
        ),
        application=texts(frame["application_id"]),
        person=texts(frame["person_id"]),
        term=_masked(term, dated),
        persona=texts(frame[PERSONA]),
        outcome=outcome,
        is_open=is_open,
        closed_terms=_ordered_terms(term[closed], order[closed]),
        open_terms=_ordered_terms(term[dated & is_open], order[dated & is_open]),
    )


def back_test_steps(data: AtRisk, min_positive: int) -> list[Step]:
    """Plan an expanding window: each closed cycle that can tell, from the cycles before it.

    A cycle can tell when it has enough rows of both outcomes for an AUC; the cycles before it must
    have min_positive rows of either outcome.
    """
    steps = []
    for place, term in enumerate(data.closed_terms):
        train = data.closed & data.in_terms(data.closed_terms[:place])
        test = data.closed & data.in_terms([term])
        if _n_each(data, test) >= MIN_EACH and why_no_model(data, train, min_positive) is None:
            steps.append(Step(term, train, test))
    return steps


def why_no_model(data: AtRisk, train: BoolArray, min_positive: int) -> str | None:
    """Say why these rows can't train a model, as a sentence, if they can't."""
    if not train.any():
        return (
            "No model, personas only: no closed cycle has applications in this phase on this day "
            "(no cycle is finished, or the day is outside the window of the phase)."
        )
    if _n_each(data, train) < min_positive:
        n_positive = int(data.outcome[train].sum())
        return (
            f"No model: closed cycles hold {n_positive} applications with the outcome and "
            f"{int(train.sum()) - n_positive} without it, and {min_positive} of each are needed."
        )
    if fit_encoding(data.frame[train], data.features, data.outcome[train]).empty:
        return "No model: there is no feature to learn from."
    return None


def _n_each(data: AtRisk, rows: BoolArray) -> int:
    """Count the rows of the rarer outcome."""
    n_positive = int(data.outcome[rows].sum())
    return min(n_positive, int(rows.sum()) - n_positive)


def _masked(values: TextArray, known: BoolArray) -> TextArray:
    masked = values.copy()
    masked[~known] = None
    return masked


def _ordered_terms(term: TextArray, order: FloatArray) -> list[str]:
    earliest = pd.Series(order).groupby(term.astype(str)).min()
    return [str(name) for _, name in sorted(zip(earliest, earliest.index, strict=True))]
