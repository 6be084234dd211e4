"""People of known groups, for the tests of personas."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from personas import statistics

from applicant_personas.personas.fit import PERSONA_TYPES, PersonaSettings, fit_personas
from applicant_personas.personas.model import PersonaModel
from applicant_personas.rows import tidy

N_FEATURES = 8
FEATURES = pd.DataFrame(
    {
        "feature": [f"feature_{number}" for number in range(N_FEATURES)],
        "block": [f"block_{number // 2}" for number in range(N_FEATURES)],
        "kind": "number",
        "transform": "none",
        "absence_is_choice": False,
        "priority": range(N_FEATURES),
    }
)
# Where each group lies: every two of them differ in at least three blocks.
CENTERS = 1.6 * np.array(
    [
        [-1, 1, -1, -1, 1, 1, 1, 1],
        [-1, -1, 0, 1, 0, 0, -1, 1],
        [0, 0, 1, -1, 1, 1, 0, -1],
        [1, 0, -1, 1, 1, 1, 0, 0],
        [1, -1, 0, -1, 1, -1, -1, -1],
        [-1, 0, 1, 1, 0, 1, 1, 0],
        [-1, 0, -1, -1, 1, -1, -1, 1],
        [1, 1, -1, 0, -1, -1, 0, 1],
    ]
)


def people(
    groups: Sequence[int] | NDArray[np.int64], seed: int, *, share_missing: float = 0.1
) -> pd.DataFrame:
    """Draw a person for each number of a group: its center plus noise of deviation 1/2."""
    rng = np.random.default_rng(seed)
    values = CENTERS[np.asarray(groups)] + 0.5 * rng.normal(size=(len(groups), N_FEATURES))
    values[rng.random(values.shape) < share_missing] = np.nan
    return pd.DataFrame(values, columns=list(FEATURES["feature"]))


def fit(
    rows: pd.DataFrame,
    stored: pd.DataFrame | None = None,
    features: pd.DataFrame = FEATURES,
    *,
    n_personas: int | None = None,
    seed: int = 3,
    refit: str = "auto",
    note: str | None = None,
) -> pd.DataFrame:
    """Fit as the project does."""
    settings = PersonaSettings(n_personas, seed, refit, note)
    before = tidy([], PERSONA_TYPES) if stored is None else stored
    moments = statistics(rows.replace([np.inf, -np.inf], np.nan), features)
    return fit_personas(rows, features, moments, before, settings)


def keys_of(rows: pd.DataFrame, fitted: pd.DataFrame) -> NDArray[np.object_]:
    """Give each row the key of its persona."""
    model = PersonaModel.of_rows(fitted)
    return np.array(model.keys, dtype=object)[model.place(rows).nearest(model.centers)]


def figure(fitted: pd.DataFrame, record: str, metric: str, by: str = "item") -> pd.Series:
    """Give one metric of a record by its key."""
    told = fitted[(fitted["record"] == record) & (fitted["metric"] == metric)].set_index(by)
    return told["text"] if told["value"].isna().all() else told["value"]


def provenance(fitted: pd.DataFrame) -> pd.Series:
    return fitted[fitted["record"] == "provenance"].set_index("metric")["text"]


def lineage(fitted: pd.DataFrame) -> set[tuple[str | None, str | None, str]]:
    """List what became of each persona: earlier key, key, status."""
    rows = fitted[fitted["record"] == "lineage"]
    by_number = rows.pivot(index="number", columns="metric", values="text").astype(object)
    by_number = by_number[["previous_key", "key", "status"]]
    return {
        tuple(None if pd.isna(value) else str(value) for value in row)
        for row in by_number.to_numpy()
    }
