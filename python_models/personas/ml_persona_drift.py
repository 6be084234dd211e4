"""Compares the personas' people with those of the cycle before, beside what chance alone moves."""

from applicant_personas.personas.change import compare_cycles


def model(dbt, session):
    dbt.config(materialized="table")
    compared = dbt.ref("ml_persona_compared")
    fitted = dbt.ref("ml_persona_fit")
    seed = dbt.config.meta_get("seed")
    rows = compared.order("application_id").df()
    return compare_cycles(rows, fitted.df(), seed=seed)
