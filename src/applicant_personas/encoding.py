"""From features to a numeric design matrix, with the fitted parameters as rows.

A number becomes one standardized column that stays missing where it is. A category of at most 12
levels becomes one column a level; one of more levels becomes the mean outcome of the level, shrunk
to the overall mean (Micci-Barreca 2001) and cross-fitted on training rows, so that a row's own
outcome is never in its encoding. Levels of fewer than 10 training rows are not told apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from applicant_personas.at_risk import AtRisk, Levels
from applicant_personas.rows import (
    CATEGORY,
    NUMBER,
    TEXT,
    FloatArray,
    IntArray,
    texts,
    tidy,
)

MAX_LEVELS = 12
MIN_LEVEL_ROWS = 10
PRIOR_ROWS = 20.0
# A forest works in float32, where a value much farther from the center would be infinite.
FARTHEST = 1e30
N_FOLDS = 5

# kind: number or log1p, level, target (value is the mean outcome of the level; the row without a
# level is the prior). A column is (x - center) / scale.
ENCODING_TYPES = {
    "feature": TEXT,
    "kind": TEXT,
    "level": TEXT,
    "center": NUMBER,
    "scale": NUMBER,
    "value": NUMBER,
}


@dataclass(frozen=True)
class Encoding:
    """How features become columns: ENCODING_TYPES rows ordered by feature and level."""

    rows: pd.DataFrame

    @cached_property
    def columns(self) -> list[str]:
        """Name the columns of the design matrix."""
        own = self.rows[(self.rows["kind"] != "target") | self.rows["level"].isna()]
        names = own["feature"].where(own["kind"] != "level", own["feature"] + "=" + own["level"])
        return [str(name) for name in names]

    @cached_property
    def by_feature(self) -> dict[str, pd.DataFrame]:
        """Part the rows by feature, in their order."""
        return {str(name): rows for name, rows in self.rows.groupby("feature", sort=False)}

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """List the columns of each feature."""
        own = self.rows[(self.rows["kind"] != "target") | self.rows["level"].isna()]
        found: dict[str, list[int]] = {}
        for place, feature in enumerate(own["feature"]):
            found.setdefault(str(feature), []).append(place)
        return found

    def matrix(self, data: AtRisk) -> FloatArray:
        """Encode rows as (n, columns); NaN is missing, an unseen level none or the prior."""
        x = np.empty((len(data), len(self.columns)))
        place = 0
        for feature, rows in self.by_feature.items():
            columns = _encoded(data, feature, rows)
            x[:, place : place + columns.shape[1]] = columns
            place += columns.shape[1]
        return x

    def training_matrix(self, data: AtRisk) -> FloatArray:
        """Encode the rows that it was fitted on, target encodings cross-fitted by person."""
        x = self.matrix(data)
        for feature in self.rows.loc[self.rows["kind"] == "target", "feature"].unique():
            rows = self.by_feature[feature]
            prior = rows[rows["level"].isna()].iloc[0]
            levels = _known_levels(rows, data.categories[feature])
            means = _cross_fitted(levels, len(rows), data)
            means[data.categories[feature].codes < 0] = np.nan
            x[:, self.places[feature][0]] = (means - prior["center"]) / prior["scale"]
        return x


def fit_encoding(data: AtRisk) -> Encoding:
    """Fit the encoding of every feature on training rows; features that don't vary have none."""
    parts = []
    ordered = data.features.sort_values("feature")
    for feature, kind, transform in zip(
        ordered["feature"], ordered["kind"], ordered["transform"], strict=True
    ):
        if kind == CATEGORY:
            parts += _category(feature, data.categories[feature], data.outcome)
        else:
            parts += _number(feature, transform, data.numbers[feature])
    return Encoding(tidy(parts, ENCODING_TYPES))


def encoding_from_rows(rows: pd.DataFrame) -> Encoding:
    """Read an encoding back from its rows, in any order."""
    # As text first: coded text would be sorted by its codes.
    plain = tidy([rows[list(ENCODING_TYPES)]], ENCODING_TYPES)
    return Encoding(plain.sort_values(["feature", "level"], ignore_index=True))


def _number(feature: str, transform: str, values: FloatArray) -> list[dict[str, object]]:
    kind = "log1p" if transform == "log1p" else "number"
    x = _transformed(values, kind)
    known = x[np.isfinite(x)]
    if not len(known) or (np.ptp(known) == 0 and len(known) == len(x)):
        return []
    center = float(np.median(known))
    deviation = float(np.std(known - center))
    scale = deviation if deviation > 0 else 1.0
    return [{"feature": feature, "kind": kind, "center": center, "scale": scale}]


def _transformed(values: FloatArray, kind: str) -> FloatArray:
    return np.log1p(np.maximum(values, 0.0)) if kind == "log1p" else values


def _category(feature: str, levels: Levels, outcome: FloatArray) -> list[dict[str, object]]:
    count = np.bincount(levels.codes[levels.codes >= 0], minlength=len(levels.names))
    frequent = np.flatnonzero(count >= MIN_LEVEL_ROWS)
    frequent = frequent[count[frequent] < len(outcome)]
    names = [levels.names[code] for code in frequent]
    if not names:
        return []
    if len(names) <= MAX_LEVELS:
        share = count[frequent] / len(outcome)
        scale = np.sqrt(share * (1 - share))
        return [
            {"feature": feature, "kind": "level", "level": names, "center": share, "scale": scale}
        ]
    prior = float(outcome.mean())
    means = _level_means(levels.codes, len(levels.names), outcome, prior)[frequent]
    spread = float(np.std(means)) or 1.0
    shared = {"feature": feature, "kind": "target", "center": prior, "scale": spread}
    return [shared | {"level": names, "value": means}, shared | {"value": prior}]


def _encoded(data: AtRisk, feature: str, rows: pd.DataFrame) -> FloatArray:
    kind = rows["kind"].iloc[0]
    center, scale = rows["center"].to_numpy(np.float64), rows["scale"].to_numpy(np.float64)
    if kind in ("number", "log1p"):
        x = (_transformed(data.numbers[feature], kind) - center[0]) / scale[0]
        return np.asarray(np.clip(x, -FARTHEST, FARTHEST)[:, np.newaxis])
    levels = data.categories[feature]
    codes = _known_levels(rows, levels)
    if kind == "level":
        return np.asarray(((codes[:, np.newaxis] == np.arange(len(rows))) - center) / scale)
    means = rows["value"].to_numpy(np.float64)
    known = np.where(codes >= 0, means[codes], means[-1])
    known[levels.codes < 0] = np.nan
    return np.asarray(((known - center[-1]) / scale[-1])[:, np.newaxis])


def _known_levels(rows: pd.DataFrame, levels: Levels) -> IntArray:
    """Place of each row's level among the encoding's rows; -1 where it is missing or unseen."""
    known = {name: place for place, name in enumerate(texts(rows["level"])) if name is not None}
    place = np.array([known.get(name, -1) for name in (*levels.names, None)], dtype=np.int64)
    return place[levels.codes]


def _cross_fitted(codes: IntArray, n_levels: int, data: AtRisk) -> FloatArray:
    """Mean outcome of each row's level over the rows of other persons."""
    fold = data.person_folds(N_FOLDS)
    means = np.full(len(codes), np.nan)
    for number in range(N_FOLDS):
        fit, held_out = fold != number, fold == number
        if not fit.any():
            continue
        prior = float(data.outcome[fit].mean())
        learned = _level_means(codes[fit], n_levels, data.outcome[fit], prior)
        means[held_out] = np.where(codes[held_out] >= 0, learned[codes[held_out]], prior)
    return means


def _level_means(codes: IntArray, n_levels: int, outcome: FloatArray, prior: float) -> FloatArray:
    seen = codes >= 0
    total = np.bincount(codes[seen], outcome[seen], minlength=n_levels)
    count = np.bincount(codes[seen], minlength=n_levels)
    return np.asarray((total + PRIOR_ROWS * prior) / (count + PRIOR_ROWS))
