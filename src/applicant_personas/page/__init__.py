"""The page: personas and enrollment for people who open no database, as one file.

`make_page` takes tables of marts and returns HTML that needs nothing else, and its pictures.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from applicant_personas.page import front, trust
from applicant_personas.page.cards import cards
from applicant_personas.page.figures import Table
from applicant_personas.page.front import CHANGED
from applicant_personas.page.story import ALL, Story, Version

# What stands for the marks of a key where there is text only.
MARKS = {
    '<i class="dot"></i>': "Dot:",
    '<i class="tick"></i>': "Tick:",
    '<i class="bar"></i>': "Bar:",
    "</span> <span": ".</span> <span",
}
FONTS = "Inter, Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif"

__all__ = ["CHANGED", "Page", "Table", "make_page"]


@dataclass(frozen=True)
class Page:
    """The HTML, and each picture by its name as an SVG that stands alone."""

    html: str
    pictures: Mapping[str, str]


def make_page(tables: Mapping[str, Table], facts: Mapping[str, Any]) -> Page:
    """Make the page of tables of marts; `facts` are those of the published copy's manifest."""
    story = Story(tables, facts)
    personas = cards(story)
    headcount = front.headcount(story)
    blocks = {
        "class": front.class_block(personas),
        "funnel": front.funnel(story),
        "changes": front.changes(story),
    }
    rests_on = [
        trust.backtest(story),
        trust.calibration(story),
        trust.baselines(story),
        trust.importance(story),
        trust.persona_map(story),
        trust.number_of_personas(story),
        trust.fairness(story),
    ]
    style, script = (
        files("applicant_personas.page").joinpath(name).read_text("utf-8")
        for name in ("page.css", "page.js")
    )
    environment = Environment(
        loader=PackageLoader("applicant_personas.page", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    html = environment.get_template("page.html.jinja").render(
        facts=facts,
        will=story.will,
        heading=front.heading(story),
        headcount=headcount,
        title=front.personas_title(personas),
        cards=personas,
        blocks=blocks,
        why_no_funnel=front.why_no_funnel(story),
        trust=rests_on,
        quality=trust.quality(story),
        runs=trust.runs(story),
        missing=story.missing,
        not_there=story.not_there(),
        style=style,
        script=script,
    )
    pictures = {
        block.name: standing_alone(block.versions[ALL], style)
        for block in [headcount, *blocks.values(), *rests_on]
        if ALL in block.versions
    }
    return Page(html, pictures)


def standing_alone(version: Version, style: str) -> str:
    """Give a chart of the page as a picture by itself: titled, and in the page's light colors."""
    colors = dict(re.findall(r"(--[\w-]+):\s*([^;]+);", style.split("}")[0]))
    rules = style.split("/* charts */")[1].split("/* end of charts */")[0]
    for name, color in colors.items():
        rules = rules.replace(f"var({name})", color)
    note = str(version.note)
    for mark, sign in MARKS.items():
        note = note.replace(mark, sign)
    title, caption = (
        textwrap.wrap(" ".join(Markup(said).striptags().split()), width)
        for said, width in ((version.finding, 44), (note, 72))
    )
    chart = str(version.chart)
    width, height = (int(size) for size in re.findall(r'viewBox="0 0 (\d+) (\d+)"', chart)[0])
    top, bottom = 24 * len(title) + 28, 16 * len(caption) + 28
    lines = [(line, -top + 32 + 24 * i, 19.0, "ink") for i, line in enumerate(title)]
    lines += [(line, height + 20 + 16 * i, 11.5, "soft") for i, line in enumerate(caption)]
    drawn = Markup("").join(
        Markup('<text x="0" y="{}" font-size="{}" fill="{}">{}</text>').format(
            y, size, colors[f"--{color}"], line
        )
        for line, y, size, color in lines
    )
    box = f"-20 {-top} {width + 40} {top + height + bottom}"
    paper = Markup('<rect x="-20" y="{}" width="100%" height="100%" fill="{}"/>').format(
        -top, colors["--paper"]
    )
    sized = chart.replace("<svg", f'<svg width="{width}" height="{height}"', 1)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" width="{width + 40}"'
        f' height="{top + height + bottom}" font-family="{FONTS}"><style>{rules}</style>{paper}'
        f"{drawn}{sized}</svg>\n"
    )
