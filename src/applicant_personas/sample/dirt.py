"""The dirt layer: what real systems do to good data, planted and counted.

Dirt comes after the export's cut, so every count here is a count of rows in the files. A kind is
named as the rule that must find it; kinds that nothing in the files can prove are named for what
they are, and are expected to stay. A row may carry several kinds: its frame has a bit for each in
the column `planted`, and `taken` marks the rows that have to stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from applicant_personas.sample.config import SampleConfig
from applicant_personas.sample.export import Frames
from applicant_personas.sample.records import PART, STATUS, TEST
from applicant_personas.sample.reference import COUNTRIES, STAGES, TOEFL_BANDS_FROM
from applicant_personas.sample.tables import TEXT_SENTINELS, WAIVED


@dataclass(frozen=True)
class Kind:
    """One kind of dirt: where it is planted, and its rate among the rows it can hit, at dirt 1."""

    name: str
    table: str
    column: str
    rate: float
    is_provable: bool = True


KINDS: tuple[Kind, ...] = (
    Kind("person_duplicate", "persons", "person_id", 0.007),
    Kind("unprovable_duplicate", "persons", "person_id", 0.008, is_provable=False),
    Kind("person_merged", "persons", "merged_into_person_id", 0.010),
    Kind("person_merge_cycle", "persons", "merged_into_person_id", 0.002),
    Kind("merge_target_missing", "persons", "merged_into_person_id", 0.002),
    Kind("person_deleted", "persons", "is_deleted", 0.003),
    Kind("person_test", "persons", "is_test", 0.003),
    Kind("sentinel", "persons", "years_experience", 0.008),
    Kind("waived", "persons", "years_experience", 0.002),
    Kind("duplicate_key", "applications", "application_id", 0.003),
    Kind("sentinel", "test_scores", "value", 0.011),
    Kind("waived", "test_scores", "value", 0.003),
    Kind("zero", "test_scores", "value", 0.006),
    Kind("on_neither_scale", "test_scores", "value", 0.010),
    Kind("out_of_scale", "test_scores", "value", 0.005),
    Kind("sentinel_date", "test_scores", "test_date", 0.005),
    # One in a hundred English totals, all of them among the third that are IELTS.
    Kind("ielts_in_toefl", "test_scores", "value", 0.030),
    Kind("ambiguous_scale", "test_scores", "value", 0.100),
    Kind("toefl_pbt_scale", "test_scores", "value", 0.500),
    Kind("toefl_cbt_scale", "test_scores", "value", 1.0),
    Kind("gre_prior_scale", "test_scores", "value", 1.0),
    Kind("superseded", "test_scores", "value", 0.022),
    Kind("status_cancelled", "test_scores", "value", 0.008),
    Kind("self_reported", "test_scores", "value", 1.0),
    Kind("discrepancy", "test_scores", "value", 0.050),
    Kind("expired", "test_scores", "value", 1.0),
    Kind("recorded_early", "test_scores", "received_at", 0.003),
    Kind("orphan_person", "test_scores", "person_id", 0.001),
    Kind("sentinel", "education_records", "gpa_value", 0.012),
    Kind("waived", "education_records", "gpa_value", 0.003),
    Kind("zero", "education_records", "gpa_value", 0.006),
    Kind("exceeds_scale", "education_records", "gpa_value", 0.005),
    Kind("scale_missing", "education_records", "gpa_scale_max", 0.004),
    Kind("scale_inferred", "education_records", "gpa_scale_max", 0.004),
    Kind("scale_zero", "education_records", "gpa_scale_max", 0.003),
    Kind("sentinel_date", "education_records", "graduated_on", 0.005),
    Kind("duplicate_event", "interactions", "interaction_id", 0.003),
    Kind("recorded_early", "interactions", "recorded_at", 0.005),
    Kind("shifted_time_zone", "interactions", "occurred_at", 0.010, is_provable=False),
    Kind("orphan_person", "interactions", "person_id", 0.001),
    Kind("duplicate_event", "stage_events", "application_id", 0.010),
    Kind("recorded_early", "stage_events", "recorded_at", 0.005),
    Kind("out_of_order", "stage_events", "occurred_at", 0.020),
    Kind("orphan_application", "stage_events", "application_id", 0.001),
)
CHAIN_SHARE = 0.15
LONG_AGO = np.datetime64("1900-01-01", "s")
# Days on which scales were given up: GRE 200 to 800, and the last day of the TOEFL CBT.
GRE_PRIOR_UNTIL = np.datetime64("2011-08-01", "s")
CBT_UNTIL = np.datetime64("2007-01-01", "s")
DAY = np.timedelta64(1, "D")
# Countries whose grades the project knows on one scale only.
ONE_SCALE = ("US", "CN", "GB", "DE", "FR", "NG")


class Planter:
    """Plants dirt into one block of exported frames, kind by kind."""

    def __init__(
        self,
        rng: np.random.Generator,
        frames: Frames,
        config: SampleConfig,
        next_person: int,
        next_application: int,
        next_orphan: int,
    ) -> None:
        self.rng, self.frames, self.config = rng, frames, config
        self.as_of_day = config.as_of_day.astype("datetime64[s]")
        self.next_person, self.next_application = next_person, next_application
        # Ids of people who do not exist are counted down from the largest.
        self.next_orphan = next_orphan
        for frame in frames.values():
            frame["planted"] = np.int64(0)
            frame["taken"] = False

    def plant(self) -> Frames:
        """Plant every kind; return the frames with the bits of what was planted."""
        if self.config.dirt > 0:
            self._erased()
            self._scores()
            self._education()
            self._people()
            self._applications()
            self._interactions()
            self._events()
        return self.frames

    def _kind(self, name: str, table: str) -> int:
        for code, kind in enumerate(KINDS):
            if (kind.name, kind.table) == (name, table):
                return code
        raise KeyError(f"{name} is not planted in {table}")

    def _pick(self, code: int, allowed: pd.Series | np.ndarray | None = None) -> np.ndarray:
        """Row numbers that get this kind: still clean, allowed, drawn at the kind's rate."""
        frame = self.frames[KINDS[code].table]
        free = ~frame["taken"].to_numpy() & (frame["planted"].to_numpy() == 0)
        if allowed is not None:
            free &= np.asarray(allowed)
        hit = self.rng.random(len(frame)) < min(KINDS[code].rate * self.config.dirt, 1)
        return np.flatnonzero(hit & free)

    def _set(self, code: int, rows: np.ndarray, **values: object) -> None:
        """Give rows this kind, and values with it."""
        frame = self.frames[KINDS[code].table]
        for name, value in values.items():
            column = frame[name].to_numpy().copy()
            column[rows] = value
            frame[name] = column
        planted = frame["planted"].to_numpy().copy()
        planted[rows] |= 1 << code
        frame["planted"] = planted

    def _take(self, table: str, rows: np.ndarray | pd.Series) -> None:
        """Keep rows, by number or mask, from any further dirt."""
        taken = self.frames[table]["taken"].to_numpy().copy()
        taken[np.asarray(rows)] = True
        self.frames[table]["taken"] = taken

    def _append(self, code: int, rows: pd.DataFrame) -> None:
        """Add rows of this kind, which nothing else may hit."""
        rows["planted"], rows["taken"] = np.int64(1 << code), True
        table = KINDS[code].table
        self.frames[table] = pd.concat([self.frames[table], rows], ignore_index=True)

    def _new_ids(self, n: int) -> np.ndarray:
        ids = np.arange(self.next_person, self.next_person + n)
        self.next_person += n
        return ids

    # People ---------------------------------------------------------------------------------

    def _erased(self) -> None:
        """Delete people; whatever else were wrong with their rows, nobody would see it."""
        code = self._kind("person_deleted", "persons")
        rows = self._pick(code)
        blank = {"country_of_citizenship": -1, "birth_year": np.nan, "distance_km": np.nan}
        self._set(code, rows, is_deleted=1, can_contact=0, **blank)
        ids = self.frames["persons"]["person_id"].to_numpy()[rows]
        for table in ("applications", "test_scores", "education_records", "interactions"):
            self._take(table, np.isin(self.frames[table]["person_id"], ids))
        applications = self.frames["applications"]
        lost = applications["application_id"].to_numpy()[applications["taken"].to_numpy()]
        self._take("stage_events", np.isin(self.frames["stage_events"]["application_id"], lost))

    def _people(self) -> None:
        self._stand_ins("persons", "years_experience")
        code = self._kind("merge_target_missing", "persons")
        rows = self._pick(code)
        self._set(code, rows, merged_into_person_id=self._lost_ids(len(rows)))
        self._duplicates()
        self._merged()
        self._merge_cycles()
        self._test_persons()

    def _duplicates(self) -> None:
        """Enter the same human again under another id that nothing points to."""
        code = self._kind("person_duplicate", "persons")
        persons = self.frames["persons"]
        rows = self._pick(code, persons["created_at"] > persons["created_at"].dt.floor("D"))
        self._copy(code, rows, interactions=0.4, scores=0.4, days_later=0)
        self._take("persons", rows)
        # Entered on another day: nothing proves that the two are one.
        code = self._kind("unprovable_duplicate", "persons")
        self._copy(code, self._pick(code), interactions=0.4, scores=0.0)

    def _merged(self) -> None:
        """Enter the same human again and merge the record; some are merged twice (a chain)."""
        code = self._kind("person_merged", "persons")
        rows = self._pick(code)
        ids = self._copy(code, rows, interactions=0.5, scores=0.5)
        losers = np.flatnonzero(self.frames["persons"]["person_id"].isin(ids))
        chained = losers[self.rng.random(len(losers)) < CHAIN_SHARE]
        again = self._copy(code, chained, interactions=0.5, scores=0.5)
        persons = self.frames["persons"]
        person_id = persons["person_id"].to_numpy()
        survivor = persons["merged_into_person_id"].to_numpy().copy()
        survivor[losers] = person_id[rows]
        survivor[np.isin(person_id, again)] = person_id[chained]
        persons["merged_into_person_id"] = survivor

    def _merge_cycles(self) -> None:
        """Enter pairs of records that are merged into each other."""
        code = self._kind("person_merge_cycle", "persons")
        rows = self._pick(code)
        ids = self._copy(code, rows[: len(rows) // 2 * 2], interactions=0.0, scores=0.0)
        persons = self.frames["persons"]
        survivor = persons["merged_into_person_id"].to_numpy().copy()
        survivor[np.isin(persons["person_id"], ids)] = ids.reshape(-1, 2)[:, ::-1].ravel()
        persons["merged_into_person_id"] = survivor

    def _copy(
        self, code: int, rows: np.ndarray, interactions: float, scores: float, days_later: int = 40
    ) -> np.ndarray:
        """Append copies of these persons under new ids, with a part of what they did."""
        copies = self.frames["persons"].iloc[rows].copy()
        original = copies["person_id"].to_numpy()
        ids = self._new_ids(len(rows))
        copies["person_id"] = ids
        if days_later:
            # Some other second, some day.
            later = self.rng.integers(1, days_later * 86400, size=len(rows))
            created = copies["created_at"].to_numpy() + later.astype("timedelta64[s]")
            copies["created_at"] = np.minimum(created, self.as_of_day - DAY)
        self._append(code, copies)
        self._move("interactions", original, ids, interactions)
        self._move("test_scores", original, ids, scores)
        return ids

    def _move(self, table: str, old: np.ndarray, new: np.ndarray, share: float) -> None:
        """Hang a share of the persons' rows under the other id."""
        if len(old) == 0 or not share:
            return
        frame = self.frames[table]
        person = frame["person_id"].to_numpy().copy()
        order = np.argsort(old)
        place = np.minimum(np.searchsorted(old[order], person), len(old) - 1)
        mine = (old[order][place] == person) & (self.rng.random(len(person)) < share)
        person[mine] = new[order][place[mine]]
        frame["person_id"] = person

    def _test_persons(self) -> None:
        """Add people whom the staff made up, each with a started application."""
        code = self._kind("person_test", "persons")
        rows = self._pick(code)
        testers = self.frames["persons"].iloc[rows].copy()
        testers["person_id"] = self._new_ids(len(rows))
        testers["is_test"] = 1
        self._append(code, testers)
        mine = self.frames["applications"].drop_duplicates("person_id").set_index("person_id")
        original = self.frames["persons"]["person_id"].to_numpy()[rows]
        applied = np.isin(original, mine.index)
        tests = mine.loc[original[applied]].reset_index()
        tests["person_id"] = testers["person_id"].to_numpy()[applied]
        tests["application_id"] = self.next_application + np.arange(len(tests))
        self.next_application += len(tests)
        tests["current_stage"] = STAGES.index("started")
        blank = ("submitted_at", "scholarship_offered_at")
        tests[list(blank)] = np.datetime64("NaT", "s")
        tests["scholarship_offer_amount"] = np.nan
        tests["taken"] = True
        columns = self.frames["applications"].columns
        self.frames["applications"] = pd.concat(
            [self.frames["applications"], tests[columns]], ignore_index=True
        )

    def _applications(self) -> None:
        """Export applications twice; the older copy lacks what came later."""
        code = self._kind("duplicate_key", "applications")
        older = self.frames["applications"].iloc[self._pick(code)].copy()
        older[["submitted_at", "scholarship_offered_at"]] = np.datetime64("NaT", "s")
        older["scholarship_offer_amount"] = np.nan
        older["current_stage"] = STAGES.index("started")
        self._append(code, older)

    # Scores and grades ----------------------------------------------------------------------

    def _stand_ins(self, table: str, column: str) -> None:
        """Write numbers and words that stand for no value, among them waivers."""
        code = self._kind("sentinel", table)
        rows = self._pick(code)
        words = [number for number in TEXT_SENTINELS if number != WAIVED]
        values = self.rng.choice([-1.0, 999.0, 9999.0, *words], size=len(rows))
        self._set(code, rows, **{column: values})
        rows = self._pick(self._kind("waived", table))
        # A typed file can't hold the word, so a number stands there.
        found_as = "waived" if self.config.file_format == "csv" else "sentinel"
        self._set(self._kind(found_as, table), rows, **{column: WAIVED})

    def _scores(self) -> None:
        expired = self._expired() & ~self.frames["test_scores"]["taken"].to_numpy()
        self._historical()
        self._said_twice(expired)
        self._set(self._kind("expired", "test_scores"), np.flatnonzero(expired))
        self._stand_ins("test_scores", "value")
        self._wrong_values()
        self._wrong_fields()
        self._superseded()
        self._early_scores()
        self._orphans("orphan_person", "test_scores", "person_id")

    def _expired(self, days_earlier: int = 0) -> np.ndarray:
        """Whether scores, had they been taken earlier, expired by census: two years, a GRE five."""
        frame, persons = self.frames["test_scores"], self.frames["persons"]
        cycle = persons.set_index("person_id")["intended_entry_term"]
        census = self.config.census_days[cycle.reindex(frame["person_id"]).to_numpy()]
        sat = frame["test_date"] - pd.Timedelta(days=days_earlier)
        is_gre = frame["test_code"] == TEST["gre"]
        ends = (sat + pd.DateOffset(years=2)).where(~is_gre, sat + pd.DateOffset(years=5))
        return np.asarray(ends.to_numpy() <= census)

    def _historical(self) -> None:
        """Mark scores of scales no longer in use; some TOEFL scores move into the field of today.

        All of them have expired.
        """
        frame = self.frames["test_scores"]
        code = self._kind("gre_prior_scale", "test_scores")
        is_old = (frame["test_code"] == TEST["gre"]) & (frame["test_date"] < GRE_PRIOR_UNTIL)
        self._set(code, self._pick(code, is_old))
        paper, computer = (frame["test_code"] == TEST[f"toefl_{name}"] for name in ("pbt", "cbt"))
        legible = computer & (frame["test_date"] < CBT_UNTIL) & (frame["value"] > 120)
        for name, allowed in (("toefl_pbt_scale", paper), ("toefl_cbt_scale", legible)):
            code = self._kind(name, "test_scores")
            self._set(code, self._pick(code, allowed), test_code=TEST["toefl_ibt"])
        self._take("test_scores", is_old | paper | computer)

    def _said_twice(self, expired: np.ndarray) -> None:
        """Mark self-reported scores whose verified one is there; a few say something else."""
        frame = self.frames["test_scores"]
        sitting = frame.groupby(["person_id", "test_code", "component", "test_date"])["status"]
        is_verified = sitting.transform("max") == STATUS["verified"]
        twice = (sitting.transform("min") < STATUS["verified"]) & is_verified
        said = twice & (frame["status"] == STATUS["self_reported"]) & ~expired
        code = self._kind("discrepancy", "test_scores")
        # High enough to stay on its scale.
        low = np.where(frame["test_code"] == TEST["gre"], 132, 20)
        rows = self._pick(code, said & (frame["value"] >= low))
        is_duolingo = frame["test_code"].to_numpy()[rows] == TEST["duolingo"]
        self._set(code, rows, value=frame["value"].to_numpy()[rows] - np.where(is_duolingo, 10, 2))
        code = self._kind("self_reported", "test_scores")
        self._set(code, self._pick(code, said))
        self._take("test_scores", twice | expired)

    def _wrong_values(self) -> None:
        """Write zeros, and numbers beyond the top of every scale that are no stand-ins."""
        frame = self.frames["test_scores"]
        is_section = (frame["test_code"] == TEST["gre"]) & (frame["component"] != PART["writing"])
        code = self._kind("zero", "test_scores")
        self._set(code, self._pick(code, ~is_section), value=0.0)
        code = self._kind("out_of_scale", "test_scores")
        rows = self._pick(code, (frame["test_code"] != TEST["gre"]) & (frame["value"] > 9))
        self._set(code, rows, value=682.0 + self.rng.integers(0, 60, size=len(rows)))
        code = self._kind("on_neither_scale", "test_scores")
        rows = self._pick(code, is_section)
        wrong = 171.0 + self.rng.integers(0, 20, size=len(rows))
        self._set(code, rows, value=np.where(self.rng.random(len(rows)) < 0.3, 0.0, wrong))
        code = self._kind("sentinel_date", "test_scores")
        self._set(code, self._pick(code), test_date=LONG_AGO)

    def _wrong_fields(self) -> None:
        """Put IELTS scores into the field of the TOEFL, and take the scale off TOEFL scores."""
        frame = self.frames["test_scores"]
        # From that day on the field has a scale on which an IELTS score may be meant.
        could_be_toefl = (frame["test_date"] >= TOEFL_BANDS_FROM) & (frame["value"] <= 6)
        code = self._kind("ielts_in_toefl", "test_scores")
        is_ielts = (frame["test_code"] == TEST["ielts"]) & ~could_be_toefl
        self._set(code, self._pick(code, is_ielts), test_code=TEST["toefl_ibt"])
        code = self._kind("ambiguous_scale", "test_scores")
        self._set(code, self._pick(code, frame["scale_code"] >= 0), scale_code=-1)

    def _superseded(self) -> None:
        """Add earlier and lower sittings; some were cancelled."""
        for name in ("superseded", "status_cancelled"):
            code = self._kind(name, "test_scores")
            frame = self.frames["test_scores"]
            rows = self._pick(code, (frame["value"] >= 10) & ~self._expired(days_earlier=120))
            earlier = frame.iloc[rows].copy()
            codes = [earlier["test_code"] == TEST[test] for test in ("gre", "duolingo")]
            lowest = np.select(codes, [130.0, 10.0], 10.0)
            value = earlier["value"] - np.select(codes, [3.0, 10.0], 6.0)
            earlier["value"] = np.maximum(value, lowest)
            days = self.rng.integers(30, 120, size=len(rows)).astype("timedelta64[D]")
            earlier["test_date"] = earlier["test_date"].to_numpy() - days
            if name == "status_cancelled":
                earlier["status"] = STATUS["cancelled"]
            self._append(code, earlier)
            self._take("test_scores", rows)

    def _early_scores(self) -> None:
        """Receive scores before the test was taken."""
        code = self._kind("recorded_early", "test_scores")
        rows = self._pick(code)
        early = self.rng.integers(1, 20, size=len(rows)).astype("timedelta64[D]")
        sat = self.frames["test_scores"]["test_date"].to_numpy()[rows]
        self._set(code, rows, received_at=sat - early)

    def _education(self) -> None:
        self._stand_ins("education_records", "gpa_value")
        frame = self.frames["education_records"]
        code = self._kind("zero", "education_records")
        self._set(code, self._pick(code), gpa_value=0.0)
        code = self._kind("exceeds_scale", "education_records")
        rows = self._pick(code)
        top = frame["gpa_scale_max"].to_numpy()[rows]
        self._set(
            code, rows, gpa_value=np.round(top * self.rng.uniform(1.15, 3, size=len(rows)), 1)
        )
        has_one = np.isin(frame["country"], [COUNTRIES.index(name) for name in ONE_SCALE])
        unknown = {"gpa_scale_max": np.nan, "gpa_scale_pass": np.nan, "gpa_direction": -1}
        for name, allowed in (("scale_inferred", has_one), ("scale_missing", ~has_one)):
            code = self._kind(name, "education_records")
            self._set(code, self._pick(code, allowed), **unknown)
        code = self._kind("scale_zero", "education_records")
        self._set(code, self._pick(code), gpa_scale_max=0.0)
        code = self._kind("sentinel_date", "education_records")
        self._set(code, self._pick(code), graduated_on=LONG_AGO)

    # Histories ------------------------------------------------------------------------------

    def _interactions(self) -> None:
        self._recorded_early("interactions")
        code = self._kind("shifted_time_zone", "interactions")
        rows = self._pick(code)
        hours = self.rng.choice([-8, -7, -5, 1, 2, 8, 9], size=len(rows)).astype("timedelta64[h]")
        when = self.frames["interactions"]["occurred_at"].to_numpy()[rows] + hours
        # The export itself is not from the future.
        when = np.minimum(when, self.as_of_day - np.timedelta64(60, "s"))
        self._set(code, rows, occurred_at=when)
        code = self._kind("duplicate_event", "interactions")
        occurred = self.frames["interactions"]["occurred_at"]
        # Two events of one moment are one; two of one day may be two.
        self._again(code, self._pick(code, occurred > occurred.dt.floor("D")))
        self._orphans("orphan_person", "interactions", "person_id")

    def _events(self) -> None:
        self._recorded_early("stage_events")
        self._out_of_order()
        code = self._kind("duplicate_event", "stage_events")
        self._again(code, self._pick(code))
        self._orphans("orphan_application", "stage_events", "application_id")

    def _recorded_early(self, table: str) -> None:
        """Record rows on a day before they occurred, as a clock that is slow would."""
        frame = self.frames[table]
        code = self._kind("recorded_early", table)
        # The row that was recorded last says which day the export is of.
        rows = self._pick(code, frame["recorded_at"] < self.as_of_day)
        early = self.rng.integers(1, 4, size=len(rows)).astype("timedelta64[D]")
        day = frame["occurred_at"].dt.floor("D").to_numpy()[rows]
        self._set(code, rows, recorded_at=day - early)

    def _out_of_order(self) -> None:
        """Date some enrollments before the admission."""
        frame = self.frames["stage_events"]
        admissions = frame[frame["stage"] == STAGES.index("admitted")]
        admitted = admissions.groupby("application_id")["occurred_at"].min()
        before = admitted.reindex(frame["application_id"]).to_numpy()
        code = self._kind("out_of_order", "stage_events")
        rows = self._pick(code, (frame["stage"] == STAGES.index("enrolled")) & ~np.isnat(before))
        early = self.rng.integers(1, 4, size=len(rows)).astype("timedelta64[D]")
        self._set(code, rows, occurred_at=before[rows] - early)

    def _again(self, code: int, rows: np.ndarray) -> None:
        """Record events a second time, up to two days later."""
        again = self.frames[KINDS[code].table].iloc[rows].copy()
        later = self.rng.integers(0, 3, size=len(again)).astype("timedelta64[D]")
        again["recorded_at"] = np.minimum(again["recorded_at"].to_numpy() + later, self.as_of_day)
        self._append(code, again)
        self._take(KINDS[code].table, rows)

    def _orphans(self, name: str, table: str, key: str) -> None:
        """Add rows of a person or an application that the export does not hold."""
        code = self._kind(name, table)
        lost = self.frames[table].iloc[self._pick(code)].copy()
        lost[key] = self._lost_ids(len(lost))
        self._append(code, lost)

    def _lost_ids(self, n: int) -> np.ndarray:
        ids = self.next_orphan - np.arange(n)
        self.next_orphan -= n
        return ids
