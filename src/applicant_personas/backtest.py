"""The back-test of one phase: each closed cycle predicted from the cycles before it.

An expanding window, on each day to census of its own: models of the rows as known on a day predict
the next cycle as known on the same day, so the figures show how accuracy grows through the season.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from applicant_personas.cycles import AtRisk, Step, back_test_steps, read_phase
from applicant_personas.likelihood import FOREST, fit_models
from applicant_personas.rows import INTEGER, NUMBER, TEXT, floats, require, tidy

BACKTEST_TYPES = {
    "phase": TEXT,
    "days_to_census": INTEGER,
    "test_cycle": TEXT,
    "record": TEXT,
    "model": TEXT,
    "application_id": TEXT,
    "feature": TEXT,
    "metric": TEXT,
    "item": TEXT,
    "value": NUMBER,
    "text": TEXT,
}
DAY_COLUMNS = ("phase", "days_to_census", "is_enrollment_day")
OUT_OF_SAMPLE = "out_of_sample"

Part = dict[str, Any]


@dataclass(frozen=True)
class _Options:
    seed: int
    n_jobs: int
    max_rows: int
    n_trees: int


@dataclass(frozen=True)
class _Test:
    """A cycle to be predicted on a day; NaN is a day without a date."""

    day: float
    data: AtRisk
    step: Step


def back_test(
    rows: pd.DataFrame,
    features: pd.DataFrame,
    *,
    phase: str,
    seed: int,
    n_jobs: int = 1,
    max_rows: int = 10_000,
    n_trees: int = 100,
    min_positive: int = 20,
) -> pd.DataFrame:
    """Predict every closed cycle that can tell, on every day, by models of the cycles before it.

    `rows`, `features`: as for `fit_enrollment`, with days_to_census (missing = no dates at all) and
    is_enrollment_day besides; an application may have a row a day. Training is bounded by max_rows
    (a sample by digest), the size of a forest by n_trees.

    Returns BACKTEST_TYPES with records prediction (item: the score kind), reason (on the enrollment
    day), run (metrics training_from and training_to) and one status. Raises ValueError as
    `fit_enrollment` does.
    """
    require(rows, DAY_COLUMNS, "back-test rows")
    own = rows[(rows["phase"] == phase).fillna(False).astype(bool)]
    options = _Options(seed, n_jobs, max_rows, n_trees)
    tests = [
        _Test(day, data, step)
        for day, on_day in _days(own)
        for data in [read_phase(on_day, features, phase)]
        for step in back_test_steps(data, min_positive)
    ]
    parts = [*(part for test in tests for part in _records(test, options)), *_summary(tests)]
    return tidy([{"phase": phase} | part for part in parts], BACKTEST_TYPES)


def _days(rows: pd.DataFrame) -> Iterator[tuple[float, pd.DataFrame]]:
    """Pair each day to census, earliest first, with its rows; NaN is a day without a date."""
    days = floats(rows["days_to_census"])
    for day in -np.unique(-days):
        yield float(day), rows[np.isnan(days) if np.isnan(day) else days == day]


def _records(test: _Test, options: _Options) -> Iterator[Part]:
    """Fit the models of one test, and predict the test cycle."""
    data, step = test.data, test.step
    is_enrollment_day = bool((floats(data.frame["is_enrollment_day"]) == 1).any())
    model = fit_models(
        data,
        data.sampled(step.train, options.max_rows, options.seed),
        seed=options.seed,
        n_trees=options.n_trees,
        n_jobs=options.n_jobs,
    ).model
    shared = {"days_to_census": test.day, "test_cycle": step.test_cycle}
    tested = data.frame[step.test]
    for name, probability in model.predict(tested).items():
        yield shared | {
            "record": "prediction",
            "model": name,
            "application_id": data.application[step.test],
            "item": OUT_OF_SAMPLE,
            "value": probability,
        }
    if is_enrollment_day:
        yield shared | {"record": "reason", "model": FOREST, **model.reasons(tested)}


def _summary(tests: list[_Test]) -> Iterator[Part]:
    """Say what was tested, in order of time, and what was learned from."""
    if not tests:
        sentence = (
            "No back-test: no closed cycle with enough applications of both outcomes has closed "
            "cycles before it to learn from."
        )
        yield {"record": "status", "item": "not_fitted", "text": sentence}
        return
    # The day on which most could be tested has all cycles in their order.
    longest = max(tests, key=lambda test: len(test.data.closed_terms)).data.closed_terms
    tested = {test.step.test_cycle for test in tests}
    trained = {term for test in tests for term in test.data.terms_of(test.step.train)}
    cycles = [term for term in longest if term in tested]
    days = list(dict.fromkeys(f"{test.day:.0f}" for test in tests))
    when = "" if days == ["nan"] else f" at {', '.join(days)} days to census"
    sentence = f"Tested on {', '.join(cycles)}{when}, each by models of the cycles before it."
    window = [term for term in longest if term in trained]
    yield {"record": "run", "metric": "training_from", "text": window[0]}
    yield {"record": "run", "metric": "training_to", "text": window[-1]}
    yield {"record": "status", "item": "fitted", "text": sentence}
