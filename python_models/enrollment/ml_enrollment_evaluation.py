"""Measures every model and baseline on the rows it did not see."""

from applicant_personas.evaluation import evaluate


def model(dbt, session):
    dbt.config(materialized="table")
    predictions = dbt.ref("ml_enrollment_predictions")
    held_out = predictions.filter("outcome is not null")
    return evaluate(held_out.order("phase, model, test_cycle, application_id, known_on").df())
