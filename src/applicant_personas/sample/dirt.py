"""The dirt layer: what real systems do to good data, planted and counted.

Dirt comes after the export's cut, so every count here is a count of rows in the files. A row
carries one kind of dirt at most; its code stands in the frame's column `planted`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from applicant_personas.sample.config import SampleConfig
from applicant_personas.sample.export import Frames
from applicant_personas.sample.records import PART, STATUS, TEST
from applicant_personas.sample.reference import STAGES
from applicant_personas.sample.tables import TEXT_SENTINELS


@dataclass(frozen=True)
class Kind:
    """One kind of dirt: where it is planted, and its rate among the rows it can hit, at dirt 1."""

    name: str
    table: str
    column: str
    rate: float


KINDS: tuple[Kind, ...] = (
    Kind("duplicate_person", "persons", "person_id", 0.015),
    Kind("merged_person", "persons", "merged_into_person_id", 0.010),
    Kind("erased_person", "persons", "is_deleted", 0.003),
    Kind("test_person", "persons", "is_test", 0.003),
    Kind("sentinel", "persons", "years_experience", 0.010),
    Kind("sentinel", "test_scores", "value", 0.020),
    Kind("sentinel", "test_scores", "test_date", 0.005),
    Kind("sentinel", "education_records", "gpa_value", 0.020),
    Kind("sentinel", "education_records", "graduated_on", 0.005),
    # One in a hundred English totals, all of them among the third that are IELTS.
    Kind("ielts_in_toefl", "test_scores", "test_code", 0.030),
    Kind("impossible", "test_scores", "value", 0.005),
    Kind("superseded", "test_scores", "score_id", 0.030),
    Kind("scale_missing", "education_records", "gpa_scale_max", 0.005),
    Kind("impossible", "education_records", "gpa_value", 0.005),
    Kind("shifted_time_zone", "interactions", "occurred_at", 0.010),
    Kind("duplicate_event", "stage_events", "application_id", 0.010),
    Kind("orphan", "interactions", "person_id", 0.001),
    Kind("orphan", "test_scores", "person_id", 0.001),
    Kind("orphan", "stage_events", "application_id", 0.001),
)
CHAIN_SHARE = 0.15
LONG_AGO = np.datetime64("1900-01-01", "s")


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
        self.rng, self.frames, self.dirt = rng, frames, config.dirt
        self.as_of_day = config.as_of_day.astype("datetime64[s]")
        self.next_person, self.next_application = next_person, next_application
        # Ids of people who do not exist are counted down from the largest.
        self.next_orphan = next_orphan
        for frame in frames.values():
            frame["planted"] = -1

    def plant(self) -> Frames:
        """Plant every kind; return the frames with the codes of what was planted."""
        if self.dirt > 0:
            self._people()
            self._scores()
            self._education()
            self._interactions()
            self._events()
        return self.frames

    def _kind(self, name: str, table: str, column: str | None = None) -> int:
        for code, kind in enumerate(KINDS):
            if (kind.name, kind.table) == (name, table) and column in (None, kind.column):
                return code
        raise KeyError(f"{name} is not planted in {table}")

    def _pick(self, code: int, allowed: pd.Series | None = None) -> np.ndarray:
        """Row numbers that get this kind: still clean, allowed, drawn at the kind's rate."""
        frame = self.frames[KINDS[code].table]
        free = frame["planted"].to_numpy() < 0
        if allowed is not None:
            free &= allowed.to_numpy()
        hit = self.rng.random(len(frame)) < min(KINDS[code].rate * self.dirt, 1)
        return np.flatnonzero(hit & free)

    def _set(self, code: int, rows: np.ndarray, **values: object) -> None:
        frame = self.frames[KINDS[code].table]
        for name, value in values.items():
            column = frame[name].to_numpy().copy()
            column[rows] = value
            frame[name] = column
        planted = frame["planted"].to_numpy().copy()
        planted[rows] = code
        frame["planted"] = planted

    def _append(self, table: str, rows: pd.DataFrame) -> None:
        self.frames[table] = pd.concat([self.frames[table], rows], ignore_index=True)

    def _new_ids(self, n: int) -> np.ndarray:
        ids = np.arange(self.next_person, self.next_person + n)
        self.next_person += n
        return ids

    # People ---------------------------------------------------------------------------------

    def _people(self) -> None:
        years = self._kind("sentinel", "persons")
        rows = self._pick(years)
        self._set(years, rows, years_experience=self._number_sentinels(len(rows)))
        erased = self._kind("erased_person", "persons")
        rows = self._pick(erased)
        blank = {"country_of_citizenship": -1, "birth_year": np.nan, "distance_km": np.nan}
        self._set(erased, rows, is_deleted=1, can_contact=0, **blank)
        self._duplicates()
        self._merged()
        self._test_persons()

    def _duplicates(self) -> None:
        """Enter the same human again under another id that nothing points to."""
        code = self._kind("duplicate_person", "persons")
        self._copy(code, self._pick(code), interactions=0.4, scores=0.0)

    def _merged(self) -> None:
        """Enter the same human again and merge the record; some are merged twice (a chain)."""
        code = self._kind("merged_person", "persons")
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

    def _copy(self, code: int, rows: np.ndarray, interactions: float, scores: float) -> np.ndarray:
        """Append copies of these persons under new ids, with a part of what they did."""
        copies = self.frames["persons"].iloc[rows].copy()
        original = copies["person_id"].to_numpy()
        ids = self._new_ids(len(rows))
        copies["person_id"] = ids
        later = self.rng.integers(0, 40, size=len(rows)).astype("timedelta64[D]")
        created = copies["created_at"].to_numpy() + later
        copies["created_at"] = np.minimum(created, self.as_of_day - np.timedelta64(1, "D"))
        copies["planted"] = code
        self._append("persons", copies)
        self._move("interactions", original, ids, interactions)
        self._move("test_scores", original, ids, scores)
        return ids

    def _move(self, table: str, old: np.ndarray, new: np.ndarray, share: float) -> None:
        """Hang a share of the persons' rows under the other id."""
        if len(old) == 0:
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
        code = self._kind("test_person", "persons")
        rows = self._pick(code)
        testers = self.frames["persons"].iloc[rows].copy()
        testers["person_id"] = self._new_ids(len(rows))
        testers["is_test"] = 1
        testers["planted"] = code
        self._append("persons", testers)
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
        self._append("applications", tests[self.frames["applications"].columns])

    # Scores and grades ----------------------------------------------------------------------

    def _number_sentinels(self, n: int) -> np.ndarray:
        return self.rng.choice([-1.0, 999.0, 9999.0, *TEXT_SENTINELS], size=n)

    def _scores(self) -> None:
        frame = self.frames["test_scores"]
        is_gre = (frame["test_code"] == TEST["gre"]).to_numpy()
        code = self._kind("sentinel", "test_scores", "value")
        rows = self._pick(code)
        values = np.where(self.rng.random(len(rows)) < 0.3, 0.0, self._number_sentinels(len(rows)))
        self._set(code, rows, value=values)
        code = self._kind("sentinel", "test_scores", "test_date")
        self._set(code, self._pick(code), test_date=LONG_AGO)
        code = self._kind("ielts_in_toefl", "test_scores")
        self._set(
            code, self._pick(code, frame["test_code"] == TEST["ielts"]), test_code=TEST["toefl_ibt"]
        )
        code = self._kind("impossible", "test_scores")
        rows = self._pick(code, (frame["value"] > 9) & (frame["component"] != PART["writing"]))
        # Beyond the top of every scale in use, and not one of the sentinels.
        wrong = self.rng.integers(0, 60, size=len(rows))
        self._set(code, rows, value=np.where(is_gre[rows], 172.0 + wrong % 20, 682.0 + wrong))
        self._superseded()
        self._orphans("test_scores", "person_id")

    def _superseded(self) -> None:
        """Add an earlier and lower sitting; one in four of them was cancelled."""
        code = self._kind("superseded", "test_scores")
        frame = self.frames["test_scores"]
        rows = self._pick(code, frame["value"] >= 10)
        earlier = frame.iloc[rows].copy()
        steps = np.select(
            [earlier["test_code"] == TEST["gre"], earlier["test_code"] == TEST["duolingo"]],
            [3.0, 10.0],
            6.0,
        )
        high = np.where(earlier["value"] > 200, 30.0, steps)
        earlier["value"] = np.maximum(earlier["value"] - high, np.where(high == 3, 130, 10))
        days = self.rng.integers(30, 120, size=len(rows)).astype("timedelta64[D]")
        earlier["test_date"] = earlier["test_date"].to_numpy() - days
        cancelled = self.rng.random(len(rows)) < 0.25
        earlier["status"] = np.where(cancelled, STATUS["cancelled"], earlier["status"])
        earlier["planted"] = code
        self._append("test_scores", earlier)

    def _education(self) -> None:
        code = self._kind("sentinel", "education_records", "gpa_value")
        rows = self._pick(code)
        values = np.where(self.rng.random(len(rows)) < 0.3, 0.0, self._number_sentinels(len(rows)))
        self._set(code, rows, gpa_value=values)
        code = self._kind("sentinel", "education_records", "graduated_on")
        self._set(code, self._pick(code), graduated_on=LONG_AGO)
        code = self._kind("scale_missing", "education_records")
        unknown = {"gpa_scale_max": np.nan, "gpa_scale_pass": np.nan, "gpa_direction": -1}
        self._set(code, self._pick(code), **unknown)
        code = self._kind("impossible", "education_records")
        rows = self._pick(code)
        top = self.frames["education_records"]["gpa_scale_max"].to_numpy()[rows]
        wrong = np.round(top * self.rng.uniform(1.15, 3, size=len(rows)), 1)
        self._set(code, rows, gpa_value=wrong)

    # Histories ------------------------------------------------------------------------------

    def _interactions(self) -> None:
        code = self._kind("shifted_time_zone", "interactions")
        rows = self._pick(code)
        hours = self.rng.choice([-8, -7, -5, 1, 2, 8, 9], size=len(rows)).astype("timedelta64[h]")
        when = self.frames["interactions"]["occurred_at"].to_numpy()[rows] + hours
        # The export itself is not from the future.
        when = np.minimum(when, self.as_of_day - np.timedelta64(60, "s"))
        self._set(code, rows, occurred_at=when)
        self._orphans("interactions", "person_id")

    def _events(self) -> None:
        code = self._kind("duplicate_event", "stage_events")
        again = self.frames["stage_events"].iloc[self._pick(code)].copy()
        later = self.rng.integers(0, 3, size=len(again)).astype("timedelta64[D]")
        recorded = again["recorded_at"].to_numpy() + later
        again["recorded_at"] = np.minimum(recorded, self.as_of_day)
        again["planted"] = code
        self._append("stage_events", again)
        self._orphans("stage_events", "application_id")

    def _orphans(self, table: str, key: str) -> None:
        """Add rows of a person or an application that the export does not hold."""
        code = self._kind("orphan", table)
        lost = self.frames[table].iloc[self._pick(code)].copy()
        lost[key] = self.next_orphan - np.arange(len(lost))
        self.next_orphan -= len(lost)
        lost["planted"] = code
        self._append(table, lost)
