"""How the page puts things: days, lists, and what stages, models and phases are called."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

MODELS = {
    "likelihood": "What is published",
    "random_forest": "Random forest alone",
    "logistic_regression": "Logistic regression",
    "gradient_boosting": "Gradient boosting",
    "stage_rate": "Rate of the stage",
    "persona_rate": "Rate of the persona",
    "previous_cycle_rate": "Rate of the cycle before",
}
STAGES = {"complete": "Completed", "inquiry": "Inquired", "in_review": "In review"}
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def day(value: object) -> str:
    """Write a day as in May 15, 2026."""
    return f"{value:%B} {value.day}, {value.year}" if isinstance(value, date) else str(value)


def listed(items: Sequence[str]) -> str:
    """Join with commas and an `and`."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def number(n: int) -> str:
    """Write a small number as a word."""
    return NUMBERS[n] if n < len(NUMBERS) else str(n)


def capital(said: str) -> str:
    """Begin with a capital letter."""
    return said[:1].upper() + said[1:]


def lower(said: str) -> str:
    """Begin with a small letter, but not with an abbreviation's."""
    return said if said[1:2].isupper() else said[:1].lower() + said[1:]


def stage(code: str) -> str:
    """Write a stage of the funnel."""
    return STAGES.get(code, capital(code.replace("_", " ")))


def model(code: str) -> str:
    """Write a model or baseline."""
    return MODELS.get(code, capital(code.replace("_", " ")))
