"""Reads the figures of a page and looks each up in the published copy."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl

import duckdb


@dataclass
class Shown:
    """A figure as the page has it: where it says that it is from, its value and its text."""

    mart: str
    key: str
    column: str
    value: str
    text: str


class Figures(HTMLParser):
    """Collects the elements that carry a figure."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Shown] = []
        self.is_within = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        self.is_within = "data-mart" in told
        if self.is_within:
            columns = ("mart", "key", "column", "value")
            self.found.append(Shown(*(told[f"data-{name}"] for name in columns), ""))

    def handle_data(self, data: str) -> None:
        if self.is_within and self.found:
            self.found[-1].text += data.strip()

    def handle_endtag(self, tag: str) -> None:
        self.is_within = False


def read_figures(html: str) -> list[Shown]:
    parser = Figures()
    parser.feed(html)
    return parser.found


def wrong_figures(figures: list[Shown], copy: Path) -> list[str]:
    """List the figures that the copy does not hold, or whose text is not their value."""
    asked = defaultdict(list)
    for figure in figures:
        key = dict(parse_qsl(figure.key))
        asked[figure.mart, figure.column, tuple(sorted(key))].append((figure, key))
    wrong = []
    with duckdb.connect(str(copy / "personas.duckdb"), read_only=True) as connection:
        held = "select table_name, schema_name from duckdb_tables() where not internal"
        schemas = dict(connection.execute(held).fetchall())
        for (mart, column, names), same in asked.items():
            keys = ", ".join(f'cast("{name}" as varchar)' for name in names)
            rows = connection.execute(
                f'select {keys}, {column} from "{schemas[mart]}"."{mart}" group by all'
            ).fetchall()
            values = defaultdict(set)
            for *key, value in rows:
                values[tuple(key)].add(value)
            for figure, key in same:
                value = float(figure.value)
                known = values[tuple(key[name] for name in names)]
                if not any(v is not None and abs(v - value) < 1e-9 for v in known):
                    wrong.append(f"{figure} is {known or 'nowhere'}")
                if figure.text and not says(figure.text, value):
                    wrong.append(f"{figure} says something else")
    return wrong


def says(text: str, value: float) -> bool:
    """Whether a text is the value, rounded to its own last place; a sign may be in words."""
    number = re.fullmatch(r"\N{MINUS SIGN}?([\d,]*(?:\.(\d+))?)(\u202f%| points)?", text)
    if not number or not number[1]:
        return False
    unit = 100 if number[3] else 1
    places = len(number[2] or "")
    told = float(number[1].replace(",", ""))
    return abs(told - abs(value) * unit) <= 0.5 * 10**-places + 1e-9
