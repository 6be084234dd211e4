"""The back-test: each closed cycle predicted from the cycles before it, on every day.

An expanding window: models of the rows as known on a day predict the next cycle as known on the
same day before census, each application by where it stood then, so the figures show how accuracy
grows through the season. A cycle that adds next to nothing is learned from with the one after it.
Every baseline predicts the same rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from applicant_personas.at_risk import CATALOG_COLUMNS, UNDATED, AtRisk, read_at_risk
from applicant_personas.baselines import Predict, fit_boosting, previous_cycle_rate
from applicant_personas.likelihood import Fitted, Recipe, fit_likelihood
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
from applicant_personas.rows import FloatArray
from applicant_personas.runs import Fit, Runs

# (phase, days to census or None) -> the rows of closed cycles that stood there then.
Read = Callable[[str, int | None], pa.Table]
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
        learned: _Learned | None = None
        for cycle in data.closed_terms[1:]:
            test = data.take(data.term == cycle)
            before = np.flatnonzero((data.term < cycle) & (data.term != UNDATED))
            is_enrollment_day = bool(test.is_enrollment_day.any())
            if learned is None or not learned.serves(len(before), is_enrollment_day):
                learned = _learn(data.take(before), is_enrollment_day, recipe)
            predicted = learned.predict(test, recipe.n_jobs)
            predicted[PREVIOUS_CYCLE_RATE] = previous_cycle_rate(data.take(before), test)
            parts.append(_part(test, predicted, learned.n_training) | {"days_to_census": day})
            tested.setdefault(data.terms[cycle], []).append(day)
            trained |= learned.terms
    digest = hashlib.sha256("".join(digests).encode()).hexdigest()[:16]
    return Fit([*parts, *_summary(terms, tested, trained)], digest, n_rows, len(features))


@dataclass(frozen=True)
class _Learned:
    """What n_rows rows of earlier cycles teach: of them, n_training rows of these terms do."""

    fitted: Fitted
    boosting: Predict | None
    is_enrollment_day: bool
    n_rows: int
    n_training: int
    terms: frozenset[str]

    def serves(self, n_rows: int, is_enrollment_day: bool) -> bool:
        """Whether n_rows rows would hardly teach more, for a day of this kind."""
        return self.is_enrollment_day == is_enrollment_day and n_rows < ENOUGH_MORE * self.n_rows

    def predict(self, test: AtRisk, n_jobs: int) -> dict[str, FloatArray]:
        """Predict by the likelihood, by the rate that it has to beat, and by the challenger."""
        predicted = self.fitted.predict(test, n_jobs)
        predicted[STAGE_RATE] = np.full(len(test), self.fitted.model.rates.overall)
        if self.boosting is not None:
            predicted[BOOSTING] = self.boosting(test)
        return predicted


def _learn(train: AtRisk, is_enrollment_day: bool, recipe: Recipe) -> _Learned:
    """Spend most on the day for which likelihoods are made; only there is there a challenger."""
    spent = recipe if is_enrollment_day else recipe.lighter(len(train))
    few = train.take(np.arange(min(len(train), spent.training_rows or len(train))))
    fitted = fit_likelihood(few, spent)
    boosting = fit_boosting(fitted.model, few, recipe.seed) if is_enrollment_day else None
    terms = frozenset(train.terms[term] for term in np.unique(few.term))
    return _Learned(fitted, boosting, is_enrollment_day, len(train), len(few), terms)


def _part(test: AtRisk, predicted: dict[str, FloatArray], n_training: int) -> dict[str, Any]:
    cycle = test.terms[int(test.term[0])]
    return dict(
        prediction_part(test, predicted, OUT_OF_SAMPLE, test_cycle=cycle, n_training=n_training)
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
