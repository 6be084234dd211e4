"""What a likelihood has to beat is computed as anyone would."""

import numpy as np
import pytest
from planted import FEATURES, RECIPE, at_risk, planted
from sklearn.metrics import roc_auc_score

from applicant_personas.baselines import fit_boosting, previous_cycle_rate
from applicant_personas.likelihood import FULL_TRUST_ROWS, fit_likelihood

SPRING = {"2022 Fall": "2022 Fall", "2023 Fall": "2023 Spring", "2024 Fall": "2023 Fall"}


@pytest.fixture(scope="module")
def rows():
    """Give three closed cycles; who enrolls depends on the program and the cycle."""
    rows = planted(n=2_400, seed=3).rows
    rng = np.random.default_rng(4)
    chance = rows["program"].map({"mba": 0.8, "cs": 0.5, "ee": 0.2}) - 0.05 * rows["term_order"]
    outcome = (rng.random(len(rows)) < chance).astype(float)
    return rows.assign(outcome=outcome)[~rows["is_open"]]


def parts(rows, cycle):
    """Part rows of one table as the back-test does; also give the rows of the cycle."""
    data = at_risk(rows)
    number = data.terms.index(cycle)
    test = rows[rows["entry_term"] == cycle].sort_values("row_code")
    return data.take(data.term < number), data.take(data.term == number), test


def expected_rates(last, test):
    overall = (last["outcome"].sum() + 0.5) / (len(last) + 1)
    groups = last.groupby(["program", "residency"])["outcome"].agg(["sum", "count"])
    rate = (groups["sum"] + FULL_TRUST_ROWS * overall) / (groups["count"] + FULL_TRUST_ROWS)
    keys = zip(test["program"], test["residency"], strict=True)
    return [rate.get(key, overall) for key in keys]


def test_the_previous_cycles_rate_is_that_of_program_and_residency(rows):
    train, new, test = parts(rows, "2024 Fall")
    last = rows[rows["entry_term"] == "2023 Fall"]
    np.testing.assert_allclose(previous_cycle_rate(train, new), expected_rates(last, test))


def test_the_previous_cycle_is_of_the_same_intake_first(rows):
    intakes = rows.assign(
        entry_term=rows["entry_term"].map(SPRING),
        previous_entry_term=np.where(rows["term_order"] == 2, "2022 Fall", None),
    )
    train, new, test = parts(intakes, "2023 Fall")
    fall = intakes[intakes["entry_term"] == "2022 Fall"]
    np.testing.assert_allclose(previous_cycle_rate(train, new), expected_rates(fall, test))
    spring = intakes[intakes["entry_term"] == "2023 Spring"]
    for absent in (None, "2019 Fall"):
        train, new, test = parts(intakes.assign(previous_entry_term=absent), "2023 Fall")
        np.testing.assert_allclose(previous_cycle_rate(train, new), expected_rates(spring, test))


def test_groups_of_few_rows_or_none_lean_on_the_rate_of_everyone(rows):
    few = rows.sort_values(["entry_term", "row_code"], ignore_index=True)
    last, test = (few.index[few["entry_term"] == cycle] for cycle in ("2023 Fall", "2024 Fall"))
    few.loc[last[:2], ["program", "residency", "outcome"]] = ["tiny", "domestic", 1.0]
    few.loc[test[:3], "program"] = ["tiny", "new", None]
    few.loc[test[:3], "residency"] = "domestic"
    train, new, _ = parts(few, "2024 Fall")
    overall = (few.loc[last, "outcome"].sum() + 0.5) / (len(last) + 1)
    of_tiny = (2 + FULL_TRUST_ROWS * overall) / (2 + FULL_TRUST_ROWS)
    np.testing.assert_allclose(previous_cycle_rate(train, new)[:3], [of_tiny, overall, overall])


def test_without_time_all_training_rows_serve(rows):
    undated = rows.assign(term_order=np.nan, previous_entry_term=None)
    data, ordered = at_risk(undated), undated.sort_values("row_code")
    found = previous_cycle_rate(data.take(np.arange(500)), data.take(np.arange(500, 600)))
    np.testing.assert_allclose(found, expected_rates(ordered.iloc[:500], ordered.iloc[500:600]))


def test_boosting_challenges_where_there_are_features(rows):
    train, new, _ = parts(rows, "2024 Fall")
    model = fit_likelihood(train, RECIPE).model
    found, again = (fit_boosting(model, train, seed=1)(new) for _ in range(2))
    assert roc_auc_score(new.outcome, found) > 0.65
    assert found.tobytes() == again.tobytes()


def test_without_features_there_is_no_boosting(rows):
    flat = rows.assign(persona_key=None, gpa=1.0)
    data = at_risk(flat, FEATURES[FEATURES["feature"] == "gpa"])
    train = data.take(data.term < 2)
    assert fit_boosting(fit_likelihood(train, RECIPE).model, train, seed=1) is None
