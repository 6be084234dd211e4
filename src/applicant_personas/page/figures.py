"""Numbers that know where they are from, and the charts that are drawn of them.

A `Figure` is a value of a mart: in the page it carries the mart, key and column, so that whoever
reads the page can look it up. Charts are SVG, a phone wide; every mark is a figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup, escape

Row = Mapping[str, Any]
WIDTH = 420
ROW = 44
HIDDEN = "too few to show"
NONE = "\N{EN DASH}"


@dataclass(frozen=True)
class Figure:
    """A value of a mart, how it is shown, and where it is from."""

    value: float
    text: str
    mart: str
    key: str
    column: str

    def attributes(self) -> Markup:
        """Give the attributes that lead to the value."""
        named = {"mart": self.mart, "key": self.key, "column": self.column, "value": self.value}
        return Markup(" ").join(
            Markup('data-{}="{}"').format(name, value) for name, value in named.items()
        )

    def __html__(self) -> str:
        return Markup("<data {}>{}</data>").format(self.attributes(), self.text)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Table:
    """The rows of a mart, with the columns that tell one from another."""

    name: str
    key: tuple[str, ...]
    rows: Sequence[Row] = ()

    def where(self, **values: object) -> list[Row]:
        """List the rows that have these values."""
        return [row for row in self.rows if all(row[name] == v for name, v in values.items())]

    def one(self, **values: object) -> Row | None:
        """Give the first row that has these values."""
        return next(iter(self.where(**values)), None)

    def figure(self, row: Row | None, column: str, show: Callable[[float], str]) -> Figure | None:
        """Give a value of a row as it is shown; none where it is hidden or missing."""
        if row is None or row[column] is None:
            return None
        value = row[column]
        key = urlencode({name: str(row[name]) for name in self.key if row[name] is not None})
        return Figure(value, show(value), self.name, key, column)

    def rest(self, row: Row, column: str, show: Callable[[float], str]) -> Figure | None:
        """Give what a share leaves of the whole."""
        figure = self.figure(row, column, show)
        if figure is None:
            return None
        value = round(1 - figure.value, 4)
        return Figure(value, show(value), self.name, figure.key, f"1 - {column}")


def count(value: float) -> str:
    """Show people: whole, with commas."""
    return f"{value:,.0f}"


def percent(value: float) -> str:
    """Show a share in whole percent."""
    return f"{100 * value:.0f}\u202f%"


def points(value: float) -> str:
    """Show a difference of shares in percentage points."""
    return f"{100 * value:+.0f} points".replace("-", "\N{MINUS SIGN}")


def decimals(value: float) -> str:
    """Show a figure of a method, as in .89."""
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}").replace("0.", ".", 1)


def fine(value: float) -> str:
    """Show a small figure of a method, as in .008."""
    return f"{value:.3f}".replace("-", "\N{MINUS SIGN}").replace("0.", ".", 1)


def natural(value: float) -> str:
    """Show a value in its own unit, with three digits at most."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}".removesuffix(".0") if abs(value) >= 1 else f"{value:.2f}"


@dataclass(frozen=True)
class Mark:
    """A figure on a line: a dot, a tick, a bar from zero; or a span to a second figure."""

    kind: str
    at: Figure | None
    to: Figure | None = None


@dataclass(frozen=True)
class Line:
    """A line of a chart: what it is, its marks, and its figures in words at the right."""

    label: str
    marks: Sequence[Mark]
    told: object = ""
    persona: str = ""


@dataclass(frozen=True)
class Scale:
    """From values to places across a chart."""

    low: float
    high: float
    left: float = 8
    right: float = WIDTH - 8

    @classmethod
    def over(
        cls, values: Iterable[float], *, zero: bool = False, most: float | None = None
    ) -> Scale:
        """Make the scale that holds all values, with some air."""
        found = list(values) or [0.0, 1.0]
        low, high = min(found), max(found)
        if zero:
            low = min(low, 0.0)
        air = (high - low) * 0.06 or 1.0
        return cls(
            low if zero and low == 0 else low - air, most if most is not None else high + air
        )

    def __call__(self, value: float) -> float:
        """Give the place of a value."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.left + min(max(share, 0.0), 1.0) * (self.right - self.left), 1)

    def ticks(self, n: int = 4) -> list[float]:
        """List round values, about n of them."""
        raw = (self.high - self.low) / n
        unit = 10 ** math.floor(math.log10(raw))
        step = next(m * unit for m in (1, 2, 2.5, 5, 10) if raw <= m * unit)
        first = math.ceil(self.low / step)
        return [round(i * step, 10) for i in range(first, math.floor(self.high / step) + 1)]


def svg(height: float, title: str, body: Iterable[str], kind: str = "") -> Markup:
    """Make a picture with a title that is read aloud."""
    return Markup(
        '<svg class="chart {}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(kind, WIDTH, round(height), title, Markup("").join(Markup(part) for part in body))


def text(x: float, y: float, said: object, kind: str = "", attributes: str = "") -> Markup:
    """Write a text; `kind` are classes."""
    return Markup('<text x="{}" y="{}" class="{}" {}>{}</text>').format(
        x, y, kind, attributes, said
    )


def told(x: float, y: float, parts: object, kind: str = "end") -> Markup:
    """Write figures and words after each other, ending at x."""
    items = parts if isinstance(parts, list | tuple) else [parts]
    spans = Markup("").join(
        Markup("<tspan {}>{}</tspan>").format(part.attributes(), part.text)
        if isinstance(part, Figure)
        else escape(part)
        for part in items
        if part is not None
    )
    return text(x, y, spans, kind)


def draw(mark: Mark, scale: Scale, y: float) -> Markup:
    """Draw a mark on a line at y."""
    if mark.at is None:
        return Markup("")
    x, attributes = scale(mark.at.value), mark.at.attributes()
    if mark.kind.startswith("span"):
        assert mark.to is not None
        end = scale(mark.to.value)
        # The far end is a figure of its own.
        return Markup(
            '<line x1="{}" x2="{}" y1="{}" y2="{}" class="{}" {}/>'
            '<line x1="{}" x2="{}" y1="{}" y2="{}" class="{}" {}/>'
        ).format(
            x, end, y, y, mark.kind, attributes,
            end, end, y, y, mark.kind, mark.to.attributes(),
        )  # fmt: skip
    if mark.kind.startswith("bar"):
        zero = scale(max(scale.low, 0.0))
        return Markup('<rect x="{}" y="{}" width="{}" height="10" rx="2" class="{}" {}/>').format(
            min(x, zero), y - 5, round(abs(x - zero), 1), mark.kind, attributes
        )
    if mark.kind.startswith("tick"):
        return Markup('<line x1="{}" x2="{}" y1="{}" y2="{}" class="{}" {}/>').format(
            x, x, y - 8, y + 8, mark.kind, attributes
        )
    return Markup('<circle cx="{}" cy="{}" r="5.5" class="{}" {}/>').format(
        x, y, mark.kind, attributes
    )


def lines_chart(
    title: str,
    lines: Sequence[Line],
    scale: Scale,
    show: Callable[[float], str],
    reference: tuple[float, str] | None = None,
) -> Markup:
    """Draw a line each: its label and figures above, its marks below, and an axis under all."""
    body: list[str] = []
    bottom = len(lines) * ROW + 4
    for tick in scale.ticks():
        x = scale(tick)
        body.append(
            Markup('<line x1="{}" x2="{}" y1="0" y2="{}" class="grid"/>').format(x, x, bottom)
        )
        anchor = "end" if x > WIDTH - 30 else "start" if x < 20 else "middle"
        body.append(text(x, bottom + 16, show(tick), f"axis {anchor}"))
    if reference:
        x = scale(reference[0])
        body.append(
            Markup('<line x1="{}" x2="{}" y1="0" y2="{}" class="reference"/>').format(x, x, bottom)
        )
    for place, line in enumerate(lines):
        top = place * ROW
        drawn = [
            text(0, top + 15, line.label, "label"),
            told(WIDTH, top + 15, line.told),
            Markup('<line x1="{}" x2="{}" y1="{}" y2="{}" class="rail"/>').format(
                scale.left, scale.right, top + 31, top + 31
            ),
            *(draw(each, scale, top + 31) for each in line.marks),
        ]
        persona = Markup(' data-persona="{}"').format(line.persona) if line.persona else ""
        body.append(Markup("<g{}>{}</g>").format(persona, Markup("").join(drawn)))
    height = bottom + 22
    if reference:
        height += 16
        anchor = "end" if scale(reference[0]) > WIDTH / 2 else "start"
        body.append(text(scale(reference[0]), bottom + 33, reference[1], f"axis {anchor}"))
    return svg(height, title, body)
