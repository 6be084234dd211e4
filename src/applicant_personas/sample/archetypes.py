"""The seven planted archetypes of the sample: who they are, what they do, what moves them.

Every number of the planted truth is on this page. The archetypes differ by what people bring and
do, never by nationality: given residency, all of them draw from the same countries.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ARCHETYPE_KEYS: tuple[str, ...] = (
    "global_stem_striver",
    "prestige_highflyer",
    "committed_local_pro",
    "career_switcher",
    "home_graduate",
    "self_funded_explorer",
    "scholarship_seeker",
)

# One row an attribute, one column an archetype, in the order of the keys. Levels are means; rows
# named `_sd` are within-archetype deviations, which hold at separation .5.
# fmt: off
TABLE: dict[str, tuple[float, ...]] = {
    #                       striver highfly   local  switch homegrad explore seeker
    "share":                (  0.24,   0.12,   0.19,   0.13,   0.09,   0.15,   0.08),
    "domestic":             (  0.02,   0.35,   0.98,   0.80,   0.85,   0.00,   0.00),
    # What they bring: standing within the own country's scale (0-1), English on the TOEFL 0-120
    # axis, GRE sections (130-170) and the share that sends them, years of work, own alumni.
    "gpa":                  (  0.70,   0.92,   0.62,   0.55,   0.80,   0.48,   0.82),
    "gpa_sd":               (  0.09,   0.04,   0.09,   0.10,   0.07,   0.09,   0.07),
    "english":              (    95,    109,    116,    113,    115,     80,    104),
    "english_sd":           (     9,      5,      3,      4,      4,      8,      7),
    "gre_verbal":           (   150,    161,    153,    152,    154,    145,    151),
    "gre_quant":            (   164,    167,    150,    149,    154,    156,    155),
    "gre_submits":          (  0.85,   0.90,   0.10,   0.15,   0.12,   0.25,   0.45),
    "years_experience":     (   1.2,    1.5,    7.0,    9.0,    0.3,    3.0,    2.0),
    "alumnus":              (  0.02,   0.02,   0.02,   0.02,   0.85,   0.02,   0.02),
    # What they do before the decision: stated intent (0-10), events attended, clicks and logins,
    # share of the virtual events that are chats, chance of an interview.
    "intent":               (   5.6,    5.0,    8.3,    6.4,    8.0,    7.4,    8.8),
    "virtual":              (   1.6,    0.8,    0.8,    3.2,    0.5,    1.0,    2.6),
    "in_person":            (  0.05,   0.10,   1.20,   0.40,   0.70,   0.05,   0.02),
    "clicks":               (   0.9,    0.3,    0.8,    3.4,    0.2,    1.0,    3.8),
    "logins":               (   3.2,    0.5,    0.6,    1.0,    2.6,    0.4,    2.2),
    "chat_share":           (  0.20,   0.10,   0.10,   0.55,   0.05,   0.45,   0.70),
    "interview":            (  0.03,   0.15,   0.30,   0.12,   0.03,   0.03,   0.12),
    # When they do it: share that applies in the first hump, days from start to submission, days
    # from first contact to submission. Stealth: no contact before applying.
    "early":                (  0.80,   0.93,   0.20,   0.20,   0.65,   0.10,   0.90),
    "days_to_submit":       (    26,     55,     15,     35,      4,      7,     50),
    "days_of_contact":      (   110,     90,     60,    210,     35,     35,    230),
    "stealth":              (  0.25,   0.40,   0.12,   0.10,   0.45,   0.20,   0.08),
    # Where they live, in km if domestic, and where they come from, by source channel.
    "distance_km":          (   450,    700,     30,    250,     60,    450,    450),
    "from_search":          (  0.46,   0.48,   0.24,   0.36,   0.18,   0.16,   0.36),
    "from_referral":        (  0.16,   0.28,   0.36,   0.14,   0.24,   0.10,   0.14),
    "from_social":          (  0.16,   0.06,   0.08,   0.36,   0.04,   0.20,   0.38),
    "from_agent":           (  0.16,   0.02,   0.00,   0.01,   0.00,   0.48,   0.06),
    "from_fair":            (  0.02,   0.02,   0.20,   0.08,   0.06,   0.03,   0.02),
    "from_alumni":          (  0.02,   0.12,   0.10,   0.03,   0.46,   0.01,   0.02),
    # What happens to them: scholarship given admission, admission, logit of accepting, melt.
    "scholarship":          (  0.20,   0.45,   0.08,   0.10,   0.25,   0.03,   0.18),
    "admit":                (  0.48,   0.88,   0.78,   0.62,   0.90,   0.52,   0.70),
    "base":                 ( -1.75,  -2.25,   0.65,  -0.55,   0.70,  -0.20,  -2.10),
    "melt":                 (  0.16,   0.05,   0.04,   0.08,   0.04,   0.22,   0.20),
    # What moves them, on the logit of accepting, beside the common effects.
    "moved_by_scholarship": (  1.30,   0.90,   0.00,   0.00,   0.00,   0.00,   2.60),
    "moved_by_in_person":   (  0.00,   0.00,   0.70,   0.00,   0.00,   0.00,   0.00),
    "moved_by_events":      (  0.00,   0.00,   0.00,   0.60,   0.00,   0.00,   0.00),
    "moved_by_intent":      (  0.00,   0.00,   0.00,   0.80,   0.00,   0.70,   0.00),
    # Change a cycle, of the share and of the logit of accepting.
    "share_drift":          (  0.02,   0.00,   0.00,   0.00,   0.00,   0.00,   0.00),
    "base_drift":           ( -0.15,   0.00,   0.00,   0.00,   0.00,   0.00,   0.00),
}
# fmt: on

# Common effects on the logit of accepting an offer (z = in pooled standard deviations). The
# intercept brings the pooled yield to .42 with the bases of the table as they stand.
ACCEPTANCE_INTERCEPT = 0.45
INTENT_EFFECT = 0.45
EVENTS_EFFECT = 0.30
SCHOLARSHIP_EFFECT = 0.50
DAYS_FROM_ADMISSION_EFFECT = -0.012
QUALITY_EFFECT = -0.35
STEALTH_EFFECT = -0.35
# Quality opens the door and brings the scholarship: that is the confounding.
QUALITY_ON_ADMISSION = 1.1
QUALITY_ON_SCHOLARSHIP = 1.4


def column(name: str) -> NDArray[np.float64]:
    """Return one attribute of the seven archetypes, shape (7,)."""
    return np.array(TABLE[name], dtype=np.float64)


def shares(n_cycles: int) -> NDArray[np.float64]:
    """Return the mix of archetypes by cycle, shape (n_cycles, 7); the table holds mid-way."""
    steps = np.arange(n_cycles) - (n_cycles - 1) / 2
    drift = column("share_drift")
    mix = np.clip(column("share") + np.outer(steps, drift), 0.01, None)
    # The others give way in proportion, so that the drifting share is what the table says.
    steady = drift == 0
    left = 1 - mix[:, ~steady].sum(axis=1, keepdims=True)
    mix[:, steady] *= left / mix[:, steady].sum(axis=1, keepdims=True)
    return np.asarray(mix, dtype=np.float64)
