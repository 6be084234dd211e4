"""Scores and explains applications whose outcome is still to come, by the stored models."""

from applicant_personas.at_risk import columns_at_risk
from applicant_personas.relations import by_phase, mapped
from applicant_personas.scoring import SCORES, scorer


def model(dbt, session):
    dbt.config(materialized="table")
    at_risk = dbt.ref("ml_at_risk")
    selected = dbt.ref("ml_feature_selection")
    fitted = dbt.ref("ml_enrollment_fit")
    undecided = at_risk.filter("outcome is null and is_enrollment_day")
    features = selected.filter("target <> 'persona'").order("block, feature").df()
    columns, by_models = columns_at_risk(features), scorer(features, by_phase(fitted))
    return mapped(undecided, columns, by_models, SCORES, "scores, phases and days")
