"""Why a likelihood lies above or below that of an average applicant.

The estimates of a likelihood are blended as log-odds, and there every part is additive: the path
contributions of the forest (Saabas 2014), brought from probability to log-odds in proportion, the
terms of the logistic regression, and the persona's rate against that of everyone. A row's
contributions and the base add up to the blend's log-odds before calibration.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from applicant_personas.at_risk import PERSONA, AtRisk
from applicant_personas.blend import MAX_LOG_ODDS, log_odds
from applicant_personas.likelihood import ESTIMATES, Likelihood, estimates
from applicant_personas.predictions import FOREST, LOGISTIC, PERSONA_RATE, Part
from applicant_personas.rows import FloatArray, TextArray

# The strongest so many that raise, and as many that lower.
N_REASONS = 3
# What moves the odds by less than a fiftieth is no reason.
LEAST = 0.02


@dataclass(frozen=True)
class Contributions:
    """What each feature adds to the log-odds of each row (n, features), from a common base."""

    features: tuple[str, ...]
    credit: FloatArray
    base: float


def explained(
    model: Likelihood, data: AtRisk, n_jobs: int = 1
) -> tuple[dict[str, FloatArray], Contributions]:
    """Predict each row as `Likelihood.predict` does, and take its blended log-odds apart.

    Needs a model that learned from features.
    """
    learned = model.learned
    assert learned is not None
    x = learned.encoding.matrix(data)
    weight = dict(zip(ESTIMATES, learned.weights, strict=True))
    probability, credit = learned.forest.explained(x, n_jobs)
    root = learned.forest.base_rate
    rate = model.rates.of(data.persona)
    by_estimate = estimates(probability, learned.logistic.log_odds(x), rate)
    root_odds, overall_odds = (
        float(log_odds(np.array([p]))[0]) for p in (root, model.rates.overall)
    )
    scale = _ratio(by_estimate[:, 0] - root_odds, probability - root)
    credit *= weight[FOREST] * scale[:, np.newaxis]
    # A logistic regression that claims certainty is bounded, and its terms and intercept with it.
    terms = learned.logistic.terms(x)
    intercept = float(np.clip(learned.logistic.intercept, -MAX_LOG_ODDS, MAX_LOG_ODDS))
    bounded = _ratio(by_estimate[:, 1] - intercept, terms.sum(axis=1))
    credit += weight[LOGISTIC] * terms * bounded[:, np.newaxis]
    places = learned.encoding.places
    names = tuple(sorted({*places, PERSONA}))
    grouped = np.zeros((len(data), len(names)))
    for number, name in enumerate(names):
        grouped[:, number] = credit[:, places.get(name, [])].sum(axis=1)
    grouped[:, names.index(PERSONA)] += weight[PERSONA_RATE] * (by_estimate[:, 2] - overall_odds)
    base = (
        weight[FOREST] * root_odds
        + weight[LOGISTIC] * intercept
        + weight[PERSONA_RATE] * overall_odds
    )
    return model.blended(by_estimate), Contributions(names, grouped, float(base))


def reason_parts(found: Contributions, data: AtRisk) -> list[Part]:
    """Name for each row the features that raise it most, and those that lower it most.

    Parts of a table: application_code, feature, metric (raises or lowers), item (1 is strongest),
    value (on the log-odds scale) and text (the row's own value; null where it is missing).
    """
    parts: list[Part] = []
    for metric, sign in (("raises", 1.0), ("lowers", -1.0)):
        # Rounded, so that a tie goes to the first name whatever the last bit says.
        order = np.argsort(-sign * np.round(found.credit, 9), axis=1, kind="stable")[:, :N_REASONS]
        for place in range(order.shape[1]):
            chosen = order[:, place]
            value = found.credit[np.arange(len(chosen)), chosen]
            speaks = sign * value > LEAST
            parts.append(
                {
                    "record": "reason",
                    "application_code": data.application[speaks],
                    "feature": np.array(found.features, dtype=object)[chosen[speaks]],
                    "metric": metric,
                    "item": str(place + 1),
                    "value": value[speaks],
                    "text": _texts(data.take(speaks), found.features, chosen[speaks]),
                }
            )
    return parts


def _ratio(of: FloatArray, to: FloatArray) -> FloatArray:
    """Divide, where there is something to divide by."""
    return np.divide(of, to, out=np.zeros_like(of), where=np.abs(to) > 1e-12)


def _texts(data: AtRisk, features: tuple[str, ...], chosen: np.ndarray) -> TextArray:
    """Write each row's value of its feature as people do."""
    texts = np.full(len(chosen), None, dtype=object)
    for place in np.unique(chosen):
        name, rows = features[place], np.flatnonzero(chosen == place)
        if name in data.categories:
            levels = data.categories[name].take(rows)
            texts[rows] = np.array([*levels.names, None], dtype=object)[levels.codes]
        else:
            values, codes = np.unique(np.round(data.numbers[name][rows], 2), return_inverse=True)
            shown = [None if np.isnan(value) else f"{value:.10g}" for value in values]
            texts[rows] = np.array(shown, dtype=object)[codes]
    return texts
