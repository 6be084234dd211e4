"""The whole road, from files to marts, against the truth that the sample was made from.

Each build is made once and read by several tests; two run side by side.
"""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from likelihood import compared, read
from sklearn.metrics import adjusted_rand_score
from warehouse import ROOT, Warehouse, build, built_sample, generate, manifest, run_dbt

from applicant_personas.enrollment import fit_enrollment
from applicant_personas.likelihood import Recipe
from applicant_personas.runs import Runs
from applicant_personas.sample.archetypes import ARCHETYPE_KEYS, column

AS_OF = pd.Timestamp("2026-05-15")
# The archetypes that a scholarship moves, beside what moves everyone, and the one it moves most.
MOVED = column("moved_by_scholarship")
MOVED_MOST = ARCHETYPE_KEYS[int(np.argmax(MOVED))]
SCHOLARSHIP = {"scholarship_offered", "scholarship_amount"}
UNREAD_GRADE = "excellent"
# Text of the user's, which would be SQL where it is not quoted.
OWN_COLUMN = 'x_dean\'s "grade".of; -- {{ 1 }}'
FAST_TRACK = "O'Fast\"; drop schema marts cascade; -- {% endif %}"
OWN_LABEL = 'Dean\'s "grade"; --'
PHASES = ("applied", "admitted", "deposited")
# The last applications come in 108 days before census and wait for at most 56 days: of the days
# that are looked at, 60 is the nearest to the last decisions.
ADMISSION_END = 60
# Of the days that are looked at, the one on which most of the admitted had not decided: what moves
# them is measured there.
MOST_UNDECIDED = 150
FLAT_STAGES = ["admitted", "denied", "deposited", "enrolled", "withdrawn"]


@dataclass(frozen=True)
class Case:
    """A build, the tables that it read and the truth behind them."""

    warehouse: Warehouse
    input: Path
    truth_folder: Path

    def truth(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.truth_folder / f"{name}.csv")


# --- the builds ---------------------------------------------------------------------------------


def build_sample(folder: Path, threads: int | None = None) -> Case:
    """Take the committed sample, the default input, or build it on so many threads."""
    warehouse = build(folder, threads=threads) if threads else built_sample(folder)
    return Case(warehouse, ROOT / "seeds/sample", ROOT / "tests/fixtures/sample_truth")


def build_large(folder: Path) -> Case:
    """Build who is likely to enroll and why, and what was wrong in the input, for many."""
    tables = generate(folder / "input", "--persons", "20000", "--format", "parquet")
    marts = ["fct_enrollment_scores", "fct_applicant_personas", "rpt_feature_importance"]
    marts += ["dq_score_issues", "dq_diverted_rows"]
    select = [f"+{mart}" for mart in marts]
    built = build(folder, tables, select=select, as_of_offsets=[MOST_UNDECIDED])
    return Case(built, tables, tables / "truth")


def build_only(folder: Path, table: str) -> Case:
    """Build from the required tables and one optional table, and run every data test."""
    made = generate(folder / "made", "--persons", "600")
    tables = folder / "input"
    tables.mkdir()
    for name in ("persons", "applications", table):
        shutil.copy(made / f"{name}.csv", tables)
    return Case(build(folder, tables, with_tests=True), tables, made / "truth")


def build_eight_cycles(folder: Path) -> Case:
    """Build the back-test of many cycles, on the open cycle's day and at admission's end."""
    options = ["--persons", "20000", "--cycles", "8", "--format", "parquet"]
    tables = generate(folder / "input", *options)
    marts = ["+rpt_headcount_backtest", "+fct_enrollment_scores"]
    built = build(folder, tables, select=marts, as_of_offsets=[ADMISSION_END])
    return Case(built, tables, tables / "truth")


def build_cycles(folder: Path, n_closed: int) -> Case:
    """Build a few persons in some closed cycles and an open one, and run every data test."""
    options = ["--persons", str(400 * (n_closed + 1)), "--cycles", str(n_closed + 1)]
    tables = generate(folder / "input", *options)
    return Case(build(folder, tables, with_tests=True), tables, tables / "truth")


def build_flat(folder: Path) -> Case:
    """Build from two flat tables with columns and codes of the user's own, named by two more."""
    made = generate(folder / "made", "--persons", "600")
    case = Case(Warehouse(folder / "warehouse.duckdb"), folder / "input", made / "truth")
    case.input.mkdir()
    persons, applications, events = (
        pd.read_csv(made / f"{name}.csv", dtype=str, keep_default_na=False)
        for name in ("persons", "applications", "stage_events")
    )
    # The history as a flat table has it: one date a stage.
    events = events[events["stage"].isin(FLAT_STAGES)]
    dates = events.pivot_table("occurred_at", "application_id", "stage", aggfunc="min")
    applications = applications.join(dates.rename(columns="{}_at".format), on="application_id")
    archetype = case.truth("persons").set_index("person_id")["archetype"]
    number = persons["person_id"].map(archetype).map(ARCHETYPE_KEYS.index, "ignore")
    persons[OWN_COLUMN] = number + np.random.default_rng(1).normal(size=len(number)).round(2)
    # A word among the grades, on people who stay.
    worded = persons.index[persons[OWN_COLUMN].notna() & ~persons["is_deleted"].eq("1")][:3]
    persons[OWN_COLUMN] = persons[OWN_COLUMN].astype(object)
    persons.loc[worded, OWN_COLUMN] = UNREAD_GRADE
    # Half of those who enroll take the fast track: it tells more than anything else.
    enrolled = case.truth("applications").set_index("application_id")["enrolled"]
    keys = applications["application_id"]
    is_fast = (keys.map(enrolled) == 1) & keys.str[-1].isin([*"02468"])
    applications["x_track"] = np.where(is_fast, FAST_TRACK, "plain")
    countries = persons["country_of_residence"]
    persons["country_of_residence"] = countries.where(countries == "", "Land of " + countries)
    crosswalk = pd.DataFrame({"code": persons["country_of_residence"], "country": countries})
    crosswalk = crosswalk[countries != ""].drop_duplicates()
    crosswalk.loc[len(persons)] = ["Wonderland", "Nowhere"]
    persons.to_csv(case.input / "persons.csv", index=False)
    applications.to_csv(case.input / "applications.csv", index=False)
    crosswalk.to_csv(case.input / "xwalk_countries.csv", index=False)
    columns = ["feature", "block", "source_column", "kind", "role", "earliest_stage", "label"]
    features = [
        [
            "portfolio",
            "portfolio",
            f"persons.{OWN_COLUMN}",
            "number",
            "both",
            "submitted",
            OWN_LABEL,
        ],
        ["track", "program", "applications.x_track", "category", "both", "submitted", "Track"],
    ]
    pd.DataFrame(features, columns=columns).to_csv(case.input / "feature_catalog.csv", index=False)
    build(folder, case.input)
    return case


# By the fixture that gives it, the longest first.
BUILDS: dict[str, Callable[[Path], Case]] = {
    "large": build_large,
    "eight_cycles": build_eight_cycles,
    "sample": build_sample,
    "on_one_thread": lambda folder: build_sample(folder, 1),
    "only_interactions": lambda folder: build_only(folder, "interactions"),
    "only_stage_events": lambda folder: build_only(folder, "stage_events"),
    "flat": build_flat,
    "one_closed_cycle": lambda folder: build_cycles(folder, 1),
    "no_closed_cycle": lambda folder: build_cycles(folder, 0),
}


@pytest.fixture(scope="session")
def builds(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Case]]]:
    """Start every build that the chosen tests read, two at a time."""
    read = {name for item in request.session.items for name in getattr(item, "fixturenames", [])}
    folders = {name: tmp_path_factory.mktemp(name) for name in BUILDS if name in read}
    pool = ThreadPoolExecutor(2)
    yield {name: pool.submit(BUILDS[name], folder) for name, folder in folders.items()}
    pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="session")
def large(builds: dict[str, Future[Case]]) -> Case:
    return builds["large"].result()


@pytest.fixture(scope="session")
def sample(builds: dict[str, Future[Case]]) -> Case:
    return builds["sample"].result()


@pytest.fixture(scope="session")
def on_one_thread(builds: dict[str, Future[Case]]) -> Case:
    return builds["on_one_thread"].result()


@pytest.fixture(scope="session")
def only_interactions(builds: dict[str, Future[Case]]) -> Case:
    return builds["only_interactions"].result()


@pytest.fixture(scope="session")
def flat(builds: dict[str, Future[Case]]) -> Case:
    return builds["flat"].result()


@pytest.fixture(scope="session")
def eight_cycles(builds: dict[str, Future[Case]]) -> Case:
    return builds["eight_cycles"].result()


@pytest.fixture(scope="session")
def only_stage_events(builds: dict[str, Future[Case]]) -> Case:
    return builds["only_stage_events"].result()


@pytest.fixture(scope="session")
def one_closed_cycle(builds: dict[str, Future[Case]]) -> Case:
    return builds["one_closed_cycle"].result()


@pytest.fixture(scope="session")
def no_closed_cycle(builds: dict[str, Future[Case]]) -> Case:
    return builds["no_closed_cycle"].result()


# --- personas -----------------------------------------------------------------------------------


def members(case: Case) -> pd.DataFrame:
    """Everyone whose archetype is known, with the persona found."""
    personas = case.warehouse.frame(
        "select person_id, persona_key from marts.fct_applicant_personas"
    )
    return personas.merge(case.truth("persons"), on="person_id")


def test_personas_find_the_archetypes(sample: Case) -> None:
    chosen = sample.warehouse.column("select k from marts.rpt_persona_selection where is_chosen")
    active = sample.warehouse.column("select persona_key from marts.dim_personas where is_active")
    assert chosen == [len(active)]
    assert 6 <= chosen[0] <= 8
    found = members(sample)
    # Objectors and the erased have no persona; everyone else counts, prospects too.
    assert len(found) >= 0.97 * len(sample.truth("persons"))
    agreement = adjusted_rand_score(found["archetype"], found["persona_key"])
    print(f"adjusted Rand index {agreement:.3f} with {chosen[0]} personas")
    assert agreement >= 0.80


# --- enrollment ---------------------------------------------------------------------------------


def check_likelihoods(case: Case, tolerance: float) -> pd.DataFrame:
    """Compare with what anyone would fit on the same rows, as known on the same day.

    Returns the figures, a row a phase.
    """
    found = compared(*read(case.warehouse.database)).set_index("phase")
    print(found.round(4).to_string())
    rungs = found.loc[list(PHASES)]
    for usual in ("forest", "logistic"):
        assert (rungs["auc"] >= rungs[usual] - tolerance).all(), found
    assert found.loc["all", "auc"] >= found.loc["all", "stage_then_forest"] + 0.015, found
    # Depositors and all others alike: nobody's deposit is averaged away.
    others = rungs.drop("deposited")
    for group in (others, rungs.loc[["deposited"]]):
        gap = np.average(group["mean"] - group["rate"], weights=group["n"])
        assert abs(gap) <= 0.03, found
    # Nobody who looks ahead only is that good.
    assert rungs["auc"].max() < 0.97
    return found


def test_likelihoods_of_the_sample_are_right_where_people_stand(sample: Case) -> None:
    # 119 who had deposited, 12 of whom did not come: their AUC is known to within .10.
    check_likelihoods(sample, tolerance=0.05)


def test_likelihoods_of_many_are_right_where_people_stand(large: Case) -> None:
    found = check_likelihoods(large, tolerance=0.005).loc["all"]
    assert found["ece"] <= 0.03
    assert 0.85 <= found["slope"] <= 1.15


def test_everyone_stands_in_one_phase(sample: Case) -> None:
    """The furthest that was known on the day, since the day on which it was reached."""
    scores = sample.warehouse.frame(
        "select application_id, phase, stage_since, known_on, entry_term from"
        " marts.fct_enrollment_scores"
    )
    assert set(scores["phase"]) == set(PHASES)
    assert not scores["application_id"].duplicated().any()
    days = (scores["known_on"] - scores["stage_since"]).dt.days
    assert days.min() >= 0
    events = known_stages(sample)
    stages = pd.read_csv(ROOT / "seeds/terminology/stages.csv").set_index("stage")["stage_rank"]
    own_day = 118
    reached = events[events["days_to_census"] >= own_day].groupby("application_id")["rank"].max()
    furthest = pd.cut(
        scores["application_id"].map(reached),
        [stages["submitted"], stages["admitted"], stages["deposited"], stages["enrolled"]],
        right=False,
        labels=list(PHASES),
    )
    assert (furthest.astype(str) == scores["phase"]).all()


def test_of_a_person_the_likelihoods_add_up_to_less_than_one(large: Case) -> None:
    scores = large.warehouse.frame(
        "select person_id, probability, person_probability, count(*) over (partition by person_id)"
        " as n from marts.fct_enrollment_scores where outcome is null"
    )
    several = scores[scores["n"] > 1]
    assert len(several) > 50
    sums = several.groupby("person_id")["probability"].sum()
    assert sums.max() < 1
    people = several.groupby("person_id")["person_probability"].max()
    np.testing.assert_allclose(people, sums, atol=1e-6)


def test_words_and_reasons_follow_the_outcome(sample: Case) -> None:
    scores = sample.warehouse.frame("select * from marts.fct_enrollment_scores")
    assert set(scores["band"]) == {
        "unlikely to enroll", "may enroll", "likely to enroll", "very likely to enroll",
    }  # fmt: skip
    is_open = scores["outcome"].isna()
    assert scores.loc[is_open, "reason_1"].notna().mean() > 0.98
    assert scores.loc[~is_open, "reason_1"].isna().all()
    told = pd.concat([scores["reason_1"], scores["reason_2"], scores["reason_3"]]).dropna()
    assert not told.str.contains("present|not_required|Why ").any()
    assert told.str.endswith(("(raises)", "(lowers)")).all()


# --- back-test ----------------------------------------------------------------------------------

TESTED = [f"{year}FA" for year in range(2020, 2026)]


def test_headcounts_are_right_when_admission_ends(eight_cycles: Case) -> None:
    """Enrolled already, expected where people stand, and yet to come, against all who enrolled."""
    truth = eight_cycles.truth("applications")
    stayed = eight_cycles.warehouse.column("select application_id from staging.stg_applications")
    truth = truth[truth["application_id"].isin(stayed)]
    actual = truth[truth["enrolled"] == 1].groupby("entry_term").size()
    forecast = eight_cycles.warehouse.frame(
        "select * from marts.rpt_headcount_backtest where breakdown = 'all'"
        f" and days_to_census = {ADMISSION_END}"
    ).set_index("entry_term")
    assert sorted(forecast.index) == TESTED
    assert (forecast["actual"] / actual.loc[forecast.index] - 1).abs().max() <= 0.005
    missed = forecast["expected"] / actual.loc[forecast.index] - 1
    print(missed.round(4).to_dict())
    assert missed.abs().max() <= 0.06, missed


def test_the_season_is_shown_day_by_day(sample: Case) -> None:
    """The last closed cycle and all of them, for each model, on each day."""
    auc = sample.warehouse.frame(
        "select model, test_cycle, cast(slice_value as integer) as day, value, n"
        " from marts.rpt_model_evaluation"
        " where phase = 'all' and slice = 'days_to_census' and metric = 'auc'"
    )
    auc = auc.set_index(["model", "test_cycle", "day"]).sort_index()
    models = ["likelihood", "stage_rate", "persona_rate", "previous_cycle_rate"]
    cycles, days = ["2024FA", "2025FA", "all_cycles"], [30, 60, 90, 118, 150]
    assert set(auc.index) >= set(itertools.product(models, cycles, days))
    # Baselines are compared on the very same applications.
    assert auc["n"].unstack("model")[models].loc[cycles].nunique(axis=1).eq(1).all()
    likelihood = auc.loc["likelihood", "value"]
    rates = auc.loc["previous_cycle_rate", "value"]
    assert (likelihood["all_cycles"] > rates["all_cycles"]).all()
    # The enrollment day is both a slice and a day.
    whole = sample.warehouse.column(
        "select value from marts.rpt_model_evaluation where phase = 'all' and slice = 'all'"
        " and metric = 'auc' and model = 'likelihood' and test_cycle = '2025FA'"
    )
    assert whole == [likelihood["2025FA", 118]]


def statuses(case: Case) -> pd.Series:
    runs = case.warehouse.frame("select kind, status from marts.fct_model_runs")
    return runs.set_index("kind")["status"]


def test_one_closed_cycle_is_evaluated_by_folds_and_says_so(one_closed_cycle: Case) -> None:
    status = statuses(one_closed_cycle)
    assert "which is optimistic" in status["enrollment-applied"]
    assert status["backtest-applied"].startswith("No back-test")
    cycles = one_closed_cycle.warehouse.column(
        "select distinct test_cycle from marts.rpt_model_evaluation where phase = 'applied'"
    )
    assert cycles == ["within_cycle (optimistic)"]
    scores = one_closed_cycle.warehouse.frame(
        "select distinct entry_term, score_kind from marts.fct_enrollment_scores"
        " where phase = 'applied'"
    )
    kinds = scores.set_index("entry_term")["score_kind"].to_dict()
    assert kinds == {"2025FA": "out_of_fold", "2026FA": "out_of_sample"}


def test_without_a_closed_cycle_there_are_personas_only(no_closed_cycle: Case) -> None:
    status = statuses(no_closed_cycle)
    assert status["personas"] == "fitted"
    assert status["enrollment-admitted"].startswith("No model, personas only: no closed cycle")
    warehouse = no_closed_cycle.warehouse
    assert warehouse.column("select count(*) from marts.fct_applicant_personas")[0] > 300
    assert warehouse.column("select count(*) from marts.fct_enrollment_scores") == [0]
    assert warehouse.column("select count(*) from marts.rpt_model_evaluation") == [0]


# --- time ---------------------------------------------------------------------------------------


def late_features() -> set[str]:
    """Features of the shipped catalog that become known after the admission only."""
    catalog = pd.read_csv(ROOT / "seeds/catalog/feature_catalog.csv").set_index("feature")
    stages = pd.read_csv(ROOT / "seeds/terminology/stages.csv").set_index("stage")["stage_rank"]
    return set(catalog.index[catalog["earliest_stage"].map(stages) > stages["admitted"]])


def test_nothing_after_the_admission_is_a_feature_before_a_deposit(sample: Case) -> None:
    late = late_features()
    assert {"has_deposited", "days_since_deposit"} <= late

    def kept(phase: str) -> set[str]:
        return set(
            sample.warehouse.column(
                f"select feature from marts.rpt_feature_selection where kept and target = '{phase}'"
            )
        )

    measured = sample.warehouse.column(
        "select feature from marts.rpt_feature_importance where phase = 'admitted'"
    )
    assert kept("admitted") >= SCHOLARSHIP
    assert not kept("admitted") & late
    assert not set(measured) & late
    # They are there for the phase that begins with the deposit.
    assert kept("deposited") & late


def test_nothing_is_known_after_the_day(sample: Case) -> None:
    for fact in ("fct_applicant_personas", "fct_enrollment_scores"):
        days = sample.warehouse.frame(f"select distinct as_of, known_on from marts.{fact}")
        assert (days["as_of"] == AS_OF).all()
        assert (days["known_on"] <= days["as_of"]).all()


def test_features_are_what_was_known_on_the_day(sample: Case) -> None:
    """In every cycle on the same day before census; dirt may cost a few, time none."""
    rows = sample.warehouse.frame(
        "select features.* from features.ftr_applicants as features"
        " inner join marts.fct_enrollment_scores as scores"
        " on features.application_id = scores.application_id"
        " and features.known_on = scores.known_on where scores.phase <> 'applied'"
    )
    clean = sample.truth("features").set_index("application_id").add_prefix("clean_")
    rows = rows.join(clean, on="application_id")
    pairs = {
        "admitted since": (rows["days_since_admission"], rows["clean_days_from_admission"], 0),
        "scholarship": (rows["scholarship_amount"], rows["clean_scholarship_amount"].fillna(0), 0),
        "intent": (rows["stated_intent"], rows["clean_intent_answer"], 0),
        "in person": (rows["in_person_events"], rows["clean_n_in_person"], 0),
        "virtual": (
            rows["virtual_events"] + rows["conversations"],
            rows["clean_n_virtual"] + rows["clean_n_interview"],
            0,
        ),
        "GRE": (rows["gre_quant"], rows["clean_gre_quant"], 0),
        "GPA": (rows["gpa_position"], rows["clean_gpa_position"], 0.02),
        "English": (rows["english_level"], rows["clean_english_level"], 3),
    }
    assert len(rows) > 1_000
    agreement = pd.Series(
        {
            name: ((here - there).abs().le(within) | here.isna() & there.isna()).mean()
            for name, (here, there, within) in pairs.items()
        }
    )
    assert agreement.min() >= 0.95, agreement
    assert agreement[["admitted since", "scholarship"]].min() >= 0.995, agreement


# --- funnels ------------------------------------------------------------------------------------


def known_stages(case: Case) -> pd.DataFrame:
    """Every stage in the files, of applications that stayed: when it was known and what it proves.

    Columns: application_id, entry_term, days_to_census, rank.
    """
    applications, events = (
        pd.read_csv(case.input / f"{name}.csv", dtype=str)
        for name in ("applications", "stage_events")
    )
    stayed = case.warehouse.column("select application_id from staging.stg_applications")
    started = applications.assign(stage="started", occurred_at=applications["started_at"])
    events = pd.concat([events, started])[["application_id", "stage", "occurred_at", "recorded_at"]]
    events = events.merge(applications[["application_id", "entry_term"]], on="application_id")
    events = events[events["application_id"].isin(stayed)].dropna(subset="occurred_at")
    # Recorded or happened, whichever is later.
    moments = events[["recorded_at", "occurred_at"]].apply(pd.to_datetime, format="mixed")
    known = moments.max(axis=1).dt.normalize()
    terms = pd.read_csv(case.input / "entry_terms.csv", index_col=0, parse_dates=["census_on"])
    stages = pd.read_csv(ROOT / "seeds/terminology/stages.csv").set_index("stage")
    proven = stages["stage_rank"].where(~stages["is_exit"], 0)
    proven["denied"] = stages.loc["in_review", "stage_rank"]
    return events[["application_id", "entry_term"]].assign(
        days_to_census=(events["entry_term"].map(terms["census_on"]) - known).dt.days,
        rank=events["stage"].map(proven),
    )


def test_a_count_of_the_files_gives_the_funnel_of_every_day(sample: Case) -> None:
    events = known_stages(sample)
    funnel = sample.warehouse.frame(
        "select * from marts.rpt_funnel_by_cycle_day where persona_key = 'all'"
        " and program_code = 'all' and stage <> 'inquiry' and n_reached is not null"
    )
    cells = zip(funnel["entry_term"], funnel["days_to_census"], funnel["stage_rank"], strict=True)
    counted = [
        events.loc[
            (events["entry_term"] == term)
            & (events["days_to_census"] >= days)
            & (events["rank"] >= rank),
            "application_id",
        ].nunique()
        for term, days, rank in cells
    ]
    assert len(counted) > 500
    assert funnel["n_reached"].tolist() == counted


def test_the_previous_cycle_stands_beside_on_the_same_day(sample: Case) -> None:
    differing = sample.warehouse.column(
        "select present.stage from marts.rpt_funnel_by_cycle_day as present"
        " inner join marts.rpt_funnel_by_cycle_day as previous"
        " on present.previous_entry_term = previous.entry_term"
        " and (present.days_to_census, present.persona_key, present.program_code, present.stage)"
        " = (previous.days_to_census, previous.persona_key, previous.program_code, previous.stage)"
        " where present.n_reached_previous_cycle is distinct from previous.n_reached"
    )
    open_cycle = sample.warehouse.frame(
        "select * from marts.rpt_funnel_by_cycle_day where entry_term = '2026FA' and is_own_day"
        " and persona_key = 'all' and program_code = 'all' and stage = 'deposited'"
    )
    assert not differing
    assert pd.to_datetime(open_cycle["known_on"]).tolist() == [AS_OF]
    assert open_cycle[["n_reached", "n_reached_previous_cycle"]].notna().all(axis=None)


def test_everyone_with_a_persona_is_in_its_funnel_once(sample: Case) -> None:
    people = sample.warehouse.frame(
        "select entry_term, persona_key, count(*) as n from marts.fct_applicant_personas"
        " group by all order by all"
    )
    funnel = sample.warehouse.frame(
        "select entry_term, persona_key, n_reached as n from marts.rpt_persona_funnel"
        " where stage = 'inquiry' order by all"
    )
    pd.testing.assert_frame_equal(funnel, people)


# --- importance ---------------------------------------------------------------------------------


def admitted_importance(case: Case) -> pd.DataFrame:
    return case.warehouse.frame(
        "select * from marts.rpt_feature_importance"
        " where target = 'enrollment' and phase = 'admitted'"
    )


def personas_of(case: Case) -> dict[str, str]:
    """Name the persona that holds most people of each archetype."""
    sizes = members(case).groupby(["archetype", "persona_key"]).size()
    return {archetype: sizes[archetype].idxmax() for archetype in ARCHETYPE_KEYS}


# What moves an archetype beside what moves everyone; nothing moves those who have decided.
DRIVERS = {
    "moved_by_scholarship": SCHOLARSHIP,
    "moved_by_in_person": {"in_person_events"},
    "moved_by_events": {"virtual_events", "in_person_events", "conversations"},
    "moved_by_intent": {"stated_intent"},
}


def planted_drivers() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, features in DRIVERS.items():
        for place in np.flatnonzero(column(name)):
            found.setdefault(ARCHETYPE_KEYS[place], set()).update(features)
    return found


@pytest.fixture(scope="module")
def by_archetype(large: Case) -> pd.DataFrame:
    """Explain the likelihood within the true archetypes, as the build does within personas."""
    day = admitted_importance(large)["days_to_census"].iloc[0]
    rows = large.warehouse.frame(
        "select * from ml.ml_at_risk where phase = 'admitted' and outcome is not null"
        f" and days_to_census = {day}"
    )
    archetype = large.truth("persons").set_index("person_id")["archetype"]
    rows["persona_key"] = rows["person_id"].map(archetype)
    table = pa.Table.from_pandas(rows.astype({"known_on": "datetime64[s]"}), preserve_index=False)
    table = table.set_column(
        table.schema.get_field_index("known_on"), "known_on", table["known_on"].cast(pa.date32())
    )
    features = large.warehouse.frame(
        "select * from ml.ml_feature_selection where kept and target = 'admitted' order by feature"
    )
    season = pd.DataFrame(
        {
            "phase": ["admitted"],
            "days_to_census": [day],
            "is_training_day": [True],
            "n": [len(rows)],
            "n_positive": [rows["outcome"].sum()],
        }
    )
    facts = {"phase": ["admitted"], "fingerprint": "outcomes", "as_of": "2026-05-15"}
    runs = Runs("enrollment", "always", None, pd.DataFrame(facts), lambda phase: pa.table({}))
    recipe = Recipe(20260, n_jobs=2)
    made = fit_enrollment(lambda *_: table, season, features, runs, recipe, ["admitted"])
    found = made.read_all().to_pandas()
    ranks = found[(found["record"] == "importance") & (found["metric"] == "rank")]
    return ranks.pivot(index="feature", columns="scope", values="value")


def test_what_is_planted_within_an_archetype_is_found_within_it(by_archetype: pd.DataFrame) -> None:
    drivers = planted_drivers()
    best = {name: by_archetype.loc[sorted(found), name].min() for name, found in drivers.items()}
    print(best)
    assert len(best) == 6
    assert max(best.values()) <= 3, best
    noise = by_archetype.loc["random_noise"]
    assert all(noise[name] > rank for name, rank in best.items())


def test_a_scholarship_is_said_to_matter_where_it_does(large: Case) -> None:
    found = admitted_importance(large).query("not is_block")
    personas = personas_of(large)
    own = found[found["scope"] == personas[MOVED_MOST]]
    drivers = own[own["feature"].isin(SCHOLARSHIP) & (own["importance_rank"] <= 3)]
    assert len(drivers), own.sort_values("importance_rank").head()
    assert drivers["beats_noise"].all()
    assert set(drivers["direction"]) == {"raises"}
    pooled = found[(found["scope"] == "global") & found["feature"].isin(SCHOLARSHIP)]
    if pooled["importance_rank"].min() > 6:
        flagged = found[found["reverses_global"] & found["feature"].isin(SCHOLARSHIP)]
        assert flagged["note"].str.contains("for everyone together").all()
        assert len(flagged)


def test_the_offer_says_little_where_no_scholarship_is_planted(large: Case) -> None:
    blocks = admitted_importance(large).set_index(["feature", "scope"])["importance"]
    offer = pd.Series(
        {key: blocks["block: offer", name] for key, name in personas_of(large).items()}
    )
    is_moved = pd.Series(MOVED > 0, ARCHETYPE_KEYS)
    assert offer[is_moved].min() > offer[~is_moved].max(), offer


# --- dirt ---------------------------------------------------------------------------------------

PLACE = ["table_name", "column_name", "rule"]
# What becomes of everything that belongs to a person, by the flag of the person.
FATES = {"person_deleted": "is_deleted", "person_test": "is_test"}
OF_PEOPLE = (
    "applications", "education_records", "interactions", "protected_attributes", "test_scores",
)  # fmt: skip


def planted_rows(case: Case) -> pd.DataFrame:
    """Place and key of every planted row; a kind of dirt has the name of its rule."""
    kinds = case.truth("planted").rename(columns={"kind": "rule"})
    return case.truth("planted_rows").merge(kinds, on="code")


def found_rows(case: Case) -> pd.DataFrame:
    """Place and key of everything that was diverted or listed, and how often it was."""
    found = case.warehouse.frame(
        "select table_name, column_name, rule, row_key as key, 1 as n"
        " from data_quality.dq_score_issues"
        " union all"
        " select table_name, null, rule, row_key, n_rows from data_quality.dq_diverted_rows"
    )
    # A row is diverted as a whole; the truth says which column is to blame.
    blamed = case.truth("planted").set_index(["table_name", "kind"])["column_name"]
    places = pd.MultiIndex.from_frame(found[["table_name", "rule"]])
    found["column_name"] = found["column_name"].fillna(
        pd.Series(blamed.reindex(places).to_numpy(), found.index)
    )
    return found


def input_table(case: Case, name: str) -> pd.DataFrame:
    path = case.input / f"{name}.parquet"
    return pd.read_parquet(path) if path.exists() else read_as_text(path.with_suffix(".csv"))


def read_as_text(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def check_that_dirt_is_found(case: Case) -> None:
    """Check that each planted row is found under its rule, and that nothing else is found."""
    found = found_rows(case)
    planted = planted_rows(case).query("is_provable == 1")
    planted.loc[planted["rule"] == "person_deleted", "key"] = "withheld"
    follows = found["rule"].isin(FATES) & (found["table_name"] != "persons")
    expected = planted.groupby([*PLACE, "key"]).size()
    listed = found[~follows].groupby([*PLACE, "key"], dropna=False)["n"].sum()
    by_rule = pd.DataFrame(
        {"planted": expected.groupby(PLACE).sum(), "found": listed.groupby(PLACE).sum()}
    ).fillna(0)
    wrong = by_rule[by_rule["planted"] != by_rule["found"]]
    assert wrong.empty, wrong
    assert len(by_rule) >= 35
    pd.testing.assert_series_equal(
        listed.sort_index(), expected.sort_index(), check_names=False, check_dtype=False
    )
    pd.testing.assert_series_equal(
        found[follows].groupby(["table_name", "rule"])["n"].sum(),
        shared_fates(case),
        check_names=False,
        check_dtype=False,
    )


def shared_fates(case: Case) -> pd.Series:
    """Count the rows of people who were erased or are tests, by table and rule."""
    persons, applications = input_table(case, "persons"), input_table(case, "applications")
    counts = {}
    for rule, flag in FATES.items():
        gone = persons.loc[persons[flag].isin([True, "1"]), "person_id"]
        theirs = applications.loc[applications["person_id"].isin(gone), "application_id"]
        for table in OF_PEOPLE:
            counts[table, rule] = input_table(case, table)["person_id"].isin(gone).sum()
        events = input_table(case, "stage_events")["application_id"]
        counts["stage_events", rule] = events.isin(theirs).sum()
    return pd.Series({place: n for place, n in sorted(counts.items()) if n})


def test_planted_dirt_is_found_row_by_row_and_nothing_else(sample: Case) -> None:
    check_that_dirt_is_found(sample)


def test_planted_dirt_is_found_among_many(large: Case) -> None:
    check_that_dirt_is_found(large)


def test_the_erased_are_counted_and_not_named(large: Case) -> None:
    erased = planted_rows(large).query("rule == 'person_deleted'")["key"]
    rows = large.warehouse.frame(
        "select row_key, n_rows from data_quality.dq_diverted_rows"
        " where table_name = 'persons' and rule = 'person_deleted'"
    )
    assert not set(rows["row_key"]) & set(erased)
    assert rows["n_rows"].sum() == len(erased) > 0


# --- determinism --------------------------------------------------------------------------------


def test_marts_are_equal_on_any_number_of_threads(sample: Case, on_one_thread: Case) -> None:
    marts = sample.warehouse.marts()
    assert {"fct_applicant_personas", "fct_enrollment_scores", "dq_reconciliation"} <= set(marts)
    runs = "select run_id from marts.fct_model_runs order by 1"
    # Run ids are digests of data, settings and versions.
    assert on_one_thread.warehouse.column(runs) == sample.warehouse.column(runs)
    others = on_one_thread.warehouse.marts()
    assert [table for table in marts if marts[table] != others[table]] == []
    assert set(marts) == set(others)


# --- what the build says of itself --------------------------------------------------------------


def said(case: Case) -> pd.DataFrame:
    """Read the sentences of the build by their topic, in their order."""
    return case.warehouse.frame(
        "select * from data_quality.dq_build_summary order by line_number"
    ).set_index("topic")


def test_the_summary_of_the_sample_is_short_and_agrees_with_its_files(sample: Case) -> None:
    summary = said(sample)
    assert set(summary.index) == {"input", "refused", "time", "personas", "likelihoods"}
    # With its title, the steps on the way and the end it stays under 25 lines, and under 40.
    assert 10 <= summary["is_headline"].sum() <= 22
    read_rows = summary.loc["input"].set_index("about")["n"]
    files = {file.stem: pd.read_csv(file) for file in sample.input.glob("*.csv")}
    for table, rows in files.items():
        assert read_rows[table] == len(rows), table
    total = sum(map(len, files.values()))
    assert f"{total} rows of 9 tables read, from 9 files" in summary["sentence"].iloc[0]
    assert summary.loc["personas", "sentence"].count(";") == summary.loc["personas", "n"] - 1
    scores = pd.read_csv(sample.input / "test_scores.csv", dtype=str)
    unreal = scores["test_date"].str.startswith("1900-01-01").sum()
    told = summary.loc["refused"].set_index("about").loc["test_scores.test_date", "n"]
    assert 0.9 * unreal <= told <= unreal


def test_a_build_is_complete_and_says_for_which_day(sample: Case) -> None:
    status = sample.warehouse.frame("select * from data_quality.dq_build_status").iloc[0]
    assert status["status"] == "complete"
    assert status["as_of"] == AS_OF
    assert status["started_at"] < status["ended_at"]


def test_a_build_on_poor_input_fails_with_a_sentence(sample: Case, tmp_path: Path) -> None:
    case = Case(Warehouse(tmp_path / "warehouse.duckdb"), sample.input, sample.truth_folder)
    shutil.copy(sample.warehouse.database, case.warehouse.database)
    with duckdb.connect(str(case.warehouse.database)) as connection:
        connection.execute("delete from marts.fct_enrollment_scores")
    with pytest.raises(AssertionError, match="Failure in test input_is_rich_enough") as failure:
        run_dbt(tmp_path, "build", "--select", "dq_build_summary")
    sentence = said(case).loc["poor_input", "sentence"]
    assert sentence.startswith("fct_enrollment_scores is empty though the input has what it needs")
    assert sentence.endswith("or set on_poor_input: warn.")
    assert f"poor input: {sentence}" in str(failure.value)
    status = case.warehouse.frame("select * from data_quality.dq_build_status").iloc[0]
    assert status["status"] == "failed"
    assert status["selection"] == "dq_build_summary"


def test_poor_input_is_a_warning_where_one_wants_to_go_on(tmp_path: Path) -> None:
    run_dbt(tmp_path, "parse", on_poor_input="warn")
    nodes = json.loads((tmp_path / "target/manifest.json").read_text())["nodes"]
    tests = {node["name"]: node["config"] for node in nodes.values()}
    assert tests["input_is_rich_enough"]["severity"] == "warn"


def test_what_is_said_when_nothing_can_be_learned_yet(no_closed_cycle: Case) -> None:
    summary = said(no_closed_cycle)
    assert set(summary.loc["empty", "about"]) == {"fct_enrollment_scores", "rpt_persona_enrollment"}
    assert "poor_input" not in summary.index
    assert summary.loc["likelihoods", "sentence"].str.contains("No model, personas only").all()


def test_no_mart_reads_the_status_of_the_build() -> None:
    children = json.loads(manifest().read_text())["child_map"]
    readers = children["model.applicant_personas.dq_build_status"]
    assert {name.split(".")[0] for name in readers} == {"test", "exposure"}


# --- what is absent, and what users add ---------------------------------------------------------


def available(case: Case) -> dict[str, bool]:
    """Whether each table and each block of features is there, by `level name`."""
    states = case.warehouse.frame(
        "select level || ' ' || capability as name, is_available from data_quality.dq_capabilities"
        " where level in ('table', 'block')"
    )
    return dict(zip(states["name"], states["is_available"], strict=True))


def test_interactions_alone_build_green(only_interactions: Case) -> None:
    state = available(only_interactions)
    assert state["table interactions"]
    assert not state["table stage_events"]
    assert not state["table test_scores"]
    # Dates on applications serve for the stages; nothing serves for scores and grades.
    assert [state[f"block {name}"] for name in ("engagement", "intent", "timing")] == [True] * 3
    assert [state[f"block {name}"] for name in ("english", "tests", "preparation")] == [False] * 3
    off = only_interactions.warehouse.column(
        "select affected_features from data_quality.dq_capabilities"
        " where capability = 'test_scores'"
    )
    assert "english_level" in off[0]
    # Without a history nobody knows when people were admitted: personas, and no likelihoods.
    runs = only_interactions.warehouse.frame("select kind, status from marts.fct_model_runs")
    status = runs.set_index("kind")["status"]
    assert status["personas"] == "fitted"
    assert status["enrollment-admitted"].startswith("No model")


def test_stage_events_alone_build_green(only_stage_events: Case) -> None:
    state = available(only_stage_events)
    assert state["table stage_events"]
    assert not state["table interactions"]
    assert state["block timing"]
    assert [state[f"block {name}"] for name in ("engagement", "intent")] == [False] * 2
    # No record of interactions is no proof that there were none.
    features = only_stage_events.warehouse.column(
        "select count(virtual_events) from features.ftr_applicants"
    )
    assert features == [0]
    personas = only_stage_events.warehouse.column(
        "select count(*) from marts.fct_applicant_personas"
    )
    assert personas[0] > 500


def test_own_columns_become_features_without_code(flat: Case) -> None:
    selection = flat.warehouse.frame(
        "select target, feature, kept, reason from marts.rpt_feature_selection"
        " where feature in ('portfolio', 'track')"
    ).set_index(["target", "feature"])
    assert selection.loc[("persona", "portfolio"), "kept"]
    assert selection.loc[("admitted", "portfolio"), "kept"]
    assert selection.loc[("admitted", "track"), "kept"]
    traits = flat.warehouse.frame(
        "select label, effect_size from marts.rpt_persona_traits where feature = 'portfolio'"
    )
    assert set(traits["label"]) == {OWN_LABEL}
    assert traits["effect_size"].abs().max() > 1
    ranks = flat.warehouse.frame(
        "select feature, importance_rank from marts.rpt_feature_importance"
        " where target = 'enrollment' and phase = 'applied' and scope = 'global' and not is_block"
    ).set_index("feature")["importance_rank"]
    assert ranks["track"] == 1
    assert "portfolio" in ranks
    defining = flat.warehouse.column(
        "select feature from marts.rpt_feature_importance where target = 'persona'"
    )
    assert "portfolio" in defining
    refused = flat.warehouse.frame(
        "select table_name, column_name, rule, decision, count(distinct row_key) as n"
        f" from data_quality.dq_score_issues where raw_value = '{UNREAD_GRADE}' group by all"
    )
    assert refused.to_dict("records") == [
        {
            "table_name": "persons",
            "column_name": OWN_COLUMN,
            "rule": "not_a_number",
            "decision": "refused",
            "n": 3,
        }
    ]


def test_own_codes_are_mapped_and_accounted_for(flat: Case) -> None:
    delivered = pd.read_csv(flat.input / "persons.csv", keep_default_na=False)
    persons = flat.warehouse.frame(
        "select person_id, country_of_residence from staging.stg_persons"
    ).merge(delivered[["person_id", "country_of_residence"]], on="person_id")
    has_country = persons["country_of_residence_y"] != ""
    assert has_country.any()
    assert (persons["country_of_residence_x"].notna() == has_country).all()
    lines = flat.warehouse.frame(
        "select * from data_quality.dq_reconciliation where \"table\" = 'xwalk_countries'"
    )
    assert lines["balanced"].all()
    rows = len(pd.read_csv(flat.input / "xwalk_countries.csv"))
    assert lines.loc[lines["rule"] == "all", "rows_in"].tolist() == [rows, rows]
    refused = lines.set_index("rule")["rows_diverted"]
    assert refused["unknown_value"] == 1
