"""Predicts every closed cycle from the cycles before it, on every day, phase by phase."""

from applicant_personas.phases import back_test_phases


def model(dbt, session):
    dbt.config(materialized="table")
    at_risk = dbt.ref("ml_backtest_rows")
    phase_features = dbt.ref("ml_feature_selection")
    phases = dbt.config.meta_get("phases")
    seed = dbt.config.meta_get("seed")
    max_rows = dbt.config.meta_get("training_rows")
    rows = at_risk.order("phase, application_id, known_on").df()
    kept = phase_features.filter("kept and target <> 'persona'")
    features = kept.order("phase_order, block, priority, feature").df()
    return back_test_phases(rows, features, phases=phases, seed=seed, max_rows=max_rows, n_jobs=-1)
