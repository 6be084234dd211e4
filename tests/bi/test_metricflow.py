"""MetricFlow answers from the project's metrics what the marts say."""

import csv
import os
import subprocess

import duckdb
import pytest
from conftest import ROOT

BY_PERSONA = """
    select
        scores.entry_term,
        personas.persona_name,
        count(*) as undecided_applications,
        sum(scores.probability) as expected_enrollments,
        sum(scores.outcome) as actual_enrollments,
        avg(scores.outcome) as actual_enrollment_rate
    from marts.fct_enrollment_scores as scores
    left join marts.dim_personas as personas using (persona_key)
    where scores.outcome_stage = 'enrolled'
    group by 1, 2 order by 1, 2
"""
APPLICANTS = """
    select entry_term, count(*), avg(is_mixed::integer)
    from marts.fct_applicant_personas group by 1 order by 1
"""


@pytest.fixture(scope="module")
def working_file():
    """Find the working database of `make build`, of which the metrics are."""
    path = ROOT / "warehouse.duckdb"
    if not path.exists():
        pytest.skip(f"{path} is not there: run make build first")
    return path


@pytest.fixture(scope="module")
def query(client, working_file, tmp_path_factory):
    """Ask for metrics by groups, in the order of the groups."""
    command = client("metricflow", "mf")
    folder = tmp_path_factory.mktemp("metricflow")
    environment = os.environ | {
        "DBT_PROFILES_DIR": str(ROOT),
        "PERSONAS_WAREHOUSE": str(working_file),
        # The profile names a plugin of the project.
        "PYTHONPATH": str(ROOT / "src"),
        "PATH": f"{client('metricflow', 'python').rsplit('/', 1)[0]}:{os.environ['PATH']}",
    }

    def ask(*arguments):
        answer = folder / "answer.csv"
        done = subprocess.run(
            [command, "query", *arguments, "--csv", str(answer)],
            cwd=ROOT, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        with answer.open(encoding="utf-8", newline="") as lines:
            rows = csv.reader(lines)
            next(rows)
            return sorted(rows)

    return ask


def rows_of(working_file, sql):
    with duckdb.connect(str(working_file), read_only=True) as database:
        return database.sql(sql).fetchall()


def assert_equal(answered, expected):
    assert len(answered) == len(expected) > 0
    for found, row in zip(answered, expected, strict=True):
        for text, value in zip(found, row, strict=True):
            if isinstance(value, str) or value is None:
                assert text == (value or "")
            else:
                assert float(text) == pytest.approx(float(value), abs=1e-6)


def test_enrollment_by_persona(query, working_file):
    metrics = [
        "undecided_applications", "expected_enrollments", "actual_enrollments",
        "actual_enrollment_rate",
    ]  # fmt: skip
    answered = query(
        "--metrics", ",".join(metrics), "--group-by", "entry_term,persona__persona_name"
    )
    assert_equal(answered, sorted(rows_of(working_file, BY_PERSONA)))


def test_applicants_by_cycle(query, working_file):
    answered = query("--metrics", "applicants,mixed_share", "--group-by", "entry_term")
    assert_equal(answered, rows_of(working_file, APPLICANTS))


def test_a_saved_query_answers(query, working_file):
    answered = query("--saved-query", "enrollment_by_persona")
    expected = [row[:5] for row in sorted(rows_of(working_file, BY_PERSONA))]
    assert_equal(answered, expected)
