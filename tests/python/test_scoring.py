"""Scoring needs the stored rows alone: nothing is fitted, and the bits are the same anywhere."""

import hashlib
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sklearn.base
from planted import RECIPE, days_of, first_runs, frame, planted, reader, table, targeted
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from applicant_personas import calibration, encoding, enrollment, likelihood
from applicant_personas.backtest import BACKTEST_FIELDS
from applicant_personas.enrollment import fit_enrollment
from applicant_personas.predictions import (
    BOOSTING,
    FOREST,
    LIKELIHOOD,
    LOGISTIC,
    PERSONA_RATE,
    PREVIOUS_CYCLE_RATE,
    STAGE_RATE,
)
from applicant_personas.scoring import MODEL_RECORDS, SCORES, scorer

PHASES = ("admitted", "deposited")
NEAR, FAR = 60, 240


@pytest.fixture(scope="module")
def made():
    return planted(n=2_400, seed=3)


def in_phases(rows):
    """Let everyone stand in the first phase on two days; some in the second, on the nearer one."""
    far = rows.assign(days_to_census=float(FAR), intent=np.nan)
    deposited = rows.iloc[::3].assign(phase="deposited")
    return pd.concat([rows, far, deposited], ignore_index=True)


@pytest.fixture(scope="module")
def stored(made):
    """Fit two phases; the second one knows too few outcomes for more than a rate."""
    closed = in_phases(made.rows[~made.rows["is_open"]])
    closed.loc[closed["phase"] == "deposited", "outcome"] = 0.0
    patch = pytest.MonkeyPatch()
    patch.setattr(enrollment, "_folds", lambda data, recipe, n_folds: [])
    patch.setattr(enrollment, "_held_out", lambda data, folds, recipe: iter(()))
    runs = first_runs("enrollment", *PHASES)
    fitted = fit_enrollment(
        reader(closed), days_of(closed), targeted(*PHASES), runs, RECIPE, PHASES
    ).read_all()
    patch.undo()
    return fitted


@pytest.fixture(scope="module")
def undecided(made):
    return in_phases(made.rows[made.rows["is_open"]])


def models(stored):
    return lambda phase: stored.filter(pa.compute.equal(stored["phase"], phase))


def scored(stored, rows, n_jobs=1):
    by_models = scorer(targeted(*PHASES, "visa"), models(stored))
    return pa.Table.from_batches(by_models([table(rows)], n_jobs), schema=SCORES)


@pytest.fixture(scope="module")
def found(stored, undecided):
    return scored(stored, undecided)


def predictions(found):
    rows = frame(found)
    return rows[rows["record"] == "prediction"].reset_index(drop=True)


def test_every_application_is_scored_once_where_it_stands(found, undecided):
    assert found.schema == pa.schema(list(BACKTEST_FIELDS.items()))
    rows = predictions(found)
    keys = ["phase", "days_to_census", "application_code"]
    assert len(rows) == len(undecided)
    merged = rows.merge(undecided[keys], on=keys, validate="1:1")
    assert len(merged) == len(undecided)
    assert set(rows["score_kind"]) == {"out_of_sample"}
    assert (rows["test_cycle"] == rows["entry_term"]).all()
    assert set(rows["test_cycle"]) == {"2025 Fall"}
    assert rows[[LIKELIHOOD, PERSONA_RATE, STAGE_RATE]].notna().all(axis=None)
    assert rows[[BOOSTING, PREVIOUS_CYCLE_RATE, "outcome"]].isna().all(axis=None)
    of_rate = rows["phase"] == "deposited"
    assert rows.loc[of_rate, [FOREST, LOGISTIC]].isna().all(axis=None)
    assert rows.loc[~of_rate, [FOREST, LOGISTIC]].notna().all(axis=None)


def test_scores_know_what_is_planted(found, made):
    truth = made.rows[["application_code"]].assign(oracle=made.probability)
    rows = predictions(found).query(f"phase == 'admitted' and days_to_census == {NEAR}")
    merged = rows.merge(truth, on="application_code", validate="1:1")
    assert np.corrcoef(merged[LIKELIHOOD], merged["oracle"])[0, 1] > 0.85
    assert merged[LIKELIHOOD].mean() == pytest.approx(merged["oracle"].mean(), abs=0.03)


def test_the_run_is_that_of_the_model(found, stored):
    runs = frame(stored).groupby("phase")["run_id"].first().to_dict()
    assert frame(found).groupby("phase")["run_id"].unique().map(list).to_dict() == {
        phase: [name] for phase, name in runs.items()
    }
    n_rows = frame(stored).query("record == 'run' and metric == 'n_rows'")
    expected = n_rows.set_index(["phase", "days_to_census"])["value"].to_dict()
    told = predictions(found).groupby(["phase", "days_to_census"])["n_training"].unique()
    assert {key: list(value) for key, value in told.items()} == {
        key: [value] for key, value in expected.items()
    }


def test_the_rate_of_the_stage_is_that_of_everyone_who_stood_there(found, stored):
    rates = frame(stored).query("record == 'rate' and level.isna()")
    keys = ["phase", "days_to_census"]
    told = predictions(found).groupby(keys)[STAGE_RATE].unique()
    assert {key: list(value) for key, value in told.items()} == {
        key: [value] for key, value in rates.set_index(keys)["value"].items()
    }


def test_nothing_is_fitted(stored, undecided, found, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("Something was fitted.")

    for kind in (RandomForestRegressor, LogisticRegression, HistGradientBoostingClassifier):
        monkeypatch.setattr(kind, "fit", refuse)
    monkeypatch.setattr(sklearn.base.ClassifierMixin, "__init__", refuse)
    for module, name in (
        (likelihood, "fit_likelihood"),
        (likelihood, "fit_encoding"),
        (likelihood, "fit_forest"),
        (likelihood, "fit_logistic"),
        (likelihood, "fit_weights"),
        (likelihood, "fit_knots"),
        (likelihood, "_fit_rates"),
        (encoding, "fit_encoding"),
        (calibration, "fit_knots"),
    ):
        monkeypatch.setattr(module, name, refuse)
    assert scored(stored, undecided).equals(found)


AFRESH = """
import hashlib, pickle, sys
import pyarrow as pa, pyarrow.parquet as pq
from planted import targeted
from applicant_personas.scoring import SCORES, scorer
stored, rows = pq.read_table(sys.argv[1]), pq.read_table(sys.argv[2])
def read_model(phase):
    return stored.filter(pa.compute.equal(stored["phase"], phase))
made = scorer(targeted("admitted", "deposited"), read_model)
for by_models in (made, pickle.load(open(sys.argv[3], "rb"))):
    found = pa.Table.from_batches(by_models([rows], 2), schema=SCORES)
    print(hashlib.sha256(found["likelihood"].to_numpy().tobytes()).hexdigest())
    print(hashlib.sha256(found["value"].to_numpy().tobytes()).hexdigest())
"""


def test_a_new_process_gives_the_same_bits(stored, undecided, found, tmp_path):
    order = np.random.default_rng(1).permutation(stored.num_rows)
    pq.write_table(stored.take(order), tmp_path / "model.parquet")
    pq.write_table(table(undecided.sample(frac=1, random_state=1)), tmp_path / "rows.parquet")
    sent = pickle.dumps(scorer(targeted(*PHASES), models(stored)))
    (tmp_path / "scorer").write_bytes(sent)
    files = [str(tmp_path / name) for name in ("model.parquet", "rows.parquet", "scorer")]
    again = subprocess.run(
        [sys.executable, "-c", AFRESH, *files],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert again.stdout.split() == 2 * [
        hashlib.sha256(found[name].to_numpy().tobytes()).hexdigest()
        for name in (LIKELIHOOD, "value")
    ]


def test_parts_of_the_rows_are_scored_as_all_are(stored, undecided, found):
    shuffled = table(undecided.sample(frac=1, random_state=3)).to_batches(max_chunksize=100)
    by_models = scorer(targeted(*PHASES), models(stored))
    parts = pa.Table.from_batches(by_models(shuffled), schema=SCORES)
    assert len(shuffled) > 5
    keys = ["record", "phase", "days_to_census", "application_code", "metric", "item"]
    one, other = (frame(rows).sort_values(keys, ignore_index=True) for rows in (parts, found))
    pd.testing.assert_frame_equal(one, other, rtol=1e-9)


def test_threads_and_order_of_rows_change_nothing(stored, undecided, found):
    order = np.random.default_rng(2).permutation(stored.num_rows)
    # Another store codes its text in another order, or not at all.
    texts = [pa.string() if pa.types.is_dictionary(kind) else kind for kind in stored.schema.types]
    plain = stored.cast(pa.schema(list(zip(stored.column_names, texts, strict=True))))
    assert scored(plain, undecided).equals(found)
    coded = plain.take(order).cast(stored.schema)
    assert scored(coded, undecided).equals(found)
    turned = scored(stored.take(order), undecided.sample(frac=1, random_state=1), n_jobs=2)
    assert turned.equals(found)


def test_company_does_not_change_a_score(stored, undecided, found):
    alone = predictions(scored(stored, undecided.iloc[:1]))
    merged = alone.merge(predictions(found), on=["phase", "days_to_census", "application_code"])
    assert merged[f"{LIKELIHOOD}_x"].tolist() == merged[f"{LIKELIHOOD}_y"].tolist()
    assert len(merged) == 1


@pytest.mark.parametrize(
    ("day", "nearest"), [(NEAR + 4, NEAR), (0, NEAR), (151, FAR), (FAR + 90, FAR)]
)
def test_the_model_of_the_nearest_day_serves(stored, undecided, day, nearest):
    rows = undecided[(undecided["phase"] == "admitted") & (undecided["days_to_census"] == NEAR)]
    moved = predictions(scored(stored, rows.assign(days_to_census=float(day))))
    only = stored.filter(pa.compute.equal(stored["days_to_census"], nearest))
    expected = predictions(scored(only, rows))
    assert set(moved["days_to_census"]) == {day}
    np.testing.assert_array_equal(moved[LIKELIHOOD], expected[LIKELIHOOD])


def test_rows_without_dates_are_scored_by_a_model_without(stored, undecided):
    rows = undecided[(undecided["phase"] == "admitted") & (undecided["days_to_census"] == NEAR)]
    near = stored.filter(pa.compute.equal(stored["days_to_census"], NEAR))
    place = near.schema.get_field_index("days_to_census")
    undated = near.set_column(place, "days_to_census", pa.nulls(near.num_rows, pa.int32()))
    found = predictions(scored(undated, rows.assign(days_to_census=np.nan)))
    np.testing.assert_array_equal(found[LIKELIHOOD], predictions(scored(near, rows))[LIKELIHOOD])
    assert found["days_to_census"].isna().all()


def test_a_phase_without_a_model_has_no_scores(stored, undecided):
    both = pd.concat([undecided.assign(phase="visa"), undecided.query("phase == 'admitted'")])
    assert set(frame(scored(stored, both))["phase"]) == {"admitted"}
    records = pa.array([*MODEL_RECORDS])
    none = stored.filter(pa.compute.invert(pa.compute.is_in(stored["record"], records)))
    assert scored(none, undecided).num_rows == 0


def test_reasons_are_of_rows_with_a_model(found):
    reasons = frame(found).query("record == 'reason'")
    assert set(reasons["phase"]) == {"admitted"}
    keys = ["days_to_census", "application_code"]
    rows = predictions(found).query("phase == 'admitted'")[keys]
    assert len(reasons.merge(rows, on=keys, validate="m:1")) == len(reasons)
    assert len(reasons[keys].drop_duplicates()) == len(rows)
    strong = predictions(found).query(f"phase == 'admitted' and days_to_census == {NEAR}")
    assert roc_auc_score(strong[LIKELIHOOD] > 0.5, strong[LOGISTIC]) > 0.95
