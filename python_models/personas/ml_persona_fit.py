"""Fits the personas: k, centers, cluster stability and principal components, as rows."""

from applicant_personas.personas import fit_personas
from applicant_personas.runs import with_run


def model(dbt, session):
    dbt.config(materialized="table")
    sample = dbt.ref("ml_persona_sample")
    n_personas = dbt.config.meta_get("n_personas")
    seed = dbt.config.meta_get("seed")
    matrix = sample.order("application_id").df()
    fitted = fit_personas(matrix, n_personas=n_personas, seed=seed)
    settings = {"n_personas": n_personas, "seed": seed}
    return with_run(fitted, kind="personas", data=matrix, settings=settings)
