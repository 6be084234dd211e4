"""Fits, evaluates and explains the forest of each phase; all that is fitted comes back as rows."""

from applicant_personas.phases import fit_phases


def model(dbt, session):
    dbt.config(materialized="table")
    at_risk = dbt.ref("ml_enrollment_rows")
    phase_features = dbt.ref("ml_feature_selection")
    phases = dbt.config.meta_get("phases")
    seed = dbt.config.meta_get("seed")
    max_rows = dbt.config.meta_get("training_rows")
    rows = at_risk.order("phase, application_id").df()
    kept = phase_features.filter("kept and target <> 'persona'")
    features = kept.order("phase_order, block, priority, feature").df()
    return fit_phases(rows, features, phases=phases, seed=seed, max_rows=max_rows, n_jobs=-1)
