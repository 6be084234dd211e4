"""The back-test on applicants whose true probability is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from planted import FEATURES, RECIPE, days_of, first_runs, frame, planted, reader, targeted
from sklearn.metrics import roc_auc_score

from applicant_personas.backtest import (
    BACKTEST_FIELDS,
    back_test,
    ordered_days,
    settings_of,
    training_day,
)
from applicant_personas.predictions import BOOSTING, LIKELIHOOD, MODELS

EARLY, TODAY = 90, 60
PHASE = "admitted"


@pytest.fixture(scope="module")
def applicants():
    """Draw closed cycles on two days; nobody's intent is known on the early one."""
    made = planted(n=3_200, n_terms=5, seed=3)
    rows = made.rows.assign(oracle=made.probability)[~made.rows["is_open"]]
    early = rows.assign(days_to_census=EARLY, is_enrollment_day=False, intent=np.nan)
    return pd.concat([rows.assign(days_to_census=TODAY), early], ignore_index=True)


def run(rows, *, recipe=RECIPE, phases=(PHASE,), read=None):
    return back_test(
        read or reader(rows),
        days_of(rows),
        targeted(PHASE),
        first_runs("backtest", *phases),
        recipe,
        phases,
    ).read_all()


@pytest.fixture(scope="module")
def tested(applicants):
    return run(applicants)


def predictions(table):
    found = frame(table)
    return found[found["record"] == "prediction"].reset_index(drop=True)


def told(table, *records):
    found = frame(table)
    return found[found["record"].isin(records)]


def test_each_closed_cycle_after_the_first_is_predicted_on_each_day(applicants, tested):
    assert tested.schema == pa.schema(list(BACKTEST_FIELDS.items()))
    found = predictions(tested)
    keys = ["days_to_census", "application_code"]
    assert not found.duplicated(keys).any()
    merged = found.merge(applicants[[*keys, "oracle", "term_order"]], on=keys, validate="1:1")
    assert (merged["entry_term"] == merged["test_cycle"]).all()
    sizes = found.groupby(["days_to_census", "test_cycle"]).size()
    expected = applicants.groupby(["days_to_census", "entry_term"]).size()
    assert sizes.to_dict() == expected.drop("2022 Fall", level="entry_term").to_dict()
    closed = applicants[applicants["days_to_census"] == TODAY]
    before = merged["term_order"].map(lambda term: (closed["term_order"] < term).sum())
    assert (merged["n_training"] == before).all()
    assert set(merged["score_kind"]) == {"out_of_sample"}
    for key, rows in merged.groupby(["days_to_census", "test_cycle"]):
        oracle = roc_auc_score(rows["outcome"], rows["oracle"])
        assert roc_auc_score(rows["outcome"], rows[LIKELIHOOD]) > oracle - 0.07, key
        assert rows[LIKELIHOOD].mean() == pytest.approx(rows["outcome"].mean(), abs=0.06)


def test_every_baseline_predicts_the_same_rows(tested):
    found = predictions(tested)
    today = found["days_to_census"] == TODAY
    assert found.loc[today, list(MODELS)].notna().all(axis=None)
    others = [name for name in MODELS if name != BOOSTING]
    assert found.loc[~today, others].notna().all(axis=None)
    assert found.loc[~today, BOOSTING].isna().all()
    known = found[list(MODELS)].to_numpy()
    assert known[np.isfinite(known)].min() > 0
    assert known[np.isfinite(known)].max() < 1


def test_a_cycle_learns_from_earlier_cycles_on_the_same_day_only(applicants, tested):
    turned = applicants.copy()
    later = turned["entry_term"] >= "2024 Fall"
    other_day = turned["days_to_census"] == EARLY
    turned.loc[later | other_day, "outcome"] = 1 - turned["outcome"]
    again, before = predictions(run(turned)), predictions(tested)
    same = (before["days_to_census"] == TODAY) & (before["test_cycle"] <= "2024 Fall")
    pd.testing.assert_frame_equal(before.loc[same, list(MODELS)], again.loc[same, list(MODELS)])
    assert (before[LIKELIHOOD] != again[LIKELIHOOD])[~same].mean() > 0.9


def test_a_cycle_that_adds_next_to_nothing_is_learned_with_the_one_after_it():
    rows = planted(n=3_600, n_terms=6, seed=3).rows
    closed = rows[~rows["is_open"]].assign(days_to_census=TODAY)
    cycles = sorted(closed["entry_term"].unique())
    small = closed[closed["entry_term"] == cycles[2]].index[20:]
    found = predictions(run(closed.drop(small)))
    sizes = closed.drop(small).groupby("entry_term").size()
    n_training = found.groupby("test_cycle")["n_training"].unique()
    assert list(n_training[cycles[2]]) == [sizes[cycles[:2]].sum()]
    # The twenty of the small cycle are no reason to learn anew; they count with those that follow.
    assert list(n_training[cycles[3]]) == [sizes[cycles[:2]].sum()]
    assert list(n_training[cycles[4]]) == [sizes[cycles[:4]].sum()]
    # The cycle before is another one all the same.
    rates = found.groupby("test_cycle")["previous_cycle_rate"].mean()
    assert rates[cycles[3]] != rates[cycles[2]]


def test_what_is_open_teaches_and_tests_nothing(applicants, tested):
    made = planted(n=3_200, n_terms=5, seed=3).rows
    still_open = made[made["is_open"]].assign(days_to_census=TODAY, gpa=1e6)
    # In a closed cycle too: deferred, or nobody knows.
    unknown = applicants.iloc[:50].assign(
        row_code=range(50), application_code=range(50), outcome=np.nan, gpa=1e6
    )
    again = run(pd.concat([applicants, still_open, unknown], ignore_index=True))
    columns = ["application_code", *MODELS]
    pd.testing.assert_frame_equal(predictions(again)[columns], predictions(tested)[columns])


def test_order_of_rows_and_days_and_threads_change_nothing(applicants, tested):
    shuffled = applicants.sample(frac=1, random_state=1)
    again = frame(run(shuffled, recipe=replace(RECIPE, n_jobs=2)))
    before = frame(tested)
    is_time = before["item"] == "fitted_at"
    pd.testing.assert_frame_equal(before[~is_time], again[~is_time])
    assert is_time.sum() == 1


def test_what_was_tested_is_a_sentence(applicants, tested):
    assert list(told(tested, "run", "status")["text"]) == [
        "2022 Fall",
        "2024 Fall",
        "Tested on 2023 Fall, 2024 Fall, 2025 Fall at 90, 60 days to census, each by models of the "
        "cycles before it.",
    ]


def test_without_dates_there_is_one_day_and_none_is_named(applicants, tested):
    undated = applicants[applicants["days_to_census"] == TODAY].assign(days_to_census=np.nan)
    table = run(undated)
    sentence = told(table, "status")["text"].iloc[0]
    assert sentence.startswith("Tested on 2023 Fall, 2024 Fall, 2025 Fall, each by models")
    found, expected = predictions(table), predictions(tested)
    assert found["days_to_census"].isna().all()
    today = expected[expected["days_to_census"] == TODAY].reset_index(drop=True)
    pd.testing.assert_frame_equal(found[list(MODELS)], today[list(MODELS)])


def test_rows_without_a_place_in_time_teach_and_test_nothing(applicants, tested):
    stray = applicants.iloc[:50].assign(
        row_code=range(50), application_code=range(50), term_order=np.nan, outcome=1.0
    )
    again = predictions(run(pd.concat([applicants, stray], ignore_index=True)))
    pd.testing.assert_frame_equal(again[list(MODELS)], predictions(tested)[list(MODELS)])


@pytest.mark.parametrize("n_rows", [0, 1])
def test_one_closed_cycle_or_none_is_a_sentence_and_no_test(applicants, n_rows):
    one = applicants[applicants["entry_term"] == "2022 Fall"]
    table = run(one.iloc[: n_rows * len(one)])
    assert table.schema == pa.schema(list(BACKTEST_FIELDS.items()))
    assert not len(predictions(table))
    assert list(told(table, "run", "status")["text"]) == [
        "No back-test: no closed cycle has closed cycles before it to learn from."
    ]
    assert set(told(table, "status")["item"]) == {"not_fitted"}


def test_a_cycle_that_cannot_tell_is_tested_and_taught_from(applicants):
    rows = applicants[applicants["days_to_census"] == TODAY].copy()
    rows.loc[rows["entry_term"] <= "2023 Fall", "outcome"] = 0
    found = predictions(run(rows)).groupby("test_cycle")
    assert set(found.groups) == {"2023 Fall", "2024 Fall", "2025 Fall"}
    # Nobody had enrolled before: no more than a rate, and a low one.
    assert found[LIKELIHOOD].max()["2024 Fall"] < 0.01
    assert found["random_forest"].count()["2024 Fall"] == 0
    assert found["random_forest"].count()["2025 Fall"] > 0


def test_phases_are_tested_one_by_one_and_know_their_run(applicants):
    few = applicants[applicants["days_to_census"] == TODAY]
    table = run(few, phases=(PHASE, "deposited"))
    status = told(table, "status").set_index("phase")["item"]
    assert status.to_dict() == {PHASE: "fitted", "deposited": "not_fitted"}
    runs = frame(table).groupby("phase")["run_id"].unique()
    assert {phase: len(ids) for phase, ids in runs.items()} == {PHASE: 1, "deposited": 1}
    assert runs[PHASE][0].startswith("backtest-admitted-")


def test_only_what_a_day_needs_is_read(applicants):
    asked = []

    def read(phase, day):
        asked.append((phase, day))
        return reader(applicants)(phase, day)

    run(applicants, read=read)
    assert asked == [(PHASE, EARLY), (PHASE, TODAY)]


def test_days_are_in_order_of_the_season():
    days = [30.0, np.nan, 118.0, -5.0, 30.0]
    own = [False, False, True, False, True]
    season = pd.DataFrame({"days_to_census": days, "is_training_day": own})
    assert ordered_days(season) == [118, 30, -5, None]
    assert training_day(season) == 30
    assert training_day(season[~season["is_training_day"]]) is None
    undated = season[season["days_to_census"].isna()].assign(is_training_day=True)
    assert ordered_days(undated) == [None]
    assert training_day(undated) is None


def test_settings_are_all_that_a_fit_is_made_from_but_threads():
    features = targeted(PHASE)
    settings = settings_of(features, RECIPE)
    assert settings == settings_of(features.sample(frac=1, random_state=1), RECIPE)
    assert settings == settings_of(features, replace(RECIPE, n_jobs=9))
    for recipe in (
        replace(RECIPE, seed=6),
        replace(RECIPE, n_trees=9),
        replace(RECIPE, max_rows=9),
    ):
        assert settings != settings_of(features, recipe)
    for column in ("kind", "transform", "feature", "block"):
        assert settings != settings_of(features.assign(**{column: "other"}), RECIPE)
    assert len(settings["features"]) == len(FEATURES)


def test_faulty_input_is_refused_in_a_sentence(applicants):
    with pytest.raises(ValueError, match=r"^The rows at risk need the column\(s\) gpa\.$"):
        run(applicants, read=lambda *key: reader(applicants)(*key).drop_columns(["gpa"]))
    with pytest.raises(ValueError, match=r"^The rows at risk hold the same application more than"):
        run(pd.concat([applicants, applicants.iloc[:1]]))
