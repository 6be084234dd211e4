"""SQL that turns a source's text into what the contract reads, and keeps what it can't turn.

A text that is no date or number of the column's format goes through as it is, so that the project
lists it among the values that it refused. Where the values leave a format open, the SQL holds a
text 'choose: … or …' for a human to replace by one of these.
"""

from __future__ import annotations

from collections.abc import Sequence

from applicant_personas.mapping.formats import COMPACT, Formats
from applicant_personas.mapping.names import shipped_rows
from applicant_personas.mapping.profile import SourceColumn
from applicant_personas.mapping.text import quote_name

CHOOSE = "choose: "
# Of a day in digits alone strptime would read seven digits too.
_NO_FEWER_DIGITS = "^([0-9]{8}|[0-9A-Za-z]+[^0-9A-Za-z]).*$"
# Numbers with each decimal sign, and how they become numbers with a point.
_NUMBERS = {
    "comma": (
        "[+-]?([0-9]+|[1-9][0-9]{0,2}([.][0-9]{3})+)(,[0-9]+)?",
        "replace(replace(TEXT, '.', ''), ',', '.')",
    ),
    "point": ("[+-]?([0-9]+|[1-9][0-9]{0,2}(,[0-9]{3})+)([.][0-9]+)?", "replace(TEXT, ',', '')"),
}


def value_expression(column: SourceColumn, name: str, type_name: str) -> str:
    """Return the expression of a source's column for a column of the contract."""
    if type_name in ("date", "timestamp") and column.date_formats:
        day = read_date(text_of(column), column.date_formats)
        return _or_raw(f"cast({day} as date)" if type_name == "date" else day, column)
    if name == "birth_year" and column.kind == "timestamp":
        return _or_raw(f"year({_birth(column)})", column)
    if type_name in ("double", "integer") and column.decimal_sign:
        return read_number(text_of(column), column.decimal_sign)
    if type_name == "boolean" and column.has_local_words:
        return _yes_or_no(column)
    return quote_name(column.name)


def has_short_years(column: SourceColumn) -> bool:
    """Say whether years have two digits only, so that the century is anybody's guess."""
    return any("%y" in name for alternatives in column.date_formats for name in alternatives)


def read_date(text: str, formats: Formats) -> str:
    """Return the timestamp that a text says in any of the formats, null if in none."""
    named = ", ".join(_literal(choice(alternatives)) for alternatives in formats)
    if any(name[:6] in COMPACT for alternatives in formats for name in alternatives):
        text = f"regexp_extract({text}, '{_NO_FEWER_DIGITS}')"
    return f"try_strptime({text}, {named if len(formats) == 1 else f'[{named}]'})"


def read_number(text: str, sign: str) -> str:
    """Return the number that a text says as text with a decimal point; other texts as they are."""
    if sign == "open":
        cases = (f"when '{known}' then {read_number(text, known)}" for known in _NUMBERS)
        return f"case {_literal(choice(tuple(_NUMBERS)))} {' '.join(cases)} end"
    pattern, number = _NUMBERS[sign]
    mended = number.replace("TEXT", text)
    return f"case when regexp_full_match({text}, '{pattern}') then {mended} else {text} end"


def text_of(column: SourceColumn) -> str:
    """Return the text of a column, without blanks around it."""
    name = quote_name(column.name)
    return f"trim({name})" if column.type == "varchar" else f"cast({name} as varchar)"


def local_words() -> dict[str, list[str]]:
    """Return words for true and false of languages other than English."""
    found: dict[str, list[str]] = {}
    for row in shipped_rows("yes_no.csv"):
        found.setdefault(row["value"], []).append(row["word"])
    return found


def choice(alternatives: Sequence[str]) -> str:
    """Return the only alternative, or a text that names all."""
    return alternatives[0] if len(alternatives) == 1 else CHOOSE + " or ".join(alternatives)


def _birth(column: SourceColumn) -> str:
    """Return the day of birth: of its year it does not matter whether day or month comes first."""
    if not column.date_formats:
        return f"try_cast({text_of(column)} as timestamp)"
    formats = tuple((name,) for alternatives in column.date_formats for name in alternatives)
    return read_date(text_of(column), formats)


def _yes_or_no(column: SourceColumn) -> str:
    text = text_of(column)
    found = {code.lower() for code in column.codes}
    cases = (
        f"when lower({text}) in ({', '.join(map(_literal, used))}) then '{value}'"
        for value, words in local_words().items()
        if (used := [word for word in words if word in found or not found])
    )
    return f"case {' '.join(cases)} else {text} end"


def _or_raw(value: str, column: SourceColumn) -> str:
    return f"coalesce(cast({value} as varchar), {text_of(column)})"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
