"""Features become columns that keep what is known, and nothing of a row's own outcome."""

import numpy as np
import pandas as pd
import pytest
from planted import FEATURES, at_risk, planted
from sklearn.metrics import roc_auc_score

from applicant_personas.encoding import (
    ENCODING_TYPES,
    MAX_LEVELS,
    MIN_LEVEL_ROWS,
    PRIOR_ROWS,
    encoding_from_rows,
    fit_encoding,
)

N = 2_000


@pytest.fixture(scope="module")
def base():
    """Give closed rows with an outcome that is a coin's."""
    outcome = np.random.default_rng(9).integers(0, 2, N).astype(float)
    return planted(n=N, seed=8).rows.assign(outcome=outcome)


def catalog(**kinds):
    made = {"block": "own", "transform": "none", "feature": list(kinds), "kind": kinds.values()}
    return pd.DataFrame(made)


def only(rows, column, kind, **names):
    """Read rows with one feature besides the persona, which nobody has."""
    features = catalog(own=kind).assign(**names)
    return at_risk(rows.assign(own=column, persona_key=None), features)


def raw(encoding, data, training=False):
    """Take the first column back to the scale of the feature."""
    x = encoding.training_matrix(data) if training else encoding.matrix(data)
    return x[:, 0] * encoding.rows["scale"].iloc[0] + encoding.rows["center"].iloc[0]


def in_order(rows, column):
    return np.asarray(column)[np.argsort(rows["row_code"])]


@pytest.fixture(scope="module")
def categories(base):
    rng = np.random.default_rng(8)
    many = rng.integers(0, 40, N)
    rows = base.assign(
        few=rng.choice(["a", "b", None], N),
        many=[f"u{number:02d}" for number in many],
        number=rng.normal(size=N),
        outcome=(rng.random(N) < many / 40).astype(float),
        persona_key=None,
    )
    return rows, catalog(few="category", many="category", number="number")


def test_a_category_of_few_levels_is_a_column_a_level(categories):
    rows, features = categories
    data = at_risk(rows, features)
    encoding = fit_encoding(data)
    assert dict(encoding.rows.dtypes.astype(str)) == ENCODING_TYPES
    assert encoding.columns == ["few=a", "few=b", "many", "number"]
    assert encoding.places == {"few": [0, 1], "many": [2], "number": [3]}
    x = encoding.matrix(data)
    np.testing.assert_allclose(x[:, :2].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(x[:, :2].std(axis=0), 1, atol=1e-12)
    is_a = in_order(rows, rows["few"] == "a")
    assert x[is_a, 0].min() > x[~is_a, 0].max()
    np.testing.assert_array_equal(encoding.training_matrix(data)[:, [0, 1, 3]], x[:, [0, 1, 3]])


def test_new_rows_have_no_unseen_level_and_the_prior_for_an_unseen_one_of_many(categories):
    rows, features = categories
    encoding = fit_encoding(at_risk(rows, features))
    new = rows.iloc[:3].assign(
        few=["a", None, "new"], many=["u39", None, "new"], number=[1.0, np.nan, 2.0]
    )
    x = encoding.matrix(at_risk(new, features))[np.argsort(np.argsort(new["row_code"]))]
    share = (rows["few"] == "a").mean()
    spread = np.sqrt(share * (1 - share))
    np.testing.assert_allclose(x[:, 0], [(1 - share) / spread, -share / spread, -share / spread])
    target = encoding.rows[encoding.rows["kind"] == "target"].iloc[0]
    highest = rows.loc[rows["many"] == "u39", "outcome"]
    prior = rows["outcome"].mean()
    expected = (highest.sum() + PRIOR_ROWS * prior) / (len(highest) + PRIOR_ROWS)
    found = x[:, 2] * target["scale"] + target["center"]
    np.testing.assert_allclose(found, [expected, np.nan, prior])
    np.testing.assert_array_equal(np.isnan(x[:, 3]), [False, True, False])


def test_so_many_levels_are_columns_and_one_more_is_a_mean(base):
    for n_levels, kind in ((MAX_LEVELS, "level"), (MAX_LEVELS + 1, "target")):
        level = [f"v{number % n_levels:02d}" for number in range(N)]
        encoding = fit_encoding(only(base, level, "category"))
        assert set(encoding.rows["kind"]) == {kind}
        assert len(encoding.columns) == (n_levels if kind == "level" else 1)


def test_rare_levels_are_not_told_apart(base):
    level = np.where(np.arange(N) < MIN_LEVEL_ROWS - 1, "rare", "seldom").astype(object)
    level[MIN_LEVEL_ROWS - 1 : 2 * MIN_LEVEL_ROWS - 1] = "enough"
    data = only(base, level, "category")
    encoding = fit_encoding(data)
    assert encoding.columns == ["own=enough", "own=seldom"]
    rare = in_order(base, level == "rare")
    assert np.unique(encoding.matrix(data)[rare], axis=0).shape == (1, 2)
    lonely = fit_encoding(only(base, [f"v{number}" for number in range(N)], "category"))
    assert lonely.columns == []


@pytest.mark.parametrize("level", ["", " ", "ü=b", "😀"])
def test_any_text_is_a_level(base, level):
    column = np.where(np.arange(N) % 2, level, "Z")
    data = only(base, column, "category")
    x = encoding_from_rows(fit_encoding(data).rows.sample(frac=1, random_state=1)).matrix(data)
    assert x.shape == (N, 2)
    np.testing.assert_allclose(x.std(axis=0), 1)
    np.testing.assert_array_equal(x[:, 0], -x[:, 1])


@pytest.mark.parametrize(
    ("start", "step"), [(1e15, 1.0), (1.6e9, 1.0), (0.5, 1e-6), (0.0, 1e30), (-1e-30, 1e-32)]
)
def test_numbers_of_any_magnitude_keep_their_steps(base, start, step):
    values = start + step * np.arange(N)
    data = only(base, values, "number")
    x = fit_encoding(data).matrix(data)[:, 0]
    expected = in_order(base, (np.arange(N) - (N - 1) / 2) / np.std(np.arange(N)))
    np.testing.assert_allclose(x, expected, rtol=1e-6, atol=1e-6)
    assert len(np.unique(x.astype(np.float32))) == N


def test_a_value_that_is_far_from_all_others_stays_finite(base):
    encoding = fit_encoding(only(base, 1e-6 * np.arange(N), "number"))
    far = np.where(np.arange(N) % 2, 3e38, -3e38)
    x = encoding.matrix(only(base, far, "number")).astype(np.float32)[:, 0]
    np.testing.assert_array_equal(np.sign(x), in_order(base, np.sign(far)))
    assert np.isfinite(x).all()


def test_counts_are_logged_and_what_is_below_none_is_none(base):
    count = np.where(np.arange(N) % 50, np.arange(N) % 7, -3).astype(float)
    data = only(base, count, "count", transform="log1p")
    found = raw(fit_encoding(data), data)
    np.testing.assert_allclose(found, in_order(base, np.log1p(np.maximum(count, 0))), atol=1e-12)


def test_what_does_not_vary_is_no_column_unless_it_is_missing_at_times(base):
    half = np.where(np.arange(N) % 2, 1.0, np.nan)
    assert fit_encoding(only(base, 3.0, "number")).columns == []
    assert fit_encoding(only(base, np.nan, "number")).columns == []
    assert fit_encoding(only(base, "same", "category")).columns == []
    data = only(base, half, "number")
    x = fit_encoding(data).matrix(data)
    np.testing.assert_array_equal(x[:, 0], in_order(base, np.where(np.arange(N) % 2, 0, np.nan)))


def test_a_target_encoding_never_holds_a_rows_own_outcome(base):
    level = np.array([f"v{number % 100:02d}" for number in range(N)])
    before = only(base, level, "category")
    row = int(np.flatnonzero(before.categories["own"].codes == 7)[0])
    outcome = before.outcome.copy()
    outcome[row] = 1 - outcome[row]
    turned = base["row_code"].map(dict(zip(before.row, outcome, strict=True)))
    after = only(base.assign(outcome=turned), level, "category")
    one, two = (raw(fit_encoding(data), data, training=True) for data in (before, after))
    assert one[row] == pytest.approx(two[row], abs=1e-12)
    relatives = before.categories["own"].codes == 7
    others = relatives & (before.person_folds(5) != before.person_folds(5)[row])
    assert others.sum() > 5
    assert (np.abs(one - two)[others] > 1e-4).all()


def test_a_target_encoding_of_training_rows_tells_nothing_of_coins(base):
    level = [f"v{number // 10}" for number in range(N)]
    data = only(base, level, "category")
    encoding = fit_encoding(data)
    assert roc_auc_score(data.outcome, raw(encoding, data)) > 0.65
    honest = raw(encoding, data, training=True)
    assert roc_auc_score(data.outcome, honest) == pytest.approx(0.5, abs=0.04)
    # Where all rows of a level are one person's, nothing of the others tells more than the prior.
    of_one = only(base.assign(person_code=np.arange(N) // 10), level, "category")
    alone = raw(encoding, of_one, training=True)
    assert np.abs(alone - data.outcome.mean()).max() < 0.02


def test_a_single_person_has_no_others_to_learn_from(base):
    data = only(base.assign(person_code=5), [f"v{number % 50}" for number in range(N)], "category")
    assert np.isnan(fit_encoding(data).training_matrix(data)).all()


def test_rows_in_any_order_are_the_encoding(categories):
    rows, features = categories
    data = at_risk(rows, features)
    encoding = fit_encoding(data)
    again = encoding_from_rows(encoding.rows.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(again.rows, encoding.rows)
    few = encoding.rows[encoding.rows["feature"] == "few"]
    coded = pd.Categorical(few["level"], categories=["b", "a"])
    turned = encoding_from_rows(few.assign(level=coded))
    assert turned.columns == ["few=a", "few=b"]
    assert again.matrix(data).tobytes() == encoding.matrix(data).tobytes()
    assert again.training_matrix(data).tobytes() == encoding.training_matrix(data).tobytes()


def test_order_of_features_changes_nothing():
    rows = planted(n=300, seed=1).rows.assign(outcome=1.0)
    data = at_risk(rows)
    turned = at_risk(rows.sample(frac=1, random_state=1), FEATURES.iloc[::-1])
    pd.testing.assert_frame_equal(fit_encoding(data).rows, fit_encoding(turned).rows)
    assert (
        fit_encoding(data).matrix(data).tobytes() == fit_encoding(turned).matrix(turned).tobytes()
    )
