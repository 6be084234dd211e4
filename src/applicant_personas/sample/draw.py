"""One block of the truth: persons, their applications, and everything that was written down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from applicant_personas.sample import histories, population, records
from applicant_personas.sample.config import SampleConfig


@dataclass(frozen=True)
class Draw:
    """The truth of one block. Owners are row numbers, times are days to census."""

    people: pd.DataFrame
    applications: pd.DataFrame
    events: pd.DataFrame
    interactions: pd.DataFrame
    scores: pd.DataFrame
    education: pd.DataFrame
    protected: pd.DataFrame


def draw_block(rng: np.random.Generator, config: SampleConfig, n: int) -> Draw:
    """Draw n persons with full histories, to the end of their cycle."""
    people = population.draw_people(rng, config, n)
    applications = population.draw_applications(rng, config, people)
    events = histories.draw_stage_events(rng, applications)
    interactions = histories.draw_interactions(rng, config, people, applications)
    scores, on_file = records.draw_test_scores(rng, people, applications, config.census_days)
    education, gpa_position = records.draw_education(rng, people)
    return Draw(
        people=people.assign(**on_file, gpa_position=gpa_position),
        applications=applications,
        events=events,
        interactions=interactions,
        scores=scores,
        education=education,
        protected=records.draw_protected(rng, people),
    )
