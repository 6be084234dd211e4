"""The enrollment models and the back-test of all phases, each with a run of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from applicant_personas.backtest import back_test
from applicant_personas.enrollment import fit_enrollment
from applicant_personas.runs import with_run

# A back-test fits a forest a cycle and day; more rows make its figures later, not better.
BACK_TEST_ROWS = 10_000


def fit_phases(
    rows: pd.DataFrame,
    features: pd.DataFrame,
    *,
    phases: Sequence[str],
    seed: int,
    max_rows: int,
    n_jobs: int = 1,
) -> pd.DataFrame:
    """Fit every phase, or say why it has no model.

    `rows`: as for `fit_enrollment`, the rows of all phases. `features`: target (a phase), feature,
    block, kind, role; a phase learns from its own features only. `phases`: their names. Returns the
    frames of `fit_enrollment` stacked, each with run_id and the provenance of its run. Raises
    ValueError as `fit_enrollment` does.
    """
    return _by_phase(fit_enrollment, "enrollment", rows, features, phases, seed, max_rows, n_jobs)


def back_test_phases(
    rows: pd.DataFrame,
    features: pd.DataFrame,
    *,
    phases: Sequence[str],
    seed: int,
    max_rows: int,
    n_jobs: int = 1,
) -> pd.DataFrame:
    """Back-test every phase, or say why that is not possible.

    Arguments as for `fit_phases`, with the rows of all days that `back_test` wants. Returns its
    frames stacked, each with run_id and the provenance of its run. Raises ValueError as `back_test`
    does.
    """
    bound = min(max_rows, BACK_TEST_ROWS)
    return _by_phase(back_test, "backtest", rows, features, phases, seed, bound, n_jobs)


def _by_phase(
    fit: Callable[..., pd.DataFrame],
    kind: str,
    rows: pd.DataFrame,
    features: pd.DataFrame,
    phases: Sequence[str],
    seed: int,
    max_rows: int,
    n_jobs: int,
) -> pd.DataFrame:
    settings = {"seed": seed, "max_rows": max_rows}
    runs = []
    for phase in phases:
        own = features[features["target"] == phase]
        at_risk = rows[rows["phase"] == phase]
        fitted = fit(at_risk, own, phase=phase, seed=seed, max_rows=max_rows, n_jobs=n_jobs)
        run = with_run(fitted, kind=f"{kind}-{phase}", data=at_risk, settings=settings)
        runs.append(run.assign(phase=run["phase"].fillna(phase)))
    return pd.concat(runs, ignore_index=True)
