"""How dates and numbers are written: read right or asked about, never a wrong choice in silence."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from applicant_personas.command_line.profiling import open_source, read_profiles
from applicant_personas.mapping.expressions import CHOOSE, value_expression
from applicant_personas.mapping.profile import SourceColumn

DAYS = (
    "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y-%m-%d",
    "%Y%m%d", "%d%m%Y", "%m%d%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%y/%m/%d", "%d-%m-%y",
    "%m-%d-%y", "%y-%m-%d", "%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y",
)  # fmt: skip
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", " %H:%M Uhr")
# strptime places years of two digits within these.
DATES = st.dates(date(1969, 1, 1), date(2068, 12, 31))
MINUTES = st.integers(0, 24 * 60 - 1)


def profiled(texts: Sequence[str], contract_type: str) -> tuple[SourceColumn, str, list[str]]:
    """Profile a column of texts; give its expression and what that makes of them, in order."""
    with TemporaryDirectory() as folder:
        with (Path(folder) / "t.csv").open("w", newline="") as file:
            csv.writer(file).writerows([["n", "x"], *enumerate(texts)])
        with open_source(Path(folder)) as connection:
            (table,) = read_profiles(connection)
            column = table.columns[1]
            expression = value_expression(column, "x", contract_type)
            rows = connection.execute(f"select {expression} from source.t order by n::int")
            return column, expression, [value for (value,) in rows.fetchall()]


def spelled(day: date, minute: int, day_format: str, clock: str, is_padded: bool) -> str:
    """Write a time as a system would, with or without zeros before digits."""
    text = (datetime.combine(day, time()) + timedelta(minutes=minute)).strftime(day_format + clock)
    has_zeros = is_padded or day_format.startswith("%y") or not re.search("%[dmY][^%]", day_format)
    return text if has_zeros else re.sub(r"(?<![\d:.])0(?=\d[/.-])", "", text)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(DATES, MINUTES), min_size=1, max_size=6),
    st.sampled_from(DAYS),
    st.sampled_from(CLOCKS),
    st.booleans(),
)
@example([(date(2000, 1, 1), 0)], "%Y-%m-%d", " %I:%M %p", True)
@example([(date(2000, 10, 1), 0)], "%Y-%m-%d", " %H:%M Uhr", False)
@example([(date(2031, 12, 23), 0)], "%d-%m-%y", "", True)
@example([(date(2023, 12, 31), 0), (date(2023, 1, 2), 0)], "%m/%d/%Y", " %I:%M %p", False)
@example([(date(2001, 2, 20), 0)], "%d%m%Y", "", True)
def test_dates_are_read_right_or_asked_about(
    moments: list[tuple[date, int]], day_format: str, clock: str, is_padded: bool
) -> None:
    texts = [spelled(day, minute, day_format, clock, is_padded) for day, minute in moments]
    column, expression, read = profiled(texts, "timestamp")
    if CHOOSE in expression:
        assert any(day_format + clock in alternatives for alternatives in column.date_formats)
        return
    for (day, minute), value in zip(moments, read, strict=True):
        expected = datetime.combine(day, time()) + timedelta(minutes=minute if clock else 0)
        assert datetime.fromisoformat(value) == expected


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_day_that_only_one_order_reads_decides(data: st.DataObject) -> None:
    days = [*data.draw(st.lists(DATES, min_size=1, max_size=5)), date(2023, 5, 31)]
    day_format = data.draw(st.sampled_from(["%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y"]))
    column, _, read = profiled([day.strftime(day_format) for day in days], "date")
    assert column.date_formats == ((day_format,),)
    assert read == [day.isoformat() for day in days]


@pytest.mark.parametrize(
    ("texts", "formats"),
    [
        (["01/02/2023"], (("%d/%m/%Y", "%m/%d/%Y"),)),
        (["31/12/2023", "12/31/2023"], (("%d/%m/%Y", "%m/%d/%Y"),)),
        (["12/31/2023", "01/02/2023"], (("%m/%d/%Y",),)),
        (["01.02.2023"], (("%d.%m.%Y",),)),
        (["31.12.2023", "31.12.23"], (("%d.%m.%y",), ("%d.%m.%Y",))),
        (["31.12.2023", "1.2.2023 9:05"], (("%d.%m.%Y",), ("%d.%m.%Y %H:%M",))),
        (["31/12/2023", "01/02/2023 9:05 PM"], (("%d/%m/%Y",), ("%d/%m/%Y %I:%M %p",))),
        (["2023-12-31", "2023-12-31 10:00:00", "2023-12-31T10:00:00Z"], ()),
        (["31.13.2023", "99.99.9999"], ()),
        (["00.00.0000", "00.00.0000", "00.00.0000", "31.12.2023"], (("%d.%m.%Y",),)),
        (["00.00.0000"], ()),
    ],
)
def test_formats_are_those_that_read_every_day(
    texts: list[str], formats: tuple[tuple[str, ...], ...]
) -> None:
    assert profiled(texts, "date")[0].date_formats == formats


def test_what_is_no_date_stays_as_it_is() -> None:
    texts = ["31.12.2023", *["01.02.2023"] * 20, "31.02.2023", "unbekannt", "2023-05-06", ""]
    _, expression, read = profiled(texts, "date")
    assert "try_strptime" in expression
    assert read[0] == "2023-12-31"
    assert read[-4:] == ["31.02.2023", "unbekannt", "2023-05-06", None]


def test_numbers_that_look_like_days_are_numbers_for_what_is_no_date() -> None:
    texts = [f"202301{day:02}" for day in range(1, 20)]
    column, expression, read = profiled(texts, "varchar")
    assert (column.kind, expression, read) == ("number", '"x"', texts)
    assert profiled([*texts, "2023121"], "date")[2][::19] == ["2023-01-01", "2023121"]


# --- numbers ------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.decimals(-9_999_999, 9_999_999, places=3, allow_nan=False), min_size=1, max_size=6),
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
)
def test_numbers_are_read_right_or_asked_about(
    numbers: list, places: int, has_comma: bool, is_grouped: bool
) -> None:
    rounded = [round(number, places) for number in numbers]
    texts = [f"{number:{',' if is_grouped else ''}.{places}f}" for number in rounded]
    if has_comma:
        texts = [text.translate(str.maketrans(",.", ".,")) for text in texts]
    _, expression, read = profiled(texts, "double")
    if CHOOSE not in expression:
        assert [float(text) for text in read] == [float(number) for number in rounded]


@pytest.mark.parametrize(
    ("texts", "sign"),
    [
        (["1,3", "2"], "comma"),
        (["1,3", "1.500"], "comma"),
        (["1.234.567", "2"], "comma"),
        (["1.3", "2"], ""),
        (["1.3", "1,500"], "point"),
        (["1,500"], "open"),
        (["1.500"], "open"),
        (["1.500,0", "1,500.0"], ""),
        (["1,3", "1.3", "1.500"], "open"),
        (["0.500"], ""),
        (["0,500"], "comma"),
    ],
)
def test_decimal_signs_are_those_that_the_values_decide(texts: list[str], sign: str) -> None:
    assert profiled(texts * 2, "double")[0].decimal_sign == sign


def test_what_is_no_number_stays_as_it_is() -> None:
    texts = ["1,3"] * 20 + ["k.A.", "1,3.5"]
    assert profiled(texts, "double")[2][-3:] == ["1.3", "k.A.", "1,3.5"]


def test_yes_and_no_of_other_languages_are_read_and_the_rest_stays() -> None:
    column, _, read = profiled(["ja", "Nein", "ja", ""], "boolean")
    assert column.kind == "boolean"
    assert read == ["true", "false", "true", None]


def test_a_year_of_birth_is_read_from_the_day() -> None:
    with TemporaryDirectory() as folder:
        (Path(folder) / "t.csv").write_text("x\n01/02/1999\n31/02/1998\n")
        with open_source(Path(folder)) as connection:
            (table,) = read_profiles(connection)
            expression = value_expression(table.columns[0], "birth_year", "integer")
            rows = connection.execute(f"select {expression} from source.t").fetchall()
    assert CHOOSE not in expression
    assert rows == [("1999",), ("31/02/1998",)]
