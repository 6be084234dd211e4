"""Tables as CSV that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import datetime
import io
import re
from collections.abc import Iterable, Sequence

# Blanks that are seen and unseen, and quotes: what may stand before a formula.
_BEFORE = "[\\s\"'`\u200b\u200c\u200d\u2060\ufeff]*"
# The start of a cell, also where a spreadsheet divides at another sign than the comma.
_FORMULA = re.compile(f"(^|[,;|])(?={_BEFORE}[=+\\-@\uff1d\uff0b\uff0d\uff20])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
# By this mark Excel knows that a file is UTF-8.
BYTE_ORDER_MARK = "\ufeff"

Cell = str | int | float | bool | datetime.date | None


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Write a table as CSV: numbers stay numbers, and no text begins a formula.

    >>> csv_text(["name", "change"], [["=1+1", -0.12]]).split()
    ['\ufeffname,change', "'=1+1,-0.12"]
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return BYTE_ORDER_MARK + text.getvalue()


def safe_text(text: str) -> str:
    """Put an apostrophe before what begins a formula; control characters are blanks.

    A formula begins with = + - or @, the wide ones too, after any blanks and quotes. A plain
    number such as -1 calculates nothing and stays.

    >>> safe_text("@sum(a1:a9)"), safe_text("-1"), safe_text("Smith; =1+1")
    ("'@sum(a1:a9)", '-1', "Smith;' =1+1")
    """
    plain = _CONTROL.sub(" ", text)
    return plain if _NUMBER.fullmatch(plain) else _FORMULA.sub(r"\1'", plain)


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return safe_text(value)
    return str(value)
