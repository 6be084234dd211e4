"""Likelihoods of applications whose outcome is still to come, by models that are stored rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from applicant_personas.at_risk import AtRisk, read_at_risk
from applicant_personas.backtest import BACKTEST_FIELDS, ordered_days
from applicant_personas.likelihood import model_from_rows
from applicant_personas.predictions import (
    MODEL_FIELDS,
    OUT_OF_SAMPLE,
    STAGE_RATE,
    Part,
    prediction_part,
    stacked,
)
from applicant_personas.progress import told
from applicant_personas.reasons import explained, reason_parts

# The records of a model that scoring reads.
MODEL_RECORDS = ("rate", "encoding", "node", "knot", "coefficient", "weight")
NO_DAY = -(10**6)


def score(
    read: Callable[[str, int | None], pa.Table],
    days: pd.DataFrame,
    features: pd.DataFrame,
    read_model: Callable[[str], pa.Table],
    n_jobs: int = 1,
) -> pa.RecordBatchReader:
    """Score the rows of every phase and day without an outcome; nothing is fitted.

    `read`: gives the rows of a phase and day that have no outcome yet, as for `read_at_risk`.
    `days`: phase, days_to_census (missing = no dates) of such rows. `features`: target (a phase)
    and the columns that `read_at_risk` wants. `read_model`: gives the stored rows of a phase's
    models; of several, the one of the nearest day serves.

    Returns BACKTEST_FIELDS with records prediction and reason; an application without a model has
    none. The same rows and model give the same bits in every process.
    """
    parts: list[Part] = []
    for phase in sorted(set(days["phase"])):
        models = _models(read_model(phase))
        if models.empty:
            continue
        own = features[features["target"] == phase]
        for day in told(ordered_days(days[days["phase"] == phase]), f"scores of {phase}, days"):
            data = read_at_risk(read(phase, day), own)
            shared = {"phase": phase, "days_to_census": day}
            parts += [{**shared, **part} for part in _scored(data, _nearest(models, day), n_jobs)]
    return stacked(parts, BACKTEST_FIELDS)


def _scored(data: AtRisk, rows: pd.DataFrame, n_jobs: int) -> Iterator[Part]:
    model = model_from_rows(rows)
    run_id = str(rows["run_id"].iloc[0])
    if model.learned is None:
        predicted, reasons = model.predict(data), []
    else:
        predicted, found = explained(model, data, n_jobs)
        reasons = reason_parts(found, data)
    predicted[STAGE_RATE] = np.full(len(data), model.rates.overall)
    yield prediction_part(
        data,
        predicted,
        OUT_OF_SAMPLE,
        run_id=run_id,
        test_cycle=data.entry_term.text(),
        n_training=int(rows.loc[rows["record"] == "rate", "n"].max()),
    )
    for part in reasons:
        yield {"run_id": run_id, **part}


def _models(table: pa.Table) -> pd.DataFrame:
    """Take the rows of models; a model is known by its day."""
    own = table.filter(pc.is_in(table["record"], value_set=pa.array(MODEL_RECORDS)))
    names = ["run_id", "record", "days_to_census", "model", "feature", "metric", "item", "value"]
    names += ["n", *MODEL_FIELDS]
    frame: pd.DataFrame = own.select(names).to_pandas()
    return frame


def _nearest(models: pd.DataFrame, day: int | None) -> pd.DataFrame:
    days = models["days_to_census"].fillna(NO_DAY).to_numpy(np.float64)
    distance = np.abs(days - (NO_DAY if day is None else day))
    nearest: pd.DataFrame = models[days == days[np.argmin(distance)]]
    return nearest
