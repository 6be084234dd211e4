"""Fits and explains the likelihood of each phase; all that is fitted comes back as rows."""

from applicant_personas.at_risk import columns_at_risk
from applicant_personas.enrollment import fit_enrollment
from applicant_personas.likelihood import Recipe
from applicant_personas.relations import by_phase, by_phase_and_day
from applicant_personas.runs import Runs


def model(dbt, session):
    dbt.config(materialized="table")
    at_risk = dbt.ref("ml_at_risk")
    selected = dbt.ref("ml_feature_selection")
    outcomes = dbt.ref("ml_training_outcomes")
    stored = dbt.ref("ml_enrollment_previous")
    phases = dbt.config.meta_get("phases")
    refit = dbt.config.meta_get("refit")
    note = dbt.config.meta_get("run_note")
    seed = dbt.config.meta_get("seed")
    max_rows = dbt.config.meta_get("training_rows")
    closed = at_risk.filter("outcome is not null")
    days = closed.aggregate(
        "phase, days_to_census, bool_or(is_training_day) as is_training_day,"
        " count(*) as n, sum(outcome) as n_positive"
    ).df()
    features = selected.filter("kept and target <> 'persona'").order("block, feature").df()
    training = outcomes.project("phase, fingerprint, as_of").order("phase").df()
    read = by_phase_and_day(closed, columns_at_risk(features))
    runs = Runs("enrollment", refit, note, training, by_phase(stored))
    return fit_enrollment(read, days, features, runs, Recipe(seed, max_rows, n_jobs=-1), phases)
