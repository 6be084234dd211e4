"""How many personas: as few as hold what can be found again.

A number is sound when its worst persona has a prediction strength of .5 on other halves of the
applicants (Tibshirani and Walther 2005), so that people who share one mostly share one there too,
and its personas differ, each from each, in at least two blocks of features. Of the sound numbers,
the smallest is taken whose structure is within .01 of the best; from a strength of .7 on it is
called groups. Structure is how far the log inertia lies below that of Gaussian data with the same
covariance and the same gaps (the gap of Tibshirani, Walther and Hastie 2001, against data that is
correlated). Less than .05 of it is a continuum, not groups: strength alone would find three
personas there too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from sklearn.metrics import (
    adjusted_rand_score,
    calinski_harabasz_score,
    davies_bouldin_score,
    silhouette_score,
)

from applicant_personas.personas.centers import Clusters, Observed, fit_centers
from applicant_personas.progress import told
from applicant_personas.rows import BoolArray, FloatArray, IntArray, TextArray

FEWEST, MOST = 3, 10
CURVE_ROWS = 4_000
N_HALVES = 10
N_STARTS = 10
LEAST_STRENGTH = 0.5
# From here on what is found again is called groups.
PROVEN_STRENGTH = 0.7
DOUBT = 0.05
# Of the excess over Gaussian data: what a further persona must add.
TOLERANCE = 0.01
DEVIATIONS_APART = 0.8
BLOCKS_APART = 2
# Log inertia below that of Gaussian data; less is a continuum.
LEAST_EXCESS = 0.05
# Fewer can be cut into as many personas as one likes.
MIN_ROWS = 50
MIN_ROWS_PER_PERSONA = 5
ENOUGH_ROWS = 500
QUALITY_ROWS = 2_000

Curve = dict[int, dict[str, float]]


@dataclass(frozen=True)
class Space:
    """The weighted space: standardized columns `x` (n, p; NaN where missing), and a fact a column.

    `blocks` (p), `weights` (p) and `has_spread` (p): not a flag that something is missing.
    """

    x: FloatArray
    blocks: TextArray
    weights: FloatArray
    has_spread: BoolArray

    def rows(self) -> Observed:
        """Fold the weights into the columns that have one."""
        used = self.weights > 0
        return Observed.of(self.x[:, used], self.weights[used])


@dataclass(frozen=True)
class Choice:
    """The number chosen, the sentence why, and whether there are groups at all."""

    k: int
    reason: str
    verdict: str

    def but_for(self, n_empty: int) -> Choice:
        """Say how many of them have nobody, if any."""
        if n_empty == 0:
            return self
        return replace(self, reason=f"{self.reason} {n_empty} of them have nobody: left out.")


def measure_curve(space: Space, wanted: set[int], rng: np.random.Generator) -> Curve:
    """Measure each number of personas on at most 4,000 rows, a quarter of them held out.

    Metrics: prediction_strength, stability_mean and stability_p10 (adjusted Rand index between fits
    on halves), blocks_apart, excess_over_gaussian, inertia, smallest_share, silhouette,
    davies_bouldin, calinski_harabasz (these three with gaps filled from the row's center).
    """
    order = rng.permutation(len(space.x))[:CURVE_ROWS]
    part = Space(space.x[order], space.blocks, space.weights, space.has_spread)
    rows = part.rows()
    quarter = len(order) // 4
    held_out, others = rows.rows(slice(0, quarter)), rows.rows(slice(quarter, None))
    halves = [rng.permutation(len(others))[: len(others) // 2] for _ in range(N_HALVES)]
    plain = _gaussian(rows, rng)
    curve = {}
    for k in told(sorted(wanted), "numbers of personas"):
        fit = fit_centers(rows, k, rng, N_STARTS)
        share = np.bincount(fit.labels, minlength=k) / len(rows)
        curve[k] = {"inertia": fit.inertia / len(rows), "smallest_share": float(share.min())}
        if k > 1:
            labels = [
                held_out.nearest(fit_centers(others.rows(half), k, rng, N_STARTS).centers)
                for half in halves
            ]
            null = fit_centers(plain, k, rng, N_STARTS // 2)
            curve[k] |= agreement(labels, k) | _quality(rows, fit)
            curve[k] |= {
                "blocks_apart": float(blocks_apart(part, fit)),
                "excess_over_gaussian": float(np.log(null.inertia / max(fit.inertia, 1e-12))),
            }
    return curve


def agreement(labels: list[IntArray], k: int) -> dict[str, float]:
    """Compare every two labelings of the same rows, each a fit on another half."""
    pairs = [*combinations(labels, 2)]
    strengths = [(strength(a, b, k) + strength(b, a, k)) / 2 for a, b in pairs]
    rand = [adjusted_rand_score(a, b) for a, b in pairs]
    return {
        "prediction_strength": float(np.mean(strengths)),
        "stability_mean": float(np.mean(rand)),
        "stability_p10": float(np.quantile(rand, 0.1)),
    }


def strength(labels: IntArray, others: IntArray, k: int) -> float:
    """Prediction strength of one labeling (n) by another (n): that of its worst cluster.

    Of the pairs of rows that `labels` puts into one cluster, the share that `others` puts into one
    cluster too; 0 for a cluster without a pair.
    """
    table = np.zeros((k, k))
    np.add.at(table, (labels, others), 1.0)
    size = table.sum(axis=1)
    together = (table * (table - 1)).sum(axis=1)
    return float((together / np.maximum(size * (size - 1), 1.0)).min())


def blocks_apart(space: Space, clusters: Clusters) -> int:
    """Count the blocks in which the two most alike clusters differ.

    A block counts where some column of it, flags of missing values aside, has centers at least .8
    deviations within the two clusters apart.
    """
    used = space.weights > 0
    blocks, has_spread = space.blocks[used], space.has_spread[used]
    centers, variance = clusters.centers, within_variance(space.rows(), clusters)
    fewest = len(set(blocks))
    for one, other in combinations(range(len(centers)), 2):
        gap = np.abs(centers[one] - centers[other])
        deviation = np.sqrt((variance[one] + variance[other]) / 2)
        far = has_spread & (gap > 0) & (gap >= DEVIATIONS_APART * deviation)
        fewest = min(fewest, len(set(blocks[far])))
    return fewest


def within_variance(rows: Observed, clusters: Clusters) -> FloatArray:
    """Variance of each column within each cluster (k, p), over observed values."""
    members = np.zeros((len(clusters.centers), len(rows)))
    members[clusters.labels, np.arange(len(rows))] = 1.0
    n = np.maximum(members @ rows.known, 1.0)
    mean = (members @ rows.values) / n
    return np.maximum((members @ rows.values**2) / n - mean**2, 0.0)


def choose_number(
    curve: Curve, n_rows: int, n_personas: int | None, most: int, standing: int | None
) -> Choice:
    """Choose the number of personas from its curve.

    `n_personas` pins it, `most` is what the rows can carry, `standing` the number that
    an earlier fit chose.
    """
    if most == 1:
        return Choice(
            1, "One persona: there are too few applicants, or they are all alike.", "too few rows"
        )
    choice = _by_structure(curve, standing)
    # A number that was asked for may cut across groups, which are there all the same.
    excess = curve[choice.k].get("excess_over_gaussian", 1.0)
    k, why, verdict = choice.k, choice.reason, choice.verdict
    if n_personas is not None and n_personas <= most:
        k, why = n_personas, f"The number of personas was set to {n_personas}."
    elif n_personas is not None:
        k, why = most, f"The {n_personas} personas asked for are more than the rows can carry."
    if n_rows < ENOUGH_ROWS:
        doubt = f"Too few rows to tell: {n_rows} applicants could be cut in many ways. "
        return Choice(k, doubt + why, "too few rows")
    if excess < LEAST_EXCESS:
        doubt = "A continuum, not groups: the personas are ranges that blend into each other. "
        return Choice(k, doubt + why, "continuum")
    return Choice(k, why, verdict)


def _by_structure(curve: Curve, standing: int | None) -> Choice:
    """Take the fewest personas that hold nearly all the structure of those that are found again."""

    def strength(k: int) -> float:
        return curve[k].get("prediction_strength", 0.0) + (DOUBT if k == standing else 0.0)

    found = [k for k in curve if strength(k) >= LEAST_STRENGTH and _apart(curve[k])]
    if not found:
        k = max(curve, key=strength)
        proven, apart = curve[k].get("prediction_strength", 0.0), curve[k].get("blocks_apart", 0.0)
        reason = (
            f"No number of personas is sound; {k} are found again best in another half of the "
            f"applicants (prediction strength {proven:.2f}, {LEAST_STRENGTH} needed; the two most "
            f"alike differ in {apart:.0f} block{'s' * (apart != 1)} of features, {BLOCKS_APART} "
            "needed)."
        )
        return Choice(k, reason, "unproven")
    most = max(curve[k]["excess_over_gaussian"] for k in found)
    nearly = [k for k in found if curve[k]["excess_over_gaussian"] >= most - TOLERANCE]
    k = standing if standing in nearly else min(nearly)
    # Adding 0 turns a rounded -0.00 into 0.00.
    excess, most = (round(value, 2) + 0.0 for value in (curve[k]["excess_over_gaussian"], most))
    proven = curve[k]["prediction_strength"]
    reason = (
        f"{k} personas hold nearly all the structure (log inertia {excess:.2f} below that of "
        f"data without groups, {most:.2f} at most) of the numbers that are found again in another "
        f"half of the applicants (prediction strength {proven:.2f}, "
        f"{LEAST_STRENGTH} needed) and differ in at least {BLOCKS_APART} blocks of features."
    )
    return Choice(k, reason, "groups" if strength(k) >= PROVEN_STRENGTH else "unproven")


def _apart(metrics: dict[str, float]) -> bool:
    return metrics.get("blocks_apart", 0.0) >= BLOCKS_APART


def feasible(rows: Observed) -> int:
    """Count the personas that so many rows, and so many different ones, can carry."""
    if len(rows) < MIN_ROWS:
        return 1
    different = len(np.unique(np.hstack([rows.values, rows.known]), axis=0))
    return min(different, len(rows) // MIN_ROWS_PER_PERSONA)


def _gaussian(rows: Observed, rng: np.random.Generator) -> Observed:
    """Draw Gaussian rows of equal mean, covariance (of observed pairs) and gaps."""
    n = np.maximum(rows.known.sum(axis=0), 1.0)
    mean = rows.values.sum(axis=0) / n
    centered = np.where(rows.known > 0, rows.values - mean, 0.0)
    both = np.maximum(rows.known.T @ rows.known, 1.0)
    covariance = (centered.T @ centered) / both
    options: dict[str, Any] = {"check_valid": "ignore", "method": "eigh"}
    drawn = rng.multivariate_normal(mean, covariance, len(rows), **options)
    return Observed(np.where(rows.known > 0, drawn, 0.0), rows.known)


def _quality(rows: Observed, fit: Clusters) -> dict[str, float]:
    """Usual indexes, on rows whose gaps are filled from their center."""
    filled = np.where(rows.known > 0, rows.values, fit.centers[fit.labels])[:QUALITY_ROWS]
    labels = fit.labels[:QUALITY_ROWS]
    if not 1 < len(np.unique(labels)) < len(labels):
        return {}
    return {
        "silhouette": float(silhouette_score(filled, labels)),
        "davies_bouldin": float(davies_bouldin_score(filled, labels)),
        "calinski_harabasz": float(calinski_harabasz_score(filled, labels)),
    }
