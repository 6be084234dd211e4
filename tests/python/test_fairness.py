"""The fairness audit: fairlearn's figures, a planted proxy, and an input without attributes."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame, selection_rate, true_positive_rate
from scipy.stats import binomtest
from scipy.stats.contingency import relative_risk
from warehouse import Warehouse, build, built_sample, copied_sample, generate, run_dbt

MIN_CELL = 11
HELD_OUT = """
    select phase, person_id, application_id, residency, likelihood, cast(outcome as int) as outcome
    from ml.ml_enrollment_predictions
    where is_enrollment_day and outcome is not null and score_kind = 'out_of_sample'
"""
KEY = ["attribute", "group", "phase", "metric"]


# --- The figures -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return built_sample(tmp_path_factory.mktemp("fairness"))


def fairlearn_figures(warehouse: Warehouse, attribute: str) -> pd.DataFrame:
    """Measure every phase and the whole ladder by group of an attribute."""
    held_out = warehouse.frame(HELD_OUT)
    if attribute != "residency":
        values = warehouse.frame(
            "select person_id, value as held from staging.stg_protected_attributes"
            f" where attribute = '{attribute}'"
        )
        held_out = held_out.merge(values, on="person_id", how="left", validate="m:1")
    else:
        held_out["held"] = held_out["residency"]
    held_out["held"] = held_out["held"].fillna("unknown")
    parts = []
    for phase, rows in [*held_out.groupby("phase"), ("all", held_out)]:
        by_group = MetricFrame(
            metrics={"selection_rate": selection_rate, "true_positive_rate": true_positive_rate},
            y_true=rows["outcome"],
            y_pred=(rows["likelihood"] >= rows["likelihood"].median()).astype(int),
            sensitive_features=rows["held"],
        ).by_group
        gap = (rows["likelihood"] - rows["outcome"]).groupby(rows["held"]).mean()
        counts = rows.groupby("held").agg(n=("outcome", "size"), n_positive=("outcome", "sum"))
        found = by_group.assign(calibration_gap=gap).join(counts)
        parts.append(found.assign(phase=phase, group=found.index))
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("attribute", ["residency", "sex", "age_band", "first_gen"])
def test_shown_figures_are_fairlearns(sample: Warehouse, attribute: str) -> None:
    oracle = fairlearn_figures(sample, attribute).set_index(["group", "phase"])
    shown = sample.frame(
        f"select * from audit.audit_fairness where attribute = '{attribute}'"
        " and metric <> 'predictability' and value is not null"
    ).set_index(["group", "phase", "metric"])
    assert len(shown) >= 20
    for (group, phase, metric), row in shown.iterrows():
        own = oracle.loc[(group, phase)]
        if metric.endswith(("_ratio", "_gap")) and metric != "calibration_gap":
            name = metric.removesuffix("_ratio").removesuffix("_gap")
            other = oracle.loc[(row["reference_group"], phase), name]
            expected = own[name] / other if metric.endswith("_ratio") else own[name] - other
        else:
            expected = own[metric]
        assert row["value"] == pytest.approx(expected, abs=1e-8), (group, phase, metric)
        assert row["n"] == own["n_positive" if "positive" in metric else "n"]


def test_intervals_are_those_of_the_literature(sample: Warehouse) -> None:
    """Wilson of rates, Katz of their ratio, and Newcombe of their difference out of Wilson's."""
    counts = sample.frame("select * from ml.audit_group_counts where not is_suppressed")
    counts = counts.set_index(["attribute", "group_value", "phase"])
    rows = sample.frame("select * from audit.audit_fairness where low is not null")
    checked = set()
    for row in rows.itertuples():
        if row.metric == "predictability":
            continue
        own = counts.loc[(row.attribute, row.group, row.phase)]
        parts = {
            "selection_rate": ("n_selected", "n_rows"),
            "calibration_gap": ("n_positive", "n_rows"),
            "true_positive_rate": ("n_positive_selected", "n_positive"),
        }
        name = row.metric.removesuffix("_ratio")
        name = name if name in parts else name.removesuffix("_gap")
        part, whole = parts[name]
        low, high = wilson(own[part], own[whole])
        if row.metric == "calibration_gap":
            low, high = own["mean_likelihood"] - high, own["mean_likelihood"] - low
        elif row.metric != name:
            other = counts.loc[(row.attribute, row.reference_group, row.phase)]
            if row.metric == "selection_rate_ratio":
                risk = relative_risk(own[part], own[whole], other[part], other[whole])
                low, high = risk.confidence_interval()
            else:
                other_low, other_high = wilson(other[part], other[whole])
                rate, other_rate = own[part] / own[whole], other[part] / other[whole]
                low, high = (
                    rate - other_rate - np.hypot(rate - low, other_high - other_rate),
                    rate - other_rate + np.hypot(high - rate, other_rate - other_low),
                )
        assert [row.low, row.high] == pytest.approx([low, high], abs=1e-6), row
        checked.add(row.metric)
    assert len(checked) == 5


def wilson(n_positive: int, n: int) -> tuple[float, float]:
    interval = binomtest(int(n_positive), int(n)).proportion_ci(method="wilson")
    return interval.low, interval.high


def test_intervals_hold_the_figure_and_what_is_hidden_tells_nothing(sample: Warehouse) -> None:
    rows = sample.frame("select * from audit.audit_fairness")
    bounded = rows.dropna(subset=["value", "low", "high"])
    assert len(bounded) > 60
    assert bounded["low"].le(bounded["value"] + 1e-9).all()
    assert bounded["high"].ge(bounded["value"] - 1e-9).all()
    hidden = rows[rows["suppressed"]]
    assert set(hidden["group"]) >= {"other"}
    assert hidden[["value", "low", "high", "n", "told_by"]].isna().all(axis=None)
    assert not hidden["is_gap"].any()
    assert not rows["n"].between(1, MIN_CELL - 1).any()
    assert not set(rows["reference_group"].dropna()) & set(
        hidden.loc[hidden["attribute"] == "sex", "group"]
    )


def test_features_that_follow_from_age_tell_the_age_band(sample: Warehouse) -> None:
    told = sample.frame(
        "select * from audit.audit_fairness where metric = 'predictability'"
    ).set_index(["attribute", "group"])
    assert told.loc["age_band", "is_gap"].all()
    assert (told.loc["age_band", "told_by"] == "years_experience").all()
    # The sample draws sex and first_gen from nothing that a feature knows.
    for attribute in ("sex", "first_gen"):
        assert not told.loc[attribute, "is_gap"].any()
        assert told.loc[attribute, "value"].between(0.4, 0.6).all()


# --- A planted proxy ---------------------------------------------------------------------------

LIKELY = {"committed_local_pro", "home_graduate"}
CATALOG = "feature,block,source_column,kind,role,earliest_stage,label\n"
CATALOG += "club,profile,persons.x_club,number,enrollment,inquiry,Points of a club\n"
# Text of the user's that would break SQL, a template, or the word for all groups together.
ODD, VALUES = "o'hare\"; {{ drop }}", ["all", "it's {% raw %}"]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Build people whose community a feature carries, and who enroll more or less by it."""
    folder = tmp_path_factory.mktemp("proxy")
    tables = generate(folder / "input", "--persons", "1500", "--dirt", "0", "--seed", "3")
    truth = pd.read_csv(tables / "truth/persons.csv", dtype=str).set_index("person_id")
    persons = pd.read_csv(tables / "persons.csv", dtype=str)
    rng = np.random.default_rng(4)
    is_likely = persons["person_id"].map(truth["archetype"]).isin(LIKELY).to_numpy()
    is_north = np.where(rng.uniform(size=len(persons)) < 0.95, is_likely, ~is_likely)
    persons["x_club"] = np.round(is_north + rng.normal(0, 0.2, len(persons)), 3)
    village = np.where(rng.uniform(size=len(persons)) < 0.5, "upper", "lower").astype(object)
    village[rng.choice(len(persons), 30, replace=False)] = "east"
    attributes = {
        "community": np.where(is_north, "north", "south"),
        "village": village,
        "coin": rng.choice(["heads", "tails"], len(persons)),
        ODD: rng.choice(VALUES, len(persons)),
    }
    pd.concat(
        pd.DataFrame({"person_id": persons["person_id"], "attribute": name, "value": values})
        for name, values in attributes.items()
    ).to_csv(tables / "protected_attributes.csv", index=False)
    persons.to_csv(tables / "persons.csv", index=False)
    (tables / "feature_catalog.csv").write_text(CATALOG)
    return build(folder, tables, select=["+audit_fairness", "+audit_feature_register"])


@pytest.fixture(scope="module")
def found(planted: Warehouse) -> pd.DataFrame:
    return planted.frame("select * from audit.audit_fairness").set_index(KEY).sort_index()


def test_the_planted_proxy_is_found_and_named(found: pd.DataFrame) -> None:
    told = found.xs("predictability", level="metric").loc["community"]
    for group in ("north", "south"):
        row = told.loc[group].iloc[0]
        assert row["value"] > 0.9
        assert row["is_gap"]
        assert row["told_by"] == "club"


def test_who_is_in_the_planted_group_is_selected_more_often(found: pd.DataFrame) -> None:
    rows = found.loc["community"].xs("all", level="phase")
    assert set(rows["reference_group"].dropna()) == {"south"}
    ratio = rows.loc[("north", "selection_rate_ratio")]
    assert ratio["is_gap"]
    assert ratio["low"] > 1.25
    assert ratio["note"].startswith("Selected ")
    gap = rows.loc[("north", "true_positive_rate_gap")]
    assert gap["is_gap"]
    assert gap["value"] > 0.1


def test_an_attribute_that_nothing_carries_shows_no_gap(found: pd.DataFrame) -> None:
    rows = found.loc["coin"].xs("all", level="phase")
    assert set(rows.index.get_level_values("metric")) >= {"predictability", "calibration_gap"}
    assert not rows["is_gap"].any()
    assert rows.xs("predictability", level="metric")["value"].between(0.4, 0.6).all()


def test_a_rare_group_is_hidden_with_company(planted: Warehouse, found: pd.DataFrame) -> None:
    counts = planted.frame(
        f"select phase, count(distinct person_id) as n from ({HELD_OUT}) as held"
        " inner join staging.stg_protected_attributes using (person_id) where value = 'east'"
        " group by phase"
    ).set_index("phase")["n"]
    small = counts.index[counts.between(1, MIN_CELL - 1)]
    rates = found.xs("selection_rate", level="metric").loc["village"]
    assert len(small)
    for phase in small:
        assert rates.loc[("east", phase), "suppressed"]
        assert rates.xs(phase, level="phase")["suppressed"].sum() > 1


def test_names_of_attributes_and_groups_are_data(found: pd.DataFrame) -> None:
    groups = set(found.loc[ODD].index.get_level_values("group"))
    assert groups == {"all (value)", VALUES[1]}


def test_the_register_says_what_the_proxy_is_used_for(planted: Warehouse) -> None:
    register = planted.frame("select * from audit.audit_feature_register").set_index("feature")
    assert register.loc["club", "origin"] == "user"
    assert register.loc["club", "used_by"] == "admitted, applied, deposited"
    assert register.loc["gender", "not_used_because"].startswith("Protected")
    assert register.loc["gender", "protected"]
    assert not register.loc["gender", "is_used"]
    used = set(planted.column("select feature from marts.rpt_feature_selection where kept"))
    assert set(register.index[register["is_used"]]) == used
    assert register.loc[~register["is_used"], "not_used_because"].notna().all()


# --- Without attributes ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Build the audit anew without attributes, on a file with a mart where it was before."""
    folder = tmp_path_factory.mktemp("without")
    warehouse = copied_sample(folder)
    with duckdb.connect(str(warehouse.database)) as connection:
        connection.execute("delete from staging.stg_protected_attributes_reviewed")
        connection.execute("create table marts.dq_score_issues as select 'P1' as person_id")
        connection.execute("create view marts.dq_capabilities as select 1 as capability")
    names = ["audit_attribute_sample+", "audit_group_counts+", "audit_feature_register"]
    run_dbt(folder, "build", "--exclude-resource-type", "unit_test", "--select", *names)
    return warehouse


def test_without_attributes_the_audit_says_so(without: Warehouse) -> None:
    rows = without.frame("select * from audit.audit_fairness")
    said = rows[rows["metric"] == "not_audited"]
    assert said[["attribute", "note"]].to_numpy().tolist() == [
        [
            "protected_attributes",
            "The input has no protected attributes: only residency is audited.",
        ]
    ]
    assert set(rows["attribute"]) == {"protected_attributes", "residency"}
    register = without.frame("select * from audit.audit_feature_register where protected")
    assert not register["is_used"].any()
    assert register["not_used_because"].str.contains("the input lacks it").all()


def test_a_mart_that_moved_is_not_left_where_it_was(without: Warehouse) -> None:
    """It would keep what it holds of people who are erased by now."""
    schemas = without.column(
        "select distinct table_schema from information_schema.tables"
        " where starts_with(table_name, 'dq_')"
    )
    assert schemas == ["data_quality"]
    assert without.column("select count(*) from data_quality.dq_score_issues")[0] > 100
