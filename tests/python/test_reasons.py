"""Path contributions add up to the forest's probability, and name what moves it."""

import numpy as np
import pandas as pd
import pytest

from applicant_personas.forest import fit_forest, forest_from_rows, forest_to_rows
from applicant_personas.reasons import path_contributions, top_reasons

NAMES = ["aid", "distance", "noise"]


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(600, 3))
    x[rng.random(x.shape) < 0.1] = np.nan
    logit = 2 * np.nan_to_num(x[:, 0]) - np.nan_to_num(x[:, 1])
    y = (rng.random(600) < 1 / (1 + np.exp(-logit))).astype(float)
    rows = forest_to_rows(fit_forest(x, y, seed=1, n_trees=30), NAMES)
    return forest_from_rows(rows, NAMES), x


def test_contributions_and_the_roots_add_up_to_the_probability(fitted):
    forest, x = fitted
    roots = np.mean([tree.value[0, 0, 1] for tree in forest.trees])
    total = path_contributions(forest, x).sum(axis=1) + roots
    np.testing.assert_allclose(total, forest.probability(x), atol=1e-12)


def test_the_strongest_reason_is_the_planted_one_with_its_sign_and_value(fitted):
    forest, _ = fitted
    x = np.array([[2.5, 0.0, 0.0], [-2.5, 0.0, 0.0]])
    rows = pd.DataFrame(x, columns=NAMES).assign(application_id=["A", "B"])
    groups = {name: [place] for place, name in enumerate(NAMES)}
    found = top_reasons(forest, x, groups, rows)
    first = found[found["item"] == "1"].set_index("application_id")
    assert list(first["feature"]) == ["aid", "aid"]
    assert first.loc["A", "value"] > 0 > first.loc["B", "value"]
    assert first.loc["A", "text"] == "2.5"


def test_no_rows_give_no_reasons(fitted):
    forest, x = fitted
    rows = pd.DataFrame(x[:0], columns=NAMES).assign(application_id=[])
    assert top_reasons(forest, x[:0], {"aid": [0]}, rows).empty
