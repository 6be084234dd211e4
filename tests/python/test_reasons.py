"""Reasons add up to the likelihood's log-odds and name what was planted."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from planted import FEATURES, RECIPE, at_risk, frame, planted

from applicant_personas.at_risk import PERSONA
from applicant_personas.backtest import BACKTEST_FIELDS
from applicant_personas.blend import MAX_LOG_ODDS, log_odds
from applicant_personas.likelihood import ESTIMATES, estimates, fit_likelihood
from applicant_personas.predictions import LIKELIHOOD, stacked
from applicant_personas.reasons import LEAST, N_REASONS, explained, reason_parts


@pytest.fixture(scope="module")
def made():
    return planted(n=3_000, seed=3)


@pytest.fixture(scope="module")
def model(made):
    closed = made.rows[~made.rows["is_open"]]
    return fit_likelihood(at_risk(closed), RECIPE).model


@pytest.fixture(scope="module")
def undecided(made):
    return made.rows[made.rows["is_open"]].sort_values("row_code", ignore_index=True)


@pytest.fixture(scope="module")
def found(model, undecided):
    return explained(model, at_risk(undecided))[1]


@pytest.fixture(scope="module")
def reasons(found, undecided):
    return frame(stacked(reason_parts(found, at_risk(undecided)), BACKTEST_FIELDS).read_all())


def blended(model, data):
    """Blend the estimates before calibration."""
    x = model.learned.encoding.matrix(data)
    forest, logistic = model.learned.forest.probability(x), model.learned.logistic.log_odds(x)
    return estimates(forest, logistic, model.rates.of(data.persona)) @ model.learned.weights


def of(found, feature):
    return found.credit[:, found.features.index(feature)]


def test_what_is_explained_is_what_is_predicted(model, undecided):
    data = at_risk(undecided)
    predicted, _ = explained(model, data)
    expected = model.predict(data, 2)
    assert set(predicted) == set(expected)
    for name, values in expected.items():
        assert predicted[name].tobytes() == values.tobytes(), name


def test_contributions_and_the_base_add_up_to_the_blend(model, found, undecided):
    assert found.features == tuple(sorted([*FEATURES["feature"], PERSONA]))
    assert found.credit.shape == (len(undecided), len(found.features))
    total = found.credit.sum(axis=1) + found.base
    np.testing.assert_allclose(total, blended(model, at_risk(undecided)), rtol=0, atol=1e-6)
    order = np.argsort(model.predict(at_risk(undecided))[LIKELIHOOD], kind="stable")
    assert (np.diff(total[order]) > -1e-9).all()


@pytest.mark.parametrize("number", range(3))
def test_each_estimates_part_adds_up_alone(model, undecided, number):
    weights = np.eye(3)[number]
    one = replace(model, learned=replace(model.learned, weights=weights))
    found, data = explained(one, at_risk(undecided))[1], at_risk(undecided)
    total = found.credit.sum(axis=1) + found.base
    np.testing.assert_allclose(total, blended(one, data), rtol=0, atol=1e-6)
    if ESTIMATES[number] == "persona_rate":
        others = [place for place, name in enumerate(found.features) if name != PERSONA]
        np.testing.assert_array_equal(found.credit[:, others], 0)


def test_they_add_up_where_estimates_are_bounded(model, undecided):
    """Let the logistic regression claim certainty, and a forest be pure on both sides."""
    logistic = model.learned.logistic
    certain = replace(logistic, weight=30 * logistic.weight)
    trees = [replace(tree, value=np.round(tree.value)) for tree in model.learned.forest.trees[:1]]
    forest = replace(model.learned.forest, trees=tuple(trees))
    bold = replace(model, learned=replace(model.learned, logistic=certain, forest=forest))
    data = at_risk(undecided)
    x = bold.learned.encoding.matrix(data)
    assert (np.abs(certain.log_odds(x)) > MAX_LOG_ODDS).mean() > 0.3
    assert set(np.abs(log_odds(forest.probability(x)))) == {MAX_LOG_ODDS}
    found = explained(bold, data)[1]
    total = found.credit.sum(axis=1) + found.base
    np.testing.assert_allclose(total, blended(bold, data), rtol=0, atol=1e-6)


@pytest.mark.parametrize("intercept", [-8.0, 7.0])
def test_an_outcome_rarer_than_the_bounds_turns_no_reason_round(model, undecided, intercept):
    rare = replace(model.learned.logistic, intercept=intercept)
    alone = replace(model.learned, logistic=rare, weights=np.array([0.0, 1.0, 0.0]))
    data, changed = at_risk(undecided), replace(model, learned=alone)
    found = explained(changed, data)[1]
    total = found.credit.sum(axis=1) + found.base
    np.testing.assert_allclose(total, blended(changed, data), rtol=0, atol=1e-6)
    terms = rare.terms(model.learned.encoding.matrix(data))
    intent = terms[:, model.learned.encoding.places["intent"]].sum(axis=1)
    assert (of(found, "intent") * intent >= 0).all()


def test_they_add_up_for_what_was_never_seen(model, undecided):
    odd = undecided.iloc[:40].assign(
        persona_key=["new", None] * 20, program=[None, "new"] * 20, gpa=np.nan, english=1e30
    )
    found, data = explained(model, at_risk(odd))[1], at_risk(odd)
    total = found.credit.sum(axis=1) + found.base
    np.testing.assert_allclose(total, blended(model, data), rtol=0, atol=1e-6)


def test_planted_drivers_have_their_direction(found, undecided):
    for feature, sign in (
        ("intent", 1),
        ("virtual_events", 1),
        ("scholarship", 1),
        ("days_since_admission", -1),
        ("is_stealth", -1),
    ):
        values = undecided[feature].astype(float)
        known = values.notna().to_numpy()
        correlation = np.corrcoef(values[known], of(found, feature)[known])[0, 1]
        assert sign * correlation > 0.3, feature
    persona = pd.Series(of(found, PERSONA)).groupby(undecided["persona_key"]).mean()
    assert persona["local_pro"] > 0 > persona["striver"]


def test_reasons_are_the_strongest_in_either_direction(found, reasons, undecided):
    assert set(reasons["record"]) == {"reason"}
    assert set(reasons["metric"]) == {"raises", "lowers"}
    assert (np.sign(reasons["value"]) == np.where(reasons["metric"] == "raises", 1, -1)).all()
    keys = ["application_code", "metric"]
    assert not reasons.duplicated([*keys, "item"]).any()
    assert not reasons.duplicated(["application_code", "feature"]).any()
    assert reasons.groupby(keys).size().max() == N_REASONS
    credit = pd.DataFrame(found.credit, undecided["application_code"], list(found.features))
    first = reasons[reasons["item"] == "1"].set_index(keys)["value"].unstack()
    raising, lowering = credit.max(axis=1).sort_index(), credit.min(axis=1).sort_index()
    np.testing.assert_allclose(first["raises"].dropna(), raising[raising > LEAST])
    np.testing.assert_allclose(first["lowers"].dropna(), lowering[lowering < -LEAST])
    ordered = reasons.assign(size=reasons["value"].abs()).sort_values([*keys, "item"])
    assert (ordered.groupby(keys)["size"].diff().dropna() <= 1e-9).all()
    told = reasons.set_index(["application_code", "feature"])["value"]
    expected = credit.stack()[told.index]
    np.testing.assert_array_equal(told, expected)


def test_a_scholarship_is_the_first_reason_of_those_whom_it_moves(reasons, undecided):
    moved = undecided[(undecided["persona_key"] == "seeker") & (undecided["scholarship"] == 1)]
    first = reasons[(reasons["item"] == "1") & (reasons["metric"] == "raises")]
    theirs = first[first["application_code"].isin(moved["application_code"])]
    assert len(theirs) >= 10
    assert (theirs["feature"] == "scholarship").mean() > 0.6


def test_texts_are_the_rows_own_values_as_people_write_them(reasons, undecided):
    rows = undecided.set_index("application_code")
    for feature in ("intent", "gpa", "program", "scholarship", PERSONA):
        told = reasons[reasons["feature"] == feature].set_index("application_code")["text"]
        values = rows.loc[told.index, feature]
        assert (told.isna() == values.isna()).all()
        if feature in ("program", PERSONA):
            assert (told == values).all()
        else:
            known = values.notna()
            np.testing.assert_allclose(told[known].astype(float), values[known].round(2))
    texts = set(reasons.loc[reasons["feature"] == "scholarship", "text"])
    assert texts <= {"0", "1"}
    assert reasons["text"].isna().any()


@pytest.mark.parametrize(
    ("value", "text"), [(1_600_000_000.0, "1600000000"), (0.126, "0.13"), (-2.0, "-2")]
)
def test_values_are_written_without_needless_digits(model, undecided, value, text, monkeypatch):
    monkeypatch.setattr("applicant_personas.reasons.LEAST", 0.0)
    data = at_risk(undecided.iloc[:30].assign(english=value))
    parts = reason_parts(explained(model, data)[1], data)
    told = frame(stacked(parts, BACKTEST_FIELDS).read_all())
    assert set(told.loc[told["feature"] == "english", "text"]) == {text}


def test_order_of_rows_and_threads_change_nothing(model, undecided, reasons):
    data = at_risk(undecided.sample(frac=1, random_state=1))
    again = stacked(reason_parts(explained(model, data, 2)[1], data), BACKTEST_FIELDS).read_all()
    pd.testing.assert_frame_equal(frame(again), reasons)


def test_no_rows_have_no_reasons(model, undecided):
    data = at_risk(undecided.iloc[:0])
    parts = reason_parts(explained(model, data)[1], data)
    assert stacked(parts, BACKTEST_FIELDS).read_all().num_rows == 0
