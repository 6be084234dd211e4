"""Foreign names and values made safe for SQL, Markdown and spreadsheets."""

from __future__ import annotations

import re
import unicodedata

SHOWN_LENGTH = 80
# Longer than any sentence with some names in it.
QUESTION = 600
_FORMULA = re.compile(r"^'*[=+\-@\t\r]")
_NUMBER = re.compile(r"^[+-]?(\d+(\.\d*)?|\.\d+)$")
_MARKDOWN = re.compile(r"([\\`*\[\]<>|~])")


def quote_name(name: str) -> str:
    """Quote a name as standard SQL does: no character of it ends the identifier."""
    return '"' + name.replace('"', '""') + '"'


def is_quotable(name: str) -> bool:
    """Say whether SQL and dbt can hold the name: dbt would run what looks like its own syntax."""
    return bool(name.strip()) and "\0" not in name and not re.search(r"\{[{%#]|[}%#]\}", name)


def one_line(text: str, length: int = SHOWN_LENGTH) -> str:
    """Show a text on one line: control and direction characters are blanks, the rest is cut."""
    plain = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    plain = " ".join(plain.split())
    return plain if len(plain) <= length else plain[: length - 1] + "…"


def comment(text: str, length: int = SHOWN_LENGTH) -> str:
    """Put a text into a SQL comment: it stays on the line, and dbt finds no syntax in it."""
    return re.sub(r"[{}]", "", one_line(text, length))


def markdown(text: str, length: int = SHOWN_LENGTH) -> str:
    """Put a text into a cell of a Markdown table: it opens no cell, code, link or tag."""
    return _MARKDOWN.sub(r"\\\1", one_line(text, length))


def spreadsheet_cell(text: str) -> str:
    """Keep a spreadsheet from calculating a cell: an apostrophe before what begins a formula.

    The rule of OWASP on CSV injection; a plain number such as -1 calculates nothing and stays.
    """
    return "'" + text if _FORMULA.match(text) and not _NUMBER.match(text) else text


def spreadsheet_text(cell: str) -> str:
    """Return the text that `spreadsheet_cell` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
