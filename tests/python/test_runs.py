"""A run's id is a digest of what went into the fit; stored rows serve until there is a reason."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from planted import frame

from applicant_personas import runs
from applicant_personas.backtest import BACKTEST_FIELDS
from applicant_personas.predictions import stacked
from applicant_personas.runs import (
    MAX_DAYS_APART,
    Fit,
    Runs,
    data_hash,
    recipe_hash,
    refit_reason,
    run_id,
    what_changed,
    with_run,
)

DATA = pd.DataFrame({"application_id": ["A", "B"], "x": [1.0, 2.0]})
FITTED = pd.DataFrame({"record": ["center"], "item": ["01"], "text": [None], "value": [0.5]})


def test_the_same_input_gives_the_same_id_and_another_one_does_not(monkeypatch):
    first = run_id("personas", "abc", {"seed": 1, "k": [1, 2]})
    assert first == run_id("personas", "abc", {"k": [1, 2], "seed": 1})
    others = {
        first,
        run_id("personas", "abd", {"seed": 1, "k": [1, 2]}),
        run_id("personas", "abc", {"seed": 2, "k": [1, 2]}),
        run_id("personas", "abc", {"seed": 1, "k": [2, 1]}),
        run_id("enrollment", "abc", {"seed": 1, "k": [1, 2]}),
    }
    monkeypatch.setattr(runs, "__version__", "another")
    others.add(run_id("personas", "abc", {"seed": 1, "k": [1, 2]}))
    assert len(others) == 6
    assert first.startswith("personas-")


def test_data_is_known_by_columns_order_and_values():
    found = {
        data_hash(DATA),
        data_hash(DATA.iloc[::-1]),
        data_hash(DATA.assign(x=[1.0, 2.5])),
        data_hash(DATA.rename(columns={"x": "y"})),
    }
    assert len(found) == 4
    assert data_hash(DATA) == data_hash(DATA.copy())


def test_the_recipe_knows_the_versions(monkeypatch):
    before = recipe_hash({"seed": 1})
    assert before == recipe_hash({"seed": 1})
    assert before != recipe_hash({"seed": 2})
    monkeypatch.setattr(runs, "version", lambda name: "99")
    assert before != recipe_hash({"seed": 1})


def test_every_row_has_the_id_and_the_facts_are_rows():
    stamped = with_run(FITTED, kind="personas", data=DATA, settings={"seed": 1})
    assert set(stamped["run_id"]) == {run_id("personas", data_hash(DATA), {"seed": 1})}
    facts = stamped[stamped["record"] == "provenance"].set_index("item")["text"]
    assert facts["n_rows"] == facts["n_columns"] == "2"
    assert facts["settings"] == '{"seed": 1}'
    assert set(json.loads(facts["versions"])) == {"duckdb", "numpy", "pandas", "scikit-learn"}
    assert stamped["value"].notna().sum() == 1


def test_a_frame_without_records_gets_them():
    plain = pd.DataFrame({"feature": ["x"], "kept": [True]})
    stamped = with_run(plain, kind="selection", data=DATA, settings={}, record="screening")
    assert list(stamped["record"].unique()) == ["screening", "provenance"]


STORED = {"recipe": "r1", "training": "t1", "day": "60"}
RECIPE = "features, settings or versions changed"
TRAINING = "outcomes of closed cycles changed"
ALWAYS = "refit is always"
UNDATED = "the last fit or this one is of data without dates"
FAR = str(60 + MAX_DAYS_APART + 1)


@pytest.mark.parametrize(
    ("before", "change", "reason"),
    [
        (STORED, {}, None),
        (STORED, {"recipe": "r2"}, RECIPE),
        (STORED, {"training": "t2"}, TRAINING),
        (STORED, {"recipe": "r2", "training": "t2"}, RECIPE),
        (STORED, {"day": str(60 - MAX_DAYS_APART)}, None),
        (STORED, {"day": str(60 + MAX_DAYS_APART)}, None),
        (STORED, {"day": FAR}, "the last fit was for another day of the season, 8 days apart"),
        (STORED, {"day": "-20"}, "the last fit was for another day of the season, 80 days apart"),
        (STORED, {"day": ""}, UNDATED),
        ({**STORED, "day": ""}, {}, UNDATED),
        ({**STORED, "day": ""}, {"day": ""}, None),
        ({"kind": "of an early version"}, {}, RECIPE),
    ],
)
def test_what_makes_a_stored_model_outdated(before, change, reason):
    assert what_changed(before, {**STORED, **change}) == reason


@pytest.mark.parametrize(
    ("refit", "is_stored", "change", "reason"),
    [
        ("auto", False, None, "no model was stored"),
        ("always", False, None, "no model was stored"),
        ("auto", True, None, None),
        ("auto", True, RECIPE, RECIPE),
        ("always", True, None, ALWAYS),
        ("always", True, RECIPE, ALWAYS),
        ("never", True, None, None),
        ("never", True, RECIPE, None),
    ],
)
def test_when_to_fit_anew_and_why(refit, is_stored, change, reason):
    assert refit_reason(refit, is_stored=is_stored, change=change) == reason


def test_never_without_a_model_is_one_sentence():
    with pytest.raises(ValueError, match=r"^refit is never, and no model is stored [^.]*\.$"):
        refit_reason("never", is_stored=False, change=None)


class Store:
    """A phase's rows as a database keeps them, and how often something was fitted."""

    def __init__(self):
        self.rows = stacked([], BACKTEST_FIELDS).read_all()
        self.n_fits = 0

    def build(self, refit="auto", *, seed=1, fingerprint="t1", day=60, note=None, data="abc"):
        def fit():
            self.n_fits += 1
            parts = [{"record": "run", "metric": ["a", "b"], "value": np.array([0.1, np.nan])}]
            return Fit(parts, data, n_rows=7, n_columns=2)

        training = pd.DataFrame(
            {"phase": ["x", "y"], "fingerprint": [fingerprint, "?"], "as_of": "2026-01-31 00:00:00"}
        )
        told = Runs("enrollment", refit, note, training, lambda phase: self.rows)
        found = stacked(told.parts("x", {"seed": seed}, day, fit), BACKTEST_FIELDS).read_all()
        self.rows = found
        return found

    def facts(self):
        rows = frame(self.rows)
        told = rows[rows["record"] == "provenance"]
        return dict(zip(told["item"], told["text"], strict=True))


def test_a_first_build_fits_and_says_so_on_every_row():
    store = Store()
    found = store.build(note="before the fair").to_pandas()
    assert store.n_fits == 1
    assert set(found["phase"]) == {"x"}
    assert set(found["run_id"]) == {run_id("enrollment-x", "abc", {"seed": 1})}
    facts = store.facts()
    assert facts["kind"] == "enrollment-x"
    assert facts["refit_reason"] == "no model was stored"
    assert facts["as_of"] == "2026-01-31"
    assert facts["run_note"] == "before the fair"
    assert (facts["n_rows"], facts["n_columns"], facts["day"]) == ("7", "2", "60")
    assert (facts["data_hash"], facts["training"]) == ("abc", "t1")
    assert facts["recipe"] == recipe_hash({"seed": 1})


def test_stored_rows_are_given_back_as_they_are():
    store = Store()
    first = store.build(note="the first")
    for refit in ("auto", "never"):
        again = store.build(refit, note="another", data="changed", day=58)
        pd.testing.assert_frame_equal(frame(again), frame(first))
        assert again.schema == first.schema
    again = store.build("never", seed=2, fingerprint="t2", day=None)
    pd.testing.assert_frame_equal(frame(again), frame(first))
    assert store.n_fits == 1


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"seed": 2}, RECIPE),
        ({"fingerprint": "t2"}, TRAINING),
        ({"day": 90}, "the last fit was for another day of the season, 30 days apart"),
        ({"refit": "always"}, ALWAYS),
    ],
)
def test_a_change_is_fitted_once(changed, reason):
    store = Store()
    store.build()
    store.build(**changed)
    assert store.n_fits == 2
    assert store.facts()["refit_reason"] == reason
    assert "run_note" not in store.facts()
    store.build(**{**changed, "refit": "auto"})
    assert store.n_fits == 2


def test_an_undated_build_keeps_an_undated_model():
    store = Store()
    store.build(day=None)
    store.build(day=None)
    assert store.n_fits == 1
    assert store.facts()["day"] == ""


def test_the_same_data_and_settings_have_the_same_id_however_often_they_are_fitted():
    store = Store()
    ids = {store.build(refit)["run_id"][0].as_py() for refit in ("auto", "always", "always")}
    assert store.n_fits == 3
    assert len(ids) == 1


def test_rows_in_many_chunks_come_back_too():
    store = Store()
    first = store.build()
    store.rows = pa.concat_tables([first.slice(0, 1), first.slice(1)])
    pd.testing.assert_frame_equal(frame(store.build("never")), frame(first))


def test_never_refuses_before_anything_is_fitted():
    store = Store()
    with pytest.raises(ValueError, match="refit is never"):
        store.build("never")
    assert store.n_fits == 0
