"""The production models on applicants whose true probability is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from planted import FEATURES, RECIPE, days_of, first_runs, frame, planted, reader, targeted
from sklearn.metrics import roc_auc_score

from applicant_personas import enrollment, likelihood
from applicant_personas.enrollment import (
    ENROLLMENT_FIELDS,
    GROUPED,
    N_FOLDS,
    WITHIN_CYCLE,
    fit_enrollment,
    most_telling_day,
)
from applicant_personas.likelihood import model_from_rows
from applicant_personas.predictions import FOREST, LIKELIHOOD, PERSONA_RATE, STAGE_RATE
from applicant_personas.scoring import MODEL_RECORDS

PHASE = "admitted"
NEAR, FAR, BETWEEN = 60, 240, 90
FITTED = {"node", "encoding", "knot", "coefficient", "weight"}


@pytest.fixture(scope="module")
def closed():
    made = planted(n=2_400, seed=3)
    return made.rows.assign(oracle=made.probability)[~made.rows["is_open"]]


@pytest.fixture(scope="module")
def season(closed):
    """Give the days of two open terms, and one for which no likelihoods are made."""
    far = closed.assign(days_to_census=FAR, intent=np.nan)
    between = closed.assign(days_to_census=BETWEEN, is_enrollment_day=False)
    return pd.concat([closed, far, between], ignore_index=True)


def run(rows, *, recipe=RECIPE, phases=(PHASE,), features=None):
    return fit_enrollment(
        reader(rows),
        days_of(rows),
        targeted(PHASE) if features is None else features,
        first_runs("enrollment", *phases),
        recipe,
        phases,
    ).read_all()


@pytest.fixture(scope="module")
def table(season):
    return run(season)


@pytest.fixture(scope="module")
def fitted(table):
    return frame(table)


@pytest.fixture
def light(monkeypatch):
    """Leave importance out, which has tests of its own."""
    monkeypatch.setattr(enrollment, "_importance_parts", lambda folds, recipe: iter(()))


def record(found, name):
    return found[found["record"] == name].reset_index(drop=True)


def test_the_table_is_fixed_and_every_row_knows_its_run(table, fitted):
    assert table.schema == pa.schema(list(ENROLLMENT_FIELDS.items()))
    assert fitted["run_id"].nunique() == 1
    assert fitted["run_id"].iloc[0].startswith("enrollment-admitted-")
    assert set(fitted["phase"]) == {PHASE}


def test_each_open_terms_day_has_a_model_and_only_the_nearest_is_explained(fitted):
    for name in (*MODEL_RECORDS, "prediction", "run", "status"):
        assert set(record(fitted, name)["days_to_census"]) == {NEAR, FAR}, name
    assert set(record(fitted, "importance")["days_to_census"]) == {NEAR}
    facts = record(fitted, "provenance").set_index("item")["text"]
    assert facts["day"] == str(NEAR)
    assert facts["kind"] == "enrollment-admitted"
    assert facts["refit_reason"] == "no model was stored"
    assert facts["as_of"] == "2026-01-01"


def test_the_production_model_learns_from_all_that_is_closed(closed, fitted):
    near = fitted[fitted["days_to_census"] == NEAR]
    facts = record(near, "run").set_index("metric")
    assert facts.loc["n_rows", "value"] == len(closed)
    assert facts.loc["n_positive", "value"] == closed["outcome"].sum()
    assert facts.loc["n_trees", "value"] == RECIPE.n_trees
    assert facts.loc["n_features", "value"] == len(FEATURES) + 1
    assert facts.loc[["training_from", "training_to"], "text"].tolist() == [
        "2022 Fall",
        "2024 Fall",
    ]
    auc = facts.loc["out_of_bag_auc"]
    assert auc["low"] < auc["value"] < auc["high"]
    assert auc["value"] == pytest.approx(
        roc_auc_score(closed["outcome"], closed["oracle"]), abs=0.05
    )
    assert record(near, "status")[["item", "text"]].to_numpy().tolist() == [
        ["fitted", "Learned from all closed cycles, 2022 Fall to 2024 Fall."]
    ]
    model = model_from_rows(near[near["record"].isin(MODEL_RECORDS)])
    assert len(model.learned.forest.trees) == RECIPE.n_trees
    assert "intent" in model.learned.encoding.columns
    far = fitted[(fitted["days_to_census"] == FAR) & fitted["record"].isin(MODEL_RECORDS)]
    assert "intent" not in model_from_rows(far).learned.encoding.columns


def test_closed_rows_are_scored_by_models_of_other_persons(closed, fitted):
    found = record(fitted, "prediction")
    assert set(found["score_kind"]) == {"out_of_fold"}
    assert set(found["test_cycle"]) == {GROUPED}
    truth = closed[["application_code", "oracle"]]
    for _, rows in found.groupby("days_to_census"):
        merged = rows.merge(truth, on="application_code", validate="1:1")
        assert len(merged) == len(closed)
        oracle = roc_auc_score(merged["outcome"], merged["oracle"])
        assert oracle - 0.06 < roc_auc_score(merged["outcome"], merged[LIKELIHOOD]) < oracle
        assert merged["n_training"].between(0.7 * len(closed), 0.9 * len(closed)).all()
    assert found[[LIKELIHOOD, FOREST, PERSONA_RATE, STAGE_RATE]].notna().all(axis=None)
    np.testing.assert_allclose(found[STAGE_RATE], closed["outcome"].mean(), atol=0.03)
    assert found[STAGE_RATE].nunique() == N_FOLDS


def test_a_persons_applications_are_held_out_together(closed, light, monkeypatch):
    persons = closed["person_code"].to_numpy().copy()
    persons[1_000:] = persons[: len(persons) - 1_000]
    rows = closed.assign(person_code=persons)
    seen = []

    def spy(data, recipe, fit=enrollment.fit_likelihood):
        seen.append(data.person)
        return fit(data, recipe)

    monkeypatch.setattr(enrollment, "fit_likelihood", spy)
    run(rows)
    production, *folds = seen
    assert len(production) == len(rows)
    assert len(folds) == N_FOLDS
    for taught in folds:
        assert np.isin(persons, taught).sum() == len(taught)
    held_out = [set(persons) - set(taught) for taught in folds]
    assert sum(map(len, held_out)) == len(set(persons)) == len(set.union(*held_out))


def test_held_out_scores_are_honest_about_coins(closed, light):
    coin = np.random.default_rng(1).integers(0, 2, len(closed)).astype(float)
    program = [f"u{number % 100}" for number in range(len(closed))]
    found = record(frame(run(closed.assign(outcome=coin, program=program))), "prediction")
    assert roc_auc_score(found["outcome"], found[LIKELIHOOD]) == pytest.approx(0.5, abs=0.06)


def test_order_of_rows_and_days_and_threads_change_nothing(season, fitted):
    again = frame(
        fit_enrollment(
            reader(season.sample(frac=1, random_state=1)),
            days_of(season).iloc[::-1],
            targeted(PHASE),
            first_runs("enrollment", PHASE),
            replace(RECIPE, n_jobs=2),
            [PHASE],
        ).read_all()
    )
    is_time = fitted["item"] == "fitted_at"
    assert is_time.sum() == 1
    pd.testing.assert_frame_equal(fitted[~is_time], again[~is_time])


def test_folds_spend_less_where_rows_abound(closed, light, monkeypatch):
    spent = []

    def spy(data, recipe, fit=enrollment.fit_likelihood):
        spent.append(recipe.max_rows)
        return fit(data, recipe)

    monkeypatch.setattr(enrollment, "fit_likelihood", spy)
    monkeypatch.setattr(likelihood, "LIGHT_FROM", len(closed))
    monkeypatch.setattr(enrollment, "MANY_ROWS", len(closed))
    monkeypatch.setattr(likelihood, "LIGHT_ROWS", 700)
    run(closed)
    assert spent == [RECIPE.max_rows, *N_FOLDS * [700]]


def test_one_closed_cycle_says_that_it_is_optimistic(closed, light):
    found = frame(run(closed[closed["entry_term"] == "2023 Fall"]))
    assert set(record(found, "prediction")["test_cycle"]) == {WITHIN_CYCLE}
    assert "optimistic" in record(found, "status")["text"].iloc[0]


def test_without_time_it_still_learns(closed, light):
    undated = closed.assign(
        term_order=np.nan, entry_term=None, previous_entry_term=None, days_to_census=np.nan
    )
    found = frame(run(undated))
    assert set(found["record"]) > FITTED
    assert set(record(found, "prediction")["test_cycle"]) == {WITHIN_CYCLE}
    assert found["days_to_census"].isna().all()
    facts = record(found, "run").set_index("metric")["text"]
    assert facts[["training_from", "training_to"]].isna().all()


def test_too_few_outcomes_are_a_sentence_and_rates(closed):
    rows = closed.assign(outcome=0.0)
    rows.iloc[:19, rows.columns.get_loc("outcome")] = 1.0
    found = frame(run(rows))
    assert record(found, "status")["item"].tolist() == ["rate_only"]
    assert (
        record(found, "status")["text"]
        .iloc[0]
        .startswith(
            f"No model, rates only: closed cycles hold 19 applications with the outcome and "
            f"{len(rows) - 19} without it"
        )
    )
    assert not FITTED & set(found["record"])
    untold = record(found, "importance").query("metric == 'permutation'")
    assert set(untold["scope"]) == {"global"}
    assert untold["value"].isna().all()
    held_out = record(found, "prediction")
    assert len(held_out) == len(rows)
    assert held_out[LIKELIHOOD].mean() == pytest.approx(19 / len(rows), abs=0.005)
    assert held_out[FOREST].isna().all()
    rates = record(found, "rate")
    assert rates["level"].isna().sum() == 1
    assert rates["n"].max() == len(rows)


@pytest.mark.filterwarnings("error")
def test_importance_needs_enough_of_either_outcome(closed, monkeypatch):
    rows = closed.sort_values("row_code").assign(outcome=0.0)
    rows.iloc[-30:, rows.columns.get_loc("outcome")] = 1.0
    explained = frame(run(rows))
    monkeypatch.setattr(enrollment, "IMPORTANCE_ROWS", 500)
    found = frame(run(rows))
    assert record(explained, "status")["item"].tolist() == ["fitted"]
    permuted = record(explained, "importance").query("metric == 'permutation'")
    assert permuted.loc[permuted["scope"] == "global", "value"].notna().all()
    assert set(permuted["scope"]) == {"global", *closed["persona_key"]}
    untold = record(found, "importance").query("metric == 'permutation'")
    assert set(untold["scope"]) == {"global"}
    assert untold["value"].isna().all()
    pd.testing.assert_frame_equal(record(found, "prediction"), record(explained, "prediction"))


def test_a_phase_where_nobody_stood_is_a_sentence(closed):
    found = frame(run(closed.iloc[:0]))
    assert set(found["record"]) == {"status", "provenance"}
    assert record(found, "status")["text"].iloc[0].startswith("No model, personas only: no closed")
    open_only = frame(run(closed.assign(outcome=np.nan)))
    assert set(open_only["record"]) == {"status", "provenance"}


def test_phases_are_fitted_one_by_one_and_know_their_run(closed, light):
    two = pd.concat([closed, closed.iloc[:900].assign(phase="deposited", gpa=3.0)])
    phases = (PHASE, "deposited", "visa")
    found = frame(run(two, phases=phases, features=targeted(*phases)))
    ids = found.groupby("phase")["run_id"].unique()
    assert {phase: len(own) for phase, own in ids.items()} == dict.fromkeys(phases, 1)
    assert all(own[0].startswith(f"enrollment-{phase}-") for phase, own in ids.items())
    status = record(found, "status").set_index("phase")["item"]
    assert status.to_dict() == {PHASE: "fitted", "deposited": "fitted", "visa": "not_fitted"}
    alone = frame(run(closed))
    first = found[found["phase"] == PHASE].reset_index(drop=True)
    is_time = alone["item"] == "fitted_at"
    pd.testing.assert_frame_equal(first[~is_time], alone[~is_time])


def test_few_persons_leave_folds_out(closed):
    same = frame(run(closed.iloc[:200].assign(person_code=7)))
    assert not len(record(same, "prediction"))
    assert "encoding" in set(same["record"])


def test_faulty_input_is_refused_in_a_sentence(closed):
    with pytest.raises(ValueError, match=r"^The rows at risk need the column\(s\) gpa\.$"):
        run(closed.drop(columns="gpa"))
    with pytest.raises(ValueError, match=r"^Column english holds text where numbers are expected"):
        run(closed.assign(english="B2"))
    with pytest.raises(ValueError, match=r"^The rows at risk hold the same application more than"):
        run(pd.concat([closed, closed.iloc[:1]]))


def test_importance_is_measured_on_the_day_that_tells_most():
    days = [150.0, 118.0, 30.0]
    season = pd.DataFrame({"days_to_census": days, "n": [1_000, 900, 1_200]})
    season["n_positive"] = [240, 200, 1_190]
    assert most_telling_day(season) == 150
    assert most_telling_day(season.assign(days_to_census=np.nan)) is None
    assert most_telling_day(season.iloc[:0]) is None
