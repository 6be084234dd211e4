"""A forest that is rows is the forest that was fitted, in every process and in any order."""

import ast
import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

import applicant_personas
from applicant_personas.forest import (
    CHUNK_ROWS,
    NODE_TYPES,
    fit_forest,
    forest_from_rows,
    forest_of,
    forest_to_rows,
    out_of_bag_probability,
    predict_forest,
)

NAMES = ["b", "a", "missing_lowers", "missing_alone", "never_missing", "always_missing"]
SETTINGS = {"max_rows": 50_000, "n_trees": 25, "seed": 3}


def sample(n=1_000, seed=1):
    """Draw rows whose missing values mean much, in either direction, or all that there is."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 6))
    x[rng.random(n) < 0.3, 0] = np.nan
    x[rng.random(n) < 0.1, 1] = np.nan
    x[rng.random(n) < 0.4, 2] = np.nan
    x[:, 3] = np.where(rng.random(n) < 0.5, np.nan, 1.0)
    x[:, 5] = np.nan
    logit = 2 * np.nan_to_num(x[:, 0], nan=1.5) + np.nan_to_num(x[:, 2], nan=-2.0)
    logit += np.where(np.isnan(x[:, 3]), -1.5, 1.5)
    return x, (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(float)


@pytest.fixture(scope="module")
def data():
    return sample()


@pytest.fixture(scope="module")
def fitted(data):
    return fit_forest(*data, **SETTINGS)


def later(x):
    """Add rows unlike those of training: missing where nothing was, far away, on a threshold."""
    odd = np.full((4, x.shape[1]), np.nan)
    odd[1] = 0.0
    odd[2] = [1e30, -1e30, np.nan, 5.0, np.nan, 7.0]
    odd[3] = -1e30
    return np.vstack([x, odd])


def test_it_predicts_what_scikit_learn_predicts(data, fitted):
    x = np.vstack([later(data[0]), sample(5_000, seed=2)[0]])
    expected = fitted.predict(x.astype(np.float32))
    found = forest_of(fitted, NAMES).probability(x)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert predict_forest(fitted, x, n_jobs=2).tobytes() == found.tobytes()


def test_its_trees_are_those_of_a_classifier(data, fitted):
    x, y = data
    classifier = RandomForestClassifier(
        **{name: value for name, value in fitted.get_params().items() if name != "criterion"}
    ).fit(x.astype(np.float32), y.astype(int))
    for ours, theirs in zip(fitted.estimators_, classifier.estimators_, strict=True):
        np.testing.assert_array_equal(ours.tree_.feature, theirs.tree_.feature)
        np.testing.assert_array_equal(ours.tree_.threshold, theirs.tree_.threshold)


def test_missing_values_go_both_ways_and_part_from_all_else(fitted):
    rows = forest_to_rows(forest_of(fitted, NAMES))
    splits = rows[rows["column_name"].notna()]
    assert set(splits["missing_left"]) == {True, False}
    alone = splits[np.isinf(splits["threshold"])]
    assert "missing_alone" in set(alone["column_name"])
    assert not alone["missing_left"].any()


@pytest.mark.parametrize("value", [9.7, -9.7, 1_000.1, -1e12])
def test_a_threshold_between_two_float32_values_parts_them(value):
    one = np.float32(value)
    pair = np.array([one, np.nextafter(one, np.float32(np.inf))], dtype=np.float64)
    x, y = np.repeat(pair, 50)[:, np.newaxis], np.repeat([0.0, 1.0], 50)
    fitted = fit_forest(x, y, **SETTINGS)
    found = forest_of(fitted, ["x"]).probability(x)
    np.testing.assert_array_equal(found, fitted.predict(x.astype(np.float32)))
    assert roc_auc_score(y, found) == 1


def test_rows_in_any_order_give_the_same_bits(data, fitted):
    forest = forest_of(fitted, NAMES)
    rows = forest_to_rows(forest)
    assert dict(rows.dtypes.astype(str)) == NODE_TYPES
    rebuilt = forest_from_rows(rows.sample(frac=1, random_state=0), NAMES)
    pd.testing.assert_frame_equal(forest_to_rows(rebuilt), rows)
    x = later(data[0])
    assert rebuilt.probability(x).tobytes() == forest.probability(x).tobytes()
    depths = [tree.n_levels - 1 for tree in rebuilt.trees]
    assert depths == [tree.tree_.max_depth for tree in fitted.estimators_]


def test_columns_of_another_order_give_the_same_probability(data, fitted):
    rows = forest_to_rows(forest_of(fitted, NAMES))
    turned = forest_from_rows(rows, NAMES[::-1])
    expected = forest_of(fitted, NAMES).probability(data[0])
    np.testing.assert_array_equal(turned.probability(data[0][:, ::-1]), expected)


AFRESH = """
import hashlib, sys
import numpy as np, pandas as pd
from applicant_personas.forest import forest_from_rows
rows, columns, x = pd.read_parquet(sys.argv[1]), sys.argv[3].split(","), np.load(sys.argv[2])
probability = forest_from_rows(rows, columns).probability(x, n_jobs=2)
print(hashlib.sha256(probability.tobytes()).hexdigest())
"""


def test_a_new_process_needs_no_more_than_a_file(data, fitted, tmp_path):
    forest, x = forest_of(fitted, NAMES), later(data[0])
    forest_to_rows(forest).sample(frac=1, random_state=4).to_parquet(tmp_path / "forest.parquet")
    np.save(tmp_path / "x.npy", x)
    files = [str(tmp_path / name) for name in ("forest.parquet", "x.npy")]
    command = [sys.executable, "-c", AFRESH, *files, ",".join(NAMES)]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert found == hashlib.sha256(forest.probability(x).tobytes()).hexdigest()


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_nothing_private_of_scikit_learn_is_used_and_nothing_pickled():
    library = Path(applicant_personas.__file__).parent
    names = {name for path in library.rglob("*.py") for name in imported(path)}
    assert "sklearn.ensemble.RandomForestRegressor" in names
    ours = [name.split(".") for name in names if name.startswith("sklearn")]
    assert not [parts for parts in ours if any(part.startswith("_") for part in parts)]
    assert not {name.split(".")[0] for name in names} & {"pickle", "cloudpickle", "dill", "shelve"}
    assert {name for name in names if name.startswith("joblib")} == {"joblib.effective_n_jobs"}
    assert not [path for path in library.rglob("*.py") if "__setstate__" in path.read_text()]


def test_rows_say_what_each_node_holds(data, fitted):
    rows = forest_to_rows(forest_of(fitted, NAMES))
    is_leaf = rows["left_child"].isna()
    assert rows.loc[is_leaf, ["column_name", "threshold"]].isna().all(axis=None)
    assert rows.loc[~is_leaf, ["column_name", "threshold"]].notna().all(axis=None)
    assert rows.loc[is_leaf, "n"].min() >= 6  # ten draws, some of them of the same row
    assert rows["value"].between(0, 1).all()
    assert (rows.loc[~is_leaf, "left_child"] > rows.loc[~is_leaf, "node"]).all()
    sizes = rows.groupby("tree")["node"].agg(["size", "max", "nunique"])
    assert (sizes["size"] == sizes["max"] + 1).all()
    assert (sizes["size"] == sizes["nunique"]).all()


def test_trees_draw_so_many_rows_and_leaves_grow_with_them():
    x, y = sample(3_000)
    bounded = fit_forest(x, y, max_rows=300, n_trees=5, seed=1)
    assert {int(tree.tree_.weighted_n_node_samples[0]) for tree in bounded.estimators_} == {300}
    leaves = {n: fit_forest(*sample(n), **SETTINGS).min_samples_leaf for n in (500, 1_500, 3_000)}
    assert leaves == {500: 10, 1_500: 15, 3_000: 25}


def test_the_number_of_threads_changes_nothing():
    x, y = sample(CHUNK_ROWS + 900)
    one, two = (fit_forest(x, y, **SETTINGS, n_jobs=jobs) for jobs in (1, 2))
    assert (
        out_of_bag_probability(one, x, y).tobytes() == out_of_bag_probability(two, x, y).tobytes()
    )
    forest = forest_of(one, NAMES)
    pd.testing.assert_frame_equal(forest_to_rows(forest), forest_to_rows(forest_of(two, NAMES)))
    assert forest.probability(x, 1).tobytes() == forest.probability(x, 2).tobytes()
    for found, again in zip(forest.explained(x, 1), forest.explained(x, 2), strict=True):
        assert found.tobytes() == again.tobytes()
    assert predict_forest(one, x, 1).tobytes() == predict_forest(one, x, 3).tobytes()


def test_company_does_not_change_a_rows_probability(data, fitted):
    forest, x = forest_of(fitted, NAMES), data[0]
    alone = np.concatenate([forest.probability(x[row : row + 1]) for row in range(20)])
    assert alone.tobytes() == forest.probability(x)[:20].tobytes()


def test_contributions_and_the_base_add_up_to_the_probability(data, fitted):
    forest, x = forest_of(fitted, NAMES), later(data[0])
    probability, credit = forest.explained(x)
    assert probability.tobytes() == forest.probability(x).tobytes()
    assert credit.shape == x.shape
    np.testing.assert_allclose(
        credit.sum(axis=1) + forest.base_rate, forest.probability(x), rtol=0, atol=1e-9
    )
    assert forest.base_rate == pytest.approx(data[1].mean(), abs=0.02)
    np.testing.assert_array_equal(credit[:, NAMES.index("always_missing")], 0)
    strength = pd.Series(np.abs(credit).mean(axis=0), NAMES)
    assert set(strength.nlargest(3).index) == {"b", "missing_lowers", "missing_alone"}


def test_out_of_bag_scores_are_honest(data):
    coin = np.random.default_rng(2).integers(0, 2, len(data[0])).astype(float)
    forest = fit_forest(data[0], coin, max_rows=50_000, n_trees=60, seed=3)
    assert roc_auc_score(coin, predict_forest(forest, data[0], 1)) > 0.75
    assert roc_auc_score(coin, out_of_bag_probability(forest, data[0], coin)) == pytest.approx(
        0.5, abs=0.08
    )


def test_out_of_bag_scores_of_the_first_rows_are_those_of_scikit_learn(data):
    x, y = data
    forest = fit_forest(x, y, max_rows=900, n_trees=40, seed=3)
    twin = clone(forest).set_params(oob_score=True).fit(x.astype(np.float32), y)
    found = out_of_bag_probability(forest, x[:500], y[:500])
    np.testing.assert_allclose(found, twin.oob_prediction_[:500], rtol=0, atol=1e-12)


def test_a_row_that_all_trees_saw_gets_the_base_rate(data):
    x, y = data
    forest = fit_forest(x, y, max_rows=50_000, n_trees=1, seed=1)
    found = out_of_bag_probability(forest, x, y)
    seen = np.isin(np.arange(len(y)), forest.estimators_samples_[0])
    assert seen.mean() == pytest.approx(1 - np.exp(-1), abs=0.05)
    np.testing.assert_array_equal(found[seen], y.mean())
    np.testing.assert_array_equal(found[~seen], predict_forest(forest, x, 1)[~seen])


def test_a_forest_of_single_leaves_is_the_base_rate():
    x, y = np.zeros((60, 1)), np.repeat([0.0, 1.0], [45, 15])
    fitted = fit_forest(x, y, **SETTINGS)
    rebuilt = forest_from_rows(forest_to_rows(forest_of(fitted, ["flat"])), ["flat"])
    expected = fitted.predict(x)
    np.testing.assert_allclose(rebuilt.probability(x), expected, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(rebuilt.explained(x)[1], 0)


def test_no_rows_have_no_probabilities(fitted):
    empty = np.empty((0, 6))
    assert forest_of(fitted, NAMES).probability(empty).shape == (0,)
    assert forest_of(fitted, NAMES).explained(empty)[1].shape == (0, 6)
    assert predict_forest(fitted, empty, 2).shape == (0,)


def test_an_unknown_column_is_refused_in_a_sentence(fitted):
    rows = forest_to_rows(forest_of(fitted, NAMES))
    with pytest.raises(ValueError, match=r"^The forest splits on columns that are not given: .*b"):
        forest_from_rows(rows, ["other"])
