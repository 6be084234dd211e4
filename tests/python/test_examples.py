"""The examples run: those in docstrings, and the project that installs this one."""

import doctest
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from warehouse import ROOT, Warehouse, generate


@pytest.mark.parametrize("name", ["forest", "likelihood"])
def test_examples_run(name):
    failed, tried = doctest.testmod(import_module(f"applicant_personas.{name}"))
    assert tried > 3
    assert failed == 0


def test_a_project_that_installs_this_one_builds_on_an_empty_database(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(
        ROOT / "examples/package", project, ignore=shutil.ignore_patterns("dbt_packages", "target")
    )
    (project / "packages.yml").write_text(f"packages:\n  - local: {ROOT}\n")
    crm = generate(tmp_path / "crm", "--persons", "500")
    # From another folder, so that nothing depends on where dbt is run.
    dbt = [str(Path(sys.executable).with_name("dbt")), "--quiet"]
    place = ["--project-dir", str(project), "--profiles-dir", str(project)]
    own = ("PERSONAS_", "DBT_")
    environment = {name: v for name, v in os.environ.items() if not name.startswith(own)}
    for command in (
        ["deps"],
        ["build", "--exclude-resource-type", "test", "--vars", f"{{crm_folder: {crm}}}"],
    ):
        done = subprocess.run(
            [*dbt, *command, *place], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout[-5000:]
    assert not list(tmp_path.glob("*.duckdb"))
    warehouse = Warehouse(project / "my_university.duckdb")
    schemas = warehouse.column(
        "select distinct table_schema from information_schema.tables order by 1"
    )
    assert "university_admissions" in schemas
    packaged = [name for name in schemas if name != "university_admissions"]
    assert packaged
    assert all(name.startswith("university_personas_") for name in packaged)
    marts = "university_personas_marts"
    assert warehouse.column(f"select count(*) from {marts}.fct_applicant_personas")[0] > 200
    assert warehouse.column(f"select count(*) from {marts}.fct_enrollment_scores")[0] > 50
    read = warehouse.frame(
        "select table_name, format, records from university_personas_data_quality.dq_input_files"
    )
    assert set(read["format"]) == {"relation"}
    assert len(read) == 8
    assert (read["records"] > 0).all()
