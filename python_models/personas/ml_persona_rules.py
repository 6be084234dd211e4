"""Finds for each persona the two to four conditions that tell it best, by small decision trees."""

from applicant_personas.personas.rules import persona_rules


def model(dbt, session):
    dbt.config(materialized="table")
    members = dbt.ref("ml_persona_members")
    catalog = dbt.ref("stg_feature_catalog")
    seed = dbt.config.meta_get("seed")
    rows = members.order("application_id").df()
    shaping = catalog.filter("role in ('persona', 'both') and barred_from_personas is null")
    features = shaping.filter("kind <> 'category'").order("block, priority, feature").df()
    return persona_rules(rows, rows["persona_key"], features, seed=seed)
