"""The generic test `is_sound`: every rule is checked, and what is broken is told by name."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from warehouse import built_sample, run_dbt

# What each value of a copied table is changed to, and the rule that it breaks then.
BROKEN = {
    "update marts.dim_personas set share = 2 where persona_key = 'persona_01'": (
        "dim_personas_is_sound: range: share, broken by 1."
    ),
    "update marts.dim_personas set status = 'asleep' where persona_key = 'persona_01'": (
        "dim_personas_is_sound: values: status, broken by 1."
    ),
    "update marts.dim_personas set persona_name = 'x'": (
        "dim_personas_is_sound: unique: persona_name, broken by 1."
    ),
    "insert into features.ftr_applicants from features.ftr_applicants limit 3": (
        "ftr_applicants_is_sound: unique: application_id, known_on, broken by 3."
    ),
    "insert into ml.ml_persona_fit from ml.ml_persona_fit where record = 'center' limit 2": (
        "ml_persona_fit_is_sound: unique center: column_name, broken by 2."
    ),
    "update features.ftr_applicants set person_id = null": (
        "ftr_applicants_is_sound: not null: person_id, broken by"
    ),
}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_sample(tmp_path_factory.mktemp("sound")).database


@pytest.mark.parametrize("change", BROKEN)
def test_a_broken_rule_fails_and_is_told_by_name(sample: Path, tmp_path: Path, change: str) -> None:
    shutil.copy(sample, tmp_path / "warehouse.duckdb")
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute(change)
    names = ["dim_personas_is_sound", "ftr_applicants_is_sound", "ml_persona_fit_is_sound"]
    with pytest.raises(AssertionError) as failed:
        run_dbt(tmp_path, "test", "--select", *names)
    assert BROKEN[change] in str(failed.value)
    assert str(failed.value).count(", broken by") == 1


def test_what_is_sound_passes(sample: Path, tmp_path: Path) -> None:
    shutil.copy(sample, tmp_path / "warehouse.duckdb")
    said = run_dbt(tmp_path, "test", "--select", "dim_personas_is_sound")
    assert "PASS=" in said
    assert "broken" not in said
