"""Weighted k-means over what is observed: a missing value adds nothing to a distance.

The objective is that of k-POD (Chi, Chi and Baraniuk 2016): the sum over rows, and over each row's
observed columns, of weight x (value - center)^2. With the square roots of the weights folded into
the columns, all distances of a set of centers are one matrix product, so many starts run at once.
Filling the gaps and calling scikit-learn's KMeans again and again reaches the same objective at
several times the cost, because each round is a whole fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from applicant_personas.rows import FloatArray, IntArray

MAX_ROUNDS = 100
# A center leans on this many imagined rows at the mean of everyone, so that one row is no persona.
PRIOR_ROWS = 1.0


@dataclass(frozen=True)
class Observed:
    """Rows of a weighted space (n, p): values with 0 where missing, and what is observed."""

    values: FloatArray
    known: FloatArray

    @classmethod
    def of(cls, x: FloatArray, weights: FloatArray | None = None) -> Observed:
        """Fold the square roots of `weights` (p) into `x` (n, p), NaN where missing."""
        known = np.isfinite(x).astype(np.float64)
        root = 1.0 if weights is None else np.sqrt(weights)
        return cls(np.where(known > 0, x, 0.0) * root, known)

    def rows(self, which: IntArray | slice) -> Observed:
        """Take some rows."""
        return Observed(self.values[which], self.known[which])

    def __len__(self) -> int:
        return len(self.values)

    def distances(self, centers: FloatArray) -> FloatArray:
        """Squared distances (n, k) to centers (k, p), over each row's observed columns."""
        length = np.einsum("ij,ij->i", self.values, self.values)[:, np.newaxis]
        found: FloatArray = np.maximum(length + self._beyond_length(centers), 0.0)
        return found

    def nearest(self, centers: FloatArray) -> IntArray:
        """Find the nearest center (n)."""
        return np.asarray(self._beyond_length(centers).argmin(axis=1), dtype=np.int64)

    def _beyond_length(self, centers: FloatArray) -> FloatArray:
        """Give the part of the distance that depends on the center."""
        found: FloatArray = self.known @ (centers**2).T - 2 * self.values @ centers.T
        return found


@dataclass(frozen=True)
class Clusters:
    """Centers (k, p) in the weighted space, each row's cluster (n), and the objective."""

    centers: FloatArray
    labels: IntArray
    inertia: float

    def occupied(self) -> Clusters:
        """Leave out centers that are nearest to no row."""
        kept, labels = np.unique(self.labels, return_inverse=True)
        return Clusters(self.centers[kept], labels.astype(np.int64), self.inertia)


def fit_centers(rows: Observed, k: int, rng: np.random.Generator, n_starts: int = 10) -> Clusters:
    """Fit k centers from several k-means++ starts; the best of them.

    Raises ValueError when there are fewer rows than centers.
    """
    if len(rows) < k:
        raise ValueError(f"{len(rows)} rows can't carry {k} centers.")
    starts = np.stack([_spread_out(rows, k, rng) for _ in range(n_starts)])
    return refine_centers(rows, starts)


def refine_centers(rows: Observed, starts: FloatArray) -> Clusters:
    """Move centers (starts, k, p) to their rows until no row changes; the best of them."""
    n_starts, k, width = starts.shape
    centers = starts.copy()
    labels = np.full((n_starts, len(rows)), -1)
    active = np.arange(n_starts)
    for _ in range(MAX_ROUNDS):
        beyond = rows._beyond_length(centers[active].reshape(-1, width))
        found = beyond.reshape(len(rows), len(active), k).argmin(axis=2).T
        moved = (found != labels[active]).any(axis=1)
        labels[active] = found
        active = active[moved]
        if not len(active):
            break
        for start in active:
            centers[start] = center_means(rows, labels[start], k)
    inertia = [_inertia(rows, centers[start], labels[start]) for start in range(n_starts)]
    best = int(np.argmin(np.round(inertia, 9)))
    return Clusters(centers[best], labels[best].astype(np.int64), inertia[best])


def center_means(rows: Observed, labels: IntArray, k: int) -> FloatArray:
    """Average the observed values of each cluster (k, p), leaning a little on the mean, 0."""
    members = np.zeros((k, len(rows)))
    members[labels, np.arange(len(rows))] = 1.0
    means: FloatArray = (members @ rows.values) / (members @ rows.known + PRIOR_ROWS)
    return means


def _spread_out(rows: Observed, k: int, rng: np.random.Generator) -> FloatArray:
    """Draw k rows far from each other (k-means++, Arthur and Vassilvitskii 2007)."""
    length = np.einsum("ij,ij->i", rows.values, rows.values)
    chosen = [int(rng.integers(len(rows)))]
    nearest = np.full(len(rows), np.inf)
    for _ in range(k - 1):
        beyond = rows._beyond_length(rows.values[chosen[-1:]])[:, 0]
        nearest = np.minimum(nearest, np.maximum(length + beyond, 0.0))
        total = np.cumsum(nearest)
        place = np.searchsorted(total, rng.random() * total[-1], side="right")
        chosen.append(int(min(place, len(rows) - 1)))
    return rows.values[chosen]


def _inertia(rows: Observed, centers: FloatArray, labels: IntArray) -> float:
    own = centers[labels]
    return float((rows.known * (rows.values - own) ** 2).sum())
