"""Partial dependence on functions and applicants whose truth is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from planted import FEATURES, at_risk, days_of, first_runs, frame, planted, reader, targeted
from scipy.stats import t
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.inspection import partial_dependence

from applicant_personas import enrollment
from applicant_personas.dependence import (
    NO_PERSONA,
    DependenceFold,
    dependence_parts,
    level_ranges,
    number_ranges,
)
from applicant_personas.encoding import fit_encoding
from applicant_personas.enrollment import fit_enrollment
from applicant_personas.importance import GLOBAL, HeldOut
from applicant_personas.likelihood import Recipe


@pytest.mark.parametrize(
    ("values", "kind", "labels"),
    [
        ([0, 0, 0, 0, 0, 0, 1, 1, 2, 7], "count", ("0", "1", "2 or more")),
        ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "count", ()),
        (
            [1, 3, 3, 4, 5, 6, 8, 9, 9, 33],
            "count",
            ("0 to 3", "4", "5 to 6", "7 to 9", "10 or more"),
        ),
        ([0, 1, 1, 0, 1, 0, 0, 0, 0, 0], "boolean", ("no", "yes")),
        ([1, 1, 1, 1, 1, 1, 1, 1, 1, 1], "boolean", ()),
        ([0, 0, 0, 0, 0, 0, 0, 5123.5, 9017.25, 11888], "number", ("0", "above 0")),
        (
            [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 1024.5, 2000.5],
            "number",
            (
                "up to 1.5",
                "above 1.5, up to 3.5",
                "above 3.5, up to 5.5",
                "above 5.5, up to 7.5",
                "above 7.5",
            ),
        ),
        ([np.nan] * 10, "number", ()),
    ],
)
def test_ranges_are_fifths_with_plain_names(values, kind, labels):
    found = number_ranges(np.array(values, dtype=float), kind)
    assert found.labels == labels
    assert len(found.typical) == len(labels)


def test_a_range_tells_neither_the_least_nor_the_largest_value_of_anyone():
    aid = np.append(np.zeros(300), np.random.default_rng(1).uniform(4_000, 20_000, 100))
    found = number_ranges(np.append(aid, 98_765.0), "number")
    told = " ".join(found.labels).replace(",", "")
    assert "98765" not in told
    assert str(int(aid[aid > 0].min())) not in told
    assert found.of_rows[-1] == len(found.labels) - 1


def test_rare_and_missing_levels_are_counted_apart():
    codes = np.repeat([0, 1, 2, -1], [40, 5, 30, 7])
    found = level_ranges(codes, ("agent", "fair", "web"))
    assert found.labels == ("agent", "web")
    counts = dict(zip(*np.unique(found.of_rows, return_counts=True), strict=True))
    assert counts == {0: 40, 1: 30, 2: 5, -1: 7}


class Wrapped(ClassifierMixin, BaseEstimator):
    """A known function as scikit-learn's oracle wants it."""

    def __init__(self, probability=None):
        self.probability = probability

    def fit(self, x, y):
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, x):
        positive = self.probability(x)
        return np.column_stack([1 - positive, positive])


@pytest.fixture(scope="module")
def data():
    made = planted(n=1_200, seed=11)
    found = at_risk(made.rows[~made.rows["is_open"]])
    gap = np.arange(len(found)) % 17 == 0
    english = np.where(gap, np.nan, found.numbers["english"])
    return replace(found, numbers={**found.numbers, "english": english})


@pytest.fixture(scope="module")
def folds(data):
    encoding = fit_encoding(data)

    def probability(x):
        known = np.nan_to_num(x)
        return 1 / (1 + np.exp(-(known[:, :4].sum(axis=1) * known[:, 4] / 3)))

    number = data.person_folds(5)
    made = []
    for fold in range(5):
        test = data.take(number == fold)
        few = test.take(np.arange(100))
        x = encoding.matrix(few)
        held = HeldOut(probability, x, few.persona, encoding.places, np.zeros(x.shape[1]))
        made.append(DependenceFold(held, few, test, encoding, int((number != fold).sum())))
    return made


@pytest.fixture(scope="module")
def told(folds):
    parts = dependence_parts(folds, ["english", "program", "virtual_events", "is_stealth"])
    return pd.concat([pd.DataFrame(part) for part in parts], ignore_index=True)


def test_the_likelihood_of_a_range_is_scikit_learns_partial_dependence(folds, told, data):
    x = np.concatenate([fold.held.x for fold in folds])
    oracle = Wrapped(folds[0].held.predict).fit(x, None)
    own = told[(told["scope"] == GLOBAL) & (told["feature"] == "english")].dropna(subset="value")
    place = folds[0].encoding.places["english"][0]
    row = folds[0].encoding.rows.set_index("feature").loc["english"]
    ranges = number_ranges(data.numbers["english"], "number")
    grid = (ranges.typical - row["center"]) / row["scale"]
    assert len(own) == len(grid) >= 4
    # scikit-learn's own grid is of percentiles: give it the same values.
    expected = partial_dependence(oracle, x, [place], custom_values={place: grid}, kind="average")
    np.testing.assert_allclose(own["value"], expected["average"][0], atol=1e-12)


def test_people_are_counted_in_each_range_and_persona_once(told, data):
    for feature, rows in told.groupby("feature"):
        total = rows[rows["scope"] == GLOBAL]["n"].sum()
        assert total == len(np.unique(data.person)), feature
        assert rows[rows["scope"] != GLOBAL]["n"].sum() == total
    english = told[(told["scope"] == GLOBAL) & (told["feature"] == "english")].set_index("text")
    assert english.loc["not known", "n"] == np.isnan(data.numbers["english"]).sum()
    assert english.loc[["not known", "other"], "value"].isna().all()
    assert set(told["scope"]) == {GLOBAL, NO_PERSONA, *data.persona.names}
    nobody = told[told["scope"] == NO_PERSONA]
    assert nobody["value"].isna().all()
    assert (nobody["n"] == 0).all()


def test_the_interval_is_of_folds_that_share_rows(folds, told):
    own = told[(told["scope"] == GLOBAL) & (told["feature"] == "is_stealth")].iloc[1]
    place = folds[0].encoding.places["is_stealth"][0]
    row = folds[0].encoding.rows.set_index("feature").loc["is_stealth"]
    means = []
    for fold in folds:
        x = fold.held.x.copy()
        x[:, place] = (1 - row["center"]) / row["scale"]
        means.append(fold.held.predict(x).mean())
    shared = np.mean([len(fold.everyone) / fold.n_training for fold in folds])
    half = t.ppf(0.975, 4) * np.std(means, ddof=1) * np.sqrt(1 / 5 + shared)
    assert own["value"] == pytest.approx(np.mean(means))
    assert own["high"] - own["low"] == pytest.approx(2 * half)


def test_a_fit_tells_what_can_be_acted_on_and_what_matters(monkeypatch):
    monkeypatch.setattr(enrollment, "_importance_parts", lambda folds, recipe: iter(()))
    made = planted(n=3_000, seed=3)
    rows = made.rows[~made.rows["is_open"]]
    recipe, runs = Recipe(seed=5, n_trees=40), first_runs("enrollment", "admitted")
    found = frame(
        fit_enrollment(
            reader(rows), days_of(rows), targeted("admitted"), runs, recipe, ["admitted"]
        ).read_all()
    )
    told = found[found["record"] == "dependence"]
    assert set(told["feature"]) == set(FEATURES.loc[FEATURES["actionable"], "feature"])
    assert not told.duplicated(["scope", "feature", "item"]).any()
    own = told[told["scope"] == "seeker"].dropna(subset="value")
    width = own.groupby("feature")["value"].agg(np.ptp)
    # The scholarship adds 3.1 to the seekers' log-odds, the program nothing.
    assert width["scholarship"] > 0.1
    assert width["program"] < 0.05
    raised = own[own["feature"] == "scholarship"].set_index("text")
    assert raised.loc["yes", "low"] > raised.loc["no", "value"]
