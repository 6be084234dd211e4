"""Scores and explains applications whose outcome is still to come, by the stored models."""

from applicant_personas.scoring import score


def model(dbt, session):
    dbt.config(materialized="table")
    at_risk = dbt.ref("ml_at_risk")
    selected = dbt.ref("ml_feature_selection")
    fitted = dbt.ref("ml_enrollment_fit")
    undecided = at_risk.filter("outcome is null and is_enrollment_day")

    def read(phase, day):
        on_day = f"days_to_census is not distinct from {'null' if day is None else day}"
        return undecided.filter(f"phase = '{phase}' and {on_day}").to_arrow_table()

    def read_model(phase):
        return fitted.filter(f"phase = '{phase}'").to_arrow_table()

    days = undecided.project("phase, days_to_census").distinct().df()
    features = selected.filter("target <> 'persona'").order("block, feature").df()
    return score(read, days, features, read_model, n_jobs=-1)
