"""What the Spark target leans on, as far as it shows without Spark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MACROS = "\n".join(path.read_text() for path in sorted((ROOT / "macros").rglob("*.sql")))
DISPATCHED = sorted(set(re.findall(r"adapter\.dispatch\('(\w+)'", MACROS)))
# docs/spark.md names them.
EXPECTED = {
    "columns_of_files",
    "exported_rows",
    "find_files",
    "in_part",
    "is_timezone",
    "replace_status",
    "row_as_text",
    "stable_hash",
    "text_as_double",
    "words_of_sql",
    "zone_to_utc",
    "zoned_to_utc",
}


def test_the_dispatched_macros_are_those_that_are_documented() -> None:
    assert set(DISPATCHED) == EXPECTED
    documented = (ROOT / "docs/spark.md").read_text()
    assert [name for name in DISPATCHED if f"`{name}`" not in documented] == []


@pytest.mark.parametrize("name", DISPATCHED)
@pytest.mark.parametrize("engine", ["duckdb", "spark"])
def test_a_dispatched_macro_has_both_engines(name: str, engine: str) -> None:
    assert f"macro {engine}__{name}(" in MACROS


def test_no_model_knows_its_engine() -> None:
    models = [*(ROOT / "models").rglob("*.sql"), *(ROOT / "python_models").rglob("*.py")]
    knowing = [path.name for path in models if re.search(r"spark|target\.type", path.read_text())]
    assert len(models) > 150
    assert knowing == []


def test_the_lock_of_spark_carries_no_address() -> None:
    lock = (ROOT / "spark/requirements.lock").read_text()
    assert "pyspark==" in lock
    assert "://" not in lock
