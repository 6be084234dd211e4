"""The applications that stand in one phase on one day, as arrays.

Numbers are float64 with NaN for missing, text is codes of sorted levels with -1 for missing. Keys
are integers that a database made as digests, so sorting by `row_code` is a random order that stays
the same as rows are added.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from applicant_personas.rows import CATEGORY, BoolArray, FloatArray, IntArray, require

PERSONA = "persona_key"
INTEGER_KEYS = ("row_code", "application_code", "person_code", "known_on")
NUMBER_KEYS = ("term_order", "is_enrollment_day", "is_standing", "outcome")
TEXT_KEYS = ("entry_term", "previous_entry_term", PERSONA, "residency", "program")
KEY_COLUMNS = (*INTEGER_KEYS, *NUMBER_KEYS, *TEXT_KEYS)
CATALOG_COLUMNS = ("feature", "block", "kind", "transform")
UNDATED = -1


@dataclass(frozen=True)
class Levels:
    """A text column: the code of each row (n, -1 = missing) and the sorted texts."""

    codes: IntArray
    names: tuple[str, ...]

    def take(self, rows: BoolArray | IntArray) -> Levels:
        """Keep some rows, and all names."""
        return Levels(self.codes[rows], self.names)

    def text(self) -> pa.DictionaryArray:
        """Give the column back as text, without a copy of any."""
        codes = pa.array(self.codes, mask=self.codes < 0, type=pa.int32())
        return pa.DictionaryArray.from_arrays(codes, pa.array(self.names, type=pa.string()))


@dataclass(frozen=True)
class AtRisk:
    """Rows of one phase and day, ordered by row_code.

    `term` numbers the entry terms in order of time (-1: not placed in time), `known_on` counts days
    from 1970 on, `outcome` is 1, 0 or NaN while nobody knows. `features` has a row for each column
    of `numbers` and `categories`.
    """

    features: pd.DataFrame
    row: IntArray
    application: IntArray
    person: IntArray
    terms: tuple[str, ...]
    term: IntArray
    entry_term: Levels
    previous_entry_term: Levels
    known_on: IntArray
    is_enrollment_day: BoolArray
    is_standing: BoolArray
    outcome: FloatArray
    persona: Levels
    residency: Levels
    program: Levels
    numbers: Mapping[str, FloatArray]
    categories: Mapping[str, Levels]

    def __len__(self) -> int:
        return len(self.row)

    @property
    def closed(self) -> BoolArray:
        """Mark the rows whose outcome is known."""
        return np.isfinite(self.outcome)

    @property
    def closed_terms(self) -> list[int]:
        """List the terms that have a known outcome, earliest first."""
        return [int(term) for term in np.unique(self.term[self.closed]) if term != UNDATED]

    def digest(self) -> str:
        """Digest all that a fit sees of the rows; 16 hexadecimal digits."""
        digest = hashlib.sha256("\x1f".join(self.features["feature"]).encode())
        arrays = (self.row, self.person, self.term, self.outcome)
        for array in (*arrays, *self.numbers.values()):
            digest.update(array.tobytes())
        groups = (self.entry_term, self.previous_entry_term, self.residency, self.program)
        for levels in (*groups, *self.categories.values()):
            digest.update("\x1f".join(levels.names).encode())
            digest.update(levels.codes.tobytes())
        return digest.hexdigest()[:16]

    def person_folds(self, n_folds: int) -> IntArray:
        """Give each row a fold, a person's all the same; codes are digests, so it is a draw."""
        return np.asarray(self.person % n_folds, dtype=np.int64)

    def take(self, rows: BoolArray | IntArray) -> AtRisk:
        """Keep some rows, marked or numbered."""
        if rows.dtype == bool and rows.all():
            return self
        arrays = (
            "row",
            "application",
            "person",
            "term",
            "known_on",
            "is_enrollment_day",
            "is_standing",
            "outcome",
        )
        levels = ("entry_term", "previous_entry_term", "persona", "residency", "program")
        return replace(
            self,
            **{name: getattr(self, name)[rows] for name in arrays},
            **{name: getattr(self, name).take(rows) for name in levels},
            numbers={name: values[rows] for name, values in self.numbers.items()},
            categories={name: values.take(rows) for name, values in self.categories.items()},
        )

    def without_features(self) -> AtRisk:
        """Keep what is known of the rows beside their features, which take the most memory."""
        return replace(self, features=self.features[:0], numbers={}, categories={})

    def with_number(self, feature: str, block: str, values: FloatArray) -> AtRisk:
        """Add a numeric feature."""
        row = {"feature": feature, "block": block, "kind": "number", "transform": "none"}
        features = pd.concat([self.features, pd.DataFrame([row])], ignore_index=True)
        return replace(self, features=features, numbers={**self.numbers, feature: values})


def columns_at_risk(features: pd.DataFrame) -> list[str]:
    """List the columns that `read_at_risk` wants for the features of any phase."""
    return list(dict.fromkeys([*KEY_COLUMNS, *features["feature"].sort_values()]))


def read_at_risk(rows: pa.Table | pa.RecordBatchReader, features: pd.DataFrame) -> AtRisk:
    """Take the rows of one phase and day; the persona joins the features as a category.

    `rows`: KEY_COLUMNS (term_order null = not placed in time, outcome null = not known) and a
    column a feature, text for kind 'category'; of a reader, a batch at a time is held. `features`:
    CATALOG_COLUMNS. Raises ValueError for missing columns, text where numbers are expected, or an
    application in more than one row.
    """
    require(features, CATALOG_COLUMNS, "features")
    columns = pd.DataFrame(columns=rows.schema.names)
    require(columns, dict.fromkeys([*KEY_COLUMNS, *features["feature"]]), "rows at risk")
    is_category = (features["kind"] == CATEGORY).to_numpy()
    numbers, categories = features["feature"][~is_category], features["feature"][is_category]
    kinds = {
        _integers: INTEGER_KEYS,
        _numbers: (*NUMBER_KEYS, *numbers),
        _coded: (*TEXT_KEYS, *categories),
    }
    parts: dict[Any, dict[str, list[Any]]]
    parts = {kind: {name: [] for name in names} for kind, names in kinds.items()}
    for batch in rows.to_batches() if isinstance(rows, pa.Table) else rows:
        for kind, of_kind in parts.items():
            for name, found in of_kind.items():
                found.append(kind(batch[name], name))
    integers = {name: _joined(found, np.int64) for name, found in parts[_integers].items()}
    order = np.argsort(integers["row_code"], kind="stable")
    integers = {name: values[order] for name, values in integers.items()}
    known = {name: _joined(found, np.float64)[order] for name, found in parts[_numbers].items()}
    levels = {name: _levels(found).take(order) for name, found in parts[_coded].items()}
    application = integers["application_code"]
    if len(np.unique(application)) < len(application):
        raise ValueError("The rows at risk hold the same application more than once.")
    terms, term = _ordered_terms(levels["entry_term"], known["term_order"])
    persona = {"feature": PERSONA, "block": "persona", "kind": CATEGORY, "transform": "none"}
    return AtRisk(
        features=pd.concat(
            [features[list(CATALOG_COLUMNS)], pd.DataFrame([persona])], ignore_index=True
        ),
        row=integers["row_code"],
        application=application,
        person=integers["person_code"],
        terms=terms,
        term=term,
        entry_term=levels["entry_term"],
        previous_entry_term=levels["previous_entry_term"],
        known_on=integers["known_on"],
        is_enrollment_day=known["is_enrollment_day"] == 1,
        is_standing=known["is_standing"] == 1,
        outcome=known["outcome"],
        persona=levels[PERSONA],
        residency=levels["residency"],
        program=levels["program"],
        numbers={name: known[name] for name in numbers},
        categories={name: levels[name] for name in (*categories, PERSONA)},
    )


def _ordered_terms(entry_term: Levels, order: FloatArray) -> tuple[tuple[str, ...], IntArray]:
    """Give the terms that are placed in time numbers, by their earliest order."""
    dated = np.isfinite(order) & (entry_term.codes >= 0)
    first = pd.Series(order[dated]).groupby(entry_term.codes[dated]).min()
    places = [code for _, code in sorted(zip(first, first.index, strict=True))]
    number = np.full(len(entry_term.names) + 1, UNDATED, dtype=np.int64)
    number[places] = np.arange(len(places))
    term = np.where(dated, number[entry_term.codes], UNDATED)
    return tuple(entry_term.names[code] for code in places), term


def _integers(column: pa.Array, name: str) -> IntArray:
    """Integers or days as int64; a copy, so that the batch may go."""
    plain = column.cast(pa.int32()) if pa.types.is_date32(column.type) else column
    return np.array(plain.to_numpy(zero_copy_only=False), dtype=np.int64)


def _numbers(column: pa.Array, name: str) -> FloatArray:
    """Numbers or booleans as float64; NaN where missing, or too large for a forest's float32."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    try:
        values = column.cast(pa.float64(), safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ValueError(f"Column {name} holds text where numbers are expected.") from error
    array = np.array(pc.fill_null(values, np.nan).to_numpy(zero_copy_only=False), dtype=np.float64)
    array[~(np.abs(array) <= np.finfo(np.float32).max)] = np.nan
    return array


def _coded(column: pa.Array, name: str) -> pa.DictionaryArray:
    return column.cast(pa.string()).dictionary_encode()


def _joined(parts: list[np.ndarray], kind: type) -> np.ndarray:
    """Put the parts of a column together, and let go of them."""
    whole = np.concatenate([np.zeros(0, dtype=kind), *parts])
    parts.clear()
    return whole


def _levels(parts: list[pa.DictionaryArray]) -> Levels:
    """Text as codes of its sorted levels."""
    names = sorted({str(name) for part in parts for name in part.dictionary.to_pylist()})
    place = {name: code for code, name in enumerate(names)}
    codes = [
        np.array([*(place[name] for name in part.dictionary.to_pylist()), -1], dtype=np.int64)[
            pc.fill_null(part.indices, -1).to_numpy(zero_copy_only=False)
        ]
        for part in parts
    ]
    return Levels(_joined(codes, np.int64), tuple(names))
