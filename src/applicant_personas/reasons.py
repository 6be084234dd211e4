"""Why an application's likelihood lies above or below the mean: path contributions.

Along the path of a row through a tree, each split moves the estimate from the parent's rate to the
child's; that difference is credited to the split's feature. Over all trees the credits and the mean
rate of the roots add up to the forest's probability (Saabas' decomposition, 2014).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from applicant_personas.forest import Forest
from applicant_personas.rows import NUMBER, TEXT, FloatArray, texts, tidy

REASON_TYPES = {
    "application_id": TEXT,
    "feature": TEXT,
    "item": TEXT,
    "value": NUMBER,
    "text": TEXT,
}
N_REASONS = 3


def path_contributions(forest: Forest, x: ArrayLike) -> FloatArray:
    """Credit each column of x (n, columns; NaN = missing) with its part of each probability.

    Returns (n, columns), in probability; a row's sum plus the mean rate of the trees' roots is the
    forest's uncalibrated probability.
    """
    values = np.ascontiguousarray(x, dtype=np.float32)
    credit = np.zeros(values.shape)
    for tree in forest.trees:
        rate = tree.value[:, 0, 1]
        left, right, missing_left = tree.children_left, tree.children_right, tree.missing_go_to_left
        rows = np.arange(len(values)) if left[0] >= 0 else np.arange(0)
        node = np.zeros(len(rows), dtype=np.intp)
        while rows.size:
            column = tree.feature[node]
            value = values[rows, column]
            goes_left = np.where(np.isnan(value), missing_left[node], value <= tree.threshold[node])
            child = np.where(goes_left, left[node], right[node])
            credit[rows, column] += rate[child] - rate[node]
            inner = left[child] >= 0
            rows, node = rows[inner], child[inner]
    return credit / len(forest.trees)


def top_reasons(
    forest: Forest, x: ArrayLike, groups: Mapping[str, Sequence[int]], rows: pd.DataFrame
) -> pd.DataFrame:
    """Name the features that move each row's probability most, with the row's own value.

    `x`: design matrix of `rows`; `groups`: columns of x of each feature; `rows`: application_id and
    the feature columns. Returns REASON_TYPES, at most three rows an application: item '1' is the
    strongest, value its contribution in probability, text the feature's value (missing = unknown).
    Features that move nothing are no reason.
    """
    names = np.array(sorted(groups), dtype=object)
    if not len(rows) or not len(names):
        return tidy([], REASON_TYPES)
    by_column = path_contributions(forest, x)
    credit = np.stack([by_column[:, list(groups[name])].sum(axis=1) for name in names], axis=1)
    # Rounded, so that a tie goes to the first name whatever the last bit says.
    order = np.argsort(-np.round(np.abs(credit), 9), axis=1, kind="stable")[:, :N_REASONS]
    keys = texts(rows["application_id"])
    shown = {name: _shown(rows[name]) for name in names}
    parts = []
    for place in range(order.shape[1]):
        chosen = order[:, place]
        value = credit[np.arange(len(keys)), chosen]
        text = np.array([shown[names[c]][i] for i, c in enumerate(chosen)], dtype=object)
        part = pd.DataFrame(
            {
                "application_id": keys,
                "feature": names[chosen],
                "item": str(place + 1),
                "value": value,
                "text": text,
            }
        )
        parts.append(part[np.abs(value) > 1e-9])
    return tidy(parts, REASON_TYPES)


def _shown(values: pd.Series[str]) -> list[str | None]:
    """Values as people write them: numbers with at most two decimals."""
    if pd.api.types.is_numeric_dtype(values):
        return [None if pd.isna(value) else f"{round(float(value), 2):g}" for value in values]
    return [None if value is None else str(value) for value in texts(values)]
