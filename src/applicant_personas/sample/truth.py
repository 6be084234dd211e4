"""The known truth beside a sample: who is who, true probabilities, clean observable features."""

from __future__ import annotations

import numpy as np
import pandas as pd

from applicant_personas.sample.config import SampleConfig
from applicant_personas.sample.draw import Draw
from applicant_personas.sample.export import ADMITTED_STAGES, Cut, Frames
from applicant_personas.sample.histories import STATUS, TYPE, known_days

VIRTUAL = ("webinar", "chat", "call")
IN_PERSON = ("open_day", "campus_visit", "fair")


def true_tables(config: SampleConfig, draw: Draw) -> Frames:
    """Return the truth of every exported person and application."""
    people, applications = draw.people, draw.applications
    in_export = (applications["application_id"] >= 0).to_numpy()
    features = clean_features(draw, config.as_of_offset)
    known = Cut(config, people["cycle"], people["contact_at"]).kept
    return {
        "persons": true_persons(people)[known],
        "applications": true_applications(applications)[in_export],
        "features": features[in_export],
    }


def true_persons(people: pd.DataFrame) -> pd.DataFrame:
    """Archetype, latent intent and latent quality of every exported person."""
    return pd.DataFrame(
        {
            "person_id": people["person_id"],
            "archetype": people["archetype"],
            "intent": people["intent"].round(1),
            "quality": people["quality"].round(1),
        }
    )


def true_applications(applications: pd.DataFrame) -> pd.DataFrame:
    """Return true probabilities and the final outcome, of the open cycle too.

    Applications that were never submitted have no chance of enrolling to speak of: it is NaN.
    """
    return pd.DataFrame(
        {
            "application_id": applications["application_id"],
            "person_id": applications["person_id"],
            "entry_term": applications["cycle"],
            "archetype": applications["archetype"],
            "p_admit": applications["p_admit"].round(2),
            "p_enroll_if_admitted": applications["p_enroll"].round(3),
            "p_melt": applications["p_melt"].round(2),
            "admitted": applications["admitted"].astype(int),
            "deposited": applications["accepted"].astype(int),
            "enrolled": applications["enrolls"].astype(int),
        }
    )


def clean_features(draw: Draw, as_of_offset: int) -> pd.DataFrame:
    """Return what a university could know of each application on the export's relative day.

    The day is the same in every cycle (`as_of_offset`, days to census). Counts of behavior stop at
    the decision. One row an application, in their order.
    """
    people, applications = draw.people, draw.applications
    person = applications["person"].to_numpy()
    mine = people.iloc[person].reset_index(drop=True)
    submitted = applications["submitted"].to_numpy()
    on_file = submitted < as_of_offset
    admitted_on = _admission_on_file(draw, as_of_offset)

    def known(values: pd.Series, since: pd.Series | None = None) -> np.ndarray:
        seen = on_file if since is None else on_file & (since.to_numpy() <= as_of_offset)
        return np.where(seen, values.to_numpy(dtype=float), np.nan)

    counts = _counts(draw, as_of_offset)
    frame = pd.DataFrame(
        {
            "application_id": applications["application_id"],
            "is_domestic": applications["domestic"].astype(int),
            "program_code": applications["program"],
            "source_channel": applications["channel"],
            "is_second_application": applications["is_second"].astype(int),
            "gpa_position": known(mine["gpa_position"].round(3)),
            "english_level": known(mine["english_known"], mine["english_received"]),
            "gre_verbal": known(mine["gre_verbal"], mine["gre_received"]),
            "gre_quant": known(mine["gre_quant"], mine["gre_received"]),
            "years_experience": mine["years"],
            "is_own_alumnus": mine["alumnus"].astype(int),
            "is_stealth": mine["stealth"].astype(int),
            "days_of_contact": known((mine["submits_at"] - mine["contact_at"]).round()),
            "days_to_submit": known((mine["submits_at"] - mine["starts_at"]).round()),
            "submitted_day": np.where(on_file, np.floor(submitted), np.nan),
            "days_from_admission": as_of_offset - admitted_on,
            "scholarship_amount": applications["amount"].where(~np.isnan(admitted_on)),
        }
    )
    return pd.concat([frame, counts.iloc[person].reset_index(drop=True)], axis=1)


def _admission_on_file(draw: Draw, as_of_offset: int) -> np.ndarray:
    """Day to census of each admission that was loaded by the day, NaN if none was: shape (n,)."""
    admitted = draw.events[np.isin(draw.events["stage"], ADMITTED_STAGES)]
    loaded = admitted[known_days(admitted) <= as_of_offset]
    days = np.full(len(draw.applications), np.nan)
    days[loaded["application"]] = np.floor(loaded["at"])
    return days


def _counts(draw: Draw, as_of_offset: int) -> pd.DataFrame:
    """Count attended events and actions of each person up to decision and export."""
    people, applications, interactions = draw.people, draw.applications, draw.interactions
    n = len(people)
    decided = np.full(n, np.inf)
    first = applications[~applications["is_second"] & applications["decided"].notna()]
    decided[first["person"]] = first["decided"]
    person, at = interactions["person"].to_numpy(), interactions["at"].to_numpy()
    seen = known_days(interactions) <= as_of_offset
    before = seen & (at < decided[person])
    came = before & (interactions["status"] == STATUS["attended"]).to_numpy()
    kind = interactions["type"].to_numpy()

    def count(names: tuple[str, ...], rows: np.ndarray) -> np.ndarray:
        hit = rows & np.isin(kind, [TYPE[name] for name in names])
        return np.bincount(person[hit], minlength=n)

    answer = np.full(n, np.nan)
    survey = seen & (kind == TYPE["intent_survey"])
    answer[person[survey]] = interactions["value"].to_numpy()[survey]
    went = seen & (interactions["status"] == STATUS["attended"]).to_numpy()
    return pd.DataFrame(
        {
            "intent_answer": answer,
            "n_virtual": count(VIRTUAL, came),
            "n_in_person": count(IN_PERSON, came),
            "n_interview": count(("interview",), came),
            "n_email_click": count(("email_click",), before),
            "n_portal_login": count(("portal_login",), before),
            "n_admitted_day": count(("admitted_day",), went),
        }
    )
