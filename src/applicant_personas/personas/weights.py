"""How much each column may say about personas: what groups formed without its block tell of it.

Under local independence a column belongs to the groups only if the *other* blocks can tell it;
judging a column by clusters that it helped to form rewards noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from applicant_personas.personas.centers import Observed, fit_centers
from applicant_personas.rows import BoolArray, FloatArray, IntArray, TextArray

N_GROUPS = 12
N_ROUNDS = 2
N_STARTS = 3
# One cut explains all of a two-valued column, but at most 2/pi of a normal one.
TWO_VALUED = 0.5
MOST_SHARED = 0.9
# Granted to every share: the less is shared, the less sure it is, and the more even the weights.
GRANTED = 0.1
# Standard deviations of what groups tell of a column that has nothing to do with them.
CHANCE = 5.0
DOUBT = 0.05
MIN_ROWS = 300


@dataclass(frozen=True)
class Weights:
    """Weight and share told by the other blocks, a column (p); and whether anything was learned."""

    weight: FloatArray
    shared: FloatArray
    are_learned: bool

    def lean_on(self, weight: FloatArray, shared: FloatArray) -> Weights:
        """Keep the weights (p; NaN where there is none) of an earlier fit whose share still holds.

        A share moves by a few hundredths with the sample alone, and every weight that moves would
        move people between personas.
        """
        holds = np.abs(self.shared - shared) < DOUBT
        return Weights(
            np.where(holds, weight, self.weight),
            np.where(holds, shared, self.shared),
            self.are_learned,
        )


def learn_weights(
    x: FloatArray, blocks: TextArray, two_valued: BoolArray, rng: np.random.Generator
) -> Weights:
    """Learn column weights from standardized rows `x` (n, p), NaN where missing.

    For each block the rows are clustered without it; a column's share is the adjusted share of its
    variance between those groups, and its weight is (share + .1) / (1 - share), half of that if it
    is two-valued, none if chance tells as much. With fewer than two blocks left nothing is shared:
    the weights stay as they began.
    """
    begin = np.where(two_valued, TWO_VALUED, 1.0)
    nothing = np.zeros(x.shape[1])
    if len(x) < MIN_ROWS or len(set(blocks)) < 2:
        return Weights(begin, nothing, are_learned=False)
    weight, shared, least = begin, nothing, told_by_chance(x)
    for _ in range(N_ROUNDS):
        shared = _shared(x, blocks, weight, rng)
        capped = np.minimum(shared, MOST_SHARED)
        learned = begin * (capped + GRANTED) / (1 - capped)
        weight = np.where(capped < least, 0.0, learned)
        if len({block for block, w in zip(blocks, weight, strict=True) if w > 0}) < 2:
            return Weights(begin, shared, are_learned=False)
    return Weights(weight, shared, are_learned=True)


def told_by_chance(x: FloatArray) -> FloatArray:
    """Tell what share of each column (p) the groups may explain by chance alone.

    Of n observed rows, g groups explain (g - 1)/n and the adjusted share is 0, with a standard
    deviation of sqrt(2 (g - 1))/n (the F distribution, for many rows).
    """
    n = np.maximum(np.isfinite(x).sum(axis=0), 1)
    found: FloatArray = CHANCE * np.sqrt(2.0 * (N_GROUPS - 1)) / n
    return found


def _shared(
    x: FloatArray, blocks: TextArray, weight: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Share of each column's variance that groups formed without its block explain (p)."""
    shared = np.zeros(x.shape[1])
    for block in sorted(set(blocks)):
        own = blocks == block
        others = ~own & (weight > 0)
        if not others.any():
            continue
        rows = Observed.of(x[:, others], weight[others])
        groups = fit_centers(rows, min(N_GROUPS, len(x) // 20), rng, N_STARTS).labels
        shared[own] = [explained(x[:, column], groups) for column in np.flatnonzero(own)]
    return shared


def explained(values: FloatArray, groups: IntArray) -> float:
    """Compute the adjusted share of the variance of `values` (n) between groups; 0 to 1."""
    known = np.isfinite(values)
    value, group = values[known], groups[known]
    size = np.bincount(group).astype(np.float64)
    n, n_groups = len(value), int((size > 0).sum())
    total = float(((value - value.mean()) ** 2).sum()) if n else 0.0
    if n <= n_groups or total <= 0:
        return 0.0
    mean = np.bincount(group, value) / np.maximum(size, 1.0)
    within = float(((value - mean[group]) ** 2).sum())
    return max(0.0, 1 - within / total * (n - 1) / (n - n_groups))
