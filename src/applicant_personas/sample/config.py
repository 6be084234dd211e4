"""What a sample is made from: its size, its difficulty, its calendar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# One block of persons has its own random stream, so memory is bounded and the number of blocks
# follows from the number of persons alone.
BLOCK_SIZE = 25_000

# The committed sample: `applicant-personas sample seeds/sample --truth tests/fixtures/sample_truth`
SAMPLE_SEED = 20260515
SAMPLE_PERSONS = 3_500
SAMPLE_CYCLES = 4


@dataclass(frozen=True)
class SampleConfig:
    """Everything that decides the bytes of a sample.

    Args:
        n_persons: humans to draw; duplicates and test records come on top.
        n_cycles: entry terms, the last of them open.
        separation: 0 to 1; .5 holds the planted means and spreads as they stand.
        dirt: scale of all dirt rates; 0 is clean, 1 the documented rates.
        seed: of every random stream.
        open_year: year of the open entry term.
        as_of: month and day of the export, in the open term's year.
        census: month and day of the headcount of every term.

    """

    n_persons: int = SAMPLE_PERSONS
    n_cycles: int = SAMPLE_CYCLES
    separation: float = 0.5
    dirt: float = 1.0
    seed: int = SAMPLE_SEED
    file_format: str = "csv"
    open_year: int = 2026
    as_of: str = "05-15"
    census: str = "09-10"

    def __post_init__(self) -> None:
        """Refuse impossible requests with a sentence that says what to change."""
        if self.n_persons < 1:
            raise ValueError(f"--persons must be at least 1, not {self.n_persons}.")
        if not 1 <= self.n_cycles <= 12:
            raise ValueError(f"--cycles must be between 1 and 12, not {self.n_cycles}.")
        if not 0 <= self.separation <= 1:
            raise ValueError(f"--separation must be between 0 and 1, not {self.separation}.")
        if not 0 <= self.dirt <= 10:
            raise ValueError(f"--dirt must be between 0 and 10, not {self.dirt}.")
        if self.seed < 0:
            raise ValueError(f"--seed must not be negative, not {self.seed}.")
        if self.file_format not in ("csv", "parquet"):
            raise ValueError(f"--format must be csv or parquet, not {self.file_format}.")

    @property
    def years(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Calendar year of every cycle, oldest first, shape (n_cycles,)."""
        return np.arange(self.open_year - self.n_cycles + 1, self.open_year + 1)

    @property
    def terms(self) -> tuple[str, ...]:
        """Codes of the entry terms, oldest first."""
        return tuple(f"{year}FA" for year in self.years)

    @property
    def census_days(self) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
        """Census day of every cycle, shape (n_cycles,), datetime64[D]."""
        return np.array([f"{year}-{self.census}" for year in self.years], dtype="datetime64[D]")

    @property
    def as_of_day(self) -> np.datetime64:
        """The day on which the export is made."""
        return np.datetime64(f"{self.open_year}-{self.as_of}", "D")

    @property
    def as_of_offset(self) -> int:
        """Days from census to the export (negative), the same in every cycle."""
        return int((self.as_of_day - self.census_days[-1]).astype(int))
