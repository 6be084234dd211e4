"""What the CRM and the application system wrote down: stage events and interactions.

Times are days to census of the own cycle; `known` is the day on which the row was loaded (a whole
number: the load runs before the day begins), NaN where a system logs by itself.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from applicant_personas.sample.config import SampleConfig
from applicant_personas.sample.population import acceptance_logit, sigmoid
from applicant_personas.sample.reference import (
    INTERACTION_STATUSES,
    INTERACTION_TYPES,
    MACHINE_LOGGED,
    STAGES,
    FloatArray,
    IntArray,
)

# Column of the applications frame that holds the time of each stage in `stage_events`. `started`
# stays on the applications table.
STAGE_COLUMNS: dict[str, str] = {
    "inquiry": "inquiry",
    "submitted": "submitted",
    "complete": "complete",
    "waitlisted": "waitlisted",
    "admitted_conditional": "admitted_conditional",
    "admitted": "admitted_at",
    "denied": "denied",
    "declined_by_applicant": "declined",
    "withdrawn": "withdrawn",
    "deferred": "deferred",
    "deposited": "deposited",
    "visa_issued": "visa_issued",
    "registered": "registered",
    "enrolled": "enrolled",
    "no_show": "no_show",
}
TYPE = {name: code for code, name in enumerate(INTERACTION_TYPES)}
STATUS = {name: code for code, name in enumerate(INTERACTION_STATUSES)}

# Log-normal lag with a median of one day (after rounding up) and a 99th percentile of 40.
# Stages that the application portal logs by itself.
PORTAL_STAGES = ("inquiry", "submitted")
LAG_LOG_MEAN = float(np.log(0.9))
LAG_LOG_SD = float(np.log(40 / 0.9) / 2.3263)
LONGEST_LAG = 180


def loading_day(rng: np.random.Generator, occurred: FloatArray) -> FloatArray:
    """Return the day on which rows that occurred at these times were loaded, same shape."""
    lag = np.exp(rng.normal(LAG_LOG_MEAN, LAG_LOG_SD, size=len(occurred)))
    return np.asarray(np.floor(occurred) + np.clip(np.ceil(lag), 1, LONGEST_LAG))


def draw_stage_events(rng: np.random.Generator, applications: pd.DataFrame) -> pd.DataFrame:
    """Turn the stage times into events: application (row number), stage code, at, known."""
    inquires = ~applications["stealth"] & ~applications["is_second"]
    inquiry = np.where(inquires, applications["contact_at"], np.nan)
    times = applications.assign(inquiry=inquiry)[list(STAGE_COLUMNS.values())].to_numpy(float)
    application, column = np.nonzero(~np.isnan(times))
    codes = np.array([STAGES.index(stage) for stage in STAGE_COLUMNS])
    stage, at = codes[column], times[application, column]
    logged = np.isin(stage, [STAGES.index(name) for name in PORTAL_STAGES])
    known = np.where(logged, np.nan, loading_day(rng, at))
    return pd.DataFrame({"application": application, "stage": stage, "at": at, "known": known})


def known_days(rows: pd.DataFrame) -> FloatArray:
    """Return the day to census from which rows are known: loaded, or else when they occurred."""
    return rows["known"].fillna(rows["at"]).to_numpy(dtype=float)


def draw_interactions(
    rng: np.random.Generator,
    config: SampleConfig,
    people: pd.DataFrame,
    applications: pd.DataFrame,
) -> pd.DataFrame:
    """Draw what persons did: person (row number), type, status, at, known, value (NaN if none).

    Persona behavior lies before the decision of the first application; the admitted day and a few
    clicks lie after it and follow the chance of accepting, never the outcome itself.
    """
    first = applications[~applications["is_second"]].set_index("person")
    decided = first["decided"].reindex(people.index).to_numpy()
    applies = people["applies"].to_numpy()
    begins = np.where(people["stealth"], people["submits_at"], people["contact_at"])
    quiet = np.isnan(decided)
    ends = np.where(applies & ~quiet, decided - 0.5, people["submits_at"] + 25)
    window = np.column_stack([begins, np.maximum(ends, begins + 1)])

    webinars = people["virtual"].to_numpy() - people["chats"].to_numpy()
    calls = rng.binomial(webinars, 0.03)
    visits = people["in_person"].to_numpy()
    open_days = rng.binomial(visits, 0.45)
    fairs = rng.binomial(visits - open_days, 0.5)
    contacted = ~people["stealth"].to_numpy()
    asked = rng.random(len(people)) < sigmoid(0.1 + 0.35 * (people["intent"].to_numpy() - 6))

    attended = {
        "webinar": webinars - calls,
        "chat": people["chats"].to_numpy(),
        "call": calls,
        "open_day": open_days,
        "fair": fairs,
        "campus_visit": visits - open_days - fairs,
        "interview": (people["interviewed"].to_numpy() & applies).astype(int),
    }
    parts = [_spread(rng, name, count, window, "attended") for name, count in attended.items()]
    missed = rng.poisson(0.12 + 0.12 * (webinars + visits))
    missed_visits = rng.binomial(missed, 0.2)
    # Registrations that nobody followed up: neither attended nor missed, as far as is known.
    left_open = rng.binomial(missed - missed_visits, 0.15)
    parts.append(_spread(rng, "webinar", left_open, window, "registered"))
    missed_webinars = missed - missed_visits - left_open
    parts.append(_spread(rng, "webinar", missed_webinars, window, "no_show"))
    parts.append(_spread(rng, "open_day", missed_visits, window, "no_show"))
    parts.append(_spread(rng, "email_click", people["clicks"].to_numpy(), window))
    parts.append(_spread(rng, "email_open", rng.poisson(0.05, len(people)), window))
    started = window.copy()
    started[:, 0] = np.minimum(people["starts_at"], started[:, 1] - 1)
    parts.append(_spread(rng, "portal_login", people["logins"].to_numpy() * applies, started))
    form = contacted & (rng.random(len(people)) < 0.2)
    parts.append(_once("form", np.flatnonzero(form), people["contact_at"].to_numpy()[form]))
    answered = np.flatnonzero(asked)
    answer_at = (people["starts_at"] + 0.02).to_numpy()[answered]
    answers = _once("intent_survey", answered, answer_at)
    answers["value"] = np.round(people["intent"].to_numpy()[answered])
    parts.append(answers)
    parts += _after_admission(rng, config, first)
    return _load(rng, pd.concat(parts, ignore_index=True))


def _after_admission(
    rng: np.random.Generator, config: SampleConfig, first: pd.DataFrame
) -> list[pd.DataFrame]:
    """Draw the admitted day (around April 1) and clicks on the offer."""
    invited = first[(first["admitted"]) & (first["decided"] < -168)]
    logit = acceptance_logit(invited, config)
    willing = sigmoid(-1.1 + 0.35 * logit + 1.0 * invited["domestic"].to_numpy())
    person = invited.index.to_numpy()
    draw = rng.random(len(invited))
    day = -162 + rng.integers(-1, 2, size=len(invited)) + rng.integers(9, 16, len(invited)) / 24
    comes, misses = draw < willing, (draw >= willing) & (draw < willing + 0.08)
    admitted = first[first["admitted"]]
    eager = rng.poisson(0.5 * sigmoid(0.5 * acceptance_logit(admitted, config)))
    window = np.column_stack([admitted["decided"] + 0.5, admitted["decided"] + 30])
    clicks = _spread(rng, "email_click", eager, window)
    clicks["person"] = admitted.index.to_numpy()[clicks["person"]]
    return [
        _once("admitted_day", person[comes], day[comes], "attended"),
        _once("admitted_day", person[misses], day[misses], "no_show"),
        clicks,
    ]


def _once(kind: str, person: IntArray, at: FloatArray, status: str = "") -> pd.DataFrame:
    """One interaction for each of these persons."""
    return pd.DataFrame(
        {
            "person": person,
            "type": TYPE[kind],
            "status": STATUS.get(status, -1),
            "at": at,
            "value": np.nan,
        }
    )


def _spread(
    rng: np.random.Generator, kind: str, count: IntArray, window: FloatArray, status: str = ""
) -> pd.DataFrame:
    """`count` interactions of every person, anywhere in the person's window (n, 2), by day."""
    person = np.repeat(np.arange(len(count)), count)
    begins, ends = window[person, 0], window[person, 1]
    at = rng.uniform(begins, ends)
    if status:
        # Events are held in office hours, on a day inside the window.
        hour = rng.integers(9 * 12, 18 * 12, size=len(person)) / 288
        at = np.clip(np.floor(at) + hour, begins, ends)
    return _once(kind, person, at, status)


def _load(rng: np.random.Generator, interactions: pd.DataFrame) -> pd.DataFrame:
    """Add the loading day, and put the rows in the order of person and time."""
    logged = np.isin(interactions["type"], [TYPE[name] for name in MACHINE_LOGGED])
    known = loading_day(rng, interactions["at"].to_numpy())
    interactions["known"] = np.where(logged, np.nan, known)
    # Nobody does the same thing twice in one minute; that would be one event recorded twice.
    minute = np.floor(interactions["at"] * 1440 + 1e-6)
    repeat = interactions.groupby([interactions["person"], interactions["type"], minute]).cumcount()
    interactions["at"] += repeat / 1440
    order = np.lexsort((interactions["type"], interactions["at"], interactions["person"]))
    return interactions.iloc[order].reset_index(drop=True)
