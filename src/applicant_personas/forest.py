"""A random forest whose fitted form is a table of nodes, read and applied without scikit-learn.

The forest is scikit-learn's, missing values handled natively (a split sends them left or right).
Scoring walks all rows down a tree at once, one level a step; it is written here so that stored rows
alone give the same probability to the bit, in any process and with any version of scikit-learn.

>>> x = np.repeat([[2.5], [3.5]], 50, axis=0)
>>> fitted = fit_forest(x, np.repeat([0.0, 1.0], 50), max_rows=100, n_trees=10, seed=1)
>>> rows = forest_to_rows(forest_of(fitted, ["gpa"]))
>>> forest_from_rows(rows, ["gpa"]).probability(np.array([[2.0], [4.0]]))
array([0., 1.])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from joblib import effective_n_jobs  # type: ignore[import-untyped]
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor

from applicant_personas.rows import FLAG, INTEGER, NUMBER, TEXT, FloatArray, tidy

NODE_TYPES = {
    "tree": INTEGER,
    "node": INTEGER,
    "column_name": TEXT,
    "left_child": INTEGER,
    "missing_left": FLAG,
    "threshold": NUMBER,
    "value": NUMBER,
    "n": INTEGER,
}
Float32Array = NDArray[np.float32]
Int32Array = NDArray[np.int32]
CHUNK_ROWS = 4096
# Trees of fewer rows grow faster than threads are handed them.
FEW_ROWS = 5_000


@dataclass(frozen=True)
class Tree:
    """Nodes in order of level, the root first; the right child follows the left one.

    `column` is the place in x, counted from the number of columns on where missing values go left.
    A leaf is its own left child, and every value stays there.
    """

    column: Int32Array
    threshold: Float32Array
    left: Int32Array
    value: FloatArray
    n: Int32Array
    n_levels: int


@dataclass(frozen=True)
class Forest:
    """Trees over the columns of a design matrix; the probability is the mean over the trees."""

    columns: tuple[str, ...]
    trees: tuple[Tree, ...]

    def probability(self, x: FloatArray, n_jobs: int = 1) -> FloatArray:
        """Predict P(1) of each row of x (n, columns; NaN = missing)."""
        return self._over_rows(self._mean_value, x, n_jobs)

    def explained(self, x: FloatArray, n_jobs: int = 1) -> tuple[FloatArray, FloatArray]:
        """Predict P(1) of each row of x, and credit each column with its part (Saabas 2014).

        Along a row's path each split moves the estimate from the parent's rate to the child's; that
        difference is the split column's. Returns the probabilities (n) as `probability` does, to
        the bit, and the parts (n, columns); a row's sum and `base_rate` are its probability.
        """
        credits = [_node_credits(tree, len(self.columns)) for tree in self.trees]

        def mean_value_and_credit(split: Float32Array) -> FloatArray:
            total = np.zeros((len(split), 1 + len(self.columns)))
            for tree, credit in zip(self.trees, credits, strict=True):
                leaves = _leaves(tree, split)
                total[:, 0] += tree.value[leaves]
                total[:, 1:] += credit[leaves]
            return total / len(self.trees)

        found = self._over_rows(mean_value_and_credit, x, n_jobs)
        return found[:, 0].copy(), found[:, 1:]

    @property
    def base_rate(self) -> float:
        """Mean rate of the roots, from which contributions count."""
        return float(np.mean([tree.value[0] for tree in self.trees]))

    def _mean_value(self, split: Float32Array) -> FloatArray:
        total = np.zeros(len(split))
        for tree in self.trees:
            total += tree.value[_leaves(tree, split)]
        return total / len(self.trees)

    @staticmethod
    def _over_rows(
        apply: Callable[[Float32Array], FloatArray], x: FloatArray, n_jobs: int
    ) -> FloatArray:
        """Apply to chunks that fit a processor's cache; each row's sum has one order."""
        starts = range(0, max(len(x), 1), CHUNK_ROWS)
        with ThreadPoolExecutor(effective_n_jobs(n_jobs)) as pool:
            parts = pool.map(lambda at: apply(_both_ways(x[at : at + CHUNK_ROWS])), starts)
            return np.concatenate(list(parts))


def fit_forest(
    x: FloatArray, y: FloatArray, *, max_rows: int, n_trees: int, seed: int, n_jobs: int = 1
) -> RandomForestRegressor:
    """Fit a forest on x (n, columns; NaN = missing) and y (n; 0 or 1).

    Each tree draws at most max_rows of all rows and looks at a third of the columns at a split;
    leaves hold a hundredth of the rows, at least 10 and at most 25. The result is the same for any
    number of threads. Regression on 0 and 1 grows a classifier's trees, but for ties, as half the
    Gini impurity is the variance (Malley et al. 2012, Probability machines), in 5/6 of its time.
    """
    forest = RandomForestRegressor(
        n_estimators=n_trees,
        min_samples_leaf=int(np.clip(len(y) // 100, 10, 25)),
        max_features=1 / 3,
        max_samples=min(1.0, max_rows / len(y)),
        random_state=seed,
        n_jobs=n_jobs if len(y) > FEW_ROWS else 1,
    )
    return forest.fit(x.astype(np.float32), y)


def predict_forest(forest: RandomForestRegressor, x: FloatArray, n_jobs: int) -> FloatArray:
    """Predict P(1) of each row of x, faster than the stored form, while the fit is at hand.

    Each thread has rows of its own, so that the trees of a row are summed in one order.
    """
    values = np.ascontiguousarray(x, dtype=np.float32)

    def mean_value(rows: Float32Array) -> FloatArray:
        total = np.zeros(len(rows))
        for tree in forest.estimators_:
            total += tree.predict(rows, check_input=False)
        return total / len(forest.estimators_)

    parts = [part for part in np.array_split(values, effective_n_jobs(n_jobs)) if len(part)]
    with ThreadPoolExecutor(max(1, len(parts))) as pool:
        return np.concatenate([np.zeros(0), *pool.map(mean_value, parts)])


def out_of_bag_probability(
    forest: RandomForestRegressor, x: FloatArray, y: FloatArray
) -> FloatArray:
    """Predict training rows by the trees that did not see them (base rate if all did).

    x (n, columns) and y (n) are the first rows of those that the forest was fitted on.
    """
    values = np.ascontiguousarray(x, dtype=np.float32)
    total, n_trees = np.zeros(len(y)), np.zeros(len(y))
    for tree, sample in zip(forest.estimators_, forest.estimators_samples_, strict=True):
        unseen = np.ones(len(y), dtype=bool)
        unseen[sample[sample < len(y)]] = False
        if unseen.any():
            total[unseen] += tree.predict(values[unseen], check_input=False)
            n_trees[unseen] += 1
    return np.where(n_trees > 0, total / np.maximum(n_trees, 1), y.mean())


def forest_of(fitted: RandomForestRegressor, columns: Sequence[str]) -> Forest:
    """Take the trees out of a fitted forest."""
    trees = [_tree(estimator.tree_, len(columns)) for estimator in fitted.estimators_]
    return Forest(tuple(columns), tuple(trees))


def forest_to_rows(forest: Forest) -> pd.DataFrame:
    """Write one row a node (NODE_TYPES): its split (none at a leaf), left child, P(1), rows."""
    names = np.array([*forest.columns, None], dtype=object)
    parts = []
    for number, tree in enumerate(forest.trees):
        is_leaf = tree.left == np.arange(len(tree.left))
        place = np.where(is_leaf, len(forest.columns), tree.column % len(forest.columns))
        parts.append(
            {
                "tree": number,
                "node": np.arange(len(tree.left)),
                "column_name": names[place],
                "left_child": np.where(is_leaf, np.nan, tree.left),
                "missing_left": ~is_leaf & (tree.column >= len(forest.columns)),
                "threshold": np.where(is_leaf, np.nan, tree.threshold),
                "value": tree.value,
                "n": tree.n,
            }
        )
    return tidy(parts, NODE_TYPES)


def forest_from_rows(rows: pd.DataFrame, columns: Sequence[str]) -> Forest:
    """Rebuild the forest from its rows, in any order; columns are those of x.

    Raises ValueError when a node splits on a column that is not among them.
    """
    ordered = rows.sort_values(["tree", "node"], kind="stable")
    unknown = sorted(set(ordered["column_name"].dropna()) - set(columns))
    if unknown:
        raise ValueError(f"The forest splits on columns that are not given: {', '.join(unknown)}.")
    position = pd.Series(np.arange(len(columns)), index=list(columns))
    place = ordered["column_name"].map(position).astype("float64").to_numpy()
    is_leaf = np.isnan(place)
    missing_left = ordered["missing_left"].to_numpy(np.bool_) | is_leaf
    node = ordered["node"].to_numpy(np.int64)
    own = ordered["left_child"].to_numpy(np.float64, na_value=np.nan)
    fields = {
        "column": (np.where(is_leaf, 0, place) + len(columns) * missing_left).astype(np.int32),
        "threshold": np.where(
            is_leaf, np.inf, ordered["threshold"].to_numpy(np.float64, na_value=np.nan)
        ).astype(np.float32),
        "left": np.where(is_leaf, node, own).astype(np.int32),
        "value": ordered["value"].to_numpy(np.float64),
        "n": ordered["n"].to_numpy(np.int32),
    }
    starts = np.flatnonzero(node == 0)[1:]
    split = {name: np.split(values, starts) for name, values in fields.items()}
    trees = [
        Tree(column, threshold, left, value, n, _n_levels(left))
        for column, threshold, left, value, n in zip(*split.values(), strict=True)
    ]
    return Forest(tuple(columns), tuple(trees))


def _tree(tree: object, n_columns: int) -> Tree:
    """Renumber a scikit-learn tree by level, children side by side."""
    left, right = tree.children_left, tree.children_right  # type: ignore[attr-defined]
    levels = [np.array([0])]
    while (inner := levels[-1][left[levels[-1]] >= 0]).size:
        levels.append(np.stack([left[inner], right[inner]], axis=1).ravel())
    old = np.concatenate(levels)
    new = np.empty(len(old), dtype=np.int32)
    new[old] = np.arange(len(old))
    is_leaf = left[old] < 0
    # Everyone stays at a leaf: missing values too, which are below all others on the left way.
    missing_left = tree.missing_go_to_left[old].astype(bool) | is_leaf  # type: ignore[attr-defined]
    column = np.where(is_leaf, 0, tree.feature[old])  # type: ignore[attr-defined]
    threshold = np.where(is_leaf, np.inf, tree.threshold[old])  # type: ignore[attr-defined]
    return Tree(
        column=(column + n_columns * missing_left).astype(np.int32),
        threshold=_as_float32(threshold),
        left=np.where(is_leaf, np.arange(len(old)), new[left[old]]).astype(np.int32),
        value=tree.value[old, 0, 0].copy(),  # type: ignore[attr-defined]
        n=tree.n_node_samples[old].astype(np.int32),  # type: ignore[attr-defined]
        n_levels=len(levels),
    )


def _as_float32(threshold: FloatArray) -> Float32Array:
    """Round down, so that the same float32 values lie at or below it."""
    rounded = threshold.astype(np.float32)
    above = rounded.astype(np.float64) > threshold
    rounded[above] = np.nextafter(rounded[above], np.float32(-np.inf))
    return rounded


def _n_levels(left: Int32Array) -> int:
    level, n_levels = np.array([0]), 1
    while (inner := level[left[level] > level]).size:
        level, n_levels = np.concatenate([left[inner], left[inner] + 1]), n_levels + 1
    return n_levels


def _both_ways(x: FloatArray) -> Float32Array:
    """Put x side by side with a copy whose missing values lie below all others."""
    values = x.astype(np.float32)
    return np.hstack([values, np.where(np.isnan(values), np.float32(-np.inf), values)])


def _leaves(tree: Tree, both: Float32Array) -> Int32Array:
    """Find the leaf of each row of `_both_ways`; missing is not below, so it goes right."""
    values, start = both.ravel(), np.arange(len(both), dtype=np.int64) * both.shape[1]
    node = np.zeros(len(both), dtype=np.int32)
    for _ in range(tree.n_levels - 1):
        below = values[start + tree.column[node]] <= tree.threshold[node]
        node = tree.left[node] + ~below
    return node


def _node_credits(tree: Tree, n_columns: int) -> FloatArray:
    """Sum the moves of the estimate along the path to each node, by column (nodes, columns)."""
    credit = np.zeros((len(tree.left), n_columns))
    level = np.array([0])
    while (inner := level[tree.left[level] > level]).size:
        left, column = tree.left[inner], tree.column[inner] % n_columns
        for child in (left, left + 1):
            credit[child] = credit[inner]
            credit[child, column] += tree.value[child] - tree.value[inner]
        level = np.concatenate([left, left + 1])
    return credit
