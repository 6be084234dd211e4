"""The model that scores the open cycle, phase by phase, and what it can be trusted with.

The production model learns from every closed cycle, as known on the open cycle's day. Beside it
five models, each without a fifth of the persons, give scores and importances on held-out rows.
Everything fitted is a row; `scoring` needs nothing but those rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa

from applicant_personas.at_risk import PERSONA, AtRisk, read_at_risk
from applicant_personas.backtest import (
    BACKTEST_FIELDS,
    Read,
    ordered_days,
    settings_of,
    training_day,
)
from applicant_personas.dependence import DependenceFold, dependence_parts
from applicant_personas.evaluation import auc_interval
from applicant_personas.forest import predict_forest
from applicant_personas.importance import (
    GLOBAL,
    MIN_EACH,
    NOISE,
    NOISE_BLOCK,
    HeldOut,
    permutation_importance,
    shuffles,
    untold,
)
from applicant_personas.likelihood import (
    LIGHT_FROM,
    Fitted,
    Recipe,
    fit_likelihood,
    model_parts,
    n_rarer,
)
from applicant_personas.parallel import side_by_side
from applicant_personas.predictions import (
    LIKELIHOOD,
    MODEL_FIELDS,
    OUT_OF_FOLD,
    STAGE_RATE,
    Part,
    prediction_part,
    stacked,
)
from applicant_personas.progress import told
from applicant_personas.rows import FloatArray
from applicant_personas.runs import Fit, Runs

ENROLLMENT_FIELDS = BACKTEST_FIELDS | MODEL_FIELDS
GROUPED, WITHIN_CYCLE = "grouped_5_fold", "within_cycle (optimistic)"
# Where rows abound, two halves tell as much of importance as five folds do.
N_FOLDS, HALVES = 5, 2
MANY_ROWS = 60_000
# Rows on which importance is measured, and shuffled rows that it may cost a feature.
IMPORTANCE_ROWS, SHUFFLED_ROWS = 6_000, 15_000
# Rows that are predicted with each range of a feature in turn.
DEPENDENCE_ROWS = 3_000
MAX_REPEATS = 5


def fit_enrollment(
    read: Read,
    days: pd.DataFrame,
    features: pd.DataFrame,
    runs: Runs,
    recipe: Recipe,
    phases: Sequence[str],
) -> pa.RecordBatchReader:
    """Fit every phase on the days for which likelihoods are made, or say why it has no model.

    Arguments as for `back_test`; `days` has n and n_positive besides, as `most_telling_day` wants:
    importance is measured on that day. `features` has actionable besides: partial dependence on
    these is measured, on the day for which likelihoods are made. Where fewer than 20 applications
    reached the outcome, or missed it, the model is no more than a rate, and a 'status' row says so.

    Returns ENROLLMENT_FIELDS: the records of `model_parts` for each phase and day, and status, run,
    prediction (of held-out rows), importance, dependence and provenance. Raises ValueError as
    `read_at_risk` does.
    """
    parts: list[Part] = []
    for phase in phases:
        own = features[features["target"] == phase]
        season = days[days["phase"] == phase]
        fit = partial(_fit_phase, read, phase, season, own, recipe)
        settings = settings_of(own, recipe) | {"actionable": actionable(own)}
        parts += runs.parts(phase, settings, training_day(season), fit)
    return stacked(parts, ENROLLMENT_FIELDS)


def actionable(features: pd.DataFrame) -> list[str]:
    """List the features that the university can act on."""
    return sorted(features.loc[features["actionable"].astype(bool), "feature"])


def _fit_phase(
    read: Read, phase: str, season: pd.DataFrame, features: pd.DataFrame, recipe: Recipe
) -> Fit:
    parts: list[Part] = []
    digests, n_rows = [], 0
    own_days = ordered_days(season[season["is_training_day"].astype(bool)])
    telling = most_telling_day(season)
    days = [*own_days, *([telling] if own_days and telling not in own_days else [])]
    for day in told(days, f"likelihood of {phase}, days"):
        data = read_at_risk(read(phase, day), features)
        data = data.take(data.closed)
        digests.append(data.digest())
        n_rows += len(data)
        if not len(data):
            continue
        made = list(_production(data, recipe)) if day in own_days else []
        folds = _folds(data, recipe, N_FOLDS if day in own_days else HALVES)
        if day in own_days:
            made += _held_out(data, folds, recipe)
        if day == telling:
            made += _importance_parts(folds, recipe)
        if day == training_day(season) and day in own_days:
            made += _dependence_parts(folds, actionable(features), recipe)
        parts += [{**part, "days_to_census": day} for part in made]
        # Two days are not in memory at once.
        del data, folds
    if not parts:
        parts.append(_status("not_fitted", _NOTHING_CLOSED))
    digest = hashlib.sha256("".join(digests).encode()).hexdigest()[:16]
    return Fit(parts, digest, n_rows, len(features))


def most_telling_day(season: pd.DataFrame) -> int | None:
    """Find the day on which most applications of the rarer outcome stood here; None is no date.

    `season`: days_to_census, n (closed applications) and n_positive (of these, with the outcome).
    What matters shows where much is undecided; late in the season little is.
    """
    rarer = np.minimum(season["n_positive"], season["n"] - season["n_positive"])
    by = {"rarer": True, "days_to_census": False}
    ordered = season.assign(rarer=rarer).sort_values(list(by), ascending=list(by.values()))
    day = ordered["days_to_census"].iloc[-1] if len(ordered) else np.nan
    return None if pd.isna(day) else int(day)


_NOTHING_CLOSED = (
    "No model, personas only: no closed cycle has applications in this phase on this day (no cycle "
    "is finished, or the day is outside the window of the phase)."
)


def _production(data: AtRisk, recipe: Recipe) -> Iterator[Part]:
    """Fit on everything that is closed, and write down what was fitted."""
    fitted = fit_likelihood(data, recipe)
    yield from model_parts(fitted.model)
    terms = [data.terms[term] for term in data.closed_terms]
    counts = {"n_rows": len(data), "n_positive": data.outcome.sum()}
    learned = fitted.model.learned
    if learned is not None:
        counts |= {
            "n_features": len(learned.encoding.places),
            "n_columns": len(learned.encoding.columns),
            "n_trees": len(learned.forest.trees),
        }
        unseen = fitted.unseen[LIKELIHOOD]
        auc, low, high = auc_interval(data.outcome[: len(unseen)], unseen)
        yield _run("out_of_bag_auc", value=auc, low=low, high=high, n=len(unseen))
    values = np.array(list(counts.values()), dtype=float)
    yield {"record": "run", "metric": list(counts), "value": values}
    yield _run("training_from", text=terms[0] if terms else None)
    yield _run("training_to", text=terms[-1] if terms else None)
    yield _status("fitted" if learned is not None else "rate_only", _sentence(data, terms, fitted))


def _sentence(data: AtRisk, terms: list[str], fitted: Fitted) -> str:
    if fitted.model.learned is None:
        n = int(data.outcome.sum())
        return (
            f"No model, rates only: closed cycles hold {n} applications with the outcome and "
            f"{len(data) - n} without it, too few for more, or no feature that varies."
        )
    if len(terms) < 2:
        return (
            "Learned from all closed applications; evaluated within them by grouped 5-fold, which "
            "is optimistic: there is no earlier closed cycle to learn from."
        )
    return f"Learned from all closed cycles, {terms[0]} to {terms[-1]}."


@dataclass(frozen=True)
class _Fold:
    """A model of n_training rows without a fifth of the persons, and the rows of that fifth."""

    fitted: Fitted
    n_training: int
    test: AtRisk


def _folds(data: AtRisk, recipe: Recipe, n_folds: int) -> list[_Fold]:
    noise = np.random.default_rng(recipe.seed).normal(size=len(data))
    data = data.with_number(NOISE, NOISE_BLOCK, noise)
    n_folds = n_folds if len(data) >= LIGHT_FROM else N_FOLDS
    # Scores of the folds are read, so that they are good while rows are not too many.
    spent = recipe.lighter(len(data)) if len(data) >= MANY_ROWS else recipe
    number = data.person_folds(n_folds)

    def fitted(fold: int, n_jobs: int) -> _Fold:
        others = np.flatnonzero(number != fold)
        train, test = data.take(others[: spent.training_rows]), data.take(number == fold)
        return _Fold(fit_likelihood(train, replace(spent, n_jobs=n_jobs)), len(others), test)

    sizes = [int((number == fold).sum()) for fold in range(n_folds)]
    filled = [fold for fold, size in enumerate(sizes) if 0 < size < len(data)]
    return side_by_side(fitted, filled, recipe.n_jobs)


def _held_out(data: AtRisk, folds: list[_Fold], recipe: Recipe) -> Iterator[Part]:
    """Score the closed rows by models of other persons."""
    cycle = GROUPED if len(data.closed_terms) > 1 else WITHIN_CYCLE
    for fold in folds:
        predicted = fold.fitted.predict(fold.test, recipe.n_jobs)
        predicted[STAGE_RATE] = np.full(len(fold.test), fold.fitted.model.rates.overall)
        yield prediction_part(
            fold.test, predicted, OUT_OF_FOLD, test_cycle=cycle, n_training=fold.n_training
        )


def _importance_parts(folds: list[_Fold], recipe: Recipe) -> Iterator[Part]:
    """Permute what is held out of each fold, bounded to rows that tell as much, if they can."""
    if not folds:
        return
    few = [np.arange(min(len(fold.test), IMPORTANCE_ROWS // len(folds))) for fold in folds]
    rows = [fold.test.take(some) for fold, some in zip(folds, few, strict=True)]
    outcomes = [part.outcome for part in rows]
    n_rows = sum(len(part) for part in rows)
    items = shuffles(folds[0].test.features)
    learned = all(fold.fitted.model.learned is not None for fold in folds)
    if not learned or n_rarer(np.concatenate(outcomes)) < MIN_EACH:
        found = untold(GLOBAL, items, n_rows)
    else:
        found = permutation_importance(
            [_explained(fold.fitted, part) for fold, part in zip(folds, rows, strict=True)],
            {GLOBAL: outcomes},
            items,
            seed=recipe.seed,
            n_repeats=int(np.clip(SHUFFLED_ROWS // n_rows, 1, MAX_REPEATS)),
            n_jobs=recipe.n_jobs,
        )
    shared = {
        "record": "importance",
        "model": LIKELIHOOD,
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


def _dependence_parts(
    folds: list[_Fold], features: Sequence[str], recipe: Recipe
) -> Iterator[Part]:
    """Tell how the likelihood goes with each feature, where there is more than a rate."""
    explained = []
    for fold in folds:
        learned = fold.fitted.model.learned
        if learned is None:
            return
        few = fold.test.take(np.arange(min(len(fold.test), DEPENDENCE_ROWS // len(folds))))
        held = _explained(fold.fitted, few)
        explained.append(DependenceFold(held, few, fold.test, learned.encoding, fold.n_training))
    if explained:
        yield from dependence_parts(explained, features, recipe.n_jobs)


def _explained(fitted: Fitted, rows: AtRisk) -> HeldOut:
    """Let the published likelihood be explained: the persona's rate is one more of its columns."""
    model, forest = fitted.model, fitted.forest
    assert model.learned is not None
    assert forest is not None
    encoding = model.learned.encoding
    width = len(encoding.columns)
    places = {name: list(found) for name, found in encoding.places.items()}
    places[PERSONA] = [*places.get(PERSONA, []), width]

    def predict(x: FloatArray) -> FloatArray:
        raw = predict_forest(forest, x[:, :width], 1)
        return model.combined(raw, x[:, :width], x[:, width])[LIKELIHOOD]

    return HeldOut(
        predict,
        np.column_stack([encoding.matrix(rows), model.rates.of(rows.persona)]),
        rows.persona,
        places,
        np.append(forest.feature_importances_, 0.0),
    )


def _run(metric: str, **facts: object) -> Part:
    return {"record": "run", "metric": metric, **facts}


def _status(item: str, sentence: str) -> Part:
    return {"record": "status", "item": item, "text": sentence}
