"""The back-test: each closed cycle predicted from the cycles before it, on every day.

An expanding window: models of the rows as known on a day predict the next cycle as known on the
same day before census, each application by where it stood then, so the figures show how accuracy
grows through the season. Every baseline predicts the same rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from applicant_personas.at_risk import CATALOG_COLUMNS, UNDATED, AtRisk, read_at_risk
from applicant_personas.baselines import boosted, rate_baselines
from applicant_personas.likelihood import Recipe, fit_likelihood
from applicant_personas.predictions import (
    FACT_FIELDS,
    OUT_OF_SAMPLE,
    PREDICTION_FIELDS,
    Part,
    prediction_part,
    stacked,
)
from applicant_personas.progress import told
from applicant_personas.runs import Fit, Runs

# (phase, days to census or None) -> the rows of closed cycles that stood there then.
Read = Callable[[str, int | None], pa.Table]
BACKTEST_FIELDS = PREDICTION_FIELDS | FACT_FIELDS


def back_test(
    read: Read,
    days: pd.DataFrame,
    features: pd.DataFrame,
    runs: Runs,
    recipe: Recipe,
    phases: Sequence[str],
) -> pa.RecordBatchReader:
    """Predict every closed cycle that has a closed cycle before it, on every day.

    `read`: gives the rows of a phase and day, as for `read_at_risk`. `days`: phase, days_to_census
    (missing = no dates), is_training_day. `features`: target (a phase) and the columns that
    `read_at_risk` wants. `runs` says whether a phase is tested anew, and keeps what is not.

    Returns BACKTEST_FIELDS with records prediction, run (metrics training_from, training_to),
    status and provenance. Raises ValueError as `read_at_risk` does.
    """
    parts: list[Part] = []
    for phase in phases:
        own = features[features["target"] == phase]
        season = days[days["phase"] == phase]
        fit = partial(_test_phase, read, phase, season, own, recipe)
        settings = settings_of(own, recipe)
        parts += runs.parts(phase, settings, training_day(season), fit)
    return stacked(parts, BACKTEST_FIELDS)


def settings_of(features: pd.DataFrame, recipe: Recipe) -> dict[str, Any]:
    """List what a fit is made from, beside its rows."""
    catalog = features[list(CATALOG_COLUMNS)].sort_values("feature")
    spent = {name: value for name, value in asdict(recipe).items() if name != "n_jobs"}
    return {**spent, "features": catalog.astype(str).to_numpy().tolist()}


def training_day(season: pd.DataFrame) -> int | None:
    """Days to census for which likelihoods are made: of several open terms, the nearest."""
    own = season.loc[season["is_training_day"].astype(bool), "days_to_census"].dropna()
    return int(own.min()) if len(own) else None


def ordered_days(season: pd.DataFrame) -> list[int | None]:
    """List the days to census, earliest in the season first; None is no date."""
    days = season["days_to_census"].drop_duplicates()
    dated = sorted((int(day) for day in days.dropna()), reverse=True)
    return [*dated, *([None] if days.isna().any() else [])]


def _test_phase(
    read: Read, phase: str, season: pd.DataFrame, features: pd.DataFrame, recipe: Recipe
) -> Fit:
    parts: list[Part] = []
    digests: list[str] = []
    n_rows = 0
    terms: tuple[str, ...] = ()
    tested: dict[str, list[int | None]] = {}
    trained: set[str] = set()
    for day in told(ordered_days(season), f"back-test of {phase}, days"):
        data = read_at_risk(read(phase, day), features)
        data = data.take(data.closed)
        digests.append(data.digest())
        n_rows += len(data)
        # The day on which most had been told apart has all cycles in their order.
        terms = max(terms, data.terms, key=len)
        for cycle in data.closed_terms[1:]:
            test = data.take(data.term == cycle)
            train = np.flatnonzero((data.term < cycle) & (data.term != UNDATED))
            spent = recipe if test.is_enrollment_day.any() else recipe.lighter(len(train))
            train = train[: spent.training_rows]
            parts.append(_predicted(data.take(train), test, spent) | {"days_to_census": day})
            tested.setdefault(data.terms[cycle], []).append(day)
            trained |= {data.terms[term] for term in np.unique(data.term[train])}
    digest = hashlib.sha256("".join(digests).encode()).hexdigest()[:16]
    return Fit([*parts, *_summary(terms, tested, trained)], digest, n_rows, len(features))


def _predicted(train: AtRisk, test: AtRisk, recipe: Recipe) -> dict[str, Any]:
    """Predict a cycle by the likelihood and by all that it has to beat."""
    fitted = fit_likelihood(train, recipe)
    predicted = fitted.predict(test, recipe.n_jobs) | rate_baselines(fitted.model, train, test)
    if test.is_enrollment_day.any():
        predicted |= boosted(fitted.model, train, test, recipe.seed)
    cycle = test.terms[int(test.term[0])]
    return dict(
        prediction_part(test, predicted, OUT_OF_SAMPLE, test_cycle=cycle, n_training=len(train))
    )


def _summary(
    terms: Sequence[str], tested: dict[str, list[int | None]], trained: set[str]
) -> Iterator[Part]:
    """Say what was tested, in order of time, and what was learned from."""
    if not tested:
        sentence = "No back-test: no closed cycle has closed cycles before it to learn from."
        yield {"record": "status", "item": "not_fitted", "text": sentence}
        return
    days = list(dict.fromkeys(day for found in tested.values() for day in found))
    dated = ", ".join(str(day) for day in days if day is not None)
    when = f" at {dated} days to census" if dated else ""
    cycles = ", ".join(term for term in terms if term in tested)
    window = [term for term in terms if term in trained]
    yield {"record": "run", "metric": "training_from", "text": window[0]}
    yield {"record": "run", "metric": "training_to", "text": window[-1]}
    sentence = f"Tested on {cycles}{when}, each by models of the cycles before it."
    yield {"record": "status", "item": "fitted", "text": sentence}
