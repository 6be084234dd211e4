"""Likelihoods of applications whose outcome is still to come, by models that are stored rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from applicant_personas.at_risk import AtRisk, read_at_risk
from applicant_personas.backtest import BACKTEST_FIELDS
from applicant_personas.likelihood import Likelihood, model_from_rows
from applicant_personas.predictions import (
    MODEL_FIELDS,
    OUT_OF_SAMPLE,
    STAGE_RATE,
    Part,
    prediction_part,
    stacked,
)
from applicant_personas.reasons import explained, reason_parts
from applicant_personas.relations import slices

# The records of a model that scoring reads.
MODEL_RECORDS = ("rate", "encoding", "node", "knot", "coefficient", "weight")
SCORES = pa.schema(list(BACKTEST_FIELDS.items()))
NO_DAY = -(10**6)


@dataclass(frozen=True)
class Stored:
    """A model of one phase and day (NO_DAY without dates), and the run that fitted it."""

    day: float
    run_id: str
    n_training: int
    model: Likelihood


@dataclass(frozen=True)
class Scorer:
    """Scores rows without an outcome; it holds all that it takes, so other processes may do it.

    `features`: target (a phase) and the columns that `read_at_risk` wants. `models`: those of each
    phase; of several, the one of the nearest day serves.
    """

    features: pd.DataFrame
    models: Mapping[str, Sequence[Stored]]

    def __call__(
        self, tables: Iterable[pa.Table | pa.RecordBatch], n_jobs: int = 1
    ) -> Iterator[pa.RecordBatch]:
        """Score the rows of each table: phase, days_to_census and those of `read_at_risk`.

        Gives batches of SCORES with records prediction and reason; an application without a model
        has none. The same table and models give the same bits in every process.
        """
        for table in tables:
            for (phase, day), rows in slices(table):
                if not self.models.get(phase):
                    continue
                data = read_at_risk(rows, self.features[self.features["target"] == phase])
                shared = {"phase": phase, "days_to_census": day}
                parts = _scored(data, self._nearest(phase, day), n_jobs)
                yield from stacked(({**shared, **part} for part in parts), BACKTEST_FIELDS)

    def _nearest(self, phase: str, day: int | None) -> Stored:
        wanted = NO_DAY if day is None else day
        return min(self.models[phase], key=lambda stored: abs(stored.day - wanted))


def scorer(features: pd.DataFrame, read_model: Callable[[str], pa.Table]) -> Scorer:
    """Make the scorer of every phase in `features`, as `Scorer` has it.

    `read_model` gives the stored rows of a phase's models.
    """
    phases = sorted(set(features["target"]))
    return Scorer(features, {phase: _models(read_model(phase)) for phase in phases})


def _models(table: pa.Table) -> list[Stored]:
    """Make the models of their rows, nearest to the census first; a model is known by its day."""
    own = table.filter(pc.is_in(table["record"], value_set=pa.array(MODEL_RECORDS)))
    names = ["run_id", "record", "days_to_census", "model", "feature", "metric", "item", "value"]
    names += ["n", *MODEL_FIELDS]
    rows: pd.DataFrame = own.select(names).to_pandas()
    return [
        Stored(
            day=float(day),
            run_id=str(model["run_id"].iloc[0]),
            n_training=int(model.loc[model["record"] == "rate", "n"].max()),
            model=model_from_rows(model),
        )
        for day, model in rows.groupby(rows["days_to_census"].fillna(NO_DAY))
    ]


def _scored(data: AtRisk, stored: Stored, n_jobs: int) -> Iterator[Part]:
    model = stored.model
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
        run_id=stored.run_id,
        test_cycle=data.entry_term.text(),
        n_training=stored.n_training,
    )
    for part in reasons:
        yield {"run_id": stored.run_id, **part}
