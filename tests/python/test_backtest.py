"""The back-test on applicants whose true probability is known."""

import numpy as np
import pandas as pd
import pytest
from applicant_personas.phases import back_test_phases
from planted import FEATURES, planted
from sklearn.metrics import roc_auc_score

from applicant_personas.backtest import BACKTEST_TYPES, back_test

SMALL = {"phase": "yield", "seed": 5, "n_trees": 40}
EARLY, TODAY = 90, 60


@pytest.fixture(scope="module")
def applicants():
    """Draw closed cycles on two days; nobody's intent is known on the early one."""
    made = planted(n=3_200, n_terms=5, seed=3)
    rows = made.rows.assign(oracle=made.probability)[~made.rows["is_open"]]
    today = rows.assign(days_to_census=TODAY, is_enrollment_day=True)
    early = rows.assign(days_to_census=EARLY, is_enrollment_day=False, intent=np.nan)
    return pd.concat([today, early], ignore_index=True)


@pytest.fixture(scope="module")
def tested(applicants):
    return back_test(applicants, FEATURES, **SMALL)


def predictions(found):
    return found[found["record"] == "prediction"].reset_index(drop=True)


def test_each_cycle_after_the_first_is_predicted_on_each_day(applicants, tested):
    assert dict(tested.dtypes.astype(str)) == BACKTEST_TYPES
    keys = ["application_id", "days_to_census"]
    found = predictions(tested).merge(
        applicants[[*keys, "entry_term", "outcome", "oracle"]], on=keys, validate="many_to_one"
    )
    assert (found["entry_term"] == found["test_cycle"]).all()
    assert not found.duplicated([*keys, "model"]).any()
    sizes = found.groupby(["days_to_census", "test_cycle"])["application_id"].nunique()
    expected = applicants.groupby(["days_to_census", "entry_term"]).size()
    assert sizes.to_dict() == expected.drop("2022 Fall", level="entry_term").to_dict()
    for (_, _, model), rows in found.groupby(["days_to_census", "test_cycle", "model"]):
        oracle = roc_auc_score(rows["outcome"], rows["oracle"])
        assert roc_auc_score(rows["outcome"], rows["value"]) > oracle - 0.07, model
        assert rows["value"].mean() == pytest.approx(rows["outcome"].mean(), abs=0.06)


def test_a_cycle_learns_from_earlier_cycles_on_the_same_day_only(applicants, tested):
    turned = applicants.copy()
    later = turned["entry_term"] >= "2024 Fall"
    other_day = turned["days_to_census"] == EARLY
    turned.loc[later | other_day, "outcome"] = 1 - turned["outcome"]
    again = predictions(back_test(turned, FEATURES, **SMALL))
    before = predictions(tested)
    same = (before["days_to_census"] == TODAY) & (before["test_cycle"] <= "2024 Fall")
    pd.testing.assert_frame_equal(before[same], again[same])
    assert (before["value"] != again["value"])[~same].mean() > 0.9


def test_reasons_are_of_the_enrollment_day(applicants, tested):
    reasons = tested[tested["record"] == "reason"]
    assert set(reasons["days_to_census"]) == {TODAY}
    predicted = predictions(tested).query(f"days_to_census == {TODAY}")
    assert set(reasons["application_id"]) == set(predicted["application_id"])


def test_order_of_rows_and_threads_change_nothing(applicants, tested):
    shuffled = applicants.sample(frac=1, random_state=1)
    again = back_test(shuffled, FEATURES, n_jobs=2, **SMALL)
    pd.testing.assert_frame_equal(tested, again)


def test_what_was_tested_is_a_sentence(applicants, tested):
    facts = tested[tested["record"].isin(["run", "status"])]
    assert list(facts["text"]) == [
        "2022 Fall",
        "2024 Fall",
        "Tested on 2023 Fall, 2024 Fall, 2025 Fall at 90, 60 days to census, each by models of the "
        "cycles before it.",
    ]
    undated = applicants[applicants["days_to_census"] == TODAY].assign(days_to_census=np.nan)
    found = back_test(undated, FEATURES, **SMALL)
    assert found["text"].iloc[-1].startswith("Tested on 2023 Fall, 2024 Fall, 2025 Fall, each")
    expected = predictions(tested).query(f"days_to_census == {TODAY}")
    pd.testing.assert_series_equal(
        predictions(found)["value"], expected["value"].reset_index(drop=True)
    )


@pytest.mark.parametrize("n_rows", [0, 1])
def test_one_closed_cycle_or_none_is_a_sentence_and_no_test(applicants, n_rows):
    one = applicants[applicants["entry_term"] == "2022 Fall"]
    found = back_test(one.iloc[: n_rows * len(one)], FEATURES, **SMALL)
    assert dict(found.dtypes.astype(str)) == BACKTEST_TYPES
    assert list(found["record"]) == ["status"]
    assert found["text"].iloc[0].startswith("No back-test: no closed cycle")


def test_a_cycle_that_cannot_tell_is_not_tested_but_taught_from(applicants):
    rows = applicants[applicants["days_to_census"] == TODAY].copy()
    rows.loc[rows["entry_term"] == "2024 Fall", "outcome"] = 0
    found = back_test(rows, FEATURES, **SMALL)
    assert set(predictions(found)["test_cycle"]) == {"2023 Fall", "2025 Fall"}
    assert list(found.query("record == 'run'")["text"]) == ["2022 Fall", "2024 Fall"]


def test_phases_are_tested_one_by_one_and_know_their_run(applicants):
    features = FEATURES.assign(target="yield")
    found = back_test_phases(applicants, features, phases=["yield", "visa"], seed=1, max_rows=500)
    assert list(found.columns) == ["run_id", *BACKTEST_TYPES]
    status = found[found["record"] == "status"].set_index("phase")["item"]
    assert status.to_dict() == {"yield": "fitted", "visa": "not_fitted"}
    assert found["run_id"].str.split("-").str[:2].str.join("-").unique().tolist() == [
        "backtest-yield",
        "backtest-visa",
    ]


def test_faulty_input_is_refused_in_a_sentence(applicants):
    with pytest.raises(ValueError, match=r"back-test rows need the column\(s\) days_to_census\."):
        back_test(applicants.drop(columns="days_to_census"), FEATURES, **SMALL)
    twice = pd.concat([applicants, applicants.iloc[:1]])
    with pytest.raises(ValueError, match="same application in more than one row"):
        back_test(twice, FEATURES, **SMALL)
