"""Personas: how many, where their centers are, and how sure that is.

k-means (k-means++ starts) on the standardized, weighted matrix. The number of personas is chosen by
the information that can be reproduced: what the labels of two fits on random halves tell about
each other (mutual information, in nats) on rows that neither saw, in excess of the same on Gaussian
data of equal mean and covariance, which has no groups to find. Plain stability (the adjusted Rand
index of the same labels; Ben-Hur 2002, Lange 2004) is in the curve too, but always favors few
personas, and its excess over the null often does: information pays for each further persona that
is really there. The null is Tibshirani's gap (2001) in spirit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import (
    adjusted_rand_score,
    calinski_harabasz_score,
    davies_bouldin_score,
    mutual_info_score,
    silhouette_score,
)

from applicant_personas.rows import INTEGER, NUMBER, TEXT, FloatArray, IntArray, one_thread, tidy

PERSONA_TYPES = {
    "record": TEXT,
    "k": INTEGER,
    "item": TEXT,
    "feature": TEXT,
    "value": NUMBER,
    "text": TEXT,
}
MATRIX_PREFIX = "z_"
MIN_ROWS = 50
MIN_ROWS_PER_PERSONA = 5
TOLERANCE = 0.05
QUALITY_ROWS = 2_000
# As many as the fit itself gets: a poor local optimum of a half would pass for instability.
HALF_RESTARTS = 10
N_NULLS = 3

Part = dict[str, Any]


@dataclass(frozen=True)
class _Candidate:
    """One number of personas: its fit, its labels of the held-out rows by halves, its metrics."""

    fit: KMeans
    half_labels: list[IntArray]
    metrics: dict[str, float]


def fit_personas(
    matrix: pd.DataFrame,
    *,
    n_personas: int | None = None,
    k_range: tuple[int, int] = (4, 8),
    seed: int,
    n_restarts: int = 10,
    n_halves: int = 10,
    stability_rows: int = 4_000,
    n_components: int = 10,
) -> pd.DataFrame:
    """Choose the number of personas, fit their centers, and fit principal components.

    `matrix`: a bounded sample in a fixed order; its columns z_* (float, none missing) are the
    standardized, weighted features, other columns are ignored. n_personas pins the number; the
    curve is measured nevertheless. Fewer than 50 rows, or all rows equal, give one persona, and
    the reason says so; no row, or no z_ column, gives an empty frame. Returns PERSONA_TYPES with
    the records

    - selection: k, item = metric (silhouette, davies_bouldin, calinski_harabasz, inertia,
      stability_mean, stability_p10, null_stability_mean, stability_excess, information_mean,
      null_information_mean, information_excess, smallest_share, is_chosen), value; and, for the
      chosen k, item 'reason' with the sentence in text;
    - centroid: item = persona number '01'.. from the largest to the smallest, feature, value;
    - cluster: item, feature = n, share or jaccard (mean Jaccard overlap with fits on halves);
    - component: item = 'PC1'.., feature 'explained_variance_ratio'; loading: item, feature, value;
      center: feature, value (the mean that positions are measured from).

    Raises ValueError when a value is missing.
    """
    names = [name for name in matrix.columns if name.startswith(MATRIX_PREFIX)]
    x = matrix[names].to_numpy(dtype=np.float64)
    if not np.isfinite(x).all():
        raise ValueError("The persona matrix has missing or infinite values.")
    if not x.size:
        return tidy([], PERSONA_TYPES)
    one_thread()
    personas = _Personas(x, seed, n_restarts, n_halves, stability_rows)
    parts = [*_persona_parts(personas, names, n_personas, k_range)]
    return tidy([*parts, *_component_parts(x, names, n_components)], PERSONA_TYPES)


class _Personas:
    """Fits on one matrix and what they are worth, by number of personas."""

    def __init__(
        self, x: FloatArray, seed: int, n_restarts: int, n_halves: int, stability_rows: int
    ) -> None:
        rng = np.random.default_rng(seed)
        self.x = x
        self.seed = seed
        self.n_restarts = n_restarts
        order = rng.permutation(len(x))[:stability_rows]
        self.held_out = x[order[: len(order) // 4]]
        self.others = x[order[len(order) // 4 :]]
        mean, covariance = x.mean(axis=0), np.atleast_2d(np.cov(x, rowvar=False))
        # Any one draw has structure of its own, by chance; so a few are averaged.
        self.nulls = [
            rng.multivariate_normal(mean, covariance, len(order), method="eigh")
            for _ in range(N_NULLS)
        ]
        self.halves = [
            rng.permutation(len(self.others))[: len(self.others) // 2] for _ in range(n_halves)
        ]

    def feasible(self) -> int:
        """Count the personas that so many rows, and so many different ones, can carry."""
        if len(self.x) < MIN_ROWS:
            return 1
        return min(len(np.unique(self.x, axis=0)), len(self.x) // MIN_ROWS_PER_PERSONA)

    def fit(self, k: int) -> KMeans:
        """Fit the centers on all rows."""
        return KMeans(k, n_init=self.n_restarts, random_state=self.seed).fit(self.x)

    def half_labels(self, k: int) -> list[IntArray]:
        """Label the held-out rows by a fit on each random half of the others."""
        return self._labels(k, self.others, self.held_out, self.halves)

    def null_labels(self, k: int) -> list[list[IntArray]]:
        """Do the same on Gaussian data of the same mean and covariance, which has no groups."""
        n = len(self.held_out)
        halves = self.halves[: max(2, len(self.halves) // 2)]
        return [self._labels(k, null[n:], null[:n], halves) for null in self.nulls]

    def _labels(
        self, k: int, others: FloatArray, held_out: FloatArray, halves: list[IntArray]
    ) -> list[IntArray]:
        fits = (
            KMeans(k, n_init=HALF_RESTARTS, random_state=self.seed + number).fit(others[half])
            for number, half in enumerate(halves)
        )
        return [fit.predict(held_out) for fit in fits]


def _persona_parts(
    personas: _Personas, names: list[str], n_personas: int | None, k_range: tuple[int, int]
) -> Iterator[Part]:
    most = personas.feasible()
    wanted = {*range(k_range[0], k_range[1] + 1), *([n_personas] if n_personas else [])}
    curve = {k: _candidate(personas, k) for k in sorted({min(k, most) for k in wanted})}
    chosen, reason = _choose(curve, n_personas, most)
    for k, candidate in curve.items():
        metrics = candidate.metrics | {"is_chosen": float(k == chosen)}
        yield {
            "record": "selection",
            "k": k,
            "item": list(metrics),
            "value": list(metrics.values()),
        }
    yield {"record": "selection", "k": chosen, "item": "reason", "text": reason}
    yield from _cluster_parts(personas, names, chosen, curve[chosen])


def _candidate(personas: _Personas, k: int) -> _Candidate:
    """Fit and measure one number of personas."""
    fit = personas.fit(k)
    share = np.bincount(fit.labels_, minlength=k) / len(fit.labels_)
    metrics = {"inertia": float(fit.inertia_), "smallest_share": float(share.min())}
    if k == 1:
        return _Candidate(fit, [], metrics)
    step = max(1, len(personas.x) // QUALITY_ROWS)
    x, labels = personas.x[::step], fit.labels_[::step]
    if len(np.unique(labels)) > 1:
        metrics |= {
            "silhouette": float(silhouette_score(x, labels)),
            "davies_bouldin": float(davies_bouldin_score(x, labels)),
            "calinski_harabasz": float(calinski_harabasz_score(x, labels)),
        }
    halves = personas.half_labels(k)
    nulls = personas.null_labels(k)
    agreement, null_agreement = (_pairwise(adjusted_rand_score, x) for x in ([halves], nulls))
    information, null_information = (_pairwise(mutual_info_score, x) for x in ([halves], nulls))
    metrics |= {
        "stability_mean": float(agreement.mean()),
        "stability_p10": float(np.quantile(agreement, 0.1)),
        "null_stability_mean": float(null_agreement.mean()),
        "stability_excess": float(agreement.mean() - null_agreement.mean()),
        "information_mean": float(information.mean()),
        "null_information_mean": float(null_information.mean()),
        "information_excess": float(information.mean() - null_information.mean()),
    }
    return _Candidate(fit, halves, metrics)


def _pairwise(
    measure: Callable[[IntArray, IntArray], float], sets: list[list[IntArray]]
) -> FloatArray:
    """Compare every two labelings of the same rows, in each set."""
    return np.array([measure(*pair) for labels in sets for pair in combinations(labels, 2)])


def _choose(curve: dict[int, _Candidate], n_personas: int | None, most: int) -> tuple[int, str]:
    """Choose the number of personas, with the reason as a sentence."""
    if most == 1:
        return 1, "One persona: there are too few applicants, or they are all alike."
    if n_personas is not None:
        chosen = min(n_personas, most)
        if chosen < n_personas:
            return chosen, f"The {n_personas} personas asked for are more than the rows can carry."
        return chosen, f"The number of personas was set to {chosen}."
    excess = {k: candidate.metrics["information_excess"] for k, candidate in curve.items()}
    best = max(excess.values())
    chosen = min(k for k, value in excess.items() if value >= best - TOLERANCE)
    return chosen, (
        f"{chosen} is the smallest number whose reproducible information in excess of data "
        f"without groups ({excess[chosen]:.3f} nats) is within {TOLERANCE} of the best "
        f"({best:.3f})."
    )


def _cluster_parts(
    personas: _Personas, names: list[str], chosen: int, candidate: _Candidate
) -> Iterator[Part]:
    """Describe the clusters, numbered from the largest; equal sizes by their centers."""
    fit = candidate.fit
    size = np.bincount(fit.labels_, minlength=chosen)
    centers = np.round(fit.cluster_centers_, 12)
    order = sorted(range(chosen), key=lambda c: (-size[c], *centers[c]))
    jaccard = _jaccard(fit.predict(personas.held_out), candidate.half_labels, chosen)
    for number, cluster in enumerate(order, start=1):
        item = f"{number:02d}"
        yield {
            "record": "centroid",
            "k": chosen,
            "item": item,
            "feature": names,
            "value": fit.cluster_centers_[cluster],
        }
        yield {
            "record": "cluster",
            "k": chosen,
            "item": item,
            "feature": ["n", "share", "jaccard"],
            "value": [
                float(size[cluster]),
                float(size[cluster] / len(personas.x)),
                float(jaccard[cluster]),
            ],
        }


def _jaccard(labels: IntArray, half_labels: list[IntArray], k: int) -> FloatArray:
    """Average each cluster's best overlap with a cluster of the halves' fits (Hennig 2007)."""
    overlaps = []
    for half in half_labels:
        both = np.zeros((k, k))
        np.add.at(both, (labels, half), 1.0)
        either = both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both
        overlaps.append(np.max(both / np.maximum(either, 1.0), axis=1))
    mean: FloatArray = np.mean(overlaps, axis=0) if overlaps else np.ones(k)
    return mean


def _component_parts(x: FloatArray, names: list[str], n_components: int) -> Iterator[Part]:
    """Fit principal components; each points to where its largest loading is positive."""
    center = x.mean(axis=0)
    variance, vectors = np.linalg.eigh(np.atleast_2d(np.cov(x, rowvar=False, ddof=0)))
    total = max(float(variance.sum()), 1e-300)
    yield {"record": "center", "feature": names, "value": center}
    for number in range(min(n_components, len(names))):
        loading = vectors[:, -1 - number]
        largest = np.argmax(np.round(np.abs(loading), 9))
        item = f"PC{number + 1}"
        yield {
            "record": "component",
            "item": item,
            "feature": "explained_variance_ratio",
            "value": float(max(variance[-1 - number], 0.0) / total),
        }
        yield {
            "record": "loading",
            "item": item,
            "feature": names,
            "value": loading * np.sign(loading[largest]),
        }
