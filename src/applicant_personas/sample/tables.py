"""The files of a sample: their columns, and how codes and numbers become CSV or Parquet.

Inside the generator everything is a number (a code, a row id, a time); labels appear only here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from applicant_personas.sample.archetypes import ARCHETYPE_KEYS
from applicant_personas.sample.reference import (
    CHANNELS,
    COMPONENTS,
    COUNTRIES,
    INTERACTION_STATUSES,
    INTERACTION_TYPES,
    PROGRAM_CODES,
    PROTECTED,
    PROTECTED_VALUES,
    SCORE_STATUSES,
    STAGES,
    TEST_CODES,
)

# Text that people type into number fields. A typed Parquet column can't hold it: 9999 stands there.
TEXT_SENTINELS: dict[float, str] = {-90001.0: "N/A", -90002.0: "waived", -90003.0: "Select"}
WAIVED = -90002.0
NUMBER_FOR_TEXT = 9999.0

RESIDENCIES = ("domestic", "international")
DIRECTIONS = ("high_best", "low_best")


@dataclass(frozen=True)
class Column:
    """One column of a file. Kinds: id, code, number, whole, flag, date, minute, second."""

    name: str
    kind: str
    levels: tuple[str, ...] = ()
    prefix: str = ""


def _id(name: str, prefix: str) -> Column:
    return Column(name, "id", prefix=prefix)


def _code(name: str, levels: tuple[str, ...] = ()) -> Column:
    return Column(name, "code", levels=levels)


PERSON, APPLICATION = _id("person_id", "P"), _id("application_id", "A")

# Codes without levels are entry terms, which depend on the number of cycles.
TABLES: dict[str, tuple[Column, ...]] = {
    "persons": (
        PERSON,
        Column("created_at", "second"),
        _id("merged_into_person_id", "P"),
        Column("is_deleted", "flag"),
        Column("is_test", "flag"),
        Column("can_contact", "flag"),
        Column("profiling_objection", "flag"),
        _code("country_of_residence", COUNTRIES),
        _code("country_of_citizenship", COUNTRIES),
        _code("residency", RESIDENCIES),
        Column("distance_km", "whole"),
        Column("years_experience", "number"),
        Column("birth_year", "whole"),
        Column("is_own_alumnus", "flag"),
        _code("intended_entry_term"),
        _code("intended_program_code", PROGRAM_CODES),
    ),
    "applications": (
        APPLICATION,
        PERSON,
        _code("entry_term"),
        _code("program_code", PROGRAM_CODES),
        Column("started_at", "date"),
        Column("submitted_at", "date"),
        _code("current_stage", STAGES),
        _code("source_channel", CHANNELS),
        Column("scholarship_offer_amount", "whole"),
        Column("scholarship_offered_at", "date"),
        Column("english_waived", "flag"),
        Column("test_waived", "flag"),
    ),
    "stage_events": (
        APPLICATION,
        _code("stage", STAGES),
        Column("occurred_at", "minute"),
        Column("recorded_at", "date"),
    ),
    "test_scores": (
        _id("score_id", "S"),
        PERSON,
        _code("test_code", TEST_CODES),
        _code("component", COMPONENTS),
        Column("value", "number"),
        Column("test_date", "date"),
        Column("received_at", "date"),
        _code("status", SCORE_STATUSES),
        _code("scale_code", ("toefl_1_6",)),
    ),
    "education_records": (
        _id("education_id", "E"),
        PERSON,
        Column("gpa_value", "number"),
        Column("gpa_scale_max", "number"),
        Column("gpa_scale_pass", "number"),
        _code("gpa_direction", DIRECTIONS),
        _code("country", COUNTRIES),
        Column("graduated_on", "date"),
        Column("received_at", "date"),
    ),
    "interactions": (
        _id("interaction_id", "I"),
        PERSON,
        _code("interaction_type", INTERACTION_TYPES),
        Column("occurred_at", "minute"),
        _code("status", INTERACTION_STATUSES),
        Column("value_numeric", "number"),
        Column("recorded_at", "date"),
    ),
    "protected_attributes": (
        PERSON,
        _code("attribute", tuple(PROTECTED)),
        _code("value", PROTECTED_VALUES),
    ),
}

TRUTH_TABLES: dict[str, tuple[Column, ...]] = {
    "persons": (
        PERSON,
        _code("archetype", ARCHETYPE_KEYS),
        Column("intent", "number"),
        Column("quality", "number"),
    ),
    "applications": (
        APPLICATION,
        PERSON,
        _code("entry_term"),
        _code("archetype", ARCHETYPE_KEYS),
        Column("p_admit", "number"),
        Column("p_enroll_if_admitted", "number"),
        Column("p_melt", "number"),
        Column("admitted", "whole"),
        Column("deposited", "whole"),
        Column("enrolled", "whole"),
    ),
    "features": (
        APPLICATION,
        Column("is_domestic", "whole"),
        _code("program_code", PROGRAM_CODES),
        _code("source_channel", CHANNELS),
        Column("is_second_application", "whole"),
        Column("gpa_position", "number"),
        Column("english_level", "whole"),
        Column("gre_verbal", "whole"),
        Column("gre_quant", "whole"),
        Column("years_experience", "whole"),
        Column("is_own_alumnus", "whole"),
        Column("is_stealth", "whole"),
        Column("intent_answer", "whole"),
        Column("n_virtual", "whole"),
        Column("n_in_person", "whole"),
        Column("n_interview", "whole"),
        Column("n_email_click", "whole"),
        Column("n_portal_login", "whole"),
        Column("n_admitted_day", "whole"),
        Column("days_of_contact", "whole"),
        Column("days_to_submit", "number"),
        Column("submitted_day", "whole"),
        Column("days_from_admission", "whole"),
        Column("scholarship_amount", "whole"),
    ),
}


def to_arrow(
    frame: pd.DataFrame, columns: tuple[Column, ...], terms: tuple[str, ...], id_width: int
) -> pa.Table:
    """Turn a frame of codes and numbers into a typed Arrow table with labels and ids."""
    arrays = {
        column.name: _array(frame[column.name].to_numpy(), column, terms, id_width)
        for column in columns
    }
    return pa.table(arrays)


def _array(values: np.ndarray, column: Column, terms: tuple[str, ...], id_width: int) -> pa.Array:
    """Turn one column of the generator into an Arrow array of its type."""
    make: dict[str, Callable[[], pa.Array]] = {
        "id": lambda: _ids(values, column.prefix, id_width),
        "code": lambda: _labels(values, column.levels or terms),
        "number": lambda: pa.array(values.astype(float), from_pandas=True),
        "whole": lambda: pa.array(values.astype(float), from_pandas=True).cast(pa.int64()),
        "flag": lambda: pa.array(values > 0, mask=values < 0),
        "date": lambda: pa.array(values.astype("datetime64[D]")),
        "minute": lambda: pa.array(values.astype("datetime64[ms]")),
        "second": lambda: pa.array(values.astype("datetime64[s]")),
    }
    return make[column.kind]()


def _ids(values: np.ndarray, prefix: str, width: int) -> pa.Array:
    numbers = pa.array(values, mask=values < 0, type=pa.int64()).cast(pa.string())
    return pc.binary_join_element_wise(prefix, pc.utf8_lpad(numbers, width, "0"), "")


def _labels(values: np.ndarray, levels: tuple[str, ...]) -> pa.Array:
    codes = pa.array(values, mask=values < 0, type=pa.int32())
    return pa.DictionaryArray.from_arrays(codes, pa.array(list(levels))).cast(pa.string())


def numbers_only(table: pa.Table) -> pa.Table:
    """Replace text typed into number fields by a number, for typed files."""
    for index, field in enumerate(table.schema):
        if pa.types.is_floating(field.type):
            values = table.column(index)
            is_text = pc.less_equal(values, max(TEXT_SENTINELS))
            table = table.set_column(
                index, field.name, pc.if_else(is_text, NUMBER_FOR_TEXT, values)
            )
    return table


def as_text(table: pa.Table) -> pa.Table:
    """Turn every column into the text of the CSV file: short times and flags, N/A in numbers."""
    return pa.table({name: _text(table.column(name)) for name in table.column_names})


def _text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_timestamp(values.type):
        in_seconds = values.type.unit == "s"
        return pc.strftime(values, format="%Y-%m-%d %H:%M" + (":%S" if in_seconds else ""))
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    text = values.cast(pa.string())
    if pa.types.is_floating(values.type):
        # 3.0 is written as 3, which saves a fifth of some files.
        text = pc.replace_substring_regex(text, r"\.0$", "")
        for number, label in TEXT_SENTINELS.items():
            text = pc.if_else(pc.equal(values, number), label, text)
    return text


class TableWriter:
    """Writes the parts of one table: one CSV file, or one Parquet file or folder of parts."""

    def __init__(self, folder: Path, name: str, file_format: str, in_parts: bool) -> None:
        self.folder, self.name, self.file_format = folder, name, file_format
        self.in_parts, self.n_parts = in_parts, 0
        folder.mkdir(parents=True, exist_ok=True)
        # What an earlier run left under the table's name would be read with the new files.
        stale = [folder / f"{name}.csv", folder / f"{name}.parquet"]
        for path in [*stale, *(folder / name).glob("part-*.parquet")]:
            path.unlink(missing_ok=True)

    def write(self, table: pa.Table) -> None:
        """Append one part."""
        if self.file_format == "csv":
            self._write_csv(as_text(table))
        else:
            pa.parquet.write_table(numbers_only(table), self._parquet_path(), compression="zstd")
        self.n_parts += 1

    def _parquet_path(self) -> Path:
        if not self.in_parts:
            return self.folder / f"{self.name}.parquet"
        parts = self.folder / self.name
        parts.mkdir(exist_ok=True)
        return parts / f"part-{self.n_parts:03d}.parquet"

    def _write_csv(self, text: pa.Table) -> None:
        path = self.folder / f"{self.name}.csv"
        header = ",".join(text.column_names) + "\n"
        with path.open("wb" if self.n_parts == 0 else "ab") as file:
            if self.n_parts == 0:
                file.write(header.encode())
            options = pa.csv.WriteOptions(include_header=False, quoting_style="none")
            pa.csv.write_csv(text, file, options)
