"""All phases of a funnel at once: who is at risk, what came of them, what may be learned."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from warehouse import ROOT, Warehouse, build, generate

PHASES = {
    "conversion": ("inquiry", "enrolled"),
    "submission": ("started", "submitted"),
    "admission": ("submitted", "admitted"),
    "admitted": ("admitted", "enrolled"),
    "deposited": ("deposited", "enrolled"),
}
# Who reaches this stage stands on the next rung of the same outcome.
NEXT = {"conversion": "admitted", "admitted": "deposited"}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phases") / "input"
    return generate(folder, "--persons", "3000", "--seed", "7", "--dirt", "0")


@pytest.fixture(scope="module")
def warehouse(tables: Path) -> Warehouse:
    phases = [
        {"name": name, "at_risk": at_risk, "outcome": outcome}
        for name, (at_risk, outcome) in PHASES.items()
    ]
    marts = ["+rpt_leak_scan", "+rpt_model_evaluation", "+fct_model_runs"]
    return build(tables.parent, tables, select=marts, phases=phases)


@pytest.fixture(scope="module")
def events(tables: Path) -> pd.DataFrame:
    """Stages of every application with the day they were known and what they prove."""
    applications = pd.read_csv(tables / "applications.csv", dtype=str)
    recorded = pd.read_csv(tables / "stage_events.csv", dtype=str)
    recorded["known"] = recorded[["occurred_at", "recorded_at"]].fillna("").max(axis=1)
    started = applications.dropna(subset="started_at").assign(stage="started")
    started = started.rename(columns={"started_at": "known"})
    found = pd.concat([part[["application_id", "stage", "known"]] for part in (recorded, started)])
    found["known"] = pd.to_datetime(found["known"].str[:10])
    stages = pd.read_csv(ROOT / "seeds/terminology/stages.csv").set_index("stage")
    found["is_exit"] = found["stage"].map(stages["is_exit"]).astype(bool)
    rank = found["stage"].map(stages["stage_rank"]).where(~found["is_exit"], 0)
    found["rank"] = rank.mask(found["stage"] == "denied", stages["stage_rank"]["in_review"])
    terms = applications.set_index("application_id")["entry_term"]
    return found.assign(entry_term=found["application_id"].map(terms))


@pytest.mark.parametrize("phase", PHASES)
def test_who_is_at_risk_and_what_came_of_them(
    warehouse: Warehouse, events: pd.DataFrame, phase: str
) -> None:
    labeled = warehouse.frame(
        "select application_id, entry_term, known_on, outcome"
        " from intermediate.int_outcomes_labeled semi join staging.stg_applications"
        f" using (application_id) where phase = '{phase}' and is_enrollment_day and not is_open"
    )
    days = labeled.groupby("entry_term")["known_on"].agg(["min", "max"])
    assert len(days) == 3
    assert (days["min"] == days["max"]).all()
    stages = pd.read_csv(ROOT / "seeds/terminology/stages.csv").set_index("stage")["stage_rank"]
    at_risk, outcome = (stages[stage] for stage in PHASES[phase])
    own = events[events["entry_term"].isin(days.index)]
    day = own["entry_term"].map(days["min"])
    further = stages[NEXT[phase]] if phase in NEXT else outcome
    has_left = own["is_exit"] | (own["rank"] >= further)
    facts = pd.DataFrame(
        {
            "is_at_risk": (own["rank"] >= at_risk) & (own["known"] <= day),
            "has_left": has_left & (own["known"] <= day),
            "has_outcome": ~own["is_exit"] & (own["rank"] >= outcome),
            "was_deferred": own["stage"] == "deferred",
        }
    )
    of_application = facts.groupby(own["application_id"]).any()
    expected = of_application[of_application["is_at_risk"] & ~of_application["has_left"]]
    outcomes = (expected["has_outcome"] & ~expected["was_deferred"]).astype(int)
    assert labeled.set_index("application_id")["outcome"].to_dict() == outcomes.to_dict()
    assert 0 < outcomes.mean() < 1


def test_every_phase_is_fitted_and_none_knows_its_outcome(warehouse: Warehouse) -> None:
    runs = warehouse.frame("select kind, status from marts.fct_model_runs")
    fitted = set(runs.loc[~runs["status"].str.startswith("No model"), "kind"])
    assert {f"enrollment-{phase}" for phase in PHASES} <= fitted
    aucs = warehouse.frame(
        "select phase, max(value) as auc from marts.rpt_model_evaluation"
        " where metric = 'auc' and slice = 'all' and model = 'likelihood' group by phase"
    ).set_index("phase")["auc"]
    assert set(aucs.index) == {*PHASES, "all"}
    assert aucs.max() < 0.97
    suspicious = "select feature from marts.rpt_leak_scan where is_used and verdict like '%leak%'"
    assert warehouse.column(suspicious) == []


def test_what_comes_with_the_application_is_no_feature_before_it(warehouse: Warehouse) -> None:
    used = warehouse.frame("select phase, feature from marts.rpt_leak_scan where is_used")
    features = used.groupby("phase")["feature"].agg(set)
    grades = {"gpa_percentile", "english_level"}
    assert not grades & (features["submission"] | features["conversion"])
    assert grades <= features["admission"] & features["admitted"]
    assert "scholarship_offered" in features["admitted"] - features["admission"]
