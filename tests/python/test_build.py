"""The command `build`: what it shows while dbt builds, what it says at the end, how it exits.

On a project of a few nodes; what a build of ours says is tested on the sample's.
"""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager

from applicant_personas.command_line.build import one_line
from applicant_personas.command_line.cli import main

PROJECT = {
    "dbt_project.yml": """
name: tiny
profile: tiny
model-paths: [models]
test-paths: [tests]
macro-paths: [macros]
on-run-start: ["{{ check() }}"]
on-run-end: ["{{ log('What this build did: little.', info=true) if execute }}"]
vars: {is_fine: true}
""",
    "profiles.yml": """
tiny:
  target: dev
  outputs: {dev: {type: duckdb, path: tiny.duckdb}, other: {type: duckdb, path: other.duckdb}}
""",
    "macros/check.sql": """
{% macro check() %}{% if not var('is_fine') %}
{{ exceptions.raise_compiler_error('Configuration: the var is_fine is no; say yes.') }}
{% endif %}{% endmacro %}
""",
    "models/sound.sql": "select 1 as a",
    "models/fitted.py": """
from applicant_personas.progress import told

def model(dbt, session):
    days = [*told([90, 60], "back-test of applied, days")]
    return session.sql(f"select {len(days)} as n")
""",
    "models/broken.sql": "select b from {{ ref('sound') }}",
    "models/unreached.sql": "select * from {{ ref('broken') }}",
    "tests/is_odd.sql": """
{{ config(severity='warn') }}
/*
What is this? A value that
is odd.
When does it matter? Seldom.
*/
select * from {{ ref('sound') }}
""",
}


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, text in PROJECT.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    for name in ("DBT_TARGET_PATH", "DBT_LOG_PATH"):
        monkeypatch.setenv(name, str(tmp_path / "target"))
    monkeypatch.setenv("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    DuckDBConnectionManager.close_all_connections()


@pytest.mark.parametrize("flag", ["--quiet", "-q"])
def test_a_quiet_build_tells_troubles_only(
    tiny: Path, capfd: pytest.CaptureFixture[str], flag: str
) -> None:
    assert main(["build", "--select", "sound", "--exclude", "is_odd", flag]) == 0
    assert capfd.readouterr() == ("", "")
    assert main(["build", "--select", "is_odd", flag]) == 0
    assert capfd.readouterr().out.startswith("warning: is_odd")


def test_a_build_shows_its_steps_then_what_it_did_and_its_warnings(
    tiny: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", "--select", "sound", "--target", "other"]) == 0
    said = capfd.readouterr()
    assert said.err == ""
    assert said.out.splitlines() == [
        "Building: 2 steps.",
        "1 of 2 steps are done.",
        "2 of 2 steps are done.",
        "What this build did: little.",
        "warning: is_odd (tests/is_odd.sql): Got 1 result, configured to warn if != 0."
        " A value that is odd.",
        "Complete: 1 done, 1 with warnings.",
    ]
    assert (tiny / "other.duckdb").exists()


def test_errors_are_told_in_full_and_the_exit_code_is_that_of_dbt(
    tiny: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["build"]) == 1
    lines = capfd.readouterr().out.splitlines()
    assert lines[-3].startswith("warning: is_odd")
    assert lines[-2].startswith("error: broken (models/broken.sql): ")
    assert 'Referenced column "b" not found' in lines[-2]
    assert lines[-1] == "Failed: 2 done, 1 with warnings, 1 failed, 1 skipped."


def test_who_needs_more_memory_is_told_how_to_give_it() -> None:
    """In place of what DuckDB advises, which no setting of this project is."""
    said = (
        "Runtime Error in model long (models/long.sql)\n"
        "  Out of Memory Error: could not allocate block (762.7 MiB/762.9 MiB used)\n"
        "  \n  Possible solutions:\n  * Reducing the number of threads (SET threads=X)\n"
        "  * Increasing the memory limit (SET memory_limit='...GB')\n  \n  See also https://duckdb.org"
    )
    assert one_line(said) == (
        "Out of Memory Error: could not allocate block (762.7 MiB/762.9 MiB used). "
        "Let DuckDB hold more, as PERSONAS_MEMORY=3GB does (docs/scaling.md)"
    )


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--vars", "{is_fine: false}"], "error: the var is_fine is no; say yes."),
        (["--no-such-option"], "error: No such option '--no-such-option'."),
    ],
)
def test_what_stops_dbt_is_one_sentence(
    tiny: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], error: str
) -> None:
    assert main(["build", *arguments]) == 2
    assert capfd.readouterr().out.splitlines() == [error, "Failed: no step was taken."]


def test_a_selection_without_nodes_is_a_warning(
    tiny: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", "--select", "nothing"]) == 0
    lines = capfd.readouterr().out.splitlines()
    warned = "warning: The selection criterion 'nothing' does not match any enabled nodes"
    assert lines.count(warned) == 1
    assert lines[-1] == "Complete: no step was taken."


def test_other_commands_refuse_what_they_do_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["dictionary", "--select", "sound"])
    assert "unrecognized arguments: --select sound" in capsys.readouterr().err


def test_on_a_terminal_a_bar_shows_how_far_the_build_is(tiny: Path) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    command = [
        sys.executable,
        "-m",
        "applicant_personas.command_line.cli",
        "build",
        "--select",
        "sound",
        "fitted",
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, text=True, check=True)
    os.close(theirs)
    bar = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "/3 [" in bar
    assert "back-test of applied, days: 2 of 2" in bar
    assert "\n" not in bar
    assert done.stdout.splitlines()[0] == "What this build did: little."
