"""What drives enrollment, for everyone and within each persona, and what defines a persona.

Permutation importance (Breiman 2001) on held-out rows: the fall in AUC when the values of a
feature, or of a whole block together, are shuffled. Shuffled among everyone for the global scope,
among the members of each persona for that persona's. Intervals by DeLong's paired variance of the
difference of two AUCs, so they speak of other rows too, not only of other shuffles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from joblib import effective_n_jobs  # type: ignore[import-untyped]
from scipy.stats import rankdata
from sklearn.ensemble import RandomForestClassifier

from applicant_personas.at_risk import Levels
from applicant_personas.evaluation import Z95, auc_components, mean_variance
from applicant_personas.rows import (
    CATEGORY,
    FLAG,
    INTEGER,
    NUMBER,
    TEXT,
    BoolArray,
    FloatArray,
    IntArray,
    floats,
    require,
    sample_mask,
    texts,
    tidy,
)

IMPORTANCE_TYPES = {
    "target": TEXT,
    "phase": TEXT,
    "scope": TEXT,
    "feature": TEXT,
    "block": TEXT,
    "importance": NUMBER,
    "importance_low": NUMBER,
    "importance_high": NUMBER,
    "importance_rank": INTEGER,
    "direction": TEXT,
    "impurity_importance": NUMBER,
    "is_noise_control": FLAG,
    "beats_noise": FLAG,
    "n_rows": INTEGER,
}
GLOBAL = "global"
NOISE = "random_noise"
NOISE_BLOCK = "noise_control"
# A feature worth naming must beat a column of random numbers.
CONTROL = {"feature": NOISE, "block": NOISE_BLOCK, "kind": "number"}
RAISES, LOWERS, MIXED = "raises", "lowers", "mixed"
# Below these a scope's AUC says nothing.
MIN_EACH = 10
MIN_CORRELATION = 0.1
# Shuffled rows that are predicted in one call.
BATCH_ROWS = 20_000

Predict = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class HeldOut:
    """Rows that one fitted forest did not see, and the forest.

    predict maps a matrix like x (n, columns) to probabilities (n, targets); scope is each row's
    persona; columns are the places of each feature in x; impurity is the forest's, by column.
    """

    predict: Predict
    x: FloatArray
    scope: Levels
    columns: Mapping[str, list[int]]
    impurity: FloatArray


@dataclass(frozen=True)
class Shuffled:
    """Features to shuffle together: one alone, or all of a block."""

    feature: str
    block: str
    members: tuple[str, ...]
    is_category: bool

    def places(self, fold: HeldOut) -> list[int]:
        """List the fold's columns; it has none of a feature of which it saw no level."""
        return [place for member in self.members for place in fold.columns.get(member, [])]


@dataclass(frozen=True)
class _Copies:
    """Predictions on shuffled copies (repeats, n, targets), and by how many ranks values moved."""

    probability: FloatArray
    moved: FloatArray | None


def block_name(block: str) -> str:
    """Name a row that speaks of a whole block."""
    return f"block: {block}"


def shuffles(features: pd.DataFrame) -> list[Shuffled]:
    """List what to shuffle: each feature (columns feature, block, kind), then each block."""
    ordered = features.sort_values("feature")
    single = [
        Shuffled(name, block, (name,), kind == CATEGORY)
        for name, block, kind in zip(
            ordered["feature"], ordered["block"], ordered["kind"], strict=True
        )
    ]
    whole = [
        Shuffled(block_name(str(block)), str(block), tuple(members["feature"]), True)
        for block, members in ordered.groupby("block", sort=True)
        if len(members) > 1
    ]
    return single + whole


def permutation_importance(
    held_out: Sequence[HeldOut],
    outcomes: Mapping[str, Sequence[FloatArray]],
    shuffled: Sequence[Shuffled],
    *,
    seed: int,
    n_repeats: int = 5,
    n_jobs: int = 1,
    by_scope: bool = True,
) -> pd.DataFrame:
    """Measure each item of `shuffled` on held-out rows of one or more folds.

    `outcomes` maps a target's name to the 0/1 outcomes of each fold, in the order of the
    predictor's targets. With one target, scopes are 'global' and (by_scope) each persona; with
    more, the scopes are the targets. A persona with fewer than 10 rows of either outcome has rows
    whose importance is NaN. Returns IMPORTANCE_TYPES without target and phase.
    """
    scope = np.concatenate([fold.scope.codes for fold in held_out])
    base = np.concatenate([fold.predict(fold.x).reshape(len(fold.x), -1) for fold in held_out])
    outcome = np.stack([np.concatenate(list(folds)) for folds in outcomes.values()], axis=1)
    names = list(outcomes)
    within = _usable_scopes(scope, held_out[0].scope.names, outcome[:, 0]) if by_scope else {}

    everyone = {name: np.ones(len(base), dtype=bool) for name in names}
    scopes = [(everyone, False), *([(within, True)] if within else [])]
    jobs = [(fold, is_within) for _, is_within in scopes for fold in range(len(held_out))]

    def predict(job: tuple[int, bool]) -> list[_Copies]:
        fold, is_within = job
        return _shuffled_copies(held_out[fold], shuffled, is_within, (seed, fold), n_repeats)

    # Each job is seeded by its own number, so the threads' order of work does not matter.
    with ThreadPoolExecutor(effective_n_jobs(n_jobs)) as pool:
        copies = dict(zip(jobs, pool.map(predict, jobs), strict=True))
    parts = []
    for number, item in enumerate(shuffled):
        impurity = float(np.mean([fold.impurity[item.places(fold)].sum() for fold in held_out]))
        for rows_of, is_within in scopes:
            of_item = _joined([copies[fold, is_within][number] for fold in range(len(held_out))])
            for target, (name, rows) in enumerate(rows_of.items()):
                place = 0 if is_within else target
                parts.append(
                    _importance(name, item, outcome[:, place], base, of_item, rows, place, impurity)
                )
    for name, n_rows in _small_scopes(scope, held_out[0].scope.names, within, by_scope).items():
        parts += [_untold(name, item, n_rows) for item in shuffled]
    return finish(parts)


def finish(parts: Iterable[Mapping[str, object] | pd.DataFrame]) -> pd.DataFrame:
    """Rank within each scope and compare with the noise control."""
    frame = tidy(parts, IMPORTANCE_TYPES)
    frame["is_noise_control"] = frame["feature"] == NOISE
    noise_high = frame[frame["is_noise_control"]].set_index("scope")["importance_high"]
    bar = frame["scope"].map(noise_high).fillna(0.0).clip(lower=0.0)
    frame["beats_noise"] = (
        (frame["importance"] > bar) & (frame["importance_low"] > 0) & ~frame["is_noise_control"]
    ).astype(bool)
    # Features compete with features, blocks with blocks.
    frame["is_block"] = frame["feature"].str.startswith(block_name(""))
    frame = frame.sort_values(
        ["scope", "is_block", "importance", "feature"], ascending=[True, True, False, True]
    )
    rank = frame.groupby(["scope", "is_block"]).cumcount() + 1
    frame["importance_rank"] = rank.where(frame["importance"].notna())
    return tidy([frame.drop(columns="is_block")], IMPORTANCE_TYPES)


def persona_importance(
    rows: pd.DataFrame,
    labels: pd.Series[str],
    features: pd.DataFrame,
    *,
    seed: int,
    max_rows: int = 6_000,
    n_trees: int = 100,
    n_repeats: int = 3,
    n_jobs: int = 1,
) -> pd.DataFrame:
    """Measure what defines a persona: a forest for membership, permuted on a held-out half.

    `rows`: application_id and the unscaled feature columns; `labels`: the persona key of each row
    (same index; missing = left out); `features`: feature, block, kind, role. Scope 'global' is the
    mean over personas of the one-against-the-rest AUC drop; each persona is its own scope, with
    the direction in which the feature moves membership. Empty when there are fewer than two
    personas of 20 rows. Returns IMPORTANCE_TYPES.
    """
    member = membership(
        rows, labels, features, seed=seed, max_rows=max_rows, n_trees=n_trees, n_jobs=n_jobs
    )
    if member is None:
        return tidy([], IMPORTANCE_TYPES)
    found = permutation_importance(
        [member.held_out],
        {name: [outcome] for name, outcome in member.outcomes.items()},
        shuffles(pd.concat([features, pd.DataFrame([CONTROL])], ignore_index=True)),
        seed=seed,
        n_repeats=n_repeats,
        n_jobs=n_jobs,
        by_scope=False,
    )
    overall = _mean_over_scopes(found)
    result = finish([found, overall])
    result["target"] = "persona"
    return tidy([result], IMPORTANCE_TYPES)


@dataclass(frozen=True)
class Membership:
    """A forest for membership of groups: its held-out half, and who of it is in each group.

    The forest's targets are the groups in their order.
    """

    held_out: HeldOut
    outcomes: Mapping[str, FloatArray]


def membership(
    rows: pd.DataFrame,
    labels: pd.Series[str],
    features: pd.DataFrame,
    *,
    seed: int,
    max_rows: int,
    n_trees: int,
    n_jobs: int = 1,
) -> Membership | None:
    """Fit membership of a group on half of the rows, a bounded draw; arguments as above.

    Groups of fewer than 20 drawn rows are left out; None when fewer than two are left.
    """
    require(rows, ["application_id", *features["feature"]], "rows of members")
    keys = texts(rows["application_id"])
    group = texts(labels)
    usable = np.flatnonzero(group != None)  # noqa: E711  (elementwise)
    usable = usable[sample_mask(keys[usable], max_rows, seed)]
    usable = usable[np.argsort(keys[usable].astype(str), kind="stable")]
    names, counts = np.unique(group[usable].astype(str), return_counts=True)
    names = names[counts >= 2 * MIN_EACH]
    if len(names) < 2:
        return None
    usable = usable[np.isin(group[usable].astype(str), names)]
    frame, group = rows.iloc[usable], group[usable].astype(str)
    x, places = _persona_matrix(frame, features, seed)
    fit = np.random.default_rng(seed).permutation(len(frame)) % 2 == 0
    forest = RandomForestClassifier(
        n_estimators=n_trees, min_samples_leaf=5, random_state=seed, n_jobs=n_jobs
    ).fit(x[fit], group[fit])
    forest.n_jobs = 1
    classes = [str(name) for name in forest.classes_]
    scope = Levels(np.searchsorted(classes, group[~fit]), tuple(classes))
    held = HeldOut(forest.predict_proba, x[~fit], scope, places, forest.feature_importances_)
    outcomes = {name: (group[~fit] == name).astype(np.float64) for name in classes}
    return Membership(held, {name: y for name, y in outcomes.items() if y.any()})


def _persona_matrix(
    rows: pd.DataFrame, features: pd.DataFrame, seed: int
) -> tuple[FloatArray, dict[str, list[int]]]:
    """Put numbers as they are, categories as a column a level, and the noise control together."""
    columns: list[FloatArray] = []
    places: dict[str, list[int]] = {}
    for feature, kind in zip(features["feature"], features["kind"], strict=True):
        if kind == CATEGORY:
            own = pd.get_dummies(rows[feature], dtype=np.float64).to_numpy()
        else:
            own = floats(rows[feature])[:, np.newaxis]
        places[feature] = [len(columns) + place for place in range(own.shape[1])]
        columns += list(own.T)
    places[NOISE] = [len(columns)]
    columns.append(np.random.default_rng(seed).normal(size=len(rows)))
    return np.column_stack(columns), places


def _usable_scopes(
    scope: IntArray, names: Sequence[str], outcome: FloatArray
) -> dict[str, BoolArray]:
    """Mark the rows of each persona that has at least MIN_EACH held-out rows of either outcome."""
    found = {}
    for code, name in enumerate(names):
        rows = np.asarray(scope == code, dtype=bool)
        positive = outcome[rows].sum()
        if min(positive, rows.sum() - positive) >= MIN_EACH:
            found[name] = rows
    return found


def _small_scopes(
    scope: IntArray, names: Sequence[str], usable: Mapping[str, BoolArray], by_scope: bool
) -> dict[str, int]:
    """Count the rows of each persona of which too little is known."""
    counts = {name: int((scope == code).sum()) for code, name in enumerate(names)}
    return {name: n for name, n in counts.items() if by_scope and n and name not in usable}


def _untold(scope: str, item: Shuffled, n_rows: int) -> dict[str, object]:
    return {"scope": scope, "feature": item.feature, "block": item.block, "n_rows": n_rows}


def untold(scope: str, shuffled: Sequence[Shuffled], n_rows: int) -> pd.DataFrame:
    """Name a scope of which n_rows tell too little: IMPORTANCE_TYPES, importance is NaN."""
    return finish([_untold(scope, item, n_rows) for item in shuffled])


def _shuffled_copies(
    fold: HeldOut,
    shuffled: Sequence[Shuffled],
    within: bool,
    seed: tuple[int, ...],
    n_repeats: int,
) -> list[_Copies]:
    """Predict all repeats of all items on one fold, many at a time."""
    n, width = fold.x.shape
    at_once = max(1, BATCH_ROWS // max(1, n * n_repeats))
    found = []
    for start in range(0, len(shuffled), at_once):
        items = shuffled[start : start + at_once]
        stacked = np.broadcast_to(fold.x, (len(items), n_repeats, n, width)).copy()
        moves = []
        for number, item in enumerate(items):
            rng = np.random.default_rng((*seed, start + number, int(within)))
            orders = np.stack(
                [_shuffled_order(fold.scope.codes, within, rng) for _ in range(n_repeats)]
            )
            places = item.places(fold)
            stacked[number][:, :, places] = fold.x[:, places][orders]
            moves.append(_moved(fold.x, places, orders, item))
        flat = fold.predict(stacked.reshape(-1, width))
        by_item = flat.reshape(len(items), n_repeats, n, -1)
        found += [_Copies(*pair) for pair in zip(by_item, moves, strict=True)]
    return found


def _moved(x: FloatArray, places: list[int], orders: IntArray, item: Shuffled) -> FloatArray | None:
    """By how many ranks the values moved (repeats, n); categories and blocks have no ranks."""
    if item.is_category:
        return None
    if not places:
        return np.full(orders.shape, np.nan)
    rank = rankdata(x[:, places[0]], nan_policy="omit")
    return np.asarray(rank[orders] - rank)


def _joined(folds: Sequence[_Copies]) -> _Copies:
    moves = [copies.moved for copies in folds if copies.moved is not None]
    return _Copies(
        np.concatenate([copies.probability for copies in folds], axis=1),
        np.concatenate(moves, axis=1) if moves else None,
    )


def _shuffled_order(scope: IntArray, within: bool, rng: np.random.Generator) -> IntArray:
    order = rng.permutation(len(scope))
    if not within:
        return order
    # Rows sorted by persona, and the same rows in random order within persona, are matched up.
    shuffled = order[np.argsort(scope[order], kind="stable")]
    result = np.empty(len(scope), dtype=np.int64)
    result[np.argsort(scope, kind="stable")] = shuffled
    return result


def _importance(
    scope: str,
    item: Shuffled,
    outcome: FloatArray,
    base: FloatArray,
    copies: _Copies,
    rows: BoolArray,
    target: int,
    impurity: float,
) -> dict[str, object]:
    y = outcome[rows]
    probability = copies.probability[:, rows, target]
    positive, negative = auc_components(y, base[rows, target])
    positive_copy, negative_copy = auc_components(y, probability)
    drop_positive = positive - positive_copy.mean(axis=0)
    drop_negative = negative - negative_copy.mean(axis=0)
    drop = float(drop_positive.mean())
    error = Z95 * np.sqrt(mean_variance(drop_positive) + mean_variance(drop_negative))
    moved = None if copies.moved is None else copies.moved[:, rows]
    return {
        "scope": scope,
        "feature": item.feature,
        "block": item.block,
        "importance": drop,
        "importance_low": drop - error,
        "importance_high": drop + error,
        "direction": _direction(moved, probability - base[rows, target]),
        "impurity_importance": impurity,
        "n_rows": int(rows.sum()),
    }


def _direction(moved: FloatArray | None, change: FloatArray) -> str:
    """Tell whether the prediction rises when only this feature does (by the shuffles)."""
    if moved is None:
        return MIXED
    known = np.isfinite(moved)
    if known.sum() < MIN_EACH or np.ptp(moved[known]) == 0 or np.ptp(change[known]) == 0:
        return MIXED
    correlation = np.corrcoef(moved[known], change[known])[0, 1]
    if abs(correlation) < MIN_CORRELATION:
        return MIXED
    return RAISES if correlation > 0 else LOWERS


def _mean_over_scopes(found: pd.DataFrame) -> pd.DataFrame:
    """Make the global scope of several targets: mean drop, and interval of mean width."""
    grouped = found.groupby("feature", sort=True)
    overall = grouped.agg(
        block=("block", "min"),
        importance=("importance", "mean"),
        importance_low=("importance_low", "mean"),
        importance_high=("importance_high", "mean"),
        impurity_importance=("impurity_importance", "min"),
        n_rows=("n_rows", "max"),
    ).reset_index()
    overall["scope"] = GLOBAL
    overall["direction"] = MIXED
    return overall
