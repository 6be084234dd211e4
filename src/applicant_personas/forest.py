"""A random forest whose fitted form is a table of nodes.

The forest is scikit-learn's, missing values handled natively (a split sends them left or right).
`forest_to_rows` writes its nodes; `forest_from_rows` rebuilds the trees from such rows through
scikit-learn's own tree type, so that scoring runs at native speed and agrees to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier
from sklearn.tree._tree import Tree

from applicant_personas.rows import INTEGER, NUMBER, TEXT, FloatArray, tidy

NODE_TYPES = {
    "tree": INTEGER,
    "node": INTEGER,
    "feature": TEXT,
    "left_child": INTEGER,
    "right_child": INTEGER,
    "missing_left": INTEGER,
    "threshold": NUMBER,
    "value": NUMBER,
    "impurity": NUMBER,
    "n_samples": INTEGER,
    "weighted_n": NUMBER,
}


@dataclass(frozen=True)
class Forest:
    """Trees rebuilt from rows; the probability of an outcome is the mean over the trees."""

    feature_names: tuple[str, ...]
    trees: tuple[Tree, ...]

    def probability(self, x: ArrayLike) -> FloatArray:
        """Predict P(1) of each row of x (n, features; NaN = missing), on one thread."""
        values = np.ascontiguousarray(x, dtype=np.float32)
        total = np.zeros(len(values))
        for tree in self.trees:
            total += tree.predict(values)[:, 1]
        return total / len(self.trees)


def fit_forest(
    x: FloatArray,
    y: FloatArray,
    *,
    seed: int,
    n_trees: int = 300,
    n_jobs: int = 1,
    out_of_bag: bool = True,
) -> RandomForestClassifier:
    """Fit a forest on x (n, features; NaN = missing) and y (n; 0 or 1).

    Leaves hold at least 10 rows and at least n/2000, so that the table of nodes stays bounded
    while n grows; the result is the same for any number of threads.
    """
    forest = RandomForestClassifier(
        n_estimators=n_trees,
        min_samples_leaf=max(10, len(y) // 2000),
        max_features="sqrt",
        oob_score=out_of_bag,
        random_state=seed,
        n_jobs=n_jobs,
    )
    forest.fit(x, y.astype(np.int64))
    # Trees vote in a fixed order only on one thread; sums in another order differ in the last bit.
    forest.n_jobs = 1
    return forest


def out_of_bag_probability(forest: RandomForestClassifier, y: FloatArray) -> FloatArray:
    """Predict each training row by the trees that did not see it (base rate if all did)."""
    probability: FloatArray = forest.oob_decision_function_[:, 1]
    return np.where(np.isfinite(probability), probability, y.mean())


def forest_to_rows(forest: RandomForestClassifier, feature_names: Sequence[str]) -> pd.DataFrame:
    """Write one row a node: split (none at a leaf), children, P(1) as value, counts."""
    names = np.array([*feature_names, None], dtype=object)
    parts = []
    for number, estimator in enumerate(forest.estimators_):
        nodes = estimator.tree_.__getstate__()["nodes"]
        is_leaf = nodes["left_child"] < 0
        parts.append(
            {
                "tree": np.full(len(nodes), number),
                "node": np.arange(len(nodes)),
                "feature": np.where(is_leaf, -1, nodes["feature"]),
                "left_child": nodes["left_child"],
                "right_child": nodes["right_child"],
                "missing_left": nodes["missing_go_to_left"].astype(np.int64),
                "threshold": np.where(is_leaf, np.nan, nodes["threshold"]),
                "value": estimator.tree_.value[:, 0, 1],
                "impurity": nodes["impurity"],
                "n_samples": nodes["n_node_samples"],
                "weighted_n": nodes["weighted_n_node_samples"],
            }
        )
    stacked = {name: np.concatenate([part[name] for part in parts]) for name in NODE_TYPES}
    stacked["feature"] = names[stacked["feature"]]
    return tidy([stacked], NODE_TYPES)


def forest_from_rows(rows: pd.DataFrame, feature_names: Sequence[str]) -> Forest:
    """Rebuild the forest from its rows, in any order; feature_names is the column order of x.

    Raises ValueError when a node splits on a feature that is not among feature_names.
    """
    ordered = rows.sort_values(["tree", "node"], kind="stable")
    position = {name: index for index, name in enumerate(feature_names)}
    unknown = sorted(set(ordered["feature"].dropna()) - set(position))
    if unknown:
        raise ValueError(f"The forest splits on features that are not given: {', '.join(unknown)}.")
    nodes = np.zeros(len(ordered), dtype=_node_type())
    nodes["left_child"] = ordered["left_child"].to_numpy(np.int64)
    nodes["right_child"] = ordered["right_child"].to_numpy(np.int64)
    nodes["feature"] = ordered["feature"].map(position).fillna(-2).to_numpy(np.int64)
    nodes["threshold"] = ordered["threshold"].fillna(-2.0).to_numpy(np.float64)
    nodes["missing_go_to_left"] = ordered["missing_left"].to_numpy(np.uint8)
    # The counts serve explanations; a table may leave them out.
    for field, column in (
        ("impurity", "impurity"),
        ("n_node_samples", "n_samples"),
        ("weighted_n_node_samples", "weighted_n"),
    ):
        if column in ordered.columns:
            nodes[field] = ordered[column].fillna(0).to_numpy(np.float64)
    value = ordered["value"].to_numpy(np.float64)
    tree_number = ordered["tree"].to_numpy(np.int64)
    starts = np.flatnonzero(np.diff(tree_number, prepend=-1))
    trees = [
        _tree(part, probability, len(feature_names))
        for part, probability in zip(
            np.split(nodes, starts[1:]), np.split(value, starts[1:]), strict=True
        )
    ]
    return Forest(tuple(feature_names), tuple(trees))


def _tree(nodes: NDArray[np.void], probability: FloatArray, n_features: int) -> Tree:
    tree = Tree(n_features, np.array([2], dtype=np.intp), 1)
    tree.__setstate__(
        {
            "max_depth": _depth(nodes["left_child"], nodes["right_child"]),
            "node_count": len(nodes),
            "nodes": np.ascontiguousarray(nodes),
            "values": np.stack([1 - probability, probability], axis=1)[:, np.newaxis, :].copy(),
        }
    )
    return tree


def _depth(left: NDArray[np.int64], right: NDArray[np.int64]) -> int:
    level, depth = np.array([0]), 0
    while (inner := level[left[level] >= 0]).size:
        level, depth = np.concatenate([left[inner], right[inner]]), depth + 1
    return depth


@cache
def _node_type() -> np.dtype[np.void]:
    """Look up the installed scikit-learn's layout of a node, which differs between its versions."""
    stump = DecisionTreeClassifier(max_depth=1).fit([[0.0], [1.0]], [0, 1])
    layout: np.dtype[np.void] = stump.tree_.__getstate__()["nodes"].dtype
    return layout
