"""How the likelihood goes with a feature: partial dependence on held-out rows (Friedman 2001).

The observed values of a feature are cut into a few ranges. For each range every held-out row is
predicted as if it had the range's median value, everything else as it is; the mean is what the
model associates with the range. It is no effect: who has a value differs in what no feature tells.

The interval is of models and rows together: the spread over the folds, with the correction of
Nadeau and Bengio (2003) for folds that share training rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd
from joblib import effective_n_jobs  # type: ignore[import-untyped]
from scipy.stats import t

from applicant_personas.at_risk import AtRisk, Levels
from applicant_personas.encoding import Encoding
from applicant_personas.importance import GLOBAL, HeldOut
from applicant_personas.predictions import Part
from applicant_personas.rows import FloatArray, IntArray

# Shares of people below the ends of ranges; ends are told with two digits.
CUTS = (0.2, 0.4, 0.6, 0.8)
# Levels of a category that are told apart, and people that each of them needs.
MAX_LEVELS, MIN_LEVEL_ROWS = 8, 20
NO_PERSONA = "none"
NOT_KNOWN, OTHER = "not known", "other"
# Of either no likelihood is told.
NEITHER = np.full(2, np.nan)


@dataclass(frozen=True)
class DependenceFold:
    """A model, a few rows that it did not see, and all such rows.

    `held` and `few` are of the same rows, in one order; `encoding` makes the model's columns.
    """

    held: HeldOut
    few: AtRisk
    everyone: AtRisk
    encoding: Encoding
    n_training: int


@dataclass(frozen=True)
class Ranges:
    """Ranges of a feature: names, the value that speaks for each, and the range of each row.

    A row whose value is missing is in range -1, one of a rare level in the range after the last.
    """

    labels: tuple[str, ...]
    typical: FloatArray
    of_rows: IntArray


def dependence_parts(
    folds: Sequence[DependenceFold], features: Sequence[str], n_jobs: int = 1
) -> Iterator[Part]:
    """Make the parts of a table: one row a feature, range and scope (global, or a persona).

    `n` counts the people of the scope in the range, `item` orders the ranges and `text` names them.
    Values are NaN where the range is no more than `not known` or `other`, or the scope has no row
    among the few. A feature with fewer than two ranges has no rows.
    """
    found = {name: ranges_of(folds, name) for name in sorted(features)}
    found = {name: ranges for name, ranges in found.items() if len(ranges.labels) > 1}
    if not found:
        return
    with ThreadPoolExecutor(effective_n_jobs(n_jobs)) as pool:
        predicted = list(pool.map(lambda fold: _predicted(fold, found), folds))
    names = folds[0].everyone.persona.names
    persona = np.concatenate([fold.everyone.persona.codes for fold in folds])
    # Numbered from 0 on, so that people are counted without sorting.
    person = pd.factorize(np.concatenate([fold.everyone.person for fold in folds]))[0]
    shared = float(np.mean([len(fold.everyone) / fold.n_training for fold in folds]))
    for code, scope in [(None, GLOBAL), *enumerate(names), (-1, NO_PERSONA)]:
        is_own = np.ones(len(persona), dtype=bool) if code is None else persona == code
        rows = [_rows_of(fold, code) for fold in folds]
        for name, ranges in found.items():
            n_told = len(ranges.labels)
            value, half = _pooled([part[name] for part in predicted], rows, shared)
            yield {
                "record": "dependence",
                "scope": scope,
                "feature": name,
                "item": [*(f"{place:02d}" for place in range(1, n_told + 1)), "98", "99"],
                "text": [*ranges.labels, OTHER, NOT_KNOWN],
                "value": np.append(value, NEITHER),
                "low": np.append(np.clip(value - half, 0.0, 1.0), NEITHER),
                "high": np.append(np.clip(value + half, 0.0, 1.0), NEITHER),
                "n": _people(person[is_own], ranges.of_rows[is_own], n_told),
            }


def ranges_of(folds: Sequence[DependenceFold], feature: str) -> Ranges:
    """Cut the observed values of a feature, over all rows of all folds, into ranges."""
    first = folds[0].everyone
    if feature in first.categories:
        codes = np.concatenate([fold.everyone.categories[feature].codes for fold in folds])
        return level_ranges(codes, first.categories[feature].names)
    values = np.concatenate([fold.everyone.numbers[feature] for fold in folds])
    kind = str(first.features.set_index("feature").loc[feature, "kind"])
    return number_ranges(values, kind)


def number_ranges(values: FloatArray, kind: str) -> Ranges:
    """Cut numbers (NaN: missing) at fifths of the people; no end of a range tells an extreme value.

    >>> number_ranges(np.array([0.0, 0, 0, 1, 2, 2, 3, 5, 9, 40]), "count").labels
    ('0', '1', '2', '3 to 5', '6 or more')
    """
    known = np.sort(values[np.isfinite(values)])
    ends: list[float] = []
    if kind == "boolean":
        ends = [0.0] if len(known) and known[0] <= 0 < known[-1] else []
    elif len(known):
        for end in np.quantile(known, CUTS, method="inverted_cdf"):
            rounded = float(f"{end:.2g}")
            below = ends[-1] if ends else -np.inf
            if ((known > below) & (known <= rounded)).any() and (known > rounded).any():
                ends.append(rounded)
    of_rows = np.where(np.isfinite(values), np.searchsorted(ends, values, side="left"), -1)
    is_whole = bool((known == np.round(known)).all())
    if not ends:
        labels: tuple[str, ...] = ()
    elif kind == "boolean":
        labels = ("no", "yes")
    else:
        labels = _labels(ends, is_whole, is_single=known[0] == ends[0], is_count=kind == "count")
    typical = [float(np.median(values[of_rows == place])) for place in range(len(labels))]
    return Ranges(labels, np.array(typical), of_rows.astype(np.int64))


def _labels(
    ends: Sequence[float], is_whole: bool, is_single: bool, is_count: bool
) -> tuple[str, ...]:
    """Name ranges by their ends; the first may hold a single value."""
    told = [f"{end:,.10g}" for end in ends]
    first = told[0] if is_single else f"0 to {told[0]}" if is_count else f"up to {told[0]}"
    if not is_whole:
        middle = [f"above {low}, up to {high}" for low, high in pairwise(told)]
        return (first, *middle, f"above {told[-1]}")
    starts = [f"{end + 1:,.10g}" for end in ends]
    pairs = zip(starts, told[1:], strict=False)
    middle = [low if low == high else f"{low} to {high}" for low, high in pairs]
    return (first, *middle, f"{starts[-1]} or more")


def level_ranges(codes: IntArray, names: Sequence[str]) -> Ranges:
    """Take the most frequent levels as ranges (-1: missing), the rest together."""
    count = np.bincount(codes[codes >= 0], minlength=len(names))
    frequent = [
        level for level in np.argsort(-count, kind="stable") if count[level] >= MIN_LEVEL_ROWS
    ]
    told = sorted(frequent[:MAX_LEVELS])
    place = np.full(len(names) + 1, len(told), dtype=np.int64)
    place[-1] = -1
    place[told] = np.arange(len(told))
    return Ranges(
        tuple(names[level] for level in told), np.array(told, dtype=np.float64), place[codes]
    )


def _predicted(fold: DependenceFold, found: dict[str, Ranges]) -> dict[str, FloatArray]:
    """Predict the few rows with the value of each range in turn: feature to (ranges, rows)."""
    copies = []
    for name, ranges in found.items():
        places = fold.held.columns.get(name, [])
        encoded = _encoded(fold, name, ranges)[:, places]
        for values in encoded:
            x = fold.held.x.copy()
            x[:, places] = values
            copies.append(x)
    flat = fold.held.predict(np.concatenate(copies)).reshape(len(copies), -1)
    ends = np.cumsum([len(ranges.labels) for ranges in found.values()])
    return dict(zip(found, np.split(flat, ends[:-1]), strict=True))


def _encoded(fold: DependenceFold, feature: str, ranges: Ranges) -> FloatArray:
    """Encode the values that speak for the ranges (ranges, columns)."""
    rows = fold.few.take(np.zeros(len(ranges.labels), dtype=np.int64))
    if feature in rows.categories:
        levels = Levels(ranges.typical.astype(np.int64), rows.categories[feature].names)
        rows = replace(rows, categories={**rows.categories, feature: levels})
    else:
        rows = replace(rows, numbers={**rows.numbers, feature: ranges.typical})
    return fold.encoding.matrix(rows)


def _rows_of(fold: DependenceFold, code: int | None) -> FloatArray:
    codes = fold.few.persona.codes
    return np.ones(len(codes)) if code is None else (codes == code).astype(np.float64)


def _pooled(
    predicted: Sequence[FloatArray], rows: Sequence[FloatArray], shared: float
) -> tuple[FloatArray, FloatArray]:
    """Pool the means over the marked rows of each fold, with half the width of their interval.

    `predicted`: (ranges, n) a fold; `shared`: held-out rows for each row of training.
    """
    size = np.array([marks.sum() for marks in rows])
    n_ranges, is_there = len(predicted[0]), size > 0
    if not is_there.any():
        return np.full(n_ranges, np.nan), np.full(n_ranges, np.nan)
    size = size[is_there]
    sums = [part @ marks for part, marks in zip(predicted, rows, strict=True) if marks.any()]
    means = np.stack(sums) / size[:, np.newaxis]
    value = np.asarray(size @ means / size.sum())
    if len(size) < 2:
        return value, np.full(n_ranges, np.nan)
    factor = t.ppf(0.975, len(size) - 1) * np.sqrt(1 / len(size) + shared)
    return value, np.asarray(factor * means.std(axis=0, ddof=1))


def _people(person: IntArray, of_rows: IntArray, n_told: int) -> IntArray:
    """Count the people of each range, of rare levels, and of those without a value."""
    width = n_told + 2
    is_there = np.zeros((person.max(initial=-1) + 1, width), dtype=bool)
    is_there[person, of_rows % width] = True
    return np.asarray(is_there.sum(axis=0), dtype=np.int64)
