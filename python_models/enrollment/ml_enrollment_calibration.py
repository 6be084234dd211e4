"""Compares predicted and actual rates by tenth, on the rows the models did not see."""

from applicant_personas.evaluation import PREDICTION_COLUMNS, calibration_table
from applicant_personas.relations import coded


def model(dbt, session):
    dbt.config(materialized="table")
    predictions = dbt.ref("ml_enrollment_predictions")
    tested = predictions.filter("test_cycle is not null and outcome is not null")
    held_out = tested.filter("is_enrollment_day")
    return calibration_table(coded(held_out, PREDICTION_COLUMNS))
