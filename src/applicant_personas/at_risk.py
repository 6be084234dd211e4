"""The applications that stand in one phase on one day, as arrays.

Numbers are float64 with NaN for missing, text is codes of sorted levels with -1 for missing. Keys
are integers that a database made as digests, so sorting by `row_code` is a random order that stays
the same as rows are added.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from applicant_personas.rows import CATEGORY, BoolArray, FloatArray, IntArray, require

PERSONA = "persona_key"
KEY_COLUMNS = (
    "row_code",
    "application_code",
    "person_code",
    "entry_term",
    "previous_entry_term",
    "term_order",
    "known_on",
    "is_enrollment_day",
    "is_standing",
    "outcome",
    PERSONA,
    "residency",
    "program",
)
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


def read_at_risk(rows: pa.Table, features: pd.DataFrame) -> AtRisk:
    """Take the rows of one phase and day; the persona joins the features as a category.

    `rows`: KEY_COLUMNS (term_order null = not placed in time, outcome null = not known) and a
    column a feature, text for kind 'category'. `features`: CATALOG_COLUMNS. Raises ValueError for
    missing columns, text where numbers are expected, or an application in more than one row.
    """
    require(features, CATALOG_COLUMNS, "features")
    columns = pd.DataFrame(columns=rows.column_names)
    require(columns, dict.fromkeys([*KEY_COLUMNS, *features["feature"]]), "rows at risk")
    # Sorted column by column, so that all rows are held twice at most.
    order = np.argsort(_integers(rows["row_code"]), kind="stable")

    def integers(name: str) -> IntArray:
        return _integers(rows[name])[order]

    def numbers(name: str) -> FloatArray:
        return _numbers(rows[name], name)[order]

    def levels(name: str) -> Levels:
        return _levels(rows[name]).take(order)

    application = integers("application_code")
    if len(np.unique(application)) < len(application):
        raise ValueError("The rows at risk hold the same application more than once.")
    entry_term = levels("entry_term")
    terms, term = _ordered_terms(entry_term, numbers("term_order"))
    is_category = (features["kind"] == CATEGORY).to_numpy()
    persona = {"feature": PERSONA, "block": "persona", "kind": CATEGORY, "transform": "none"}
    return AtRisk(
        features=pd.concat(
            [features[list(CATALOG_COLUMNS)], pd.DataFrame([persona])], ignore_index=True
        ),
        row=integers("row_code"),
        application=application,
        person=integers("person_code"),
        terms=terms,
        term=term,
        entry_term=entry_term,
        previous_entry_term=levels("previous_entry_term"),
        known_on=_integers(rows["known_on"].cast(pa.int32()))[order],
        is_enrollment_day=numbers("is_enrollment_day") == 1,
        is_standing=numbers("is_standing") == 1,
        outcome=numbers("outcome"),
        persona=levels(PERSONA),
        residency=levels("residency"),
        program=levels("program"),
        numbers={name: numbers(name) for name in features["feature"][~is_category]},
        categories={name: levels(name) for name in [*features["feature"][is_category], PERSONA]},
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


def _integers(column: pa.ChunkedArray) -> IntArray:
    return np.asarray(column.to_numpy(), dtype=np.int64)


def _numbers(column: pa.ChunkedArray, name: str) -> FloatArray:
    """Numbers or booleans as float64; NaN where missing, or too large for a forest's float32."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    try:
        values = column.cast(pa.float64(), safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ValueError(f"Column {name} holds text where numbers are expected.") from error
    array: FloatArray = pc.fill_null(values, np.nan).to_numpy().astype(np.float64)
    array[~(np.abs(array) <= np.finfo(np.float32).max)] = np.nan
    return array


def _levels(column: pa.ChunkedArray) -> Levels:
    """Text as codes of its sorted levels."""
    coded = column.cast(pa.string()).combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    names = coded.dictionary.to_numpy(zero_copy_only=False).astype(object)
    codes = pc.fill_null(coded.indices, -1).to_numpy().astype(np.int64)
    order = np.argsort(names.astype(str), kind="stable")
    place = np.full(len(names) + 1, -1, dtype=np.int64)
    place[order] = np.arange(len(names))
    return Levels(place[codes], tuple(str(name) for name in names[order]))
