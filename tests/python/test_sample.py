"""The sample: same bytes, counted dirt, planted rates, nothing from after the export."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from applicant_personas.command_line.cli import main
from applicant_personas.sample import SAMPLE_SEED, SampleConfig, config, generate, write_sample
from applicant_personas.sample.archetypes import ARCHETYPE_KEYS, column, shares
from applicant_personas.sample.dirt import KINDS
from applicant_personas.sample.reference import (
    GRADE_SCALES,
    english_level,
    english_score,
    grade,
    toefl_band,
)

ROOT = Path(__file__).parents[2]
COMMITTED = {"seeds/sample": 3_000_000, "tests/fixtures/sample_truth": 600 * 1024}
AS_OF = pd.Timestamp("2026-05-15")


@functools.cache
def read_text(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


class Sample:
    """A written sample: `sample.table("persons")`, `sample.truth("planted")`, all as text."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def table(self, name: str) -> pd.DataFrame:
        return read_text(self.folder / f"{name}.csv").copy()

    def truth(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / "truth" / f"{name}.csv")

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        return {path.stem: self.table(path.stem) for path in sorted(self.folder.glob("*.csv"))}


def written(folder: Path, **changes: object) -> Sample:
    write_sample(folder, SampleConfig(**changes))  # type: ignore[arg-type]
    return Sample(folder)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """20,000 persons in four cycles, at the default separation and dirt."""
    return written(tmp_path_factory.mktemp("sample"), n_persons=20_000, seed=7)


@pytest.fixture(scope="module")
def applications(sample: Sample) -> pd.DataFrame:
    """Truth and clean features of the submitted applications."""
    truth = sample.truth("applications").merge(sample.truth("features"), on="application_id")
    submitted = sample.table("applications").query("submitted_at != ''")["application_id"]
    return truth[truth["application_id"].isin(submitted)]


def auc(outcome: pd.Series, score: pd.Series) -> float:
    """Area under the curve by ranks (Mann-Whitney)."""
    ranks, positive = score.rank(), outcome == 1
    n = positive.sum()
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * (~positive).sum()))


# Reproduction -------------------------------------------------------------------------------


def test_committed_sample_is_regenerated_byte_for_byte(tmp_path: Path) -> None:
    truth = tmp_path / "truth"
    assert main(["sample", str(tmp_path / "seeds"), "--truth", str(truth)]) == 0
    for committed, made in zip(COMMITTED, (tmp_path / "seeds", truth), strict=True):
        names = sorted(path.name for path in (ROOT / committed).glob("*.csv"))
        assert names == sorted(path.name for path in made.iterdir())
        for name in names:
            assert (ROOT / committed / name).read_bytes() == (made / name).read_bytes(), name


@pytest.mark.parametrize(("folder", "most"), COMMITTED.items())
def test_committed_sample_is_small(folder: str, most: int) -> None:
    assert 0 < sum(path.stat().st_size for path in (ROOT / folder).glob("*.csv")) <= most


def test_dirt_leaves_the_people_as_they_are(tmp_path: Path) -> None:
    clean = written(tmp_path / "clean", n_persons=400, dirt=0)
    dirty = written(tmp_path / "dirty", n_persons=400, dirt=5)
    for name in ("persons", "applications", "features"):
        pd.testing.assert_frame_equal(clean.truth(name), dirty.truth(name))
    assert clean.truth("planted")["n"].sum() == 0
    assert dirty.truth("planted")["n"].sum() > 100


def test_another_seed_gives_other_people(tmp_path: Path) -> None:
    one = written(tmp_path / "one", n_persons=100)
    two = written(tmp_path / "two", n_persons=100, seed=SAMPLE_SEED + 1)
    assert not one.table("persons").equals(two.table("persons"))


def test_blocks_share_one_numbering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "BLOCK_SIZE", 300)
    write_sample(tmp_path, SampleConfig(n_persons=1_000, file_format="parquet"))
    keys = {"persons": "person_id", "interactions": "interaction_id", "test_scores": "score_id"}
    for table, key in keys.items():
        assert len(list((tmp_path / table).glob("part-*.parquet"))) == 4
        assert pd.read_parquet(tmp_path / table)[key].is_unique
    # The humans come first; duplicates and test records continue the numbers.
    persons = pd.read_parquet(tmp_path / "persons")["person_id"].str[1:].astype(int)
    assert persons.le(1_000).sum() <= 1_000 < persons.max()


def test_parquet_holds_what_csv_holds(tmp_path: Path) -> None:
    csv = written(tmp_path / "csv", n_persons=300)
    written(tmp_path / "parquet", n_persons=300, file_format="parquet")
    scores = pd.read_parquet(tmp_path / "parquet" / "test_scores.parquet")
    text = csv.table("test_scores")
    assert (scores["score_id"] == text["score_id"]).all()
    typed = text["value"].isin(["N/A", "waived", "Select"])
    assert typed.any()
    assert (scores.loc[typed, "value"] == 9999).all()
    assert (scores.loc[~typed, "value"] == text.loc[~typed, "value"].astype(float)).all()


def test_a_second_run_replaces_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "BLOCK_SIZE", 100)
    write_sample(tmp_path, SampleConfig(n_persons=300, file_format="parquet"))
    write_sample(tmp_path, SampleConfig(n_persons=150, file_format="parquet"))
    assert len(list((tmp_path / "persons").iterdir())) == 2
    write_sample(tmp_path, SampleConfig(n_persons=50))
    assert not list(tmp_path.rglob("*.parquet"))


def test_smallest_sample_is_complete(tmp_path: Path) -> None:
    tables = written(tmp_path, n_persons=1, n_cycles=1).tables
    assert len(tables) == 9
    assert tables["entry_terms"]["status"].tolist() == ["open"]


# Planted dirt -------------------------------------------------------------------------------


def found_in_files(sample: Sample) -> dict[tuple[str, str], int]:
    """Count dirt in the files by what can be seen there, without the list of planted rows."""
    tables = sample.tables
    persons, scores = tables["persons"], tables["test_scores"]
    education, events = tables["education_records"], tables["stage_events"]
    interactions, applications = tables["interactions"], tables["applications"]
    stand_ins = ["-1", "999", "9999", "N/A", "Select"]
    value = pd.to_numeric(scores["value"], errors="coerce")
    grades = pd.to_numeric(education["gpa_value"], errors="coerce")
    top = pd.to_numeric(education["gpa_scale_max"])
    is_gre = scores["test_code"] == "gre"
    is_section = is_gre & (scores["component"] != "writing")

    def early(frame: pd.DataFrame, recorded: str, occurred: str) -> int:
        return int(((frame[recorded] < frame[occurred].str[:10]) & (frame[recorded] != "")).sum())

    found = {
        ("merge_target_missing", "persons"): int(
            (persons["merged_into_person_id"].ne("") & persons["is_test"].ne("1")).sum()
        ),
        ("person_deleted", "persons"): int((persons["is_deleted"] == "1").sum()),
        ("person_test", "persons"): int((persons["is_test"] == "1").sum()),
        ("duplicate_key", "applications"): int(applications.duplicated("application_id").sum()),
        ("zero", "test_scores"): int((value.eq(0) & ~is_section).sum()),
        ("on_neither_scale", "test_scores"): int(
            (is_section & (value.eq(0) | value.between(171, 199))).sum()
        ),
        ("out_of_scale", "test_scores"): int((~is_gre & value.between(682, 750)).sum()),
        ("status_cancelled", "test_scores"): int((scores["status"] == "cancelled").sum()),
        ("gre_prior_scale", "test_scores"): int((is_gre & value.between(200, 800)).sum()),
        ("recorded_early", "test_scores"): early(scores, "received_at", "test_date"),
        ("zero", "education_records"): int(grades.eq(0).sum()),
        ("scale_zero", "education_records"): int(top.eq(0).sum()),
        ("exceeds_scale", "education_records"): int(
            ((grades > top) & (top > 0) & ~grades.isin([999, 9999])).sum()
        ),
        ("recorded_early", "interactions"): early(interactions, "recorded_at", "occurred_at"),
        ("recorded_early", "stage_events"): early(events, "recorded_at", "occurred_at"),
        ("duplicate_event", "stage_events"): int(
            events.duplicated(["application_id", "stage", "occurred_at"]).sum()
        ),
        ("duplicate_event", "interactions"): int(
            interactions.duplicated([*interactions.columns[1:-1]]).sum()
        ),
        ("orphan_person", "interactions"): int(
            (~interactions["person_id"].isin(persons["person_id"])).sum()
        ),
        ("orphan_person", "test_scores"): int(
            (~scores["person_id"].isin(persons["person_id"])).sum()
        ),
        ("orphan_application", "stage_events"): int(
            (~events["application_id"].isin(applications["application_id"])).sum()
        ),
    }
    values = {
        "persons": "years_experience",
        "test_scores": "value",
        "education_records": "gpa_value",
    }
    for table, name in values.items():
        found["sentinel", table] = int(tables[table][name].isin(stand_ins).sum())
        found["waived", table] = int((tables[table][name] == "waived").sum())
    for table, name in (("test_scores", "test_date"), ("education_records", "graduated_on")):
        found["sentinel_date", table] = int((tables[table][name] == "1900-01-01").sum())
    return found


def planted_counts(sample: Sample) -> pd.Series:
    return sample.truth("planted").set_index(["kind", "table_name"])["n"]


def test_planted_counts_are_what_is_in_the_files(sample: Sample) -> None:
    planted = planted_counts(sample)
    found = found_in_files(sample)
    # A record that is merged has a target, there or not.
    found["merge_target_missing", "persons"] -= int(
        planted["person_merged", "persons"] + planted["person_merge_cycle", "persons"]
    )
    assert {key: int(planted[key]) for key in found} == found
    assert (planted > 0).all()


def test_planted_rows_agree_with_the_counts_and_exist(sample: Sample) -> None:
    rows, kinds = sample.truth("planted_rows"), sample.truth("planted")
    by_kind = rows["code"].value_counts().reindex(kinds["code"], fill_value=0)
    assert by_kind.tolist() == kinds["n"].tolist()
    for name, planted in rows.merge(kinds, on="code").groupby("table_name"):
        table = sample.table(str(name))
        keys = table.iloc[:, 0]
        if name == "stage_events":
            keys = keys + "|" + table["stage"] + "|" + table["occurred_at"] + ":00"
        assert planted["key"].isin(keys).all(), name


def test_dirt_rates_are_the_documented_ones(sample: Sample) -> None:
    planted = planted_counts(sample)
    for kind in KINDS:
        # The other tables' kinds are of a part of the rows only.
        if kind.table in ("persons", "applications"):
            expected = kind.rate * len(sample.table(kind.table))
            n = planted[kind.name, kind.table]
            assert abs(n - expected) < 5 * np.sqrt(expected) + 0.1 * expected, kind


def planted_keys(sample: Sample, kind: str, table: str) -> pd.Series:
    rows = sample.truth("planted_rows").merge(sample.truth("planted"), on="code")
    return rows.loc[(rows["kind"] == kind) & (rows["table_name"] == table), "key"]


def test_ielts_values_stand_in_the_toefl_field(sample: Sample) -> None:
    scores = sample.table("test_scores")
    swapped = scores[scores["score_id"].isin(planted_keys(sample, "ielts_in_toefl", "test_scores"))]
    assert (swapped["test_code"] == "toefl_ibt").all()
    assert swapped["value"].astype(float).between(3.5, 9).all()


def test_merged_records_end_at_a_living_one_and_some_are_chained(sample: Sample) -> None:
    persons = sample.table("persons").set_index("person_id")
    targets = persons["merged_into_person_id"]
    merged = targets[planted_keys(sample, "person_merged", "persons")]
    chained = merged[merged.isin(merged.index)]
    assert 0 < len(chained) < len(merged) / 2
    assert not merged[chained].isin(merged.index).any()
    assert merged.isin(persons.index).all()
    cycle = targets[planted_keys(sample, "person_merge_cycle", "persons")]
    assert (targets[cycle].to_numpy() == cycle.index).all()
    lost = targets[planted_keys(sample, "merge_target_missing", "persons")]
    assert not lost.isin(persons.index).any()


# Time ---------------------------------------------------------------------------------------


def test_nothing_is_younger_than_the_export(sample: Sample) -> None:
    known = {
        "persons": ["created_at"],
        "applications": ["started_at", "submitted_at", "scholarship_offered_at"],
        "stage_events": ["occurred_at", "recorded_at"],
        "test_scores": ["test_date", "received_at"],
        "education_records": ["graduated_on", "received_at"],
        "interactions": ["occurred_at", "recorded_at"],
    }
    for table, columns in known.items():
        for name in columns:
            assert pd.to_datetime(sample.table(table)[name]).max() <= AS_OF, (table, name)
    recorded = pd.to_datetime(sample.table("interactions")["recorded_at"])
    assert recorded.max() == AS_OF


def test_recording_lags_by_a_day_and_at_the_99th_percentile_by_forty(sample: Sample) -> None:
    events = sample.table("stage_events").query("recorded_at != ''")
    lag = pd.to_datetime(events["recorded_at"]) - pd.to_datetime(events["occurred_at"]).dt.floor(
        "D"
    )
    n_early = planted_counts(sample)["recorded_early", "stage_events"]
    assert (lag < pd.Timedelta(days=1)).sum() == n_early
    assert lag.median() == pd.Timedelta(days=1)
    assert 30 <= lag.quantile(0.99).days <= 50


def test_closed_cycles_are_complete_and_the_open_one_is_not(sample: Sample) -> None:
    applications = sample.table("applications")
    is_open = applications["entry_term"] == "2026FA"
    undecided = applications["current_stage"].isin(
        ["submitted", "complete", "waitlisted", "admitted", "admitted_conditional", "deposited"]
    )
    assert not (undecided & ~is_open).any()
    assert (undecided & is_open).sum() > 1_000
    assert not (applications[is_open]["current_stage"] == "enrolled").any()


def test_stages_follow_each_other(sample: Sample) -> None:
    events = sample.table("stage_events")
    keys = events["application_id"] + "|" + events["stage"] + "|" + events["occurred_at"] + ":00"
    events = events[~keys.isin(planted_keys(sample, "out_of_order", "stage_events"))]
    events["occurred_at"] = pd.to_datetime(events["occurred_at"])
    first = events.groupby(["application_id", "stage"])["occurred_at"].min().unstack()
    for earlier, later in (
        ("inquiry", "submitted"),
        ("submitted", "complete"),
        ("submitted", "admitted"),
        ("admitted", "deposited"),
        ("admitted", "declined_by_applicant"),
        ("deposited", "enrolled"),
    ):
        both = first.dropna(subset=[earlier, later])
        assert len(both) > 100
        assert (both[earlier] <= both[later]).all(), (earlier, later)


def test_stealth_applicants_leave_no_trace_before_applying(sample: Sample) -> None:
    truth = sample.truth("features").query("is_stealth == 1")
    applications = sample.table("applications").set_index("application_id")
    stealth = applications.loc[truth["application_id"]]
    events = sample.table("stage_events").query("stage == 'inquiry'")
    assert not events["application_id"].isin(stealth.index).any()


# Planted truth ------------------------------------------------------------------------------


def test_rates_are_those_of_the_field(applications: pd.DataFrame) -> None:
    admitted = applications[applications["admitted"] == 1]
    by_residency = admitted.groupby("is_domestic")["enrolled"].mean()
    deposited = admitted[admitted["deposited"] == 1]
    assert 0.61 <= applications["admitted"].mean() <= 0.68
    assert 0.40 <= admitted["enrolled"].mean() <= 0.45
    assert 0.57 <= by_residency[1] <= 0.64
    assert 0.24 <= by_residency[0] <= 0.30
    assert 0.07 <= 1 - deposited["enrolled"].mean() <= 0.11


def test_true_probabilities_are_calibrated_and_leave_room(applications: pd.DataFrame) -> None:
    admitted = applications[applications["admitted"] == 1]
    truth = admitted["p_enroll_if_admitted"]
    assert abs(admitted["enrolled"].mean() - truth.mean()) < 0.015
    assert 0.82 <= auc(admitted["enrolled"], truth) <= 0.87
    tenth = pd.qcut(truth, 10)
    gap = (
        admitted.groupby(tenth, observed=True)["enrolled"].mean()
        - truth.groupby(tenth, observed=True).mean()
    )
    assert gap.abs().max() < 0.06


def test_archetype_shares_are_planted_and_drift(sample: Sample) -> None:
    persons = sample.truth("persons")
    share = persons["archetype"].value_counts(normalize=True)
    planted = pd.Series(column("share"), index=ARCHETYPE_KEYS)
    assert (share[planted.index] - planted).abs().max() < 0.015
    assert np.allclose(shares(4).sum(axis=1), 1)
    by_cycle = sample.truth("applications").groupby("entry_term")["archetype"]
    striver = by_cycle.apply(lambda kinds: (kinds == "global_stem_striver").mean())
    assert 0.03 < striver["2026FA"] - striver["2023FA"] < 0.10


def test_scholarship_looks_useless_pooled_and_is_not_within(applications: pd.DataFrame) -> None:
    admitted = applications[applications["days_from_admission"].notna()]
    offered = admitted["scholarship_amount"].notna()

    def effect(rows: pd.DataFrame) -> float:
        rate = rows.groupby(offered[rows.index])["enrolled"].mean()
        return float(rate[True] - rate[False])

    assert abs(effect(admitted)) < 0.06
    for archetype, least in (("global_stem_striver", 0.15), ("scholarship_seeker", 0.35)):
        assert effect(admitted[admitted["archetype"] == archetype]) > least


def test_missing_english_follows_its_mechanism(applications: pd.DataFrame) -> None:
    missing = applications["english_level"].isna().groupby(applications["is_domestic"]).mean()
    assert 0.95 <= missing[1] <= 0.99
    assert 0.07 <= missing[0] <= 0.20  # pending, English-speaking countries, applied after the day


@pytest.mark.parametrize("separation", [0.0, 1.0])
def test_separation_shrinks_the_spread_within(tmp_path: Path, separation: float) -> None:
    sample = written(tmp_path, n_persons=3_000, separation=separation)
    persons = sample.truth("persons")
    within = persons.groupby("archetype")["intent"].std().median()
    assert within < 0.7 if separation == 1 else within > 1.4


# Scales -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("test", "level", "score"),
    [("toefl_ibt", 97, 97), ("ielts", 97, 7), ("ielts", 69, 6), ("toefl_pbt", 100, 600)],
)
def test_english_scores_follow_the_concordance(test: str, level: float, score: float) -> None:
    assert english_score(test, np.array([level], dtype=float))[0] == score
    back = english_level(test, np.array([score], dtype=float))[0]
    assert abs(back - level) <= 4


def test_toefl_bands_follow_the_table() -> None:
    levels = np.array([120.0, 113, 106, 94, 71, 11])
    assert toefl_band(levels).tolist() == [6, 5.5, 5, 4.5, 3.5, 1]


def test_grades_stay_on_their_scale_and_grow_with_standing() -> None:
    standing = np.linspace(0.02, 0.99, 50)
    for scale in GRADE_SCALES:
        grades = grade(scale, standing)
        low, high = sorted((scale.worst, scale.best))
        assert ((grades >= low) & (grades <= high)).all()
        steps = np.diff(grades) * np.sign(scale.best - scale.worst)
        assert (steps >= 0).all()


# Command line -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--persons", "0"], "--persons must be at least 1, not 0."),
        (["--cycles", "13"], "--cycles must be between 1 and 12, not 13."),
        (["--separation", "1.5"], "--separation must be between 0 and 1, not 1.5."),
        (["--dirt", "-1"], "--dirt must be between 0 and 10, not -1.0."),
        (["--seed", "-3"], "--seed must not be negative, not -3."),
        (["--format", "xlsx"], "--format must be csv or parquet, not xlsx."),
    ],
)
def test_bad_arguments_end_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(["sample", str(tmp_path / "never"), *arguments]) == 2
    assert capsys.readouterr().err == f"applicant-personas sample: {sentence}\n"
    assert not (tmp_path / "never").exists()


def test_large_samples_report_progress(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generate, "BLOCK_SIZE", 200)
    assert main(["sample", str(tmp_path), "--persons", "300"]) == 0
    assert capsys.readouterr().err.splitlines()[-1] == "300 of 300 persons"
    assert config.BLOCK_SIZE == 25_000
