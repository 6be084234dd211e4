"""What an analyst would write in a notebook instead: pandas and scikit-learn, in one go.

Reads the tables of a folder, cleans and joins them, looks at each applicant of a closed cycle as
known on the open cycle's day, sweeps the number of clusters by silhouette, fits one forest, asks it
for permutation importance, scores the open cycle and writes all back as Parquet. It does a fraction
of what the project does: one row a person and cycle, no quarantine, no tests, no calibration, no
back-test, no importance within personas. Run by `whole_build.py`:
`python benchmarks/notebook.py INPUT OUTPUT`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.inspection import permutation_importance
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import StandardScaler

STAGES = ("submitted", "admitted", "deposited")
PERSONA_FEATURES = (
    "gpa", "english", "gre_quant", "gre_verbal", "stated_intent", "digital", "virtual",
    "in_person", "days_to_submit", "years_experience",
)  # fmt: skip
# Points of a test that make about a TOEFL iBT of the same level.
TOEFL_PER_POINT = {"ielts": 13.5, "duolingo": 0.75, "pte": 1.35, "toefl_ibt": 1.0}
MISSED = ("registered", "no_show")
EVENTS = {
    "digital": ("email_click", "portal_login", "form"),
    "virtual": ("webinar",),
    "in_person": ("campus_visit", "open_day", "fair", "admitted_day"),
}


def read(folder: Path, table: str, columns: list[str] | None = None) -> pd.DataFrame:
    whole = folder / table
    place = whole if whole.exists() else whole.with_suffix(".parquet")
    return pd.read_parquet(place, columns=columns)


def days(values: pd.Series) -> pd.Series:
    return pd.to_datetime(values, errors="coerce").dt.tz_localize(None)


def cohorts(folder: Path) -> pd.DataFrame:
    """Give the submitted applications of each cycle as known on the open cycle's day."""
    applications = read(folder, "applications").drop_duplicates("application_id")
    terms = read(folder, "entry_terms")[["entry_term", "census_on", "status", "term_order"]]
    events = read(folder, "stage_events")
    rows = applications.merge(terms, on="entry_term")
    rows["census_on"] = days(rows["census_on"])
    rows["started_at"] = days(rows["started_at"])
    events["occurred_at"] = days(events["occurred_at"])
    reached = events.pivot_table(
        index="application_id", columns="stage", values="occurred_at", aggfunc="min", observed=True
    )
    rows = rows.merge(reached, left_on="application_id", right_index=True, how="left")
    today = events["occurred_at"].max().normalize()
    open_census = rows.loc[rows["status"] == "open", "census_on"].max()
    rows["cutoff"] = rows["census_on"] - (open_census - today)
    rows["enrolled_later"] = rows["enrolled"].notna().astype(int)
    rows = rows[rows["submitted"] <= rows["cutoff"]].copy()
    for stage in STAGES:
        rows[f"is_{stage}"] = (rows[stage] <= rows["cutoff"]).astype(float)
        rows[f"days_since_{stage}"] = (rows["cutoff"] - rows[stage]).dt.days.clip(lower=0)
        rows.loc[rows[f"is_{stage}"] == 0, f"days_since_{stage}"] = np.nan
    over = (
        rows[["denied", "withdrawn", "declined_by_applicant", "enrolled"]].min(axis=1)
        <= rows["cutoff"]
    )
    rows = rows[~over].copy()
    rows["days_to_submit"] = (rows["submitted"] - rows["started_at"]).dt.days
    amount = pd.to_numeric(rows["scholarship_offer_amount"], errors="coerce")
    rows["scholarship"] = amount.where(days(rows["scholarship_offered_at"]) <= rows["cutoff"], 0)
    return rows


def scores(folder: Path) -> pd.DataFrame:
    """Give a person's best scores."""
    tests = read(folder, "test_scores", ["person_id", "test_code", "component", "value"])
    tests["value"] = pd.to_numeric(tests["value"], errors="coerce")
    tests = tests.dropna()
    total = tests[tests["component"].eq("total") & tests["test_code"].isin(TOEFL_PER_POINT)]
    english = total["value"] * total["test_code"].map(TOEFL_PER_POINT).astype(float)
    best = english.groupby(total["person_id"]).max().rename("english").to_frame()
    gre = tests[tests["test_code"].eq("gre")]
    for part in ("quant", "verbal"):
        own = gre[gre["component"].eq(part)]
        best = best.join(own.groupby("person_id")["value"].max().rename(f"gre_{part}"), how="outer")
    return best


def grades(folder: Path) -> pd.Series:
    records = read(folder, "education_records")
    value = pd.to_numeric(records["gpa_value"], errors="coerce")
    best = pd.to_numeric(records["gpa_scale_max"], errors="coerce")
    worst = pd.to_numeric(records["gpa_scale_pass"], errors="coerce")
    position = ((value - worst) / (best - worst)).clip(0, 1)
    return position.groupby(records["person_id"]).max().rename("gpa")


def contacts(folder: Path, rows: pd.DataFrame) -> pd.DataFrame:
    """Count what each person did before the day that their cycle is looked at."""
    names = ["person_id", "interaction_type", "occurred_at", "status", "value_numeric"]
    done = read(folder, "interactions", names)
    done["occurred_at"] = days(done["occurred_at"])
    cutoffs = rows[["application_id", "person_id", "cutoff"]]
    known = done.merge(cutoffs, on="person_id")
    known = known[known["occurred_at"] <= known["cutoff"]]
    counted = pd.DataFrame(index=rows["application_id"])
    for name, types in EVENTS.items():
        own = known[known["interaction_type"].isin(types) & ~known["status"].isin(MISSED)]
        counted[name] = own.groupby("application_id").size()
    answers = known[known["value_numeric"].notna()].sort_values("occurred_at")
    counted["stated_intent"] = pd.to_numeric(
        answers.groupby("application_id")["value_numeric"].last(), errors="coerce"
    )
    counted["days_since_touch"] = (
        known.groupby("application_id")["cutoff"].first()
        - known.groupby("application_id")["occurred_at"].max()
    ).dt.days
    counted[list(EVENTS)] = np.log1p(counted[list(EVENTS)].fillna(0))
    return counted


def features(folder: Path) -> tuple[pd.DataFrame, list[str]]:
    rows = cohorts(folder)
    names = ["person_id", "country_of_residence", "distance_km", "years_experience"]
    persons = read(folder, "persons", names).drop_duplicates("person_id")
    persons["is_domestic"] = persons.pop("country_of_residence").eq("US").astype(float)
    for name in ("distance_km", "years_experience"):
        persons[name] = np.log1p(pd.to_numeric(persons[name], errors="coerce").clip(lower=0))
    rows = rows.merge(persons, on="person_id", how="left")
    rows = rows.merge(scores(folder), left_on="person_id", right_index=True, how="left")
    rows = rows.merge(grades(folder), left_on="person_id", right_index=True, how="left")
    rows = rows.merge(contacts(folder, rows), left_on="application_id", right_index=True)
    program = pd.get_dummies(rows["program_code"], prefix="program", dtype=float)
    channel = pd.get_dummies(rows["source_channel"], prefix="channel", dtype=float)
    used = [
        *PERSONA_FEATURES, "days_since_touch", "distance_km", "is_domestic", "scholarship",
        *(f"is_{stage}" for stage in STAGES), *(f"days_since_{stage}" for stage in STAGES),
    ]  # fmt: skip
    return pd.concat([rows, program, channel], axis=1), [*used, *program, *channel]


def personas(rows: pd.DataFrame) -> np.ndarray:
    """Choose the number of clusters by silhouette on 10,000 rows, and label everyone."""
    x = SimpleImputer().fit_transform(rows[list(PERSONA_FEATURES)])
    x = StandardScaler().fit_transform(x)
    sample = np.random.default_rng(0).choice(len(x), min(len(x), 10_000), replace=False)
    fits = {k: KMeans(k, n_init=5, random_state=0).fit(x) for k in range(2, 11)}
    quality = {k: silhouette_score(x[sample], fit.labels_[sample]) for k, fit in fits.items()}
    return fits[max(quality, key=lambda k: quality[k])].labels_


def main(folder: Path, output: Path) -> None:
    output.mkdir(parents=True, exist_ok=True)
    rows, names = features(folder)
    rows["persona"] = personas(rows)
    names = [*names, "persona"]
    x = rows[names].fillna(rows[names].median()).to_numpy(np.float32)
    is_closed = rows["status"].eq("closed").to_numpy()
    is_last = is_closed & rows["term_order"].eq(rows["term_order"][is_closed].max()).to_numpy()
    train = is_closed & ~is_last
    y = rows["enrolled_later"].to_numpy()
    forest = RandomForestClassifier(100, min_samples_leaf=20, n_jobs=-1, random_state=0)
    forest.fit(x[train], y[train])
    rows["probability"] = forest.predict_proba(x)[:, 1]
    tested = np.random.default_rng(0).choice(np.flatnonzero(is_last), min(is_last.sum(), 50_000))
    importance = permutation_importance(
        forest, x[tested], y[tested], n_repeats=3, scoring="roc_auc", random_state=0
    )
    kept = ["application_id", "person_id", "entry_term", "persona", "probability", "enrolled_later"]
    rows.loc[is_last | ~is_closed, kept].to_parquet(output / "scores.parquet")
    rows[[*kept[:4]]].to_parquet(output / "personas.parquet")
    pd.Series(importance.importances_mean, names).to_csv(output / "importance.csv")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
