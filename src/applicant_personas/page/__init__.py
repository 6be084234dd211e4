"""The page: personas and enrollment for people who open no database, as one file.

`make_page` takes tables of marts and returns HTML that needs nothing else, and its pictures.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from applicant_personas.page import front, trust
from applicant_personas.page.cards import cards
from applicant_personas.page.figures import Table
from applicant_personas.page.story import ALL, Story

__all__ = ["Page", "Table", "make_page"]


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
    charts = {
        block.name: block.versions[ALL].chart
        for block in [headcount, *blocks.values(), *rests_on]
        if ALL in block.versions
    }
    pictures = {name: standing_alone(str(chart), style) for name, chart in charts.items()}
    return Page(html, pictures)


def standing_alone(chart: str, style: str) -> str:
    """Give a chart of the page as a picture by itself, in the page's light colors."""
    colors = dict(re.findall(r"(--[\w-]+):\s*([^;]+);", style.split("}")[0]))
    rules = style.split("/* charts */")[1].split("/* end of charts */")[0]
    for name, color in colors.items():
        rules = rules.replace(f"var({name})", color)
    width, height = (int(size) for size in re.findall(r'viewBox="0 0 (\d+) (\d+)"', chart)[0])
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        ' font-family="Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif"'
    )
    paper = f'<style>{rules}</style><rect width="100%" height="100%" fill="{colors["--paper"]}"/>'
    opened, closed = chart.split(">", 1)
    return f"{opened.replace('<svg', head, 1)}>{paper}{closed}\n"
