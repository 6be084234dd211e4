"""The leak scan on features that know the outcome, registered by a user's own catalog."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from warehouse import ROOT, Warehouse, build, run_dbt

# Made from the outcome, made after the admission, or made of nothing.
CATALOG = """\
feature,block,source_column,kind,role,earliest_stage
deposit_at_inquiry,offer,int_timing_known.has_deposited,boolean,enrollment,inquiry
deposit_at_admission,offer,int_timing_known.has_deposited,boolean,enrollment,admitted
deposit_at_deposit,offer,int_timing_known.has_deposited,boolean,enrollment,deposited
days_of_deposit,offer,int_timing_known.days_since_deposit,count,enrollment,admitted
visit_at_inquiry,offer,int_engagement_known.admitted_day_attended,boolean,enrollment,inquiry
visit_at_admission,offer,int_engagement_known.admitted_day_attended,boolean,enrollment,admitted
visit_at_deposit,offer,int_engagement_known.admitted_day_attended,boolean,enrollment,deposited
final_status,status,applications.x_final_status,category,enrollment,submitted
reason_lost,status,applications.x_reason_lost,category,enrollment,submitted
batch,status,applications.x_batch,category,enrollment,submitted
lot,status,applications.x_lot,number,enrollment,submitted
"""
LEAKS = {
    "deposit_at_inquiry": "its value alone has AUC",
    "deposit_at_admission": "its value alone has AUC",
    "days_of_deposit": "whether it is missing has AUC",
    "visit_at_inquiry": "made after the phase begins",
    "visit_at_admission": "made after the phase begins",
    "final_status": "its value alone has AUC",
    "reason_lost": "whether it is missing has AUC",
}
# Of different outcomes, so that a deposit does not lead out of yield.
PHASES = [
    {"name": "yield", "at_risk": "admitted", "outcome": "enrolled"},
    {"name": "melt", "at_risk": "deposited", "outcome": "registered"},
]
# One value for good: whether it was known on a day, nothing says.
WITHOUT_HISTORY = {
    "batch",
    "lot",
    "distance_km",
    "years_experience",
    "is_own_alumnus",
    "is_domestic",
    "program_code",
    "source_channel",
}
OF_FEATURES, OF_MODELS = "no_feature_knows_the_outcome", "no_model_knows_the_outcome"
TOO_LATE = {"deposit_at_deposit", "visit_at_deposit", "has_deposited", "admitted_day_attended"}


def write_input(folder: Path) -> Path:
    """Copy the sample, with columns of applications that were filled in after the outcome."""
    shutil.copytree(ROOT / "seeds/sample", folder)
    (folder / "feature_catalog.csv").write_text(CATALOG)
    truth = pd.read_csv(ROOT / "tests/fixtures/sample_truth/applications.csv")
    enrolled = truth.set_index("application_id")["enrolled"]
    applications = pd.read_csv(folder / "applications.csv", dtype=str, keep_default_na=False)
    rng = np.random.default_rng(3)
    is_lost = (applications["application_id"].map(enrolled) != 1).to_numpy()
    n = len(applications)
    told = is_lost ^ (rng.random(n) < 0.03)
    applications["x_final_status"] = np.where(
        told, rng.choice(["closed", "filed"], n), rng.choice(["done", "matriculated"], n)
    )
    applications["x_reason_lost"] = np.where(told, rng.choice(["cost", "place"], n), "")
    applications["x_batch"] = rng.integers(0, 300, n).astype(str)
    applications["x_lot"] = rng.normal(size=n).round(3)
    applications.to_csv(folder / "applications.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("leaks")
    marts = ["rpt_leak_scan", "rpt_feature_importance", "rpt_model_evaluation"]
    chosen = [f"+{mart}" for mart in marts]
    build(folder, write_input(folder / "input"), select=chosen, phases=PHASES)
    return folder


def look_for_leaks(folder: Path, *arguments: str, **variables: Any) -> str:
    command = ["test", "--select", *arguments]
    variables |= {"input_path": str(folder / "input"), "phases": PHASES}
    return run_dbt(folder, *command, **variables)


@pytest.fixture(scope="module")
def scan(folder):
    warehouse = Warehouse(folder / "warehouse.duckdb")
    return warehouse.frame("select * from marts.rpt_leak_scan").set_index(["phase", "feature"])


@pytest.mark.parametrize(("feature", "why"), LEAKS.items())
def test_what_knows_the_outcome_is_caught(scan, feature, why):
    found = scan.loc["yield", feature]
    assert found["is_used"]
    assert found["verdict"].startswith("probable leak: " + why)


def test_at_its_right_stage_a_late_feature_is_not_available_to_yield(scan):
    late = scan.loc["yield"].loc[sorted(TOO_LATE)]
    assert not late["is_used"].any()
    assert set(late["verdict"]) == {"not available: first known at the stage deposited"}


def test_what_knows_nothing_is_clear(scan):
    usable = scan[~scan["verdict"].str.startswith("not available")]
    for phase in ("yield", "melt"):
        clear = usable.loc[phase].drop(index=[*LEAKS, *TOO_LATE], errors="ignore")
        verdicts = clear["verdict"]
        assert verdicts["gpa_percentile"] == "clear"
        waiting = verdicts.str.startswith("clear: the days since a stage that led here")
        assert {"days_since_admission", "days_in_review"} <= set(verdicts.index[waiting])
        assert ("days_since_deposit" in verdicts.index[waiting]) == (phase == "melt")
        by_value = verdicts[(verdicts != "clear") & ~waiting]
        assert set(by_value.index) == WITHOUT_HISTORY & set(verdicts.index)
        assert {"batch", "lot", "distance_km", "years_experience"} <= set(by_value.index)
        assert by_value.str.match(r"clear by value \(AUC 0\.\d\d\), not judged by day").all()


@pytest.fixture(scope="module")
def warned(folder):
    """Test the features and the models for leaks, and give what dbt said."""
    return look_for_leaks(folder, OF_FEATURES, OF_MODELS, "--store-failures")


def test_leaks_warn_and_can_stop_the_build(folder, warned):
    assert "WARN=2 ERROR=0" in warned
    with pytest.raises(AssertionError, match="ERROR=1"):
        look_for_leaks(folder, OF_FEATURES, leak_severity="error")


def test_a_model_that_knows_the_outcome_is_caught_on_every_day_and_in_every_cycle(folder, warned):
    warehouse = Warehouse(folder / "warehouse.duckdb")
    schema = warehouse.column(
        f"select table_schema from information_schema.tables where table_name = '{OF_MODELS}'"
    )[0]
    caught = warehouse.frame(f"select * from {schema}.{OF_MODELS} where phase = 'yield'")
    tested = {(cycle, day) for cycle in ("2024FA", "2025FA") for day in ("118", "60", "30")}
    assert set(zip(caught["test_cycle"], caught["days_to_census"], strict=True)) >= tested
    assert set(caught["suspect"]) <= {f"probable leak: {feature}" for feature in LEAKS}
