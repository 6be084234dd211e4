"""The enrollment models of one phase, fitted on all closed cycles, as one tidy frame.

The production model learns from every closed cycle and scores the open one. Beside it five models
grouped by person, for honest scores within the closed cycles and for importance on held-out rows.
Everything fitted is a row; `score` needs nothing but those rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from applicant_personas.cycles import AtRisk, Step, back_test_steps, read_phase, why_no_model
from applicant_personas.encoding import apply_encoding, design_groups
from applicant_personas.evaluation import auc_interval
from applicant_personas.importance import (
    GLOBAL,
    HeldOut,
    permutation_importance,
    shuffles,
    with_noise,
)
from applicant_personas.likelihood import FOREST, LOGISTIC, Fitted, Model, fit_models
from applicant_personas.rows import (
    INTEGER,
    NUMBER,
    TEXT,
    BoolArray,
    FloatArray,
    group_folds,
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
OUT_OF_SAMPLE, OUT_OF_FOLD = "out_of_sample", "out_of_fold"
GROUPED, WITHIN_CYCLE = "grouped_5_fold", "within_cycle (optimistic)"
PRODUCTION = "production"
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
    """Fit the enrollment models of one phase, and explain what they say.

    `rows`: KEY_COLUMNS of `cycles` (term_order missing = not placed in time; outcome 1/0, missing
    while open) and a column a feature (float, missing allowed; text for kind 'category').
    `features`: feature, block, kind, role; the persona joins them. Training is bounded by max_rows
    (a sample by digest), importance by importance_rows. Fewer than min_positive rows of either
    outcome: no model, and a 'status' row that says so.

    Returns ENROLLMENT_TYPES with records status, run, encoding, node, knot, scaling, coefficient,
    prediction, reason and importance. A model is known by (phase, test_cycle). Raises ValueError
    for missing columns or an application in more than one row of the phase.
    """
    options = _Options(
        seed, n_jobs, max_rows, n_trees, fold_trees, min_positive, n_repeats, importance_rows
    )
    data = read_phase(rows, features, phase)
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
    model = Model(
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


def _records(data: AtRisk, options: _Options) -> Iterator[Part]:
    if (problem := why_no_model(data, data.closed, options.min_positive)) is not None:
        yield _status("not_fitted", problem)
        return
    tested = [step.test_cycle for step in back_test_steps(data, options.min_positive)]
    upcoming = data.open_terms[0] if data.open_terms else NEXT
    yield from _production_records(data, Step(upcoming, data.closed, data.is_open), options)
    frame, features = with_noise(data.frame, data.features, options.seed)
    noisy = replace(data, frame=frame, features=features)
    folds = list(_folds(noisy, options))
    fold_cycle = GROUPED if tested else WITHIN_CYCLE
    for part in [*_fold_records(noisy, folds), *_importance_records(noisy, folds, options)]:
        yield part | {"test_cycle": fold_cycle}
    yield _status("fitted", _summary(tested, upcoming))


def _summary(tested: list[str], upcoming: str) -> str:
    if not tested:
        return (
            "Evaluated by grouped 5-fold within the closed applications, which is optimistic: "
            "there is no earlier closed cycle with enough outcomes to learn from."
        )
    return (
        f"Evaluated on {', '.join(tested)} by models of the cycles before each; "
        f"the model for {upcoming} learned from all closed cycles."
    )


def _fit(data: AtRisk, train: BoolArray, n_trees: int, options: _Options) -> Fitted:
    return fit_models(data, train, seed=options.seed, n_trees=n_trees, n_jobs=options.n_jobs)


def _production_records(data: AtRisk, step: Step, options: _Options) -> Iterator[Part]:
    used = data.sampled(step.train, options.max_rows, options.seed)
    fitted = _fit(data, used, options.n_trees, options)
    scored = data.frame[step.test]
    reasons = _table("reason", FOREST, fitted.model.reasons(scored))
    for part in [
        *_model_records(fitted.model),
        *_run_records(data, step, used, fitted),
        reasons,
    ]:
        yield part | {"test_cycle": step.test_cycle}
    for name, probability in fitted.model.predict(scored).items():
        yield _prediction(data, step.test, name, OUT_OF_SAMPLE, probability)


def _model_records(model: Model) -> Iterator[Part]:
    """Write the model as parts of the tidy frame; `score` reads them back."""
    yield _table("encoding", None, model.encoding)
    yield _table("node", FOREST, model.nodes.rename(columns={"n_samples": "n"}))
    yield _table("knot", FOREST, model.knots)
    yield _table("scaling", LOGISTIC, model.scaling)
    yield _table("coefficient", LOGISTIC, model.coefficients)


def _folds(data: AtRisk, options: _Options) -> Iterator[tuple[Fitted, BoolArray]]:
    """Fit models, each with the rows of the fifth of the persons that it did not see."""
    fold = group_folds(data.person, N_FOLDS, options.seed)
    for number in range(N_FOLDS):
        train, test = data.closed & (fold != number), data.closed & (fold == number)
        if test.any() and np.ptp(data.outcome[train]) > 0:
            used = data.sampled(train, options.max_rows, options.seed)
            yield _fit(data, used, options.fold_trees, options), test


def _fold_records(data: AtRisk, folds: list[tuple[Fitted, BoolArray]]) -> Iterator[Part]:
    for fitted, test in folds:
        for name, probability in fitted.model.predict(data.frame[test]).items():
            yield _prediction(data, test, name, OUT_OF_FOLD, probability)


def _importance_records(
    data: AtRisk, folds: list[tuple[Fitted, BoolArray]], options: _Options
) -> Iterator[Part]:
    keep = data.sampled(data.closed, options.importance_rows, options.seed)
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
        shuffles(data.features),
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


def _run_records(data: AtRisk, step: Step, used: BoolArray, fitted: Fitted) -> Iterator[Part]:
    outcome = data.outcome[used]
    terms = data.terms_of(used)
    auc, low, high = auc_interval(outcome, fitted.out_of_bag)
    run = {"record": "run", "model": FOREST, "item": PRODUCTION, "n": int(used.sum())}
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
    data: AtRisk, rows: BoolArray, model: str, score_kind: str, probability: FloatArray
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


def _status(item: str, sentence: str) -> Part:
    return {"record": "status", "item": item, "text": sentence}


def _table(record: str, model: str | None, frame: pd.DataFrame) -> Part:
    """Turn a fitted table into a part of the tidy frame, with the columns that it knows."""
    columns = {name: frame[name] for name in frame.columns if name in ENROLLMENT_TYPES}
    return {"record": record, "model": model, **columns}
