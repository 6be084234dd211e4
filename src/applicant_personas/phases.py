"""The enrollment models of all phases, each with a run of its own."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from applicant_personas.enrollment import fit_enrollment
from applicant_personas.runs import with_run


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
    settings = {"seed": seed, "max_rows": max_rows}
    runs = []
    for phase in phases:
        own = features[features["target"] == phase]
        at_risk = rows[rows["phase"] == phase]
        fitted = fit_enrollment(
            at_risk, own, phase=phase, seed=seed, max_rows=max_rows, n_jobs=n_jobs
        )
        run = with_run(fitted, kind=f"enrollment-{phase}", data=at_risk, settings=settings)
        runs.append(run.assign(phase=run["phase"].fillna(phase)))
    return pd.concat(runs, ignore_index=True)
