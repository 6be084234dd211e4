"""How dates and numbers of a column are written, as far as its values decide it.

A format is right when it reads every value that any format reads: 31/12/2023 can't have its month
first. Where several do, or none does, the values do not decide, and a human is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

COMPACT = ("%Y%m%d", "%d%m%Y", "%m%d%Y")
# Ways to write a day, and the formats (as strptime names them) that may be meant by each. Of a
# year of two digits nobody can tell from one value where it stands; dots have the day first.
_DAYS = (
    (r"\d{1,2}\.\d{1,2}\.\d{2}", ("%d.%m.%y",)),
    (r"\d{1,2}/\d{1,2}/\d{2}", ("%d/%m/%y", "%m/%d/%y", "%y/%m/%d")),
    (r"\d{1,2}-\d{1,2}-\d{2}", ("%d-%m-%y", "%m-%d-%y", "%y-%m-%d")),
    (r"\d{1,2}\.\d{1,2}\.\d{4}", ("%d.%m.%Y",)),
    (r"\d{1,2}\. \d{1,2}\. \d{4}", ("%d. %m. %Y",)),
    (r"\d{1,2}/\d{1,2}/\d{4}", ("%d/%m/%Y", "%m/%d/%Y")),
    (r"\d{1,2}-\d{1,2}-\d{4}", ("%d-%m-%Y", "%m-%d-%Y")),
    (r"\d{4}/\d{1,2}/\d{1,2}", ("%Y/%m/%d",)),
    (r"\d{4}\.\d{1,2}\.\d{1,2}", ("%Y.%m.%d",)),
    (r"\d{4}-\d{1,2}-\d{1,2}", ("%Y-%m-%d",)),
    (r"\d{8}", COMPACT),
    (r"\d{1,2} [A-Za-z]{3} \d{4}", ("%d %b %Y",)),
    (r"\d{1,2}-[A-Za-z]{3}-\d{4}", ("%d-%b-%Y",)),
    (r"\d{1,2} [A-Za-z]{4,9} \d{4}", ("%d %B %Y",)),
    (r"[A-Za-z]{3} \d{1,2}, \d{4}", ("%b %d, %Y",)),
    (r"[A-Za-z]{4,9} \d{1,2}, \d{4}", ("%B %d, %Y",)),
)
# Times of day with 0 for their digits, and the format of each.
_CLOCKS = {
    "": "",
    "0:0": "%H:%M",
    "0:0 UHR": "%H:%M Uhr",
    "0:0:0": "%H:%M:%S",
    "0:0:0.0": "%H:%M:%S.%f",
    "0:0 AM": "%I:%M %p",
    "0:0 PM": "%I:%M %p",
    "0:0:0 AM": "%I:%M:%S %p",
    "0:0:0 PM": "%I:%M:%S %p",
}
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_FIELDS = {
    "%d": r"(?P<day>\d{1,2})",
    "%m": r"(?P<month>\d{1,2})",
    "%Y": r"(?P<year>\d{4})",
    "%y": r"(?P<short_year>\d{2})",
    "%b": r"(?P<short_name>[A-Za-z]+)",
    "%B": r"(?P<name>[A-Za-z]+)",
}
# Days outside are mistakes and decide nothing.
_FIRST_YEAR, _LAST_YEAR = 1900, 2100

# What may be a day, in the regular expressions of databases too; then how texts are numbers. A
# comma or a point before three digits may be either a decimal sign or one of thousands.
DAY_SHAPE = "|".join(shape for shape, _ in _DAYS)
NUMBERS = {
    "comma": r"[+-]?(\d+,(\d{1,2}|\d{4,})|0,\d{3}|\d{4,},\d{3}|[1-9]\d{0,2}(\.\d{3})+,\d+"
    r"|[1-9]\d{0,2}(\.\d{3}){2,})",
    "point": r"[+-]?(\d+\.(\d{1,2}|\d{4,})|0\.\d{3}|\d{4,}\.\d{3})",
    "point_in_groups": r"[+-]?[1-9]\d{0,2}((,\d{3})+\.\d+|(,\d{3}){2,})",
    "either_comma": r"[+-]?[1-9]\d{0,2},\d{3}",
    "either_point": r"[+-]?[1-9]\d{0,2}\.\d{3}",
}

Formats = tuple[tuple[str, ...], ...]


def date_formats(texts: Mapping[tuple[str, str, str], int]) -> tuple[Formats, int]:
    """Return the formats of a column's days, and how many values are written so.

    `texts`: numbers of values by the day as written, what is between it and the time, and the time
    with each run of digits as 0. Each item of the formats is one that the values decide, or those
    among which they do not. Years of two digits come first, for %Y would read them as the first
    century. Of the values so written half at least are days, which 31.02.2023 is not; 00.00.0000
    stands for none.
    """
    formats: list[tuple[str, ...]] = []
    n_written = 0
    for shape, candidates in _DAYS:
        written = {
            text: n
            for text, n in texts.items()
            if re.fullmatch(shape, text[0]) and text[2] in _CLOCKS
        }
        readings = {
            text: found
            for text in written
            if (found := {name for name in candidates if read_day(text[0], name)})
        }
        n_meant = sum(n for text, n in written.items() if text[0].strip("0./- "))
        if not readings or 2 * sum(written[text] for text in readings) < n_meant:
            continue
        n_written += sum(written.values())
        likely = _likely(candidates, list(readings.values()))
        for gap, clock in sorted({(gap, _CLOCKS[clock]) for _, gap, clock in readings}):
            formats.append(tuple(f"{name}{gap}{clock}" for name in likely))
    return tuple(formats), n_written


def read_day(text: str, day_format: str) -> date | None:
    """Return the day that a text says in a format; None: it says none."""
    pattern = re.escape(day_format)
    for directive, group in _FIELDS.items():
        pattern = pattern.replace(directive, group)
    match = re.fullmatch(pattern, text)
    return _day(match.groupdict()) if match else None


def decimal_sign(counts: Mapping[str, int]) -> str:
    """Return the decimal sign of a column's numbers: comma, point, open, or none to mend.

    `counts`: numbers of values of each kind of NUMBERS.
    """
    n_point = counts["point"] + counts["point_in_groups"]
    if bool(counts["comma"]) == bool(n_point):
        return "open" if counts["either_comma"] + counts["either_point"] else ""
    if counts["comma"]:
        return "comma"
    return "point" if counts["point_in_groups"] + counts["either_comma"] else ""


def _likely(candidates: tuple[str, ...], readings: list[set[str]]) -> tuple[str, ...]:
    """Return the formats that read every value; where none does, all that read any."""
    of_all = set.intersection(*readings) if readings else set()
    likely = of_all or set().union(*readings)
    return tuple(name for name in candidates if name in likely)


def _day(fields: dict[str, str]) -> date | None:
    year = int(fields.get("year") or 0) or _long_year(int(fields.get("short_year") or 0))
    try:
        found = date(year, _month(fields), int(fields["day"]))
    except ValueError:
        return None
    return found if _FIRST_YEAR <= year <= _LAST_YEAR else None


def _long_year(year: int) -> int:
    """Place a year of two digits as strptime does."""
    return year + (1900 if year >= 69 else 2000)


def _month(fields: dict[str, str]) -> int:
    if "month" in fields:
        return int(fields["month"])
    name = (fields.get("short_name") or fields["name"]).lower()
    known = [month[:3] for month in _MONTHS] if "short_name" in fields else list(_MONTHS)
    return known.index(name) + 1
