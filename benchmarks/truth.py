"""The true chance of each row at risk of a generated sample, and what chance does to its figures.

Nobody can predict better than the generator itself, and even its own probabilities miss the rates
of few rows. Both say which part of a miss is the model's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from applicant_personas.rows import FloatArray
from applicant_personas.sample.histories import loading_day
from applicant_personas.sample.population import WITHDRAWN_EARLY, follow_through

DRAWS = 400
LONGEST_WAIT = 250
# What is heard of an admitted applicant who is no longer just admitted.
ANSWERS = ("deposited", "declined", "withdrawn")


def true_chance(rows: pd.DataFrame, files: Path) -> FloatArray:
    """Chance that each row enrolls, given the truth and where it stood (NaN: not in the truth).

    `rows`: application_id, phase, days_to_census, days_since_admission.
    """
    truth = pd.read_csv(files / "truth" / "applications.csv").set_index("application_id")
    own = truth.reindex(rows["application_id"])
    admit, enroll, melt = (
        own[name].to_numpy(np.float64) for name in ("p_admit", "p_enroll_if_admitted", "p_melt")
    )
    silent_yes, silent_no = _silence(int(rows["days_to_census"].iloc[0]))
    wait = rows["days_since_admission"].fillna(0).clip(0, LONGEST_WAIT - 1).to_numpy(np.int64)
    accept = enroll / (1 - melt)
    unheard = accept * silent_yes[wait] + (1 - accept) * silent_no[wait]
    by_phase = {
        # Who stands there did not withdraw early.
        "applied": np.minimum(admit / (1 - WITHDRAWN_EARLY), 1.0) * enroll,
        "admitted": enroll * silent_yes[wait] / unheard,
        "deposited": 1 - melt,
    }
    phase = rows["phase"].to_numpy()
    return np.asarray(np.select([phase == name for name in by_phase], list(by_phase.values())))


def by_chance(
    probability: FloatArray, figures: Callable[[FloatArray, FloatArray], dict[str, float]]
) -> pd.DataFrame:
    """Figures of the true probabilities themselves over outcomes drawn from them, a row a draw."""
    rng = np.random.default_rng(1)
    drawn = (rng.random(len(probability)) < probability for _ in range(DRAWS))
    return pd.DataFrame([figures(outcome.astype(np.float64), probability) for outcome in drawn])


def _silence(days_to_census: int) -> tuple[FloatArray, FloatArray]:
    """Chance that no answer was on file on the day, by days since the admission.

    Of those who accept the offer, and of those who don't; drawn by the generator.
    """
    rng = np.random.default_rng(1)
    decided = np.repeat(-days_to_census - np.arange(LONGEST_WAIT) - 0.5, DRAWS)
    return _share_silent(rng, decided, True), _share_silent(rng, decided, False)


def _share_silent(rng: np.random.Generator, decided: FloatArray, accepts: bool) -> FloatArray:
    day = np.floor(decided[0] + 0.5)
    answers = pd.DataFrame({"decided": decided, "withdrawn": np.nan, "domestic": True})
    answers = answers.assign(admitted=True, accepted=accepts, melted=False, enrolls=accepts)
    follow_through(rng, answers)
    heard = np.zeros(len(decided), dtype=bool)
    for name in ANSWERS:
        at = answers[name].to_numpy(np.float64)
        heard |= loading_day(rng, np.nan_to_num(at, nan=1e6)) <= day
    return np.asarray(1 - heard.reshape(LONGEST_WAIT, DRAWS).mean(axis=1))
