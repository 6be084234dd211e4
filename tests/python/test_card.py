"""Every figure of the model card is a mart's: read back from the text."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from warehouse import ROOT, Warehouse, built_sample

from applicant_personas.command_line.card import as_cell, write_cards
from applicant_personas.command_line.cli import main

# The last digit may differ where the committed card was made on another machine.
ROUNDING = 0.0051
STALE = "run: applicant-personas card --database target/sample/warehouse.duckdb"


def read_tables(text: str) -> list[pd.DataFrame]:
    """Read the tables of a Markdown text, as text."""
    found = []
    for block in re.findall(r"(?:^\|.*\|\n)+", text, re.M):
        rows = [
            [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for line in block.splitlines()
        ]
        found.append(pd.DataFrame(rows[2:], columns=rows[0]))
    return found


def table(text: str, *columns: str) -> pd.DataFrame:
    """Give the only table that has these columns."""
    (found,) = [own for own in read_tables(text) if set(columns) <= set(own.columns)]
    return found


def figures(column: pd.Series) -> pd.Series:
    return pd.to_numeric(column.str.replace(",", "").replace("-", None))


def agree(told: pd.DataFrame, mart: pd.DataFrame, pairs: dict[str, str]) -> None:
    """Compare figures row by row, with the rounding of the text."""
    assert len(told) == len(mart) > 0, STALE
    for column, name in pairs.items():
        own, other = figures(told[column]), pd.to_numeric(mart[name]).astype("float64")
        is_count = not told[column].str.contains(".", regex=False).any()
        within = 0.51 if is_count else ROUNDING
        assert (own.isna().to_numpy() == other.isna().to_numpy()).all(), (column, STALE)
        off = (own.to_numpy() - other.to_numpy()).astype(float)
        assert (abs(off[own.notna()]) <= within).all(), (column, STALE)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return built_sample(tmp_path_factory.mktemp("card"))


@pytest.fixture(scope="module")
def written(sample: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    assert main(["card", "--database", str(sample.database), "--output", str(folder)]) == 0
    return folder


@pytest.fixture(params=["written now", "committed"])
def folder(request: pytest.FixtureRequest, written: Path) -> Path:
    return written if request.param == "written now" else ROOT / "docs"


@pytest.fixture
def card(folder: Path) -> str:
    return (folder / "model_card.md").read_text()


def test_how_good_it_is_is_what_the_headlines_say(card: str, sample: Warehouse) -> None:
    told = table(card, "tested on", "best baseline")
    mart = sample.frame("select * from marts.rpt_model_headlines").set_index("phase")
    mart = mart.loc[told["phase"]].reset_index()
    pairs = {"applications": "n", "AUC": "auc", "from": "auc_low", "to": "auc_high"}
    pairs |= {"gain": "auc_gain", "expected": "expected_headcount", "actual": "actual_headcount"}
    agree(told, mart, pairs | {"ECE": "ece"})
    assert (told["tested on"] == mart["test_cycle"]).all()
    for phase, sentence in zip(mart["phase"], mart["sentence"], strict=True):
        assert f"- {phase}: {sentence}\n" in card, STALE


def test_the_models_and_baselines_are_those_of_the_evaluation(card: str, sample: Warehouse) -> None:
    told = table(card, "model", "log loss")
    mart = sample.frame(
        "pivot (select phase, model, metric, value, max(n) over (partition by phase, model) as n"
        "  from marts.rpt_model_evaluation where test_cycle = 'all_cycles' and slice = 'all'"
        "  and metric in ('auc', 'log_loss')) on metric using any_value(value)"
        " group by phase, model, n"
    ).set_index(["phase", "model"])
    mart = mart.loc[list(zip(told["phase"], told["model"], strict=True))].reset_index()
    agree(told, mart, {"AUC": "auc", "log loss": "log_loss", "applications": "n"})
    assert set(told["model"]) >= {"likelihood", "logistic_regression", "stage_rate"}


def test_personas_and_importances_are_the_marts(card: str, sample: Warehouse) -> None:
    personas = sample.frame("select * from marts.dim_personas where is_active order by persona_key")
    told = table(card, "persona", "stability")
    agree(told, personas, {"people": "n_applicants", "share": "share", "stability": "stability"})
    assert told["persona"].tolist() == personas["persona_name"].map(as_cell).tolist()
    importance = sample.frame(
        "select * from marts.rpt_feature_importance where target = 'enrollment'"
        " and scope = 'global' and not is_block and beats_noise and importance_rank <= 5"
        " order by phase, importance_rank"
    )
    told = table(card, "rank", "importance")
    pairs = {"rank": "importance_rank", "importance": "importance"}
    agree(told, importance, pairs | {"from": "importance_low", "to": "importance_high"})
    assert told["feature"].tolist() == importance["feature"].tolist()


def test_fairness_is_the_audits(card: str, sample: Warehouse) -> None:
    audit = sample.frame("select * from audit.audit_fairness where not suppressed")
    wide = audit.pivot_table(
        index=["attribute", "group", "phase"], columns="metric", values="value", dropna=False
    )
    counts = audit[audit["metric"] == "selection_rate"]
    counts = counts.set_index(["attribute", "group", "phase"])["n"].rename("applications")
    told = table(card, "selection rate", "TPR gap")
    keys = list(zip(told["attribute"], told["group"], told["phase"], strict=True))
    assert set(keys) == set(counts.index), STALE
    mart = wide.reindex(keys).join(counts).reset_index()
    pairs = {"selection rate": "selection_rate", "ratio": "selection_rate_ratio"}
    pairs |= {"TPR gap": "true_positive_rate_gap", "calibration gap": "calibration_gap"}
    agree(told, mart, pairs | {"applications": "applications"})
    predicted = audit[audit["metric"] == "predictability"].sort_values(["attribute", "group"])
    told = table(card, "told most by")
    agree(told, predicted, {"AUC": "value", "from": "low", "to": "high"})
    notes = audit[audit["is_gap"] & (audit["metric"] != "predictability")]
    for row in notes.itertuples():
        assert row.note in card, STALE


def test_the_note_has_every_feature_with_what_uses_it(folder: Path, sample: Warehouse) -> None:
    note = (folder / "data_protection.md").read_text()
    register = sample.frame("select * from audit.audit_feature_register").set_index("feature")
    used = register[register["is_used"]]
    told = table(note, "known from", "used by").set_index("feature")
    assert told["used by"].to_dict() == used["used_by"].to_dict(), STALE
    assert (
        told["protected"].to_dict() == used["protected"].map({True: "yes", False: "no"}).to_dict()
    )
    assert f"{len(used)} of {len(register)} features" in note
    left_out = table(note, "feature", "why").set_index("feature")["why"]
    assert set(left_out.index) == set(register.index[~register["is_used"]])
    tables = table(note, "in this build").set_index("table")
    rows = sample.frame("select capability, n_rows from data_quality.dq_capabilities")
    persons = rows.set_index("capability").loc["persons", "n_rows"]
    assert figures(tables["rows"])["persons"] == persons


def test_text_of_the_datas_stays_text(written: Path) -> None:
    assert as_cell("a|b\n<script>*x*") == "a\\|b &lt;script>\\*x\\*"
    for name in ("model_card.md", "data_protection.md"):
        text = (written / name).read_text()
        assert not re.search(r"\b(None|nan|NaT)\b", text)
        assert "\n\n\n" not in text


def test_without_a_build_the_card_says_what_to_do(tmp_path: Path, capsys) -> None:
    missing = str(tmp_path / "none.duckdb")
    assert main(["card", "--database", missing, "--output", str(tmp_path)]) == 2
    assert "run `dbt build` first" in capsys.readouterr().err
    with duckdb.connect(str(tmp_path / "part.duckdb")) as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.dim_personas as select 1 as persona_key")
    with pytest.raises(ValueError, match="has no dq_build_status: run `dbt build`"):
        write_cards(tmp_path / "part.duckdb", tmp_path)
    assert not list(tmp_path.glob("*.md"))
