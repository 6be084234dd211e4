"""Whether the people have moved so far from the stored personas that a new fit is due."""

from __future__ import annotations

import numpy as np
import pandas as pd

from applicant_personas.personas.model import PersonaModel
from applicant_personas.rows import FloatArray

# The usual reading of a population stability index: below .1 nothing happened.
MAX_STABILITY_INDEX = 0.1
# People may lie so many times as far from their personas as those of the fit, all of them and those
# of one persona: more is another group among them.
MAX_SPREAD, MAX_SPREAD_OF_ONE = 1.1, 1.25
MIN_PEOPLE = 100


def stability_index(before: FloatArray, now: FloatArray) -> float:
    """Compute the population stability index of two distributions (k), each of sum 1."""
    p, q = (np.maximum(shares, 1e-4) for shares in (before, now))
    return float(((q - p) * np.log(q / p)).sum())


def drift(stored: PersonaModel, rows: pd.DataFrame) -> str | None:
    """Say how far the raw rows (n) have moved from a stored model, or None if they have not."""
    placed = stored.place(rows)
    squared = placed.distances(stored.centers)
    labels = squared.argmin(axis=1)
    k = len(stored.keys)
    shares = np.bincount(labels, minlength=k) / len(labels)
    index = stability_index(stored.figures["share"].to_numpy(np.float64), shares)
    if index > MAX_STABILITY_INDEX:
        return f"the sizes of the personas moved (population stability index {index:.2f})"
    spread = stored.figures["spread"].to_numpy(np.float64)
    nearest = squared.min(axis=1)
    ratio = float(nearest.mean() / max(spread[labels].mean(), 1e-12))
    if ratio > MAX_SPREAD:
        return f"people lie {ratio:.2f} times as far from their personas as when these were fitted"
    size = np.bincount(labels, minlength=k)
    of_one = np.bincount(labels, weights=nearest, minlength=k) / np.maximum(size * spread, 1e-12)
    of_one[size < MIN_PEOPLE] = 0.0
    farthest = int(of_one.argmax())
    if of_one[farthest] > MAX_SPREAD_OF_ONE:
        return (
            f"the people of {stored.keys[farthest]} lie {of_one[farthest]:.2f} times as far from "
            "its center as when it was fitted"
        )
    return None
