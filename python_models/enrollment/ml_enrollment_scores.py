"""Scores and explains applications whose outcome is still to come, by the stored models."""

from applicant_personas.at_risk import columns_at_risk
from applicant_personas.relations import by_phase, by_phase_and_day
from applicant_personas.scoring import score


def model(dbt, session):
    dbt.config(materialized="table")
    at_risk = dbt.ref("ml_at_risk")
    selected = dbt.ref("ml_feature_selection")
    fitted = dbt.ref("ml_enrollment_fit")
    undecided = at_risk.filter("outcome is null and is_enrollment_day")
    days = undecided.project("phase, days_to_census").distinct().df()
    features = selected.filter("target <> 'persona'").order("block, feature").df()
    read = by_phase_and_day(undecided, columns_at_risk(features))
    return score(read, days, features, by_phase(fitted), n_jobs=-1)
