"""Measures every model and baseline on the rows it did not see."""

from applicant_personas.evaluation import PREDICTION_COLUMNS, evaluate


def model(dbt, session):
    dbt.config(materialized="table")
    predictions = dbt.ref("ml_enrollment_predictions")
    held_out = predictions.filter("test_cycle is not null and outcome is not null")
    return evaluate(held_out.project(", ".join(PREDICTION_COLUMNS)).to_arrow_table())
