"""Fits the personas, or keeps those that are stored; all that is fitted comes back as rows."""

from applicant_personas.personas.fit import PersonaSettings, fit_personas


def model(dbt, session):
    dbt.config(materialized="table")
    sample = dbt.ref("ml_persona_sample")
    catalog = dbt.ref("stg_feature_catalog")
    statistics = dbt.ref("ftr_statistics")
    stored = dbt.ref("ml_persona_previous")
    n_personas = dbt.config.meta_get("n_personas")
    refit = dbt.config.meta_get("refit")
    note = dbt.config.meta_get("run_note")
    seed = dbt.config.meta_get("seed")
    rows = sample.order("application_id").df()
    shaping = catalog.filter("role in ('persona', 'both') and barred_from_personas is null")
    features = shaping.order("block, priority, feature").df()
    settings = PersonaSettings(n_personas, seed, refit, note)
    return fit_personas(rows, features, statistics.order("feature").df(), stored.df(), settings)
