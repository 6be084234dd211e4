"""What a likelihood has to beat: rates that anyone could compute, and gradient boosting.

Learned from the same rows as the likelihood. Groups of few rows lean on the rate over everyone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from applicant_personas.at_risk import UNDATED, AtRisk, Levels
from applicant_personas.likelihood import FULL_TRUST_ROWS, Likelihood
from applicant_personas.rows import BoolArray, FloatArray, one_thread

# More rows make the challenger later, not better.
BOOSTING_ROWS = 30_000
Predict = Callable[[AtRisk], FloatArray]


def previous_cycle_rate(train: AtRisk, test: AtRisk) -> FloatArray:
    """Rate of each test row's program and residency in the last cycle of the same intake.

    Where that cycle is not among the training rows, the latest one before serves. `train` and
    `test` are parts of the same rows: their codes are the same.
    """
    rows = _previous_cycle(train, test)
    last = train.take(rows)
    overall = (last.outcome.sum() + 0.5) / (len(last) + 1)
    groups = _groups(last.program, last.residency)
    size = (len(train.program.names) + 1) * (len(train.residency.names) + 1)
    count = np.bincount(groups, minlength=size)
    positive = np.bincount(groups, last.outcome, minlength=size)
    rate = (positive + FULL_TRUST_ROWS * overall) / (count + FULL_TRUST_ROWS)
    return np.asarray(rate[_groups(test.program, test.residency)])


def fit_boosting(model: Likelihood, train: AtRisk, seed: int) -> Predict | None:
    """Fit gradient boosting; nothing where the model has no features, or one outcome is all."""
    if model.learned is None:
        return None
    one_thread()
    few = train.take(np.arange(min(len(train), BOOSTING_ROWS)))
    if np.ptp(few.outcome) == 0:
        return None
    encoding = model.learned.encoding
    challenger = HistGradientBoostingClassifier(early_stopping=False, random_state=seed)
    challenger.fit(encoding.training_matrix(few), few.outcome)
    return lambda test: challenger.predict_proba(encoding.matrix(test))[:, 1]


def _previous_cycle(train: AtRisk, test: AtRisk) -> BoolArray:
    """Mark the training rows of the cycle before the test rows' own."""
    codes = test.previous_entry_term.codes
    if len(codes) and codes[0] >= 0:
        name = test.previous_entry_term.names[codes[0]]
        rows = train.entry_term.codes == _code(train.entry_term, name)
        if rows.any():
            return np.asarray(rows)
    before = train.term[train.term < test.term.max()] if len(test) else train.term
    latest = before.max() if len(before) else UNDATED
    return np.asarray(train.term == latest) if latest != UNDATED else np.ones(len(train), bool)


def _code(levels: Levels, name: str) -> int:
    return levels.names.index(name) if name in levels.names else -2


def _groups(program: Levels, residency: Levels) -> np.ndarray:
    width = len(residency.names) + 1
    return np.asarray((program.codes + 1) * width + residency.codes + 1)
