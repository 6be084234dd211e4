"""Measures how well the features tell each group of each protected attribute and of residency."""

from applicant_personas.proxies import tell_attributes


def model(dbt, session):
    dbt.config(materialized="table")
    people = dbt.ref("audit_attribute_sample").order("attribute, application_id").df()
    catalog = dbt.ref("stg_feature_catalog")
    seed = dbt.config.meta_get("seed")
    serving = catalog.filter("role in ('persona', 'enrollment', 'both') and not protected")
    features = serving.order("block, feature").project("feature, block, kind").df()
    return tell_attributes(people, features, seed=seed, n_jobs=-1)
