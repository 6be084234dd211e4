"""Measures every model and baseline on the rows it did not see."""

from applicant_personas.evaluation import PREDICTION_COLUMNS, evaluate
from applicant_personas.relations import coded


def model(dbt, session):
    dbt.config(materialized="table")
    predictions = dbt.ref("ml_enrollment_predictions")
    held_out = predictions.filter("test_cycle is not null and outcome is not null")
    return evaluate(coded(held_out, PREDICTION_COLUMNS))
