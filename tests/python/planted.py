"""Applicants with known personas and known reasons to enroll, for the tests of the library."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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


@dataclass(frozen=True)
class Planted:
    """Enrollment rows of one phase, each one's true probability and archetype."""

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
            "phase": "yield",
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
    rows["term_order"] = term.astype(float)
    rows["is_open"] = is_open
    rows["outcome"] = np.where(is_open, np.nan, outcome)
    rows["persona_key"] = archetype
    return Planted(rows, probability, archetype)


def matrix(rows: pd.DataFrame) -> pd.DataFrame:
    """Make the persona matrix: observed scale, 0 for missing, blocks even, missing flags."""
    columns = {"application_id": rows["application_id"]}
    persona = FEATURES[FEATURES["role"] == "both"]
    size = persona.groupby("block")["feature"].transform("size")
    for (feature, kind), weight in zip(
        persona[["feature", "kind"]].to_numpy(), 1 / np.sqrt(size), strict=True
    ):
        values = np.log1p(rows[feature]) if kind == "count" else rows[feature]
        columns[f"z_{feature}"] = ((values - values.mean()) / values.std()).fillna(0.0) * weight
    columns["z_tests_missing"] = (rows["verbal"].isna() - rows["verbal"].isna().mean()) * 0.7
    return pd.DataFrame(columns)
