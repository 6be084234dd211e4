"""A forest rebuilt from its rows is the forest."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from applicant_personas.forest import (
    NODE_TYPES,
    fit_forest,
    forest_from_rows,
    forest_to_rows,
    out_of_bag_probability,
)

NAMES = ["b", "a", "never_missing", "always_missing"]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(800, 4))
    y = (rng.random(800) < 1 / (1 + np.exp(-2 * x[:, 0]))).astype(float)
    x[rng.random(800) < 0.3, 0] = np.nan
    x[rng.random(800) < 0.1, 1] = np.nan
    x[:, 3] = np.nan
    return x, y


def test_rows_predict_exactly_as_scikit_learn_does(data):
    x, y = data
    forest = fit_forest(x, y, seed=3, n_trees=25)
    rows = forest_to_rows(forest, NAMES)
    assert dict(rows.dtypes.astype(str)) == NODE_TYPES
    # What training never saw missing may be missing later.
    later = np.vstack([x, np.full((1, 4), np.nan), [[np.nan, 0, np.nan, 5.0]]])
    rebuilt = forest_from_rows(rows.sample(frac=1, random_state=0), NAMES)
    np.testing.assert_array_equal(rebuilt.probability(later), forest.predict_proba(later)[:, 1])
    depth = [tree.max_depth for tree in rebuilt.trees]
    assert depth == [tree.tree_.max_depth for tree in forest.estimators_]


def test_rows_say_what_each_node_holds(data):
    x, y = data
    rows = forest_to_rows(fit_forest(x, y, seed=3, n_trees=4), NAMES)
    leaves = rows["left_child"] < 0
    assert rows.loc[leaves, "feature"].isna().all()
    assert rows.loc[~leaves, "feature"].notna().all()
    assert rows.loc[leaves, "n_samples"].min() >= 10
    assert (rows.loc[leaves].groupby("tree")["weighted_n"].sum() == len(y)).all()


def test_the_number_of_threads_changes_nothing(data):
    x, y = data
    one, two = (fit_forest(x, y, seed=3, n_trees=20, n_jobs=jobs) for jobs in (1, 2))
    pd.testing.assert_frame_equal(forest_to_rows(one, NAMES), forest_to_rows(two, NAMES))
    np.testing.assert_array_equal(out_of_bag_probability(one, y), out_of_bag_probability(two, y))


def test_out_of_bag_scores_are_honest(data):
    x, _ = data
    coin = np.random.default_rng(2).integers(0, 2, len(x)).astype(float)
    forest = fit_forest(x, coin, seed=3, n_trees=60)
    assert roc_auc_score(coin, forest.predict_proba(x)[:, 1]) > 0.75
    assert 0.4 < roc_auc_score(coin, out_of_bag_probability(forest, coin)) < 0.6


def test_a_forest_of_single_leaves_is_the_base_rate():
    x, y = np.zeros((60, 1)), np.repeat([0.0, 1.0], [45, 15])
    forest = fit_forest(x, y, seed=1, n_trees=5)
    rebuilt = forest_from_rows(forest_to_rows(forest, ["flat"]), ["flat"])
    np.testing.assert_array_equal(rebuilt.probability(x), forest.predict_proba(x)[:, 1])


def test_an_unknown_feature_is_refused_in_a_sentence(data):
    x, y = data
    rows = forest_to_rows(fit_forest(x, y, seed=3, n_trees=2), NAMES)
    with pytest.raises(ValueError, match=r"not given: .*b"):
        forest_from_rows(rows, ["other"])
