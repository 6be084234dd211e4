"""Judges every feature for the personas and for each phase, on training rows."""

from applicant_personas.runs import with_run
from applicant_personas.selection import select_features


def model(dbt, session):
    dbt.config(materialized="table")
    training = dbt.ref("ml_selection_rows")
    catalog = dbt.ref("stg_feature_catalog")
    seed = dbt.config.meta_get("seed")
    rows = training.order("target, application_id").df()
    modeled = catalog.filter("role in ('persona', 'enrollment', 'both')")
    features = modeled.order("priority, feature").df()
    screened = select_features(rows, features, seed=seed)
    settings = {"seed": seed}
    return with_run(screened, kind="selection", data=rows, settings=settings, record="screening")
