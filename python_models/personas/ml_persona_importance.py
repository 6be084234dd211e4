"""Measures which features define each persona, by permutation on held-out rows."""

from applicant_personas.importance import persona_importance


def model(dbt, session):
    dbt.config(materialized="table")
    members = dbt.ref("ml_persona_members")
    catalog = dbt.ref("stg_feature_catalog")
    seed = dbt.config.meta_get("seed")
    rows = members.order("application_id").df()
    shaping = catalog.filter("role in ('persona', 'both') and barred_from_personas is null")
    features = shaping.filter("kind <> 'category'").order("block, priority, feature").df()
    return persona_importance(rows, rows["persona_key"], features, seed=seed, n_jobs=-1)
