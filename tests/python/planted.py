"""Applicants with known personas and known reasons to enroll, for the tests of the library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from applicant_personas.at_risk import AtRisk, read_at_risk
from applicant_personas.likelihood import Recipe
from applicant_personas.rows import digests
from applicant_personas.runs import Runs

# share, gpa, english, verbal, quant, gre share, intent, virtual, in person, scholarship, base logit
ARCHETYPES = {
    "striver": (0.24, 0.70, 95, 150, 164, 0.85, 5.6, 1.6, 0.05, 0.20, -1.75),
    "highflyer": (0.12, 0.92, 109, 161, 167, 0.90, 5.0, 0.8, 0.10, 0.45, -2.25),
    "local_pro": (0.19, 0.62, 116, 153, 150, 0.10, 8.3, 0.8, 1.20, 0.08, 0.65),
    "switcher": (0.13, 0.55, 113, 152, 149, 0.15, 6.4, 3.2, 0.40, 0.10, -0.55),
    "home_graduate": (0.09, 0.80, 115, 154, 154, 0.12, 8.0, 0.5, 0.70, 0.25, 0.70),
    "self_funded": (0.15, 0.48, 80, 145, 156, 0.25, 7.4, 1.0, 0.05, 0.03, -0.20),
    "seeker": (0.08, 0.82, 104, 151, 155, 0.45, 8.8, 2.6, 0.02, 0.18, -2.10),
}
# What a scholarship does to the logit, beyond the common +.5.
SCHOLARSHIP = {"striver": 1.3, "highflyer": 0.9, "seeker": 2.6}
FEATURES = pd.DataFrame(
    [
        ("gpa", "preparation", "number", "both", 1),
        ("english", "english", "number", "both", 2),
        ("verbal", "tests", "number", "both", 3),
        ("quant", "tests", "number", "both", 4),
        ("intent", "intent", "ordered", "both", 5),
        ("virtual_events", "engagement", "count", "both", 6),
        ("in_person_events", "engagement", "count", "both", 7),
        ("is_stealth", "engagement", "boolean", "both", 8),
        ("scholarship", "offer", "boolean", "enrollment", 9),
        ("days_since_admission", "timing", "number", "enrollment", 10),
        ("program", "program", "category", "enrollment", 11),
    ],
    columns=["feature", "block", "kind", "role", "priority"],
)
FEATURES["actionable"] = FEATURES["block"].isin(["engagement", "offer", "program"])
FEATURES["transform"] = np.where(FEATURES["kind"] == "count", "log1p", "none")
# Enough trees for honest scores of the tests' few rows.
RECIPE = Recipe(seed=5, n_trees=40)
ARROW_TYPES = {"O": pa.string(), "f": pa.float64(), "i": pa.int64(), "b": pa.bool_()}


@dataclass(frozen=True)
class Planted:
    """Rows at risk in one phase, each one's true probability and archetype."""

    rows: pd.DataFrame
    probability: NDArray[np.float64]
    archetype: NDArray[np.object_]


def planted(n: int = 3_000, n_terms: int = 4, seed: int = 7) -> Planted:
    """Draw admitted applicants; the last term is open; persona_key is the true archetype."""
    rng = np.random.default_rng(seed)
    names = np.array(list(ARCHETYPES), dtype=object)
    facts = np.array(list(ARCHETYPES.values()))
    which = rng.choice(len(names), n, p=facts[:, 0])
    gpa, english, verbal, quant, gre, intent, virtual, in_person, scholarship, base = facts[
        which, 1:
    ].T
    archetype = names[which]
    quality = rng.normal(size=n)
    rows = pd.DataFrame(
        {
            "phase": "admitted",
            "application_id": [f"a{number:06d}" for number in range(n)],
            "person_id": [f"p{number:06d}" for number in range(n)],
            "gpa": gpa + 0.08 * (0.7 * quality + 0.7 * rng.normal(size=n)),
            "english": english + 6 * rng.normal(size=n),
            "verbal": verbal + 4 * rng.normal(size=n),
            "quant": quant + 4 * rng.normal(size=n),
            "intent": np.clip(np.round(intent + 1.5 * rng.normal(size=n)), 0, 10),
            "virtual_events": rng.poisson(virtual).astype(float),
            "in_person_events": rng.poisson(in_person).astype(float),
            "is_stealth": (rng.random(n) < 0.2).astype(float),
            "scholarship": (rng.random(n) < scholarship * np.exp(0.5 * quality)).astype(float),
            "days_since_admission": rng.integers(5, 60, n).astype(float),
            "program": rng.choice(["mba", "cs", "ee"], n),
        }
    )
    extra = np.array([SCHOLARSHIP.get(name, 0.0) for name in archetype])
    logit = (
        base
        + 0.45 * (rows["intent"] - 6.8) / 1.8
        + 0.3 * (rows["virtual_events"] + rows["in_person_events"] - 1.5)
        + (0.5 + extra) * rows["scholarship"]
        - 0.012 * (rows["days_since_admission"] - 30)
        - 0.35 * quality
        - 0.35 * rows["is_stealth"]
    ).to_numpy()
    probability = 1 / (1 + np.exp(-logit))
    term = rng.integers(0, n_terms, n)
    is_open = term == n_terms - 1
    outcome = (rng.random(n) < probability).astype(float)
    rows.loc[rng.random(n) >= gre, ["verbal", "quant"]] = np.nan
    rows["intent"] = rows["intent"].where(rng.random(n) < 0.7)
    rows["entry_term"] = [f"{2022 + number} Fall" for number in term]
    rows["previous_entry_term"] = [f"{2021 + number} Fall" if number else None for number in term]
    rows["term_order"] = term.astype(float)
    rows["known_on"] = pd.Timestamp("2022-07-01") + pd.to_timedelta(365 * term, unit="D")
    rows["is_open"] = is_open
    rows["outcome"] = np.where(is_open, np.nan, outcome)
    rows["persona_key"] = archetype
    rows["residency"] = rng.choice(["domestic", "international"], n)
    return Planted(_keyed(rows), probability, archetype)


def _keyed(rows: pd.DataFrame) -> pd.DataFrame:
    """Add what a database adds: integers that are digests of the keys, and flags of the day."""
    applications, persons = rows["application_id"], rows["person_id"]
    codes = {
        "row_code": digests(applications, "row "),
        "application_code": digests(applications),
        "person_code": digests(persons, "person "),
    }
    # 64-bit digests lose a bit where integers are signed.
    codes = {name: (code >> np.uint64(1)).astype(np.int64) for name, code in codes.items()}
    return rows.assign(**codes, days_to_census=60.0, is_enrollment_day=True, is_standing=True)


def table(rows: pd.DataFrame) -> pa.Table:
    """Make the table that a database would give."""
    types = {str(name): ARROW_TYPES.get(kind.kind) for name, kind in rows.dtypes.items()}
    fields = {**types, "known_on": pa.date32()}
    return pa.Table.from_pandas(rows, pa.schema(list(fields.items())), preserve_index=False)


def frame(found: pa.Table) -> pd.DataFrame:
    """Make a frame of a table, with text as text."""
    coded = found.to_pandas()
    return coded.astype(dict.fromkeys(coded.select_dtypes("category").columns, object))


def at_risk(rows: pd.DataFrame, features: pd.DataFrame = FEATURES) -> AtRisk:
    """Read rows as every model does."""
    return read_at_risk(table(rows), features)


def reader(rows: pd.DataFrame) -> Callable[[str, int | None], pa.Table]:
    """Give the rows of a phase and day, as a database would."""

    def read(phase: str, day: int | None) -> pa.Table:
        days = rows["days_to_census"]
        on_day = days.isna() if day is None else days == day
        return table(rows[(rows["phase"] == phase) & on_day])

    return read


def days_of(rows: pd.DataFrame) -> pd.DataFrame:
    """List the days on which rows are known; likelihoods are made for the enrollment day."""
    days = rows.groupby(["phase", "days_to_census", "is_enrollment_day"], dropna=False)["outcome"]
    found = days.agg(n="count", n_positive="sum").reset_index()
    return found.rename(columns={"is_enrollment_day": "is_training_day"})


def targeted(*phases: str, features: pd.DataFrame = FEATURES) -> pd.DataFrame:
    """Give every phase the same features."""
    return pd.concat([features.assign(target=phase) for phase in phases], ignore_index=True)


def first_runs(kind: str, *phases: str, **settings: object) -> Runs:
    """Begin with an empty store, so that everything is fitted."""
    facts = {"phase": list(phases), "fingerprint": "outcomes", "as_of": "2026-01-01"}
    nothing = {"refit": "auto", "note": None, "previous": lambda phase: pa.table({})}
    return Runs(kind=kind, training=pd.DataFrame(facts), **{**nothing, **settings})
