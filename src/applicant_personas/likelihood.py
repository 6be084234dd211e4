"""The likelihood of an outcome: a forest, a logistic regression and the persona's rate, blended.

The forest's out-of-bag scores, the logistic regression's left-out scores and the persona rates
without the row itself are predictions for rows that were not seen. They decide the weights of the
blend and its calibration, so no second fit is needed for either. Where too few applications of
either outcome are known, the rate of the persona, leaning on that of everyone, is all there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor

from applicant_personas.at_risk import AtRisk, Levels
from applicant_personas.blend import MAX_LOG_ODDS, fit_weights, log_odds, probability_of
from applicant_personas.calibration import apply_knots, fit_knots
from applicant_personas.encoding import Encoding, encoding_from_rows, fit_encoding
from applicant_personas.forest import (
    Forest,
    fit_forest,
    forest_from_rows,
    forest_of,
    forest_to_rows,
    out_of_bag_probability,
    predict_forest,
)
from applicant_personas.logistic import (
    Logistic,
    fit_logistic,
    logistic_from_rows,
    logistic_to_rows,
)
from applicant_personas.predictions import FOREST, LIKELIHOOD, LOGISTIC, PERSONA_RATE, Part
from applicant_personas.rows import TEXT, FloatArray

ESTIMATES = (FOREST, LOGISTIC, PERSONA_RATE)
# Applications of either outcome from which on a model is fitted.
MIN_EACH_OUTCOME = 20
# From this many rows on, a fit whose likelihoods nobody reads may spend less.
LIGHT_FROM, LIGHT_ROWS, LIGHT_TRAINING = 20_000, 6_000, 40_000
# Rows that are predicted together, for their design matrix is as large as they are.
PREDICTED_ROWS = 200_000
# Trees that draw from so many rows differ more, so fewer do.
ENOUGH_TREES = 0.7
# A persona of fewer rows than this leans on the rate over everyone.
FULL_TRUST_ROWS = 30.0


@dataclass(frozen=True)
class Recipe:
    """What a fit may spend: rows that a tree sees, trees, threads; and the seed.

    A linear model, the weights of the blend and its calibration learn what they can from
    linear_rows of the training rows; of the first training_rows, which are a draw, a forest does.
    """

    seed: int
    max_rows: int = 25_000
    n_trees: int = 100
    linear_rows: int = 20_000
    training_rows: int = 500_000
    n_jobs: int = 1

    def trees(self, n_rows: int) -> int:
        """Count the trees of a forest that draws from n_rows."""
        return self.n_trees if n_rows <= self.max_rows else round(ENOUGH_TREES * self.n_trees)

    def lighter(self, n_rows: int) -> Recipe:
        """Spend a fifth where n_rows abound, for .005 of AUC."""
        if n_rows < LIGHT_FROM:
            return self
        return replace(
            self,
            max_rows=min(self.max_rows, LIGHT_ROWS),
            n_trees=max(1, self.n_trees // 2),
            linear_rows=min(self.linear_rows, LIGHT_ROWS),
            training_rows=LIGHT_TRAINING,
        )


@dataclass(frozen=True)
class Rates:
    """The rate of the outcome for everyone, learned from n rows, and for each persona."""

    n: int
    overall: float
    names: tuple[str, ...]
    by_persona: FloatArray

    def of(self, persona: Levels) -> FloatArray:
        """Give each row its persona's rate; without one, or with a new one, that of everyone."""
        known = dict(zip(self.names, self.by_persona, strict=True))
        rates = np.array([known.get(name, self.overall) for name in (*persona.names, "")])
        return np.asarray(rates[persona.codes])


@dataclass(frozen=True)
class Learned:
    """What is learned from features, where enough is known of either outcome."""

    encoding: Encoding
    forest: Forest
    logistic: Logistic
    weights: FloatArray
    forest_knots: pd.DataFrame


@dataclass(frozen=True)
class Likelihood:
    """A fitted model of one phase and day."""

    rates: Rates
    learned: Learned | None
    knots: pd.DataFrame | None

    def predict(self, data: AtRisk, n_jobs: int = 1) -> dict[str, FloatArray]:
        """Predict each row: `likelihood` is published, the rest stands beside it (NaN: none)."""
        rate = self.rates.of(data.persona)
        if self.learned is None:
            return rates_alone(rate)
        x = self.learned.encoding.matrix(data)
        return self.combined(self.learned.forest.probability(x, n_jobs), x, rate)

    def combined(
        self, forest: FloatArray, x: FloatArray, rate: FloatArray
    ) -> dict[str, FloatArray]:
        """Blend the forest's probability of each row of the design matrix x with the others."""
        assert self.learned is not None
        logistic = self.learned.logistic.log_odds(x)
        return self.blended(estimates(forest, logistic, rate))

    def blended(self, by_estimate: FloatArray) -> dict[str, FloatArray]:
        """Blend and calibrate `estimates` (n, 3)."""
        assert self.learned is not None
        assert self.knots is not None
        forest, logistic, rate = probability_of(by_estimate).T
        mean = probability_of(by_estimate @ self.learned.weights)
        return {
            LIKELIHOOD: apply_knots(mean, self.knots),
            FOREST: apply_knots(forest, self.learned.forest_knots),
            LOGISTIC: logistic,
            PERSONA_RATE: rate,
        }


@dataclass(frozen=True)
class Fitted:
    """A model, and what it says of its first training rows as if it had not seen them."""

    model: Likelihood
    unseen: dict[str, FloatArray]
    forest: RandomForestRegressor | None

    def predict(self, data: AtRisk, n_jobs: int = 1) -> dict[str, FloatArray]:
        """Predict as the model does, up to the last bit, by the forest while it is at hand."""
        if len(data) > PREDICTED_ROWS:
            pieces = np.array_split(np.arange(len(data)), -(-len(data) // PREDICTED_ROWS))
            found = [self.predict(data.take(piece), n_jobs) for piece in pieces]
            return {name: np.concatenate([each[name] for each in found]) for name in found[0]}
        rate = self.model.rates.of(data.persona)
        if self.forest is None or self.model.learned is None:
            return rates_alone(rate)
        x = self.model.learned.encoding.matrix(data)
        return self.model.combined(predict_forest(self.forest, x, n_jobs), x, rate)


def fit_likelihood(data: AtRisk, recipe: Recipe) -> Fitted:
    """Fit on rows whose outcomes are all known; at least one row.

    >>> import pyarrow as pa
    >>> from applicant_personas.at_risk import CATALOG_COLUMNS, KEY_COLUMNS, read_at_risk
    >>> keys, gpa = dict.fromkeys(KEY_COLUMNS, np.arange(400)), np.linspace(2, 4, 400)
    >>> rows = pa.table(keys | {"gpa": gpa, "outcome": (gpa > 3).astype(float)})
    >>> features = pd.DataFrame([["gpa", "grades", "number", "none"]], columns=CATALOG_COLUMNS)
    >>> data = read_at_risk(rows, features)
    >>> fitted = fit_likelihood(data, Recipe(seed=1))
    >>> fitted.model.predict(data)["likelihood"][[0, 399]].round()
    array([0., 1.])
    """
    if len(data) > recipe.training_rows:
        data = data.take(np.arange(recipe.training_rows))
    rates, own_rate = _fit_rates(data)
    encoding = fit_encoding(data) if n_rarer(data.outcome) >= MIN_EACH_OUTCOME else None
    if encoding is None or not encoding.columns:
        return Fitted(Likelihood(rates, None, None), rates_alone(own_rate), None)
    x, y = encoding.training_matrix(data), data.outcome
    forest = fit_forest(
        x,
        y,
        max_rows=recipe.max_rows,
        n_trees=recipe.trees(len(y)),
        seed=recipe.seed,
        n_jobs=recipe.n_jobs,
    )
    # The first rows are a draw, and enough for what is linear.
    few = slice(None, _linear_rows(y, recipe.linear_rows))
    x, y, own_rate = x[few], y[few], own_rate[few]
    logistic, left_out = fit_logistic(x, y, encoding.columns)
    out_of_bag = out_of_bag_probability(forest, x, y)
    unseen = estimates(out_of_bag, left_out, own_rate)
    weights = fit_weights(unseen, y)
    learned = Learned(
        encoding, forest_of(forest, encoding.columns), logistic, weights, fit_knots(out_of_bag, y)
    )
    model = Likelihood(rates, learned, fit_knots(probability_of(unseen @ weights), y))
    return Fitted(model, model.blended(unseen), forest)


def estimates(forest: FloatArray, logistic: FloatArray, rate: FloatArray) -> FloatArray:
    """Put the estimates of n rows side by side as log-odds (n, 3), in the order of ESTIMATES."""
    bounded = np.clip(logistic, -MAX_LOG_ODDS, MAX_LOG_ODDS)
    return np.stack([log_odds(forest), bounded, log_odds(rate)], axis=1)


def rates_alone(rate: FloatArray) -> dict[str, FloatArray]:
    """Predictions where there is no more than a rate."""
    none = np.full(len(rate), np.nan)
    return {LIKELIHOOD: rate, FOREST: none, LOGISTIC: none, PERSONA_RATE: rate}


def n_rarer(outcome: FloatArray) -> int:
    """Count the rows of the rarer outcome."""
    n_positive = int((outcome == 1).sum())
    return min(n_positive, int((outcome == 0).sum()))


def _linear_rows(y: FloatArray, n: int) -> int:
    """Count the first rows that teach a linear model: more where one outcome is rare."""
    while n < len(y) and n_rarer(y[:n]) < MIN_EACH_OUTCOME:
        n *= 2
    return n


def _fit_rates(data: AtRisk) -> tuple[Rates, FloatArray]:
    """Fit the rates; also each row's own, without the row."""
    # Who has no persona comes first.
    y, group = data.outcome, data.persona.codes + 1
    n, total = len(y), float(y.sum())
    overall = (total + 0.5) / (n + 1)
    n_groups = len(data.persona.names) + 1
    count = np.bincount(group, minlength=n_groups).astype(np.float64)
    positive = np.bincount(group, y, minlength=n_groups)
    prior = FULL_TRUST_ROWS * overall
    by_group = (positive + prior) / (count + FULL_TRUST_ROWS)
    others = (positive[group] - y + prior) / (count[group] - 1 + FULL_TRUST_ROWS)
    own = np.where(group > 0, others, (total - y + 0.5) / n)
    return Rates(n, overall, data.persona.names, by_group[1:]), own


def model_parts(model: Likelihood) -> Iterator[Part]:
    """Write a model as parts of a table (MODEL_FIELDS); `model_from_rows` reads them back."""
    rates = model.rates
    yield {"record": "rate", "value": rates.overall, "n": rates.n}
    yield {"record": "rate", "level": list(rates.names), "value": rates.by_persona}
    if model.learned is None or model.knots is None:
        return
    learned = model.learned
    yield _part("encoding", None, learned.encoding.rows)
    yield _part("node", FOREST, forest_to_rows(learned.forest))
    yield _part("knot", FOREST, learned.forest_knots)
    yield _part("coefficient", LOGISTIC, logistic_to_rows(learned.logistic))
    yield {
        "record": "weight",
        "model": LIKELIHOOD,
        "item": list(ESTIMATES),
        "value": learned.weights,
    }
    yield _part("knot", LIKELIHOOD, model.knots)


def model_from_rows(rows: pd.DataFrame) -> Likelihood:
    """Read a model back from rows of MODEL_FIELDS, in any order."""
    by_record = {str(record): part for record, part in rows.groupby("record", observed=True)}
    rate = by_record["rate"].astype({"level": TEXT}).sort_values("level")
    of_persona = rate[rate["level"].notna()]
    of_all = rate[rate["level"].isna()].iloc[0]
    rates = Rates(
        int(of_all["n"]),
        float(of_all["value"]),
        tuple(of_persona["level"].astype(str)),
        of_persona["value"].to_numpy(np.float64),
    )
    if "encoding" not in by_record:
        return Likelihood(rates, None, None)
    encoding = encoding_from_rows(by_record["encoding"])
    knots = by_record["knot"]
    weights = by_record["weight"].set_index("item")["value"].loc[list(ESTIMATES)]
    learned = Learned(
        encoding,
        forest_from_rows(by_record["node"], encoding.columns),
        logistic_from_rows(by_record["coefficient"], encoding.columns),
        weights.to_numpy(np.float64),
        knots[knots["model"] == FOREST],
    )
    return Likelihood(rates, learned, knots[knots["model"] == LIKELIHOOD])


def _part(record: str, model: str | None, frame: pd.DataFrame) -> Part:
    return {"record": record, "model": model, **{name: frame[name] for name in frame.columns}}
