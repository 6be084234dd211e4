"""What applicants bring on paper: test scores, prior degrees, protected attributes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from applicant_personas.sample.population import gre_chance
from applicant_personas.sample.reference import (
    COMPONENTS,
    COUNTRIES,
    ENGLISH_SPEAKING,
    GRADE_SCALES,
    PROTECTED,
    PROTECTED_VALUES,
    SCORE_STATUSES,
    TEST_CODES,
    TOEFL_BANDS_FROM,
    FloatArray,
    IntArray,
    english_level,
    english_score,
    grade,
    toefl_band,
)

TEST = {name: code for code, name in enumerate(TEST_CODES)}
PART = {name: code for code, name in enumerate(COMPONENTS)}
STATUS = {name: code for code, name in enumerate(SCORE_STATUSES)}

ENGLISH_SHARES = {"toefl_ibt": 0.45, "ielts": 0.33, "pte": 0.08, "duolingo": 0.14}
EXEMPT_MISSING = 0.97
ENGLISH_PENDING = 0.06
GPA_MISSING = 0.04
SELF_REPORTED = 0.12
HISTORICAL = 0.04


def is_exempt(people: pd.DataFrame) -> np.ndarray:
    """Whether English is not asked for: residents, and people of English-speaking countries."""
    speaking = [COUNTRIES.index(country) for country in ENGLISH_SPEAKING]
    return np.asarray(people["domestic"] | np.isin(people["country"], speaking))


def draw_test_scores(
    rng: np.random.Generator,
    people: pd.DataFrame,
    applications: pd.DataFrame,
    census_days: np.ndarray,
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Draw the scores on file: person (row number), test, component, value, sat, received, status.

    `sat` and `received` are whole days to census. Also returns, by person, what is on file without
    any dirt: the level of English, whether a GRE was sent, and the days of receipt.
    """
    n = len(people)
    applies = people["applies"].to_numpy()
    submits = people["submits_at"].to_numpy()
    exempt = is_exempt(people)
    has_english = applies & np.where(exempt, rng.random(n) >= EXEMPT_MISSING, True)
    pending = has_english & ~exempt & (rng.random(n) < ENGLISH_PENDING)
    english_received = np.floor(submits) + np.where(
        pending, rng.integers(40, 150, size=n), rng.integers(0, 12, size=n)
    )
    names = list(ENGLISH_SHARES)
    test = rng.choice([TEST[name] for name in names], size=n, p=list(ENGLISH_SHARES.values()))
    english_sat = np.floor(submits) - np.where(
        pending, rng.integers(-30, 1, size=n), rng.integers(20, 400, size=n)
    )
    value, level = _english(people["english"].to_numpy(), test)
    sat_on = census_days[people["cycle"]] + english_sat.astype(int)
    banded = (test == TEST["toefl_ibt"]) & (sat_on >= TOEFL_BANDS_FROM)
    value = np.where(banded, toefl_band(value), value)

    program = np.zeros(n, dtype=np.int64)
    first = applications[~applications["is_second"]]
    program[first["person"]] = first["program"]
    gre = applies & (rng.random(n) < gre_chance(people, program))
    gre_sat = np.floor(submits) - rng.integers(25, 700, size=n)
    gre_received = np.floor(submits) + rng.integers(0, 12, size=n)
    on_file = {
        "english_known": np.where(has_english, level, np.nan),
        "english_received": np.where(has_english, english_received, np.nan),
        "gre_sent": gre,
        "gre_received": np.where(gre, gre_received, np.nan),
    }

    def rows(who: IntArray, code: IntArray | int, part: str, values: FloatArray) -> pd.DataFrame:
        is_english = part == "total"
        return pd.DataFrame(
            {
                "person": who,
                "test": code,
                "component": PART[part],
                "value": values,
                "sat": (english_sat if is_english else gre_sat)[who],
                "received": (english_received if is_english else gre_received)[who],
                "status": STATUS["verified"],
            }
        )

    with_english, with_gre = np.flatnonzero(has_english), np.flatnonzero(gre)
    parts = [rows(with_english, test[with_english], "total", value[with_english])]
    for part in ("verbal", "quant", "writing"):
        values = people[f"gre_{part}"].to_numpy()[with_gre]
        parts.append(rows(with_gre, TEST["gre"], part, values))
    scores = pd.concat(parts, ignore_index=True)
    scores = pd.concat(
        [scores, _self_reported(rng, scores, submits), _historical(rng, people)], ignore_index=True
    )
    order = np.lexsort((scores["received"], scores["component"], scores["test"], scores["person"]))
    return scores.iloc[order].reset_index(drop=True), on_file


def _english(level: FloatArray, test: IntArray) -> tuple[FloatArray, FloatArray]:
    """Score in the test's own units, and the level that can be read back from it."""
    value, readable = np.zeros(len(level)), np.zeros(len(level))
    for name in ENGLISH_SHARES:
        mine = test == TEST[name]
        value[mine] = english_score(name, level[mine])
        readable[mine] = english_level(name, value[mine])
    return value, readable


def _self_reported(
    rng: np.random.Generator, scores: pd.DataFrame, submits: FloatArray
) -> pd.DataFrame:
    """Draw what people typed into the form before the agency's report came: the same value."""
    submitted = np.floor(submits[scores["person"]])
    # Nobody reports a test that is still to be taken.
    can_say = (rng.random(len(scores)) < SELF_REPORTED) & (scores["sat"] < submitted)
    said = scores[can_say].copy()
    said["received"] = submitted[can_say]
    said["status"] = STATUS["self_reported"]
    return said


def _historical(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Draw old sittings of people long out of college, on scales no longer in use, long expired."""
    old = (people["years"] >= 10) & people["applies"]
    who = np.flatnonzero(old & (rng.random(len(people)) < HISTORICAL))
    takes_gre = rng.random(len(who)) < 0.6
    level = people["english"].to_numpy()[who]
    paper = rng.random(len(who)) < 0.5
    pbt = english_score("toefl_pbt", np.minimum(level, 110))
    cbt = english_score("toefl_cbt", np.minimum(level, 110))
    gre = 10 * np.round(np.clip(rng.normal(52, 9, size=len(who)), 20, 80))
    english_code = np.where(paper, TEST["toefl_pbt"], TEST["toefl_cbt"])
    # All before August 2011, when the 200-800 scale ended.
    years_ago = rng.integers(6000, 7000, size=len(who))
    return pd.DataFrame(
        {
            "person": who,
            "test": np.where(takes_gre, TEST["gre"], english_code),
            "component": np.where(takes_gre, PART["verbal"], PART["total"]),
            "value": np.where(takes_gre, gre, np.where(paper, pbt, cbt)),
            "sat": -years_ago.astype(float),
            "received": np.floor(people["submits_at"].to_numpy()[who]),
            "status": STATUS["verified"],
        }
    )


def draw_education(
    rng: np.random.Generator, people: pd.DataFrame
) -> tuple[pd.DataFrame, FloatArray]:
    """Draw the prior degree of applicants: person, scale, value, graduated, received (days).

    Also returns, by person, the grade's place between worst and best of its scale (NaN if none).
    """
    n = len(people)
    value, position = np.zeros(n), np.zeros(n)
    scale = people["scale"].to_numpy()
    for code, row in enumerate(GRADE_SCALES):
        mine = scale == code
        value[mine] = grade(row, people["standing"].to_numpy()[mine])
        position[mine] = (value[mine] - row.worst) / (row.best - row.worst)
    has = people["applies"].to_numpy() & (rng.random(n) >= GPA_MISSING)
    who = np.flatnonzero(has)
    years = people["years"].to_numpy()[who]
    education = pd.DataFrame(
        {
            "person": who,
            "scale": scale[who],
            "value": value[who],
            "graduated": -125.0 - 365 * years - rng.integers(0, 30, size=len(who)),
            "received": np.floor(people["submits_at"].to_numpy()[who])
            + rng.integers(0, 9, size=len(who)),
        }
    )
    return education, np.where(has, position, np.nan)


def draw_protected(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Draw the protected attributes people gave: person, attribute, value codes.

    Age follows years of work and little else; sex and first generation follow nothing else here.
    """
    n = len(people)
    age = 22.5 + people["years"].to_numpy() + rng.exponential(1.5, size=n)
    draws = {
        "sex": np.searchsorted([0.53, 0.985], rng.random(n)),
        "age_band": np.searchsorted([25, 35], age),
        "first_gen": (rng.random(n) < 0.27).astype(np.int64),
    }
    given = {"sex": 0.92, "age_band": 0.90, "first_gen": 0.50}
    parts = []
    for attribute, values in draws.items():
        who = np.flatnonzero(rng.random(n) < given[attribute])
        offset = PROTECTED_VALUES.index(PROTECTED[attribute][0])
        parts.append(
            pd.DataFrame(
                {
                    "person": who,
                    "attribute": list(PROTECTED).index(attribute),
                    "value": values[who] + offset,
                }
            )
        )
    protected = pd.concat(parts, ignore_index=True)
    order = np.lexsort((protected["attribute"], protected["person"]))
    return protected.iloc[order].reset_index(drop=True)
