"""How far a long fit is, told to the library's logger, which is silent unless somebody listens."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TypeVar

Step = TypeVar("Step")
LOGGER = logging.getLogger("applicant_personas")


def told(steps: Sequence[Step], what: str) -> Iterator[Step]:
    """Go through the steps of a long fit, and tell of each before it is taken, at level INFO.

    >>> list(told([90, 60], "back-test of applied, days"))
    [90, 60]
    """
    for number, step in enumerate(steps, start=1):
        LOGGER.info("%s: %d of %d", what, number, len(steps))
        yield step
