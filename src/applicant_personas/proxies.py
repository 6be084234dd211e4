"""How well features tell a protected attribute: what a model could know without being told.

A forest learns the groups of an attribute from the features on half of the people; the other half
says how well, as the AUC of each group against the rest, and which feature tells most.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from applicant_personas.evaluation import auc_interval
from applicant_personas.importance import (
    CONTROL,
    MIN_EACH,
    Membership,
    membership,
    permutation_importance,
    shuffles,
)
from applicant_personas.rows import CATEGORY, INTEGER, NUMBER, TEXT, require, tidy

PREDICTABILITY_TYPES = {
    "attribute": TEXT,
    "group_value": TEXT,
    "auc": NUMBER,
    "low": NUMBER,
    "high": NUMBER,
    "n": INTEGER,
    "told_by": TEXT,
}
MAX_ROWS, N_TREES = 3_000, 60
# Features that are looked at for the one that tells most: of the others the forest makes less.
MOST_TELLING = 6
# A level of fewer people is not told apart.
MIN_LEVEL_ROWS = 20


def tell_attributes(
    people: pd.DataFrame, features: pd.DataFrame, *, seed: int, n_jobs: int = 1
) -> pd.DataFrame:
    """Measure how well each group of each attribute is told from the features.

    `people`: attribute, group_value, application_id, and a column a feature, a row a person and
    attribute. `features`: feature, block, kind. Groups of fewer than 20 people, or of 10 on either
    side of the held-out half, have no row. `told_by` is the feature whose shuffling costs most AUC,
    missing when none costs more than a column of random numbers does.

    Returns PREDICTABILITY_TYPES; n is the number of held-out people.

    >>> import numpy as np
    >>> gpa = np.arange(400.0)
    >>> people = pd.DataFrame({"attribute": "sex", "application_id": gpa.astype(str), "gpa": gpa})
    >>> people["group_value"] = np.where(gpa < 200, "a", "b")
    >>> features = pd.DataFrame([["gpa", "grades", "number"]], columns=["feature", "block", "kind"])
    >>> found = tell_attributes(people, features, seed=1).round(2)
    >>> found[["group_value", "auc", "told_by"]].to_numpy().tolist()
    [['a', 0.99, 'gpa'], ['b', 0.99, 'gpa']]
    """
    require(people, ["attribute", "group_value", "application_id", *features["feature"]], "people")
    parts: list[Mapping[str, Any]] = []
    for attribute, rows in people.groupby("attribute", sort=True) if len(features) else ():
        own = rows.reset_index(drop=True)
        member = membership(
            _without_rare_levels(own, features),
            own["group_value"],
            features,
            seed=seed,
            max_rows=MAX_ROWS,
            n_trees=N_TREES,
            n_jobs=n_jobs,
        )
        if member is not None:
            parts += [
                {"attribute": str(attribute), **part} for part in _told(member, features, seed)
            ]
    return tidy(parts, PREDICTABILITY_TYPES)


def _told(member: Membership, features: pd.DataFrame, seed: int) -> Iterator[Mapping[str, Any]]:
    held = member.held_out
    probability = held.predict(held.x)
    told_by = _most_telling(member, features, seed)
    for group, outcome in member.outcomes.items():
        if min(outcome.sum(), len(outcome) - outcome.sum()) < MIN_EACH:
            continue
        auc, low, high = auc_interval(outcome, probability[:, held.scope.names.index(group)])
        figures = {"auc": auc, "low": low, "high": high, "n": len(outcome)}
        yield {"group_value": group, "told_by": told_by.get(group), **figures}


def _most_telling(member: Membership, features: pd.DataFrame, seed: int) -> dict[str, str]:
    """Find the feature that each group is told by most; none where all tell nothing."""
    held = member.held_out
    impurity = {name: held.impurity[places].sum() for name, places in held.columns.items()}
    telling = sorted(features["feature"], key=lambda name: (-impurity[name], name))
    looked_at = features[features["feature"].isin(telling[:MOST_TELLING])]
    control = pd.DataFrame([CONTROL])
    items = shuffles(pd.concat([looked_at[list(CONTROL)], control], ignore_index=True))
    found = permutation_importance(
        [held],
        {group: [outcome] for group, outcome in member.outcomes.items()},
        [item for item in items if item.members == (item.feature,)],
        seed=seed,
        n_repeats=1,
        by_scope=False,
    )
    best = found[found["beats_noise"]].sort_values(["importance_rank", "feature"])
    return dict(best.groupby("scope")["feature"].first())


def _without_rare_levels(rows: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """Take levels of few people as missing, so that a column of many levels stays narrow."""
    frequent = {}
    for name in features.loc[features["kind"] == CATEGORY, "feature"]:
        counts = rows[name].map(rows[name].value_counts())
        frequent[name] = rows[name].where(counts >= MIN_LEVEL_ROWS)
    return rows.assign(**frequent)
