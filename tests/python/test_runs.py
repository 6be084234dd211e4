"""A run's id is a digest of what went into the fit, and every fitted row carries it."""

import pandas as pd

from applicant_personas.runs import run_id, with_run

DATA = pd.DataFrame({"application_id": ["A", "B"], "x": [1.0, 2.0]})
FITTED = pd.DataFrame({"record": ["center"], "item": ["01"], "text": [None], "value": [0.5]})


def test_the_same_input_gives_the_same_id_and_another_one_does_not():
    settings = {"seed": 1}
    assert run_id("personas", DATA, settings) == run_id("personas", DATA.copy(), dict(settings))
    assert run_id("personas", DATA, settings) != run_id("personas", DATA, {"seed": 2})
    assert run_id("personas", DATA, settings) != run_id("personas", DATA.assign(x=3.0), settings)


def test_every_row_has_the_id_and_the_facts_are_rows():
    stamped = with_run(FITTED, kind="personas", data=DATA, settings={"seed": 1})
    assert set(stamped["run_id"]) == {run_id("personas", DATA, {"seed": 1})}
    facts = stamped[stamped["record"] == "provenance"].set_index("item")["text"]
    assert facts["n_rows"] == "2"
    assert facts["settings"] == '{"seed": 1}'
    assert stamped["value"].notna().sum() == 1


def test_a_frame_without_records_gets_them():
    plain = pd.DataFrame({"feature": ["x"], "kept": [True]})
    stamped = with_run(plain, kind="selection", data=DATA, settings={}, record="screening")
    assert list(stamped["record"].unique()) == ["screening", "provenance"]
