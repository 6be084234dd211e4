"""The back-test: each closed cycle predicted from the cycles before it, on every day.

An expanding window: models of the rows as known on a day predict the next cycle as known on the
same day before census, each application by where it stood then, so the figures show how accuracy
grows through the season. A cycle that adds next to nothing is learned from with the one after it.
Every baseline predicts the same rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from applicant_personas.at_risk import CATALOG_COLUMNS, UNDATED, AtRisk, read_at_risk
from applicant_personas.baselines import fit_boosting, previous_cycle_rate
from applicant_personas.likelihood import Recipe, fit_likelihood
from applicant_personas.parallel import side_by_side
from applicant_personas.predictions import (
    BOOSTING,
    FACT_FIELDS,
    OUT_OF_SAMPLE,
    PREDICTION_FIELDS,
    PREVIOUS_CYCLE_RATE,
    STAGE_RATE,
    Part,
    prediction_part,
    stacked,
)
from applicant_personas.progress import told
from applicant_personas.rows import IntArray
from applicant_personas.runs import Fit, Runs

# (phase, days to census or None) -> the rows of closed cycles that stood there then.
Read = Callable[[str, int | None], pa.Table | pa.RecordBatchReader]
BACKTEST_FIELDS = PREDICTION_FIELDS | FACT_FIELDS
# So many times the rows that a model learned from teach another one something.
ENOUGH_MORE = 1.05


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
        stretches = _stretches(data)
        for found in side_by_side(partial(_predicted, data, recipe), stretches, recipe.n_jobs):
            parts += [{**part, "days_to_census": day} for part in found]
        for stretch in stretches:
            for cycle in stretch.cycles:
                tested.setdefault(data.terms[cycle], []).append(day)
            trained |= {data.terms[term] for term in np.unique(data.term[stretch.before])}
        # Two days are not in memory at once.
        del data
    digest = hashlib.sha256("".join(digests).encode()).hexdigest()[:16]
    return Fit([*parts, *_summary(terms, tested, trained)], digest, n_rows, len(features))


@dataclass(frozen=True)
class _Stretch:
    """Cycles that one model predicts, and the rows of the cycles before the first of them."""

    cycles: list[int]
    before: IntArray
    is_enrollment_day: bool


def _stretches(data: AtRisk) -> list[_Stretch]:
    """Part the closed cycles, but the first, where enough more is known to learn anew."""
    found: list[_Stretch] = []
    for cycle in data.closed_terms[1:]:
        before = np.flatnonzero((data.term < cycle) & (data.term != UNDATED))
        is_enrollment_day = bool(data.is_enrollment_day[data.term == cycle].any())
        if (
            found
            and found[-1].is_enrollment_day == is_enrollment_day
            and len(before) < ENOUGH_MORE * len(found[-1].before)
        ):
            found[-1].cycles.append(cycle)
        else:
            found.append(_Stretch([cycle], before, is_enrollment_day))
    return found


def _predicted(
    data: AtRisk, recipe: Recipe, stretch: _Stretch, n_jobs: int
) -> list[dict[str, Any]]:
    """Predict each cycle of a stretch by the likelihood and by all that it has to beat.

    Most is spent on the day for which likelihoods are made; only there is there a challenger.
    """
    recipe = replace(recipe, n_jobs=n_jobs)
    if not stretch.is_enrollment_day:
        recipe = recipe.lighter(len(stretch.before))
    train = data.take(stretch.before[: recipe.training_rows])
    fitted = fit_likelihood(train, recipe)
    model = fitted.model
    boosting = fit_boosting(model, train, recipe.seed) if stretch.is_enrollment_day else None
    parts, outcomes = [], data.without_features()
    for cycle in stretch.cycles:
        test = data.take(data.term == cycle)
        before = outcomes.take((data.term < cycle) & (data.term != UNDATED))
        predicted = fitted.predict(test, n_jobs)
        predicted[STAGE_RATE] = np.full(len(test), model.rates.overall)
        predicted[PREVIOUS_CYCLE_RATE] = previous_cycle_rate(before, test)
        if boosting is not None:
            predicted[BOOSTING] = boosting(test)
        name, n_training = data.terms[cycle], len(train)
        part = prediction_part(
            test, predicted, OUT_OF_SAMPLE, test_cycle=name, n_training=n_training
        )
        parts.append(dict(part))
    return parts


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
