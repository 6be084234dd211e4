"""The likelihood on applicants whose true probability is known: honest, calibrated, stored."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import FEATURES, RECIPE, at_risk, planted
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from applicant_personas import likelihood
from applicant_personas.blend import MAX_LOG_ODDS, log_odds
from applicant_personas.calibration import apply_knots
from applicant_personas.enrollment import ENROLLMENT_FIELDS
from applicant_personas.likelihood import (
    ESTIMATES,
    FULL_TRUST_ROWS,
    LIGHT_FROM,
    MIN_EACH_OUTCOME,
    fit_likelihood,
    model_from_rows,
    model_parts,
)
from applicant_personas.predictions import FOREST, LIKELIHOOD, LOGISTIC, PERSONA_RATE, stacked


@pytest.fixture(scope="module")
def closed():
    """Give the rows of closed cycles, and each one's true probability."""
    made = planted(n=8_000, n_terms=5, seed=3)
    return made.rows.assign(oracle=made.probability)[~made.rows["is_open"]]


@pytest.fixture(scope="module")
def train(closed):
    return closed[closed["term_order"] < 2]


@pytest.fixture(scope="module")
def test(closed):
    return closed[closed["term_order"] >= 2].sort_values("row_code")


@pytest.fixture(scope="module")
def fitted(train):
    return fit_likelihood(at_risk(train), RECIPE)


@pytest.fixture(scope="module")
def predicted(fitted, test):
    return fitted.model.predict(at_risk(test))


def test_it_knows_nearly_all_that_can_be_known(predicted, test):
    outcome = test["outcome"]
    assert (
        roc_auc_score(outcome, predicted[LIKELIHOOD])
        > roc_auc_score(outcome, test["oracle"]) - 0.02
    )
    assert np.corrcoef(predicted[LIKELIHOOD], test["oracle"])[0, 1] > 0.9


def test_it_is_calibrated_in_all_in_slope_and_by_persona(predicted, test):
    found = predicted[LIKELIHOOD]
    assert found.mean() == pytest.approx(test["oracle"].mean(), abs=0.02)
    line = LogisticRegression(C=1e6).fit(log_odds(found)[:, np.newaxis], test["outcome"])
    assert 0.85 < line.coef_[0, 0] < 1.15
    miss = test.assign(miss=found - test["oracle"]).groupby("persona_key")["miss"].mean()
    assert miss.abs().max() < 0.07


def test_a_forest_alone_is_calibrated_by_knots_of_its_own(fitted, test, predicted):
    learned, data = fitted.model.learned, at_risk(test)
    raw = learned.forest.probability(learned.encoding.matrix(data))
    expected = apply_knots(raw, learned.forest_knots)
    np.testing.assert_allclose(predicted[FOREST], expected, rtol=1e-9)
    assert log_loss(data.outcome, predicted[FOREST]) < log_loss(data.outcome, raw)


@pytest.mark.parametrize("n_rows", [300, 3_000])
def test_it_is_no_worse_than_a_plain_forest_and_a_plain_logistic_regression(train, test, n_rows):
    few, later = at_risk(train.iloc[:n_rows]), at_risk(test)
    fitted = fit_likelihood(few, RECIPE)
    encoding = fitted.model.learned.encoding
    x, new = encoding.training_matrix(few), encoding.matrix(later)
    found = fitted.predict(later)[LIKELIHOOD]
    for plain, fill in (
        (RandomForestClassifier(100, min_samples_leaf=10, random_state=1), np.nan),
        (LogisticRegression(), 0.0),
    ):
        plain.fit(np.nan_to_num(x, nan=fill), few.outcome)
        theirs = plain.predict_proba(np.nan_to_num(new, nan=fill))[:, 1]
        assert roc_auc_score(later.outcome, found) > roc_auc_score(later.outcome, theirs) - 0.005
        assert log_loss(later.outcome, found) < log_loss(later.outcome, theirs) + 0.005


def test_what_it_says_of_its_own_rows_is_honest(train):
    n = len(train)
    rng = np.random.default_rng(1)
    coin = train.assign(
        outcome=rng.integers(0, 2, n).astype(float),
        persona_key=[f"k{number % 1_000}" for number in range(n)],
        program=[f"u{number % 100}" for number in range(n)],
    )
    data = at_risk(coin)
    fitted = fit_likelihood(data, RECIPE)
    assert "program" in fitted.model.learned.encoding.columns
    assert roc_auc_score(data.outcome, fitted.predict(data)[LIKELIHOOD]) > 0.7
    for name in (LIKELIHOOD, FOREST):
        assert roc_auc_score(data.outcome, fitted.unseen[name]) == pytest.approx(0.5, abs=0.05)


def test_what_it_says_of_its_own_rows_is_what_it_says_of_others(fitted, train, predicted, test):
    own = train.sort_values("row_code")["outcome"]
    for name in (LIKELIHOOD, FOREST, LOGISTIC):
        unseen = roc_auc_score(own, fitted.unseen[name])
        assert unseen == pytest.approx(roc_auc_score(test["outcome"], predicted[name]), abs=0.03)


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_too_few_of_either_outcome_give_rates_alone(train, outcome):
    rows = train.iloc[:600].assign(outcome=outcome)
    rows.iloc[: MIN_EACH_OUTCOME - 1, rows.columns.get_loc("outcome")] = 1 - outcome
    data = at_risk(rows)
    fitted = fit_likelihood(data, RECIPE)
    assert fitted.model.learned is None
    found = fitted.predict(data)
    expected = (rows["outcome"].sum() + 0.5) / (len(rows) + 1)
    assert found[LIKELIHOOD].mean() == pytest.approx(expected, abs=0.002)
    np.testing.assert_array_equal(found[LIKELIHOOD], found[PERSONA_RATE])
    assert np.isnan(found[FOREST]).all()
    assert np.isnan(found[LOGISTIC]).all()
    rows.iloc[MIN_EACH_OUTCOME, rows.columns.get_loc("outcome")] = 1 - outcome
    assert fit_likelihood(at_risk(rows), RECIPE).model.learned is not None


def test_features_that_do_not_vary_give_rates_alone(train):
    flat = train.assign(persona_key=None, gpa=3.0)
    fitted = fit_likelihood(at_risk(flat, FEATURES[FEATURES["feature"] == "gpa"]), RECIPE)
    assert fitted.model.learned is None
    assert 0 < fitted.model.rates.overall < 1


def test_one_row_is_enough_for_a_rate(train):
    data = at_risk(train.iloc[:1])
    found = fit_likelihood(data, RECIPE).predict(data)[LIKELIHOOD]
    assert 0 < found[0] < 1


def test_the_rate_of_a_persona_leans_on_that_of_everyone(train):
    rows = train.iloc[:500].assign(persona_key="many")
    rows.iloc[:3, rows.columns.get_loc("persona_key")] = "few"
    rows.iloc[3:6, rows.columns.get_loc("persona_key")] = None
    rates = fit_likelihood(at_risk(rows), RECIPE).model.rates
    of_few = rows["outcome"].iloc[:3].sum() + FULL_TRUST_ROWS * rates.overall
    new = at_risk(rows.iloc[:8].assign(persona_key=["few", "new", None, *5 * ["many"]]))
    found = pd.Series(rates.of(new.persona), new.persona.text().to_pylist())
    assert found["few"] == pytest.approx(of_few / (3 + FULL_TRUST_ROWS))
    assert found["new"] == rates.overall
    assert found[found.index.isna()].tolist() == [rates.overall]
    assert len(set(found["many"])) == 1


@pytest.mark.parametrize("persona", [None, "one"])
def test_without_personas_the_rate_of_everyone_has_no_weight(train, persona):
    data = at_risk(train.assign(persona_key=persona))
    fitted = fit_likelihood(data, RECIPE)
    weight = dict(zip(ESTIMATES, fitted.model.learned.weights, strict=True))
    assert weight[PERSONA_RATE] < 0.1
    assert roc_auc_score(data.outcome, fitted.unseen[LIKELIHOOD]) > 0.75


def test_a_rare_outcome_is_looked_for_among_more_rows(train):
    rare = train.sort_values("row_code").assign(outcome=0.0)
    rare.iloc[-100:, rare.columns.get_loc("outcome")] = 1.0
    data = at_risk(rare)
    fitted = fit_likelihood(data, replace(RECIPE, linear_rows=500))
    assert np.isfinite(fitted.unseen[LIKELIHOOD]).all()
    assert fitted.unseen[LIKELIHOOD].mean() == pytest.approx(100 / len(rare), abs=0.01)


def test_what_is_linear_learns_from_the_first_rows_only(train, fitted):
    data = at_risk(train)
    bounded = fit_likelihood(data, replace(RECIPE, linear_rows=1_000))
    assert len(bounded.unseen[LOGISTIC]) == 1_000
    assert (bounded.unseen[FOREST] != fitted.unseen[FOREST][:1_000]).any()
    first = fit_likelihood(data.take(np.arange(1_000)), RECIPE)
    logistic, own = (fit.model.learned.logistic for fit in (bounded, first))
    # Encodings know all rows, the weights only the first.
    assert np.corrcoef(logistic.weight, own.weight)[0, 1] > 0.9
    x = bounded.model.learned.encoding.matrix(data)
    np.testing.assert_allclose(
        bounded.model.learned.forest.probability(x), fitted.model.learned.forest.probability(x)
    )


def test_a_forest_draws_from_the_training_rows_only(train):
    data = at_risk(train)
    bounded = fit_likelihood(data, replace(RECIPE, training_rows=700))
    first = fit_likelihood(data.take(np.arange(700)), RECIPE)
    assert bounded.model.rates.n == 700
    for name, values in first.model.predict(data).items():
        assert values.tobytes() == bounded.model.predict(data)[name].tobytes(), name


def test_many_rows_are_predicted_some_at_a_time(fitted, test, monkeypatch):
    data = at_risk(test)
    whole = fitted.predict(data)
    monkeypatch.setattr(likelihood, "PREDICTED_ROWS", 300)
    for name, values in fitted.predict(data).items():
        np.testing.assert_allclose(values, whole[name], rtol=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    odds=st.lists(st.floats(-MAX_LOG_ODDS, MAX_LOG_ODDS), min_size=3, max_size=3),
    place=st.integers(0, 2),
    step=st.floats(0, 3),
)
def test_likelihoods_are_no_certainties_and_rise_with_each_estimate(fitted, odds, place, step):
    low, high = np.array(odds), np.array(odds)
    high[place] = min(MAX_LOG_ODDS, high[place] + step)
    found = fitted.model.blended(np.stack([low, high]))[LIKELIHOOD]
    assert 0 < found[0] <= found[1] < 1


def test_a_model_is_its_rows(fitted, test, predicted, tmp_path):
    table = stacked(model_parts(fitted.model), ENROLLMENT_FIELDS).read_all()
    pq.write_table(table, tmp_path / "model.parquet")
    rows = pd.read_parquet(tmp_path / "model.parquet").sample(frac=1, random_state=2)
    again = model_from_rows(rows)
    assert again.rates.n == len(fitted.unseen[LIKELIHOOD])
    for name, values in again.predict(at_risk(test)).items():
        assert values.tobytes() == predicted[name].tobytes(), name
    assert stacked(model_parts(again), ENROLLMENT_FIELDS).read_all().num_rows == table.num_rows


def test_a_model_of_rates_is_its_rows_too(train, test):
    few = train.iloc[:30].assign(persona_key=["é", "z", None] * 10)
    model = fit_likelihood(at_risk(few), RECIPE).model
    assert model.learned is None
    table = stacked(model_parts(model), ENROLLMENT_FIELDS).read_all()
    again = model_from_rows(table.to_pandas().sample(frac=1, random_state=1))
    assert again.rates.names == model.rates.names == ("z", "é")
    new = at_risk(test.iloc[:9].assign(persona_key=["é", "z", "new"] * 3))
    assert again.predict(new)[LIKELIHOOD].tobytes() == model.predict(new)[LIKELIHOOD].tobytes()


def test_a_fit_at_hand_predicts_as_its_rows_do(fitted, test, predicted):
    for name, values in fitted.predict(at_risk(test), n_jobs=2).items():
        assert values.tobytes() == predicted[name].tobytes(), name


def test_order_of_rows_and_features_and_threads_change_nothing(fitted, train, test, predicted):
    turned = at_risk(train.sample(frac=1, random_state=1), FEATURES.iloc[::-1])
    again = fit_likelihood(turned, replace(RECIPE, n_jobs=2))
    shuffled = at_risk(test.sample(frac=1, random_state=1))
    for name, values in again.model.predict(shuffled, n_jobs=2).items():
        assert values.tobytes() == predicted[name].tobytes(), name
        assert again.unseen[name].tobytes() == fitted.unseen[name].tobytes(), name
    before, after = (
        stacked(model_parts(model), ENROLLMENT_FIELDS).read_all()
        for model in (fitted.model, again.model)
    )
    assert before.equals(after)


def test_another_seed_is_another_forest(fitted, train, test, predicted):
    other = fit_likelihood(at_risk(train), replace(RECIPE, seed=6)).predict(at_risk(test))
    assert (other[FOREST] != predicted[FOREST]).mean() > 0.9
    assert np.corrcoef(other[LIKELIHOOD], predicted[LIKELIHOOD])[0, 1] > 0.98


def test_a_fit_that_nobody_reads_spends_less_where_rows_abound():
    assert RECIPE.lighter(LIGHT_FROM - 1) == RECIPE
    light = replace(RECIPE, max_rows=50_000, n_trees=100).lighter(LIGHT_FROM)
    assert (light.max_rows, light.n_trees, light.linear_rows) == (6_000, 50, 6_000)


def test_a_forest_that_draws_from_many_rows_has_fewer_trees():
    recipe = replace(RECIPE, max_rows=500, n_trees=100)
    assert (recipe.trees(500), recipe.trees(501)) == (100, 70)


def test_a_fit_grows_the_trees_of_its_recipe(train):
    recipe = replace(RECIPE, max_rows=500, n_trees=10)
    model = fit_likelihood(at_risk(train), recipe).model
    assert len(train) > 500
    assert len(model.learned.forest.trees) == 7
