"""docs/questions.md: every query runs on the sample, and gives what stands below it."""

from __future__ import annotations

import re

import pytest
from warehouse import ROOT, Warehouse, built_sample

from applicant_personas.command_line.cli import main
from applicant_personas.command_line.questions import answer, queries

DOCUMENT = ROOT / "docs/questions.md"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return built_sample(tmp_path_factory.mktemp("questions"))


def test_every_answer_is_that_of_the_sample(
    sample: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["answer", str(DOCUMENT), "--database", str(sample.database)]) == 0
    answered = capsys.readouterr().out
    assert answered == DOCUMENT.read_text("utf-8"), (
        "run: make sample && PERSONAS_WAREHOUSE=target/sample/warehouse.duckdb "
        "applicant-personas answer --output docs/questions.md"
    )


def test_every_question_has_a_query_of_at_most_one_join_over_the_marts() -> None:
    _, *questions = re.split(r"^## \d+\. ", DOCUMENT.read_text("utf-8"), flags=re.M)
    assert len(questions) == 12
    for question in questions:
        title = question.splitlines()[0]
        assert title.endswith("?"), title
        assert queries(question), title
    for query in queries(DOCUMENT.read_text("utf-8")):
        assert len(re.findall(r"\bjoin\b", query)) <= 1, query
        read = re.findall(r"\b(?:from|join)\s+([\w.]+)", query)
        assert read
        assert all(re.fullmatch(r"(marts|audit)\.\w+", name) for name in read), query


def test_an_answer_replaces_the_one_before() -> None:
    asked = "# Asked\n\n```sql\nselect 1\n```\n\ntext\n\n```sql\nselect 2\n```\n\n| a |\n| --- |\n"
    results = {
        "select 1\n": (["a", "b"], [("x | *y*", None), (1.5, True)]),
        "select 2\n": (["a"], []),
    }
    answered = answer(asked, results.__getitem__)
    assert answered == (
        "# Asked\n\n```sql\nselect 1\n```\n\n"
        "| a | b |\n| --- | --- |\n| x \\| \\*y\\* |  |\n| 1.5 | True |\n"
        "\ntext\n\n```sql\nselect 2\n```\n\nNo rows.\n"
    )
    assert answer(answered, results.__getitem__) == answered
    assert queries(answered) == ["select 1\n", "select 2\n"]


def test_a_query_that_can_not_run_is_a_sentence(
    sample: Warehouse, tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = tmp_path / "asked.md"
    document.write_text("```sql\nselect * from marts.nothing\n```\n")
    assert main(["answer", str(document), "--database", str(sample.database)]) == 2
    assert "lacks what is asked of it" in capsys.readouterr().err
