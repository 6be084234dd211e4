"""The page without a browser: its figures, its size, and what it says when something is missing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import warehouse
from page_figures import Shown, read_figures, wrong_figures

from applicant_personas.command_line.cli import main
from applicant_personas.command_line.read_copy import read_copy
from applicant_personas.page import CHANGED, Table, make_page
from applicant_personas.page.front import small_cells

Read = tuple[dict[str, Table], dict[str, object]]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return warehouse.served_copy(warehouse.built_sample(tmp_path_factory.mktemp("sample")))


@pytest.fixture(scope="module")
def read(copy: Path) -> Read:
    return read_copy(copy)


def without(tables: dict[str, Table], is_gone: Callable[[str], bool]) -> dict[str, Table]:
    return {name: replace(t, rows=[]) if is_gone(name) else t for name, t in tables.items()}


def test_every_figure_of_the_page_is_the_marts(copy: Path, tmp_path: Path) -> None:
    started = time.perf_counter()
    output = tmp_path / "page.html"
    pictures = tmp_path / "pictures"
    asked = ["--serve", copy, "--output", output, "--pictures", pictures]
    assert main(["page", *map(str, asked)]) == 0
    assert time.perf_counter() - started < 15
    html = output.read_text("utf-8")
    assert len(html.encode()) < 1_500_000
    figures = read_figures(html)
    assert len(figures) > 500
    assert len({figure.mart for figure in figures}) >= 12
    assert not wrong_figures(figures, copy)
    drawn = {file.name for file in pictures.iterdir()}
    assert {f"{name}.{kind}" for name in ("class", "funnel") for kind in ("svg", "png")} <= drawn
    for picture in pictures.glob("*.svg"):
        assert "var(" not in picture.read_text(), picture.name


def test_a_wrong_figure_is_found(copy: Path) -> None:
    where = ("dim_personas", "persona_key=persona_01", "share")
    assert wrong_figures([Shown(*where, "0.5", "50\u202f%")], copy)
    read_out = read_figures(
        '<data data-mart="m" data-key="k=1" data-column="c" data-value="2">2</data>'
    )
    assert read_out == [Shown("m", "k=1", "c", "2", "2")]


def test_the_page_needs_nothing_but_itself(
    read: Read,
) -> None:
    html = make_page(*read).html
    assert "://" not in html.replace("http://www.w3.org/2000/svg", "")
    assert "<link" not in html
    assert "src=" not in html


def test_names_are_text(read: Read) -> None:
    tables, facts = read
    name = "<script>alert(1)</script> & 'co'"
    rows = [{**row, "persona_name": name} for row in tables["dim_personas"].rows]
    html = make_page(
        tables | {"dim_personas": replace(tables["dim_personas"], rows=rows)}, facts
    ).html
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp;" in html


OF_LIKELIHOODS = (
    "rpt_persona_enrollment", "rpt_headcount_", "rpt_model_", "rpt_calibration",
    "rpt_feature_importance", "rpt_score_changes",
)  # fmt: skip


def test_without_likelihoods_the_page_says_what_is_missing_and_why(
    read: Read,
) -> None:
    tables, facts = read
    fewer = without(tables, lambda name: name.startswith(OF_LIKELIHOODS))
    why = "applied: No model was fitted, for no cycle is closed."
    summary = tables["dq_build_summary"]
    told = {**summary.rows[0], "topic": "likelihoods", "severity": "warning", "sentence": why}
    fewer["dq_build_summary"] = replace(summary, rows=[*summary.rows, told])
    html = make_page(fewer, facts).html
    assert "<h1>Seven kinds of applicants.</h1>" in html
    assert why in html
    assert "expected to enroll" not in html.partition("<body")[2]
    assert html.count('<article class="card"') == 7


def test_without_dates_and_personas_the_page_says_so(
    read: Read,
) -> None:
    tables, facts = read
    undated = without(tables, lambda name: name == "rpt_funnel_by_cycle_day")
    enrollment = tables["rpt_persona_enrollment"]
    rows = [{**row, "is_static": True} for row in enrollment.rows]
    undated["rpt_persona_enrollment"] = replace(enrollment, rows=rows)
    assert "The input has no dates" in make_page(undated, facts).html
    empty = without(tables, lambda name: not name.startswith("dq_"))
    html = make_page(empty, facts).html
    assert "<h1>This input tells neither personas nor likelihoods.</h1>" in html
    assert not [figure for figure in read_figures(html) if not figure.mart.startswith("dq_")]


def test_changes_are_counted_and_few_are_not_shown(
    read: Read,
) -> None:
    tables, facts = read
    counts = {"persona_01": 4, "persona_02": 40, "persona_03": 12}
    rows = [
        {"to_persona_key": key, "direction": "rose", "compared_as_of": "2026-05-08", CHANGED: n}
        for key, n in {**counts, None: 56}.items()
    ]
    table = replace(tables["rpt_score_changes"], rows=rows)
    html = make_page(tables | {"rpt_score_changes": table}, facts).html
    shown = {f.value for f in read_figures(html) if f.mart == "rpt_score_changes"}
    assert shown == {"56", "40"}
    alone = replace(table, rows=[row for row in rows if row["to_persona_key"] != "persona_03"][:1])
    total = {**rows[0], "to_persona_key": None, CHANGED: 30}
    html = make_page(
        tables | {"rpt_score_changes": replace(alone, rows=[*alone.rows, total])}, facts
    )
    assert not [f for f in read_figures(html.html) if f.mart == "rpt_score_changes"]
    assert small_cells({"a": 4, "b": 5, "c": 40}, 11) == {"a", "b"}
    assert small_cells({"a": 0, "b": 11, "c": 40}, 11) == set()


def test_without_a_copy_the_command_says_how_to_make_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["page", "--serve", str(tmp_path)]) == 2
    assert "run `applicant-personas build` first" in capsys.readouterr().err
