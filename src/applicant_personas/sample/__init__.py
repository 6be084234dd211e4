"""Sample applicants with known truth: seven planted archetypes, histories, dirt that is counted."""

from applicant_personas.sample.config import (
    SAMPLE_CYCLES,
    SAMPLE_PERSONS,
    SAMPLE_SEED,
    SampleConfig,
)
from applicant_personas.sample.generate import write_sample

__all__ = ["SAMPLE_CYCLES", "SAMPLE_PERSONS", "SAMPLE_SEED", "SampleConfig", "write_sample"]
