"""Compares predicted and actual rates by tenth, on the rows the models did not see."""

from applicant_personas.evaluation import calibration_table


def model(dbt, session):
    dbt.config(materialized="table")
    predictions = dbt.ref("ml_enrollment_predictions")
    held_out = predictions.filter("is_enrollment_day and outcome is not null")
    return calibration_table(held_out.order("phase, model, test_cycle, application_id").df())
