"""The enrollment models on applicants whose true probability is known."""

import numpy as np
import pandas as pd
import pytest
from applicant_personas.phases import fit_phases
from planted import FEATURES, planted
from sklearn.metrics import roc_auc_score

from applicant_personas.encoding import (
    apply_encoding,
    design_columns,
    fit_encoding,
    fit_logistic,
    training_matrix,
)
from applicant_personas.enrollment import (
    ENROLLMENT_TYPES,
    WITHIN_CYCLE,
    fit_enrollment,
    score,
)

SMALL = {
    "phase": "yield",
    "seed": 5,
    "n_trees": 40,
    "fold_trees": 25,
    "n_repeats": 1,
    "importance_rows": 400,
}


@pytest.fixture(scope="module")
def applicants():
    return planted(n=2_400, seed=3)


@pytest.fixture(scope="module")
def fitted(applicants):
    return fit_enrollment(applicants.rows, FEATURES, **SMALL)


def predictions(fitted, applicants):
    truth = applicants.rows.assign(oracle=applicants.probability)
    found = fitted[fitted["record"] == "prediction"].drop(columns="phase")
    return found.merge(
        truth[["application_id", "entry_term", "is_open", "outcome", "oracle"]],
        on="application_id",
        validate="many_to_one",
    )


def test_the_frame_is_fixed(applicants, fitted):
    assert dict(fitted.dtypes.astype(str)) == ENROLLMENT_TYPES
    nothing = fit_enrollment(applicants.rows.iloc[:0], FEATURES, **SMALL)
    assert dict(nothing.dtypes.astype(str)) == ENROLLMENT_TYPES
    assert list(nothing["record"]) == ["status"]


def test_the_open_cycle_is_scored_and_the_closed_ones_out_of_fold(applicants, fitted):
    found = predictions(fitted, applicants)
    forest = found[found["model"] == "random_forest"]
    final = forest[forest["item"] != "out_of_fold"]
    is_open = applicants.rows["is_open"]
    assert sorted(final["application_id"]) == sorted(applicants.rows["application_id"][is_open])
    assert set(final["test_cycle"]) == {"2025 Fall"}
    assert set(final["item"]) == {"out_of_sample"}
    folds = forest[forest["item"] == "out_of_fold"]
    assert set(folds["test_cycle"]) == {"grouped_5_fold"}
    assert sorted(folds["application_id"]) == sorted(applicants.rows["application_id"][~is_open])


def test_scores_of_training_rows_are_honest(applicants):
    coin = applicants.rows.copy()
    closed = ~coin["is_open"]
    coin.loc[closed, "outcome"] = np.random.default_rng(1).integers(0, 2, closed.sum())
    coin["persona_key"] = coin["application_id"].str[-3:]  # 1,000 levels, encoded by the outcome
    found = predictions(fit_enrollment(coin, FEATURES, **SMALL), applicants)
    outcome = found["application_id"].map(coin.set_index("application_id")["outcome"])
    rows = (found["item"] == "out_of_fold") & (found["model"] == "random_forest")
    assert roc_auc_score(outcome[rows], found.loc[rows, "value"]) == pytest.approx(0.5, abs=0.06)


def test_order_of_rows_and_threads_change_nothing(applicants, fitted):
    shuffled = applicants.rows.sample(frac=1, random_state=1)
    again = fit_enrollment(shuffled, FEATURES, n_jobs=2, **SMALL)
    pd.testing.assert_frame_equal(fitted, again)


def test_the_rows_are_the_model(applicants, fitted):
    test_cycle = "2025 Fall"
    rows = applicants.rows[applicants.rows["entry_term"] == test_cycle]
    stored = fitted.sample(frac=1, random_state=2)
    scored = score(rows, stored, phase="yield", test_cycle=test_cycle)
    kept = fitted[
        (fitted["record"] == "prediction")
        & (fitted["test_cycle"] == test_cycle)
        & (fitted["item"] == "out_of_sample")
    ]
    keys = ["application_id", "model"]
    pd.testing.assert_frame_equal(
        scored.sort_values(keys, ignore_index=True),
        kept[[*keys, "value"]].sort_values(keys, ignore_index=True),
        check_exact=True,
    )


def test_scoring_with_a_model_that_is_not_there_is_refused(applicants, fitted):
    with pytest.raises(ValueError, match="no model of phase yield for test cycle 1999"):
        score(applicants.rows, fitted, phase="yield", test_cycle="1999")


def test_a_bounded_sample_still_scores_everyone(applicants, fitted):
    bounded = fit_enrollment(applicants.rows, FEATURES, max_rows=500, **SMALL)
    found = predictions(bounded, applicants).query("model == 'random_forest'")
    assert sorted(found["application_id"]) == sorted(applicants.rows["application_id"])
    run = bounded[(bounded["record"] == "run") & (bounded["metric"] == "n_rows")]
    assert (run["value"] == 500).all()


def test_one_closed_cycle_says_that_it_is_optimistic(applicants):
    rows = applicants.rows[applicants.rows["term_order"] >= 2]
    found = fit_enrollment(rows, FEATURES, **SMALL)
    scores = found[found["record"] == "prediction"]
    assert set(scores["test_cycle"]) == {WITHIN_CYCLE, "2025 Fall"}
    assert set(scores.loc[scores["test_cycle"] == WITHIN_CYCLE, "item"]) == {"out_of_fold"}
    assert "optimistic" in found.loc[found["record"] == "status", "text"].iloc[0]


def test_without_time_or_open_cycle_it_still_learns(applicants):
    rows = applicants.rows[~applicants.rows["is_open"]].assign(term_order=np.nan, entry_term=None)
    found = fit_enrollment(rows, FEATURES, **SMALL)
    assert set(found.loc[found["record"] == "node", "test_cycle"]) == {"next"}
    assert set(found.loc[found["record"] == "prediction", "test_cycle"]) == {WITHIN_CYCLE}


def test_rows_without_a_cycle_are_scored_by_models_of_other_persons(applicants):
    rows = applicants.rows.copy()
    undated = rows.index[rows["entry_term"] == "2022 Fall"][:50]
    rows.loc[undated, "term_order"] = np.nan
    scores = fit_enrollment(rows, FEATURES, **SMALL).query("record == 'prediction'")
    theirs = scores[scores["application_id"].isin(rows.loc[undated, "application_id"])]
    assert set(theirs["item"]) == {"out_of_fold"}
    assert len(theirs) == 2 * 50


def test_too_few_outcomes_are_a_sentence_and_no_model(applicants):
    rows = applicants.rows.assign(outcome=np.where(applicants.rows["is_open"], np.nan, 0.0))
    found = fit_enrollment(rows, FEATURES, **SMALL)
    assert list(found["record"]) == ["status"]
    assert "0 applications with the outcome" in found["text"].iloc[0]


def test_without_a_closed_cycle_there_are_personas_only(applicants):
    found = fit_enrollment(applicants.rows[applicants.rows["is_open"]], FEATURES, **SMALL)
    assert list(found["record"]) == ["status"]
    assert found["text"].iloc[0].startswith("No model, personas only: no closed cycle")


def test_phases_are_fitted_one_by_one_and_know_their_run(applicants):
    rows = pd.concat(
        [applicants.rows, applicants.rows.assign(phase="melt", outcome=np.nan)], ignore_index=True
    )
    features = pd.concat([FEATURES.assign(target=phase) for phase in ("yield", "melt")])
    rows = rows[rows["application_id"] < "a000500"]
    found = fit_phases(rows, features, phases=["yield", "melt", "visa"], seed=1, max_rows=20_000)
    assert list(found.columns) == ["run_id", *ENROLLMENT_TYPES]
    assert found.groupby("phase")["run_id"].nunique().to_dict() == {
        "melt": 1,
        "visa": 1,
        "yield": 1,
    }
    status = found[found["record"] == "status"].set_index("phase")["item"]
    assert status.to_dict() == {
        "melt": "not_fitted",
        "visa": "not_fitted",
        "yield": "fitted",
    }


def test_faulty_input_is_refused_in_a_sentence(applicants):
    with pytest.raises(ValueError, match=r"enrollment rows need the column\(s\) gpa\."):
        fit_enrollment(applicants.rows.drop(columns="gpa"), FEATURES, **SMALL)
    with pytest.raises(ValueError, match="Column english holds text"):
        fit_enrollment(applicants.rows.assign(english="B2"), FEATURES, **SMALL)
    twice = pd.concat([applicants.rows, applicants.rows.iloc[:1]])
    with pytest.raises(ValueError, match="same application in more than one row"):
        fit_enrollment(twice, FEATURES, **SMALL)


CATEGORIES = pd.DataFrame(
    [("few", "category"), ("many", "category"), ("number", "number")], columns=["feature", "kind"]
)


@pytest.fixture(scope="module")
def categories():
    rng = np.random.default_rng(8)
    level = rng.integers(0, 40, 2_000)
    rows = pd.DataFrame(
        {
            "few": rng.choice(["a", "b", None], 2_000),
            "many": [f"u{number:02d}" for number in level],
            "number": rng.normal(size=2_000),
        }
    )
    return rows, (rng.random(2_000) < level / 40).astype(float)


def test_categories_become_columns_or_shrunken_means(categories):
    rows, outcome = categories
    encoding = fit_encoding(rows, CATEGORIES, outcome)
    assert design_columns(encoding) == ["few=a", "few=b", "many", "number"]
    new = pd.DataFrame(
        {"few": ["a", None, "c"], "many": ["u39", None, "unseen"], "number": [1.0, np.nan, 2.0]}
    )
    x = apply_encoding(new, encoding.sample(frac=1, random_state=1))
    np.testing.assert_array_equal(x[:, 0], [1, 0, 0])
    np.testing.assert_array_equal(x[:, 3], [1, np.nan, 2])
    highest = outcome[rows["many"] == "u39"]
    expected = (highest.sum() + 20 * outcome.mean()) / (len(highest) + 20)
    np.testing.assert_allclose(x[:, 2], [expected, np.nan, outcome.mean()])


def test_target_encoding_never_holds_a_rows_own_outcome(categories):
    rows, outcome = categories
    groups = np.array([f"p{number}" for number in range(2_000)], dtype=object)
    unique = rows.assign(many=[f"v{number // 2}" for number in range(2_000)])
    encoding = fit_encoding(unique, CATEGORIES, outcome)
    x = training_matrix(unique, encoding, outcome, groups, seed=1)
    assert roc_auc_score(outcome, apply_encoding(unique, encoding)[:, 2]) > 0.85
    # v5's two rows share their outcome's information, but only across persons.
    alone = training_matrix(unique, encoding, outcome, unique["many"].to_numpy(object), seed=1)
    assert np.abs(alone[:, 2] - outcome.mean()).max() < 0.05
    assert np.isfinite(x[:, 2]).all()


def test_logistic_regression_survives_empty_and_constant_columns():
    rng = np.random.default_rng(2)
    x = np.column_stack([rng.normal(size=300), np.full(300, np.nan), np.ones(300)])
    x[rng.random(300) < 0.2, 0] = np.nan
    y = (np.nan_to_num(x[:, 0]) + rng.normal(size=300) > 0).astype(float)
    scaling, coefficients = fit_logistic(x, y, ["signal", "empty", "flat"])
    weight = coefficients.set_index(["feature", "item"])["value"]
    assert weight["signal", "value"] > 1
    assert weight["empty", "value"] == weight["flat", "value"] == 0
    assert scaling["value"].notna().all()
