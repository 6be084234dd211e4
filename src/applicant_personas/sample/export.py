"""What the export's day can know of the truth, as the tables of the input contract."""

from __future__ import annotations

import numpy as np
import pandas as pd

from applicant_personas.sample.archetypes import column
from applicant_personas.sample.config import SampleConfig
from applicant_personas.sample.draw import Draw
from applicant_personas.sample.histories import known_days
from applicant_personas.sample.records import TEST, is_exempt
from applicant_personas.sample.reference import (
    COUNTRIES,
    DISTANCE_KM,
    GRADE_SCALES,
    PROGRAMS,
    STAGES,
    TOEFL_BANDS_FROM,
    FloatArray,
)

Frames = dict[str, pd.DataFrame]
ADMITTED_STAGES = (STAGES.index("admitted"), STAGES.index("admitted_conditional"))
NEVER = np.datetime64("NaT", "s")


class Cut:
    """The export's day, seen from persons or applications of several cycles.

    Args:
        config: holds the calendar.
        cycle: cycle of each owner, shape (n,).
        begins: day to census on which each owner came into being, shape (n,).

    """

    def __init__(self, config: SampleConfig, cycle: pd.Series, begins: pd.Series) -> None:
        self.cycle = cycle.to_numpy()
        self.census = config.census_days
        # Days from each census to the export: negative in the open cycle alone.
        self.offset = (config.as_of_day - self.census).astype(int)
        self.kept = begins.to_numpy() < self.offset[self.cycle]

    def rows(self, owner: pd.Series, known: FloatArray) -> np.ndarray:
        """Whether rows are in the export: their owner is, and they were on file by its day."""
        return np.asarray(self.kept[owner] & (known <= self.offset[self.cycle[owner]]))

    def dates(
        self, owner: pd.Series | np.ndarray, days: FloatArray, minutes: float = 1
    ) -> np.ndarray:
        """Turn days to census into datetime64[s] in steps of so many minutes; NaN becomes NaT."""
        missing = np.isnan(days)
        # Down to the step begun, so that no time slips into the next day.
        steps = np.floor(np.where(missing, 0, days) * 1440 / minutes + 1e-6)
        seconds = np.round(steps * minutes * 60).astype("timedelta64[s]")
        dates = self.census[self.cycle[owner]].astype("datetime64[s]") + seconds
        return np.where(missing, NEVER, dates)


def export_tables(
    rng: np.random.Generator, config: SampleConfig, draw: Draw, is_first_block: bool
) -> Frames:
    """Return the contract's tables as the export's day knows them, without any dirt.

    `draw.applications` must hold `application_id`, which is -1 outside the export.
    """
    people = Cut(config, draw.people["cycle"], draw.people["contact_at"])
    applications = Cut(config, draw.applications["cycle"], draw.applications["started"])
    person_id = draw.people["person_id"].to_numpy()

    def of_people(rows: pd.DataFrame, known: FloatArray) -> tuple[pd.DataFrame, pd.DataFrame]:
        kept = rows[people.rows(rows["person"], known)].reset_index(drop=True)
        return kept, pd.DataFrame({"person_id": person_id[kept["person"]]})

    seen = applications.rows(draw.events["application"], known_days(draw.events))
    events = draw.events[seen].reset_index(drop=True)
    scores = of_people(draw.scores, draw.scores["received"].to_numpy())
    education = of_people(draw.education, draw.education["received"].to_numpy())
    interactions = of_people(draw.interactions, known_days(draw.interactions))
    kept_protected = people.kept[draw.protected["person"]]
    protected = draw.protected[kept_protected].reset_index(drop=True)
    frames = {
        "persons": _persons(rng, config, people, draw.people)[people.kept],
        "applications": _applications(rng, applications, draw, events)[applications.kept],
        "stage_events": _stage_events(applications, draw.applications, events),
        "test_scores": _test_scores(people, *scores),
        "education_records": _education(people, *education),
        "interactions": _interactions(people, *interactions),
        "protected_attributes": protected.assign(person_id=person_id[protected["person"]]),
    }
    if is_first_block:
        _touch_as_of(frames["interactions"], config.as_of_day.astype("datetime64[s]"))
    return frames


def _persons(
    rng: np.random.Generator, config: SampleConfig, cut: Cut, people: pd.DataFrame
) -> pd.DataFrame:
    n = len(people)
    domestic = people["domestic"].to_numpy()
    near = column("distance_km")[people["archetype"]] * np.exp(rng.normal(0, 0.8, size=n))
    far = np.array([DISTANCE_KM[country] for country in COUNTRIES])[people["country"]]
    abroad = np.round(far * rng.uniform(0.93, 1.07, size=n), -2)
    moved = rng.random(n) < 0.04
    elsewhere = rng.integers(0, len(COUNTRIES), size=n)
    # An inquiry form asks for a program; once there is an application nobody looks at it.
    prospect = ~people["applies"].to_numpy() & (rng.random(n) < 0.7)
    wish = rng.integers(0, len(PROGRAMS), size=n)
    age = 22 + people["years"] + np.floor(rng.exponential(1.5, size=n))
    created = cut.dates(np.arange(n), people["contact_at"].to_numpy(), minutes=1 / 60)
    return pd.DataFrame(
        {
            "person_id": people["person_id"],
            "created_at": created,
            "merged_into_person_id": -1,
            # A flag that nobody ever touched is blank.
            "is_deleted": -1,
            "is_test": -1,
            "can_contact": (rng.random(n) < 0.92).astype(int),
            "profiling_objection": np.where(rng.random(n) < 0.01, 1, -1),
            "country_of_residence": people["country"],
            "country_of_citizenship": np.where(moved, elsewhere, people["country"]),
            "residency": (~domestic).astype(int),
            "distance_km": np.where(domestic, np.maximum(np.round(near), 1), abroad),
            "years_experience": people["years"].astype(float),
            "birth_year": (config.years[people["cycle"]] - age).astype(float),
            "is_own_alumnus": people["alumnus"].astype(int),
            "intended_entry_term": people["cycle"],
            "intended_program_code": np.where(prospect, wish, -1),
        }
    )


def _applications(
    rng: np.random.Generator, cut: Cut, draw: Draw, events: pd.DataFrame
) -> pd.DataFrame:
    applications = draw.applications
    n = len(applications)
    everyone = np.arange(n)
    submitted = np.floor(applications["submitted"].to_numpy())
    submitted = np.where(submitted < cut.offset[cut.cycle], submitted, np.nan)
    # An offer is on file when the admission is.
    admitted = events[np.isin(events["stage"], ADMITTED_STAGES)]
    offered = np.full(n, np.nan)
    offered[admitted["application"]] = np.floor(admitted["at"])
    offered[~applications["scholarship"]] = np.nan
    person = draw.people.iloc[applications["person"]].reset_index(drop=True)
    optional = np.array([program.test_policy == "optional" for program in PROGRAMS])
    waivable = optional[applications["program"]] & (person["years"] >= 5) & ~person["gre_sent"]
    return pd.DataFrame(
        {
            "application_id": applications["application_id"],
            "person_id": applications["person_id"],
            "entry_term": applications["cycle"],
            "program_code": applications["program"],
            "started_at": cut.dates(everyone, applications["started"].to_numpy()),
            "submitted_at": cut.dates(everyone, submitted),
            "current_stage": _current_stage(events, submitted),
            "source_channel": applications["channel"],
            "scholarship_offer_amount": applications["amount"].where(~np.isnan(offered)),
            "scholarship_offered_at": cut.dates(everyone, offered),
            "english_waived": is_exempt(person).astype(int),
            "test_waived": np.where(waivable & (rng.random(n) < 0.6), 1, -1),
        }
    )


def _current_stage(events: pd.DataFrame, submitted: FloatArray) -> np.ndarray:
    """Return the code of the latest stage on file of every application, shape (n,)."""
    stage = np.where(np.isnan(submitted), STAGES.index("started"), STAGES.index("submitted"))
    later = events[events["stage"] > STAGES.index("submitted")]
    last = later.sort_values(["application", "at", "stage"]).drop_duplicates(
        "application", keep="last"
    )
    stage[last["application"]] = last["stage"]
    return stage


def _stage_events(cut: Cut, applications: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    owner = events["application"]
    return pd.DataFrame(
        {
            "application_id": applications["application_id"].to_numpy()[owner],
            "stage": events["stage"],
            "occurred_at": cut.dates(owner, events["at"].to_numpy()),
            "recorded_at": cut.dates(owner, events["known"].to_numpy()),
        }
    )


def _interactions(cut: Cut, rows: pd.DataFrame, keys: pd.DataFrame) -> pd.DataFrame:
    return keys.assign(
        interaction_type=rows["type"],
        occurred_at=cut.dates(rows["person"], rows["at"].to_numpy()),
        status=rows["status"],
        value_numeric=rows["value"],
        recorded_at=cut.dates(rows["person"], rows["known"].to_numpy()),
    )


def _test_scores(cut: Cut, rows: pd.DataFrame, keys: pd.DataFrame) -> pd.DataFrame:
    sat = cut.dates(rows["person"], rows["sat"].to_numpy())
    on_bands = (rows["test"] == TEST["toefl_ibt"]) & (sat >= TOEFL_BANDS_FROM)
    return keys.assign(
        test_code=rows["test"],
        component=rows["component"],
        value=rows["value"],
        test_date=sat,
        received_at=cut.dates(rows["person"], rows["received"].to_numpy()),
        status=rows["status"],
        # Two scales share these numbers, so the export says which one it is.
        scale_code=np.where(on_bands, 0, -1),
    )


def _education(cut: Cut, rows: pd.DataFrame, keys: pd.DataFrame) -> pd.DataFrame:
    scale = rows["scale"].to_numpy()

    def of(values: list[float]) -> np.ndarray:
        return np.asarray(np.array(values)[scale])

    return keys.assign(
        gpa_value=rows["value"],
        gpa_scale_max=of([row.scale_max for row in GRADE_SCALES]),
        gpa_scale_pass=of([float(row.passing) for row in GRADE_SCALES]),
        gpa_direction=of([int(row.worst > row.best) for row in GRADE_SCALES]),
        country=of([COUNTRIES.index(row.country) for row in GRADE_SCALES]),
        graduated_on=cut.dates(rows["person"], rows["graduated"].to_numpy()),
        received_at=cut.dates(rows["person"], rows["received"].to_numpy()),
    )


def _touch_as_of(interactions: pd.DataFrame, as_of: np.datetime64) -> None:
    """Load the last row on the export's own day, so that the latest `recorded_at` is that day."""
    recorded = interactions["recorded_at"].to_numpy().copy()
    if len(recorded):
        loaded = np.where(np.isnat(recorded), np.datetime64("1970-01-01", "s"), recorded)
        recorded[int(np.argmax(loaded))] = as_of
        interactions["recorded_at"] = recorded
