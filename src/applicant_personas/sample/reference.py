"""Codes, countries, programs and score scales that the sample uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class GradeScale:
    """How grades of one country look: position in the scale = level + slope * (standing - .68).

    Levels differ by country although standing does not (a 4-point mean is .874 of its scale, a
    percentage mean .713), which is why a linear conversion treats countries unequally.
    """

    country: str
    weight: float
    best: float
    passing: float
    worst: float
    level: float
    slope: float
    decimals: int

    @property
    def scale_max(self) -> float:
        """The highest number of the scale, whichever end is best."""
        return max(self.best, self.worst)


# The first scale is the home country's; the others are drawn by weight.
GRADE_SCALES: tuple[GradeScale, ...] = (
    GradeScale("US", 0.0, 4, 2, 0, 0.874, 0.36, 2),
    GradeScale("IN", 0.22, 10, 4, 0, 0.826, 0.50, 2),
    GradeScale("IN", 0.12, 100, 40, 0, 0.713, 0.62, 1),
    GradeScale("CN", 0.21, 100, 60, 0, 0.835, 0.42, 1),
    GradeScale("NG", 0.10, 5, 1, 0, 0.800, 0.50, 2),
    GradeScale("BD", 0.06, 4, 2, 0, 0.840, 0.42, 2),
    GradeScale("DE", 0.05, 1, 4, 5, 0.780, 0.55, 1),
    GradeScale("FR", 0.05, 20, 10, 0, 0.670, 0.45, 1),
    GradeScale("GB", 0.04, 100, 40, 0, 0.640, 0.42, 0),
    GradeScale("VN", 0.05, 10, 4, 0, 0.780, 0.50, 1),
    GradeScale("BR", 0.04, 10, 5, 0, 0.790, 0.50, 1),
    GradeScale("MX", 0.03, 100, 60, 0, 0.840, 0.42, 1),
    GradeScale("KR", 0.03, 4.5, 2, 0, 0.850, 0.38, 2),
)
COUNTRIES: tuple[str, ...] = tuple(dict.fromkeys(scale.country for scale in GRADE_SCALES))
HOME_COUNTRY = COUNTRIES[0]
ENGLISH_SPEAKING = ("US", "GB")
DISTANCE_KM = {
    "US": 0, "IN": 12500, "CN": 11400, "NG": 9400, "BD": 12900, "DE": 6900, "FR": 6600,
    "GB": 6300, "VN": 13500, "BR": 7900, "MX": 2900, "KR": 10900,
}  # fmt: skip


@dataclass(frozen=True)
class Program:
    """One Master's program; `drawn_by` is its pull on each of the seven archetypes."""

    code: str
    name: str
    faculty: str
    mode: str
    load: str
    english_required: bool
    test_policy: str
    capacity_share: float
    drawn_by: tuple[float, ...]


PROGRAMS: tuple[Program, ...] = (
    Program("CSC", "Computer Science", "Engineering", "campus", "full_time", True, "optional",
            0.20, (0.38, 0.22, 0.06, 0.12, 0.16, 0.22, 0.15)),
    Program("DSC", "Data Science", "Engineering", "campus", "full_time", True, "required",
            0.14, (0.30, 0.24, 0.06, 0.14, 0.12, 0.08, 0.12)),
    Program("EEN", "Electrical Engineering", "Engineering", "campus", "full_time", True, "required",
            0.12, (0.22, 0.16, 0.05, 0.02, 0.12, 0.10, 0.10)),
    Program("FIN", "Finance", "Business", "campus", "full_time", True, "optional",
            0.12, (0.04, 0.22, 0.12, 0.10, 0.14, 0.16, 0.14)),
    Program("MGT", "Management", "Business", "hybrid", "part_time", True, "not_used",
            0.16, (0.01, 0.02, 0.34, 0.22, 0.08, 0.24, 0.10)),
    Program("EDU", "Educational Leadership", "Education", "hybrid", "part_time", True, "not_used",
            0.09, (0.00, 0.01, 0.21, 0.18, 0.12, 0.04, 0.08)),
    Program("PBH", "Public Health", "Health", "campus", "full_time", True, "optional",
            0.10, (0.03, 0.06, 0.11, 0.16, 0.14, 0.12, 0.22)),
    Program("PSY", "Psychology", "Arts and Sciences", "campus", "full_time", True, "optional",
            0.07, (0.02, 0.07, 0.05, 0.06, 0.12, 0.04, 0.09)),
)  # fmt: skip
PROGRAM_CODES: tuple[str, ...] = tuple(program.code for program in PROGRAMS)
# Change of the logit of sending a GRE, by the program's policy.
TEST_POLICIES: dict[str, float] = {"required": 0.9, "optional": 0.0, "not_used": -1.5}

STAGES: tuple[str, ...] = (
    "inquiry", "started", "submitted", "complete", "in_review", "waitlisted",
    "admitted_conditional", "admitted", "denied", "declined_by_applicant", "withdrawn", "deferred",
    "deposited", "visa_issued", "registered", "enrolled", "no_show",
)  # fmt: skip
STAGE_RANK = np.array([10, 20, 30, 40, 50, 55, 60, 60, 60, 65, 65, 65, 70, 80, 90, 100, 100])

INTERACTION_TYPES: tuple[str, ...] = (
    "webinar", "chat", "call", "open_day", "campus_visit", "fair", "interview", "email_click",
    "email_open", "form", "portal_login", "intent_survey", "admitted_day",
)  # fmt: skip
INTERACTION_STATUSES: tuple[str, ...] = ("registered", "attended", "no_show")
# Systems that write their own log have no separate loading day: `recorded_at` stays empty.
MACHINE_LOGGED = ("email_click", "email_open", "portal_login", "form", "intent_survey")
CHANNELS: tuple[str, ...] = ("search", "referral", "social", "agent", "fair", "alumni", "Select")

TEST_CODES: tuple[str, ...] = (
    "toefl_ibt", "ielts", "pte", "duolingo", "toefl_pbt", "toefl_cbt", "gre",
)  # fmt: skip
COMPONENTS: tuple[str, ...] = ("total", "verbal", "quant", "writing")
SCORE_STATUSES: tuple[str, ...] = ("self_reported", "verified", "cancelled")

# Anchors (level on the TOEFL iBT 0-120 axis, score of the other test, its step), from the public
# concordances: ETS (IELTS), Pearson (PTE), Duolingo's newer table, ETS (PBT).
ENGLISH_ANCHORS: dict[str, tuple[tuple[float, ...], tuple[float, ...], float]] = {
    "toefl_ibt": ((0, 120), (0, 120), 1),
    "ielts": (
        (0, 33, 40, 52.5, 69, 86, 97.5, 105.5, 112, 116, 119),
        (3.5, 4.5, 5, 5.5, 6, 6.5, 7, 7.5, 8, 8.5, 9),
        0.5,
    ),
    "pte": ((0, 42, 55, 74.5, 87.5, 99.5, 105, 113, 120), (20, 38, 42, 50, 59, 68, 72, 78, 84), 1),
    "duolingo": (
        (0, 48, 58, 67, 76, 86, 96, 107, 115, 119),
        (40, 70, 85, 97.5, 110, 122.5, 132.5, 142.5, 152.5, 160),
        5,
    ),
    "toefl_pbt": ((30, 48, 65, 79, 100, 120), (400, 455, 513, 550, 600, 677), 1),
    "toefl_cbt": ((30, 41, 65, 79, 100, 120), (93, 123, 183, 213, 250, 300), 1),
}
# TOEFL iBT sittings from this day on are reported on 1-6 (lower bound of each half step).
TOEFL_BANDS_FROM = np.datetime64("2026-01-21")
TOEFL_BAND_FLOORS = np.array([12, 24, 34, 44, 58, 72, 86, 95, 107, 114])

PROTECTED: dict[str, tuple[str, ...]] = {
    "sex": ("female", "male", "other"),
    "age_band": ("under_25", "25_34", "35_plus"),
    "first_gen": ("no", "yes"),
}
PROTECTED_VALUES: tuple[str, ...] = tuple(v for values in PROTECTED.values() for v in values)


def english_score(test: str, level: FloatArray) -> FloatArray:
    """Convert a level on the TOEFL 0-120 axis into a test's own score, in its own steps."""
    levels, scores, step = ENGLISH_ANCHORS[test]
    return np.round(np.interp(level, levels, scores) / step) * step


def english_level(test: str, score: FloatArray) -> FloatArray:
    """Convert a test's own score into a level on the TOEFL 0-120 axis."""
    levels, scores, _ = ENGLISH_ANCHORS[test]
    return np.round(np.interp(score, scores, levels))


def toefl_band(level: FloatArray) -> FloatArray:
    """Convert a TOEFL 0-120 score into the 1-6 bands in use since January 2026."""
    return 1 + np.searchsorted(TOEFL_BAND_FLOORS, level, side="right") / 2


def grade(scale: GradeScale, standing: FloatArray) -> FloatArray:
    """Convert standing among the country's graduates (0-1) into a grade of its scale."""
    position = np.clip(scale.level + scale.slope * (standing - 0.68), 0.02, 1)
    return np.round(scale.worst + position * (scale.best - scale.worst), scale.decimals)
