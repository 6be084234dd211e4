"""A fitted set of personas: columns, their weights, a center a persona; as rows and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from applicant_personas.personas.centers import Observed
from applicant_personas.personas.columns import COLUMN_TYPES, LEVEL, MISSING, standardize
from applicant_personas.rows import CATEGORY, FLAG, NUMBER, TEXT, FloatArray, IntArray, tidy

Part = Mapping[str, Any]
TOLD_COLUMNS = {**COLUMN_TYPES, "weight": NUMBER, "shared": NUMBER}
COLUMN_KEYS = ("column_name", "feature")
# Tukey's far-out values: beyond them nobody is near any persona.
FAR_QUARTILE, FAR_RANGES = 0.75, 3.0


@dataclass(frozen=True)
class PersonaModel:
    """Personas `keys` (k) with `centers` (k, p) in the weighted space of `columns` (p).

    `columns`: TOLD_COLUMNS, only those with a weight. `figures`: a row a persona (k) with share,
    spread (mean squared distance of its people), far (distance beyond which nobody fits it).
    """

    columns: pd.DataFrame
    keys: list[str]
    centers: FloatArray
    figures: pd.DataFrame

    def place(self, rows: pd.DataFrame) -> Observed:
        """Put raw rows (n) into the weighted space (n, p)."""
        return Observed.of(standardize(rows, self.columns), self.columns["weight"].to_numpy())

    def within(self, features: pd.DataFrame) -> PersonaModel | None:
        """Keep the columns of `features` (feature, kind), unless they became or were categories."""
        columns = self.columns
        kind = columns["feature"].map(features.set_index("feature")["kind"])
        is_same = (columns["parameter_kind"] == LEVEL) == (kind == CATEGORY)
        stays = (kind.notna() & (is_same | (columns["parameter_kind"] == MISSING))).to_numpy(bool)
        if not stays.any():
            return None
        kept = columns[stays].reset_index(drop=True)
        return replace(self, columns=kept, centers=self.centers[:, stays])

    @property
    def weights(self) -> FloatArray:
        """Weight of each column (p)."""
        return self.columns["weight"].to_numpy(np.float64)

    def rows(self) -> Iterator[Part]:
        """Write the model as rows of the records column, centroid and persona."""
        for column in self.columns.to_dict("records"):
            shared: dict[str, Any] = {"record": "column"}
            shared |= {key: column[key] for key in COLUMN_KEYS}
            for metric, kind in TOLD_COLUMNS.items():
                if metric not in COLUMN_KEYS:
                    place = "text" if kind == TEXT else "value"
                    yield {**shared, "metric": metric, place: column[metric]}
        names = self.columns["column_name"].to_numpy()
        for key, center in zip(self.keys, self.centers, strict=True):
            yield {"record": "centroid", "item": key, "column_name": names, "value": center}
        for metric in map(str, self.figures):
            yield {
                "record": "persona",
                "item": np.array(self.keys, dtype=object),
                "metric": metric,
                "value": self.figures[metric].to_numpy(np.float64),
            }

    @classmethod
    def of_rows(cls, stored: pd.DataFrame) -> PersonaModel:
        """Read a model back from its rows."""
        told = stored[stored["record"] == "column"]
        columns = tidy(
            [_column(str(name), facts) for name, facts in told.groupby("column_name", sort=True)],
            TOLD_COLUMNS,
        )
        centers = stored[stored["record"] == "centroid"].pivot(
            index="item", columns="column_name", values="value"
        )
        figures = stored[stored["record"] == "persona"].pivot(
            index="item", columns="metric", values="value"
        )
        keys = sorted(centers.index)
        names = list(columns["column_name"])
        return cls(
            columns,
            [str(key) for key in keys],
            centers.loc[keys, names].to_numpy(np.float64),
            figures.loc[keys].reset_index(drop=True),
        )


def _column(name: str, facts: pd.DataFrame) -> Part:
    by_metric = facts.set_index("metric")
    column: dict[str, Any] = {"column_name": name, "feature": facts["feature"].iloc[0]}
    for metric, kind in TOLD_COLUMNS.items():
        if metric not in COLUMN_KEYS:
            value = by_metric.loc[metric, "text" if kind == TEXT else "value"]
            column[metric] = bool(value) if kind == FLAG else value
    return column


def comparable_distances(rows: Observed, weights: FloatArray, squared: FloatArray) -> FloatArray:
    """Distances (n, k) from squared ones over observed columns, as if all columns were observed."""
    observed = np.maximum(rows.known @ weights, 1e-12)[:, np.newaxis]
    found: FloatArray = np.sqrt(squared * weights.sum() / observed)
    return found


def figures(
    rows: Observed, weights: FloatArray, centers: FloatArray, labels: IntArray
) -> pd.DataFrame:
    """Size, spread and outer bound of each persona (k rows): n, share, spread, far."""
    squared = rows.distances(centers)
    own = np.arange(len(labels)), labels
    distance = comparable_distances(rows, weights, squared)[own]
    found = []
    for persona in range(len(centers)):
        members = labels == persona
        low, high = np.quantile(distance[members], (1 - FAR_QUARTILE, FAR_QUARTILE))
        found.append(
            {
                "n": float(members.sum()),
                "share": float(members.mean()),
                "spread": float(squared[own][members].mean()),
                "far": float(high + FAR_RANGES * (high - low)),
            }
        )
    return pd.DataFrame(found)
