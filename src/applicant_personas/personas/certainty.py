"""How much the personas would move had other applicants come: fits on bootstrap samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from applicant_personas.personas.centers import Clusters, Observed, fit_centers, refine_centers
from applicant_personas.progress import told
from applicant_personas.rows import FloatArray, IntArray

N_DRAWS = 20
DRAW_ROWS = 4_000
N_STARTS = 2


@dataclass(frozen=True)
class Certainty:
    """What bootstrap fits say of k personas: each draw's centers (draws, k, p) and shares.

    `jaccard` (k): mean overlap of a persona with the one it becomes in a draw (Hennig 2007).
    `shares` (draws, k): the share of all rows that each draw's fit gives to each persona.
    `distances` (draws, k): from a persona's center to its center in the draw.
    """

    centers: FloatArray
    jaccard: FloatArray
    shares: FloatArray
    distances: FloatArray


def measure_certainty(rows: Observed, clusters: Clusters, rng: np.random.Generator) -> Certainty:
    """Refit on bootstrap samples of at most 4,000 rows, and match each fit with the first."""
    k = len(clusters.centers)
    drawn, jaccards, shares = [], [], []
    for _ in told(range(N_DRAWS), "bootstrap of personas"):
        sample = rows.rows(rng.integers(0, len(rows), min(len(rows), DRAW_ROWS)))
        fresh = fit_centers(sample, k, rng, N_STARTS)
        warm = refine_centers(sample, clusters.centers[np.newaxis])
        centers = (fresh if fresh.inertia < warm.inertia else warm).centers
        overlap = jaccard(clusters.labels, rows.nearest(centers), k, k)
        place = linear_sum_assignment(overlap, maximize=True)[1]
        drawn.append(centers[place])
        jaccards.append(overlap[np.arange(k), place])
        shares.append(np.bincount(rows.nearest(centers[place]), minlength=k) / len(rows))
    centers = np.stack(drawn)
    distances = np.sqrt(((centers - clusters.centers) ** 2).sum(axis=2))
    return Certainty(centers, np.mean(jaccards, axis=0), np.stack(shares), distances)


def jaccard(labels: IntArray, others: IntArray, k: int, k_others: int) -> FloatArray:
    """Overlap (k, k_others) of every two clusters of two labelings (n): both over either."""
    both = np.zeros((k, k_others))
    np.add.at(both, (labels, others), 1.0)
    either = both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both
    found: FloatArray = both / np.maximum(either, 1.0)
    return found
