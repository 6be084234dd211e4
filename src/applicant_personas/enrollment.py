"""The enrollment models of one phase, fitted on earlier cycles, as one tidy frame.

A step is (training cycles -> test cycle). Two are made: 'evaluated', which trains on every closed
cycle before the last and is tested on the last, and 'production', which trains on all closed
cycles and scores the open one. Beside them five models grouped by person, for honest scores within
the closed cycles and for importance on held-out rows. Everything fitted is a row; `score` needs
nothing but those rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from applicant_personas.calibration import apply_knots, fit_knots
from applicant_personas.encoding import (
    apply_encoding,
    apply_logistic,
    design_columns,
    design_groups,
    fit_encoding,
    fit_logistic,
    training_matrix,
)
from applicant_personas.evaluation import auc_interval
from applicant_personas.forest import (
    Forest,
    fit_forest,
    forest_from_rows,
    forest_to_rows,
    out_of_bag_probability,
)
from applicant_personas.importance import (
    GLOBAL,
    MIN_EACH,
    PERSONA,
    HeldOut,
    permutation_importance,
    shuffles,
    with_noise,
)
from applicant_personas.reasons import top_reasons
from applicant_personas.rows import (
    CATEGORY,
    FEATURE_COLUMNS,
    INTEGER,
    NUMBER,
    TEXT,
    BoolArray,
    FloatArray,
    TextArray,
    floats,
    group_folds,
    require,
    sample_mask,
    texts,
    tidy,
)

ENROLLMENT_TYPES = {
    "phase": TEXT,
    "test_cycle": TEXT,
    "record": TEXT,
    "model": TEXT,
    "scope": TEXT,
    "application_id": TEXT,
    "feature": TEXT,
    "metric": TEXT,
    "item": TEXT,
    "tree": INTEGER,
    "node": INTEGER,
    "left_child": INTEGER,
    "right_child": INTEGER,
    "missing_left": INTEGER,
    "threshold": NUMBER,
    "value": NUMBER,
    "low": NUMBER,
    "high": NUMBER,
    "n": INTEGER,
    "text": TEXT,
}
SCORE_TYPES = {"application_id": TEXT, "model": TEXT, "value": NUMBER}
KEY_COLUMNS = (
    "phase",
    "application_id",
    "person_id",
    "entry_term",
    "term_order",
    "is_open",
    "outcome",
    PERSONA,
)
FOREST, LOGISTIC = "random_forest", "logistic_regression"
OUT_OF_BAG, OUT_OF_SAMPLE, OUT_OF_FOLD = "out_of_bag", "out_of_sample", "out_of_fold"
GROUPED, WITHIN_CYCLE = "grouped_5_fold", "within_cycle (optimistic)"
EVALUATED, PRODUCTION = "evaluated", "production"
NEXT, UNDATED = "next", "undated"
N_FOLDS = 5

Part = dict[str, Any]


@dataclass(frozen=True)
class _Options:
    seed: int
    n_jobs: int
    max_rows: int
    n_trees: int
    fold_trees: int
    min_positive: int
    n_repeats: int
    importance_rows: int


@dataclass(frozen=True)
class _Rows:
    """The rows of a phase, ordered by application, as arrays beside the frame."""

    frame: pd.DataFrame
    features: pd.DataFrame
    fold_features: pd.DataFrame
    application: TextArray
    person: TextArray
    term: TextArray
    persona: TextArray
    outcome: FloatArray
    is_open: BoolArray
    closed_terms: list[str]
    open_terms: list[str]

    @property
    def closed(self) -> BoolArray:
        return ~self.is_open & np.isfinite(self.outcome)

    def in_terms(self, terms: list[str]) -> BoolArray:
        return np.isin(self.term.astype(str), terms)


@dataclass(frozen=True)
class _Step:
    """Train on some rows to predict a test cycle."""

    kind: str
    test_cycle: str
    train: BoolArray
    test: BoolArray


@dataclass(frozen=True)
class _Model:
    """A fitted forest and logistic regression: their rows, ready to predict."""

    encoding: pd.DataFrame
    nodes: pd.DataFrame
    knots: pd.DataFrame
    scaling: pd.DataFrame
    coefficients: pd.DataFrame

    @cached_property
    def columns(self) -> list[str]:
        return design_columns(self.encoding)

    @cached_property
    def forest(self) -> Forest:
        return forest_from_rows(self.nodes, self.columns)

    def predict(self, rows: pd.DataFrame) -> dict[str, FloatArray]:
        """Predict each row by each of the two models, calibrated."""
        x = apply_encoding(rows, self.encoding)
        return {
            FOREST: apply_knots(self.forest.probability(x), self.knots),
            LOGISTIC: apply_logistic(x, self.columns, self.scaling, self.coefficients),
        }

    def records(self) -> Iterator[Part]:
        """Write the model as parts of the tidy frame; `score` reads them back."""
        yield _table("encoding", None, self.encoding)
        yield _table("node", FOREST, self.nodes.rename(columns={"n_samples": "n"}))
        yield _table("knot", FOREST, self.knots)
        yield _table("scaling", LOGISTIC, self.scaling)
        yield _table("coefficient", LOGISTIC, self.coefficients)


@dataclass(frozen=True)
class _Fitted:
    """A model with what only its training rows tell: out-of-bag scores, raw and calibrated."""

    model: _Model
    raw: FloatArray
    out_of_bag: FloatArray
    impurity: FloatArray


def fit_enrollment(
    rows: pd.DataFrame,
    features: pd.DataFrame,
    *,
    phase: str,
    seed: int,
    n_jobs: int = 1,
    max_rows: int = 20_000,
    n_trees: int = 300,
    fold_trees: int = 100,
    min_positive: int = 20,
    n_repeats: int = 5,
    importance_rows: int = 10_000,
) -> pd.DataFrame:
    """Fit, evaluate and explain the enrollment models of one phase.

    `rows`: KEY_COLUMNS (term_order missing = not placed in time; outcome 1/0, missing while open)
    and a column a feature (float, missing allowed; text for kind 'category'). `features`: feature,
    block, kind, role; the persona joins them as a category. Training is bounded by max_rows
    (a sample by digest), importance by importance_rows. Fewer than min_positive rows of either
    outcome: no model, and a 'status' row that says so.

    Returns ENROLLMENT_TYPES with records status, run, encoding, node, knot, scaling, coefficient,
    prediction, reason and importance. A model is known by (phase, test_cycle). Raises ValueError
    for missing columns or an application in more than one row of the phase.
    """
    options = _Options(
        seed, n_jobs, max_rows, n_trees, fold_trees, min_positive, n_repeats, importance_rows
    )
    data = _prepare(rows, features, phase, seed)
    return tidy([{"phase": phase} | part for part in _records(data, options)], ENROLLMENT_TYPES)


def score(
    rows: pd.DataFrame, fitted_rows: pd.DataFrame, *, phase: str, test_cycle: str
) -> pd.DataFrame:
    """Score rows with a model that is nothing but rows of `fit_enrollment`'s frame, in any order.

    `rows`: application_id, persona_key and the feature columns. Returns SCORE_TYPES, a row for
    each application and model. Raises ValueError when there is no such model.
    """
    chosen = (fitted_rows["phase"] == phase) & (fitted_rows["test_cycle"] == test_cycle)
    fitted = fitted_rows[chosen.fillna(False).astype(bool)]
    by_record = {str(record): part for record, part in fitted.groupby("record")}
    if "node" not in by_record:
        raise ValueError(f"There is no model of phase {phase} for test cycle {test_cycle}.")
    model = _Model(
        by_record["encoding"],
        by_record["node"],
        by_record["knot"],
        by_record["scaling"],
        by_record["coefficient"],
    )
    return tidy(
        [
            {"application_id": texts(rows["application_id"]), "model": name, "value": probability}
            for name, probability in model.predict(rows).items()
        ],
        SCORE_TYPES,
    )


def _prepare(rows: pd.DataFrame, features: pd.DataFrame, phase: str, seed: int) -> _Rows:
    require(features, FEATURE_COLUMNS, "features")
    require(rows, [*KEY_COLUMNS, *features["feature"]], "enrollment rows")
    frame = rows[(rows["phase"] == phase).fillna(False).astype(bool)]
    frame = frame.sort_values("application_id", kind="stable").reset_index(drop=True)
    if frame["application_id"].duplicated().any():
        raise ValueError(f"Phase {phase} has the same application in more than one row.")
    persona = {"feature": PERSONA, "block": "persona", "kind": CATEGORY, "role": "enrollment"}
    features = pd.concat(
        [features[list(FEATURE_COLUMNS)], pd.DataFrame([persona])], ignore_index=True
    )
    frame, fold_features = with_noise(frame, features, seed)
    term, order = texts(frame["entry_term"]), floats(frame["term_order"])
    is_open = floats(frame["is_open"]) == 1
    outcome = floats(frame["outcome"])
    dated = np.isfinite(order) & (term != None)  # noqa: E711  (elementwise)
    closed = dated & ~is_open & np.isfinite(outcome)
    return _Rows(
        frame=frame,
        features=features,
        fold_features=fold_features,
        application=texts(frame["application_id"]),
        person=texts(frame["person_id"]),
        term=_masked(term, dated),
        persona=texts(frame[PERSONA]),
        outcome=outcome,
        is_open=is_open,
        closed_terms=_ordered_terms(term[closed], order[closed]),
        open_terms=_ordered_terms(term[dated & is_open], order[dated & is_open]),
    )


def _masked(values: TextArray, known: BoolArray) -> TextArray:
    masked = values.copy()
    masked[~known] = None
    return masked


def _ordered_terms(term: TextArray, order: FloatArray) -> list[str]:
    earliest = pd.Series(order).groupby(term.astype(str)).min()
    return [str(name) for _, name in sorted(zip(earliest, earliest.index, strict=True))]


def _steps(data: _Rows) -> list[_Step]:
    """Plan a back-test of the last closed cycle that can tell, and production."""
    steps = []
    telling = [term for term in data.closed_terms[1:] if _tells(data, term)]
    if telling:
        earlier = data.closed_terms[: data.closed_terms.index(telling[-1])]
        train = data.closed & data.in_terms(earlier)
        # Rows of a later handful, or without a place in time, can be scored and not evaluated.
        test = data.closed & ~data.in_terms(earlier)
        steps.append(_Step(EVALUATED, telling[-1], train, test))
    upcoming = data.open_terms[0] if data.open_terms else NEXT
    return [*steps, _Step(PRODUCTION, upcoming, data.closed, data.is_open)]


def _tells(data: _Rows, term: str) -> bool:
    """Tell whether a closed cycle has enough rows of both outcomes for an AUC."""
    outcome = data.outcome[data.closed & data.in_terms([term])]
    return bool(min(outcome.sum(), (1 - outcome).sum()) >= MIN_EACH)


def _records(data: _Rows, options: _Options) -> Iterator[Part]:
    if (problem := _problem(data, data.closed, options.min_positive)) is not None:
        yield _status("not_fitted", problem)
        return
    steps = [
        step for step in _steps(data) if _problem(data, step.train, options.min_positive) is None
    ]
    is_back_tested = steps[0].kind == EVALUATED
    for step in steps:
        yield from _step_records(data, step, options)
    folds = list(_folds(data, options))
    fold_cycle = GROUPED if is_back_tested else WITHIN_CYCLE
    for part in [*_fold_records(data, folds), *_importance_records(data, folds, options)]:
        yield part | {"test_cycle": fold_cycle}
    yield _status("fitted", _summary(steps))


def _problem(data: _Rows, train: BoolArray, min_positive: int) -> str | None:
    """Say why these rows can't train a model, as a sentence, if they can't."""
    n, n_positive = int(train.sum()), int(data.outcome[train].sum())
    if min(n_positive, n - n_positive) < min_positive:
        return (
            f"No model: closed cycles hold {n_positive} applications with the outcome and "
            f"{n - n_positive} without it, and {min_positive} of each are needed."
        )
    if fit_encoding(data.frame[train], data.features, data.outcome[train]).empty:
        return "No model: there is no feature to learn from."
    return None


def _summary(steps: list[_Step]) -> str:
    *evaluated, production = steps
    if not evaluated:
        return (
            "Evaluated by grouped 5-fold within the closed applications, which is optimistic: "
            "there is no earlier closed cycle with enough outcomes to learn from."
        )
    return (
        f"Evaluated on {evaluated[0].test_cycle} by a model of the cycles before it; "
        f"the model for {production.test_cycle} learned from all closed cycles."
    )


def _fit(
    data: _Rows, features: pd.DataFrame, train: BoolArray, n_trees: int, options: _Options
) -> _Fitted:
    """Fit both models on the marked rows."""
    rows, outcome = data.frame[train], data.outcome[train]
    encoding = fit_encoding(rows, features, outcome)
    columns = design_columns(encoding)
    x = training_matrix(rows, encoding, outcome, data.person[train], seed=options.seed)
    forest = fit_forest(x, outcome, seed=options.seed, n_trees=n_trees, n_jobs=options.n_jobs)
    raw = out_of_bag_probability(forest, outcome)
    knots = fit_knots(raw, outcome)
    scaling, coefficients = fit_logistic(x, outcome, columns)
    model = _Model(encoding, forest_to_rows(forest, columns), knots, scaling, coefficients)
    return _Fitted(model, raw, apply_knots(raw, knots), forest.feature_importances_)


def _sampled(data: _Rows, rows: BoolArray, max_rows: int, seed: int) -> BoolArray:
    """Mark at most max_rows of the marked rows."""
    places = np.flatnonzero(rows)
    chosen = np.zeros(len(rows), dtype=bool)
    chosen[places[sample_mask(data.application[places], max_rows, seed)]] = True
    return chosen


def _step_records(data: _Rows, step: _Step, options: _Options) -> Iterator[Part]:
    used = _sampled(data, step.train, options.max_rows, options.seed)
    fitted = _fit(data, data.features, used, options.n_trees, options)
    for part in [*fitted.model.records(), *_run_records(data, step, used, fitted)]:
        yield part | {"test_cycle": step.test_cycle}
    if step.kind == EVALUATED:
        yield _prediction(data, used, FOREST, OUT_OF_BAG, fitted.out_of_bag)
        # Rows beyond the bound are out of every tree's bag.
        unused = step.train & ~used
        probability = fitted.model.predict(data.frame[unused])[FOREST]
        yield _prediction(data, unused, FOREST, OUT_OF_BAG, probability)
    for name, probability in fitted.model.predict(data.frame[step.test]).items():
        yield _prediction(data, step.test, name, OUT_OF_SAMPLE, probability)
    yield _reasons(data, step, fitted.model)


def _folds(data: _Rows, options: _Options) -> Iterator[tuple[_Fitted, BoolArray]]:
    """Fit models, each with the rows of the fifth of the persons that it did not see."""
    fold = group_folds(data.person, N_FOLDS, options.seed)
    for number in range(N_FOLDS):
        train, test = data.closed & (fold != number), data.closed & (fold == number)
        if test.any() and np.ptp(data.outcome[train]) > 0:
            used = _sampled(data, train, options.max_rows, options.seed)
            yield _fit(data, data.fold_features, used, options.fold_trees, options), test


def _fold_records(data: _Rows, folds: list[tuple[_Fitted, BoolArray]]) -> Iterator[Part]:
    for fitted, test in folds:
        for name, probability in fitted.model.predict(data.frame[test]).items():
            yield _prediction(data, test, name, OUT_OF_FOLD, probability)


def _importance_records(
    data: _Rows, folds: list[tuple[_Fitted, BoolArray]], options: _Options
) -> Iterator[Part]:
    keep = _sampled(data, data.closed, options.importance_rows, options.seed)
    held_out = [
        HeldOut(
            fitted.model.forest.probability,
            apply_encoding(data.frame[test & keep], fitted.model.encoding),
            data.persona[test & keep],
            dict(design_groups(fitted.model.encoding)),
            fitted.impurity,
        )
        for fitted, test in folds
    ]
    found = permutation_importance(
        held_out,
        {GLOBAL: [data.outcome[test & keep] for _, test in folds]},
        shuffles(data.fold_features),
        seed=options.seed,
        n_repeats=options.n_repeats,
        n_jobs=options.n_jobs,
    )
    shared = {
        "record": "importance",
        "model": FOREST,
        "scope": found["scope"],
        "feature": found["feature"],
        "item": found["block"],
        "n": found["n_rows"],
    }
    yield shared | {
        "metric": "permutation",
        "value": found["importance"],
        "low": found["importance_low"],
        "high": found["importance_high"],
        "text": found["direction"],
    }
    for metric, column in (
        ("rank", "importance_rank"),
        ("impurity", "impurity_importance"),
        ("is_noise_control", "is_noise_control"),
        ("beats_noise", "beats_noise"),
    ):
        yield shared | {"metric": metric, "value": found[column].astype("float64")}


def _run_records(data: _Rows, step: _Step, used: BoolArray, fitted: _Fitted) -> Iterator[Part]:
    outcome = data.outcome[used]
    terms = [name for name in data.closed_terms if data.in_terms([name])[used].any()]
    auc, low, high = auc_interval(outcome, fitted.raw)
    run = {"record": "run", "model": FOREST, "item": step.kind, "n": int(used.sum())}
    counts = {
        "n_rows": used.sum(),
        "n_eligible_rows": step.train.sum(),
        "n_positive": outcome.sum(),
        "n_features": fitted.model.encoding["feature"].nunique(),
        "n_columns": len(fitted.model.columns),
        "n_trees": fitted.model.nodes["tree"].nunique(),
    }
    yield run | {"metric": list(counts), "value": np.array(list(counts.values()), dtype=float)}
    yield run | {"metric": "out_of_bag_auc", "value": auc, "low": low, "high": high}
    yield run | {"metric": "training_from", "text": terms[0] if terms else None}
    yield run | {"metric": "training_to", "text": terms[-1] if terms else None}


def _prediction(
    data: _Rows, rows: BoolArray, model: str, score_kind: str, probability: FloatArray
) -> Part:
    term = np.where(data.term[rows] == None, UNDATED, data.term[rows])  # noqa: E711
    return {
        "record": "prediction",
        "test_cycle": term,
        "model": model,
        "scope": term,
        "application_id": data.application[rows],
        "item": score_kind,
        "value": probability,
    }


def _reasons(data: _Rows, step: _Step, model: _Model) -> Part:
    """Explain the rows that the step's forest scores and did not learn from."""
    rows = data.frame[step.test]
    x = apply_encoding(rows, model.encoding)
    found = top_reasons(model.forest, x, dict(design_groups(model.encoding)), rows)
    return _table("reason", FOREST, found) | {"test_cycle": step.test_cycle}


def _status(item: str, sentence: str) -> Part:
    return {"record": "status", "item": item, "text": sentence}


def _table(record: str, model: str | None, frame: pd.DataFrame) -> Part:
    """Turn a fitted table into a part of the tidy frame, with the columns that it knows."""
    columns = {name: frame[name] for name in frame.columns if name in ENROLLMENT_TYPES}
    return {"record": record, "model": model, **columns}
