"""A calibrated forest and a logistic regression, fitted on the same rows, whose form is rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from applicant_personas.calibration import apply_knots, fit_knots
from applicant_personas.cycles import AtRisk
from applicant_personas.encoding import (
    apply_encoding,
    apply_logistic,
    design_columns,
    design_groups,
    fit_encoding,
    fit_logistic,
    training_matrix,
)
from applicant_personas.forest import (
    Forest,
    fit_forest,
    forest_from_rows,
    forest_to_rows,
    out_of_bag_probability,
)
from applicant_personas.reasons import top_reasons
from applicant_personas.rows import BoolArray, FloatArray

FOREST, LOGISTIC = "random_forest", "logistic_regression"


@dataclass(frozen=True)
class Model:
    """A fitted forest and logistic regression: their rows, ready to predict."""

    encoding: pd.DataFrame
    nodes: pd.DataFrame
    knots: pd.DataFrame
    scaling: pd.DataFrame
    coefficients: pd.DataFrame

    @cached_property
    def columns(self) -> list[str]:
        """Name the columns of the design matrix."""
        return design_columns(self.encoding)

    @cached_property
    def forest(self) -> Forest:
        """Rebuild the forest from its rows."""
        return forest_from_rows(self.nodes, self.columns)

    def predict(self, rows: pd.DataFrame) -> dict[str, FloatArray]:
        """Predict each row by each of the two models, calibrated."""
        x = apply_encoding(rows, self.encoding)
        return {
            FOREST: apply_knots(self.forest.probability(x), self.knots),
            LOGISTIC: apply_logistic(x, self.columns, self.scaling, self.coefficients),
        }

    def reasons(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Explain rows that the forest did not learn from; returns REASON_TYPES."""
        x = apply_encoding(rows, self.encoding)
        return top_reasons(self.forest, x, dict(design_groups(self.encoding)), rows)


@dataclass(frozen=True)
class Fitted:
    """A model with what only its training rows tell: raw out-of-bag scores and impurity."""

    model: Model
    out_of_bag: FloatArray
    impurity: FloatArray


def fit_models(data: AtRisk, train: BoolArray, *, seed: int, n_trees: int, n_jobs: int) -> Fitted:
    """Fit both models on the marked rows; the forest is calibrated on its out-of-bag scores."""
    rows, outcome = data.frame[train], data.outcome[train]
    encoding = fit_encoding(rows, data.features, outcome)
    columns = design_columns(encoding)
    x = training_matrix(rows, encoding, outcome, data.person[train], seed=seed)
    forest = fit_forest(x, outcome, seed=seed, n_trees=n_trees, n_jobs=n_jobs)
    out_of_bag = out_of_bag_probability(forest, outcome)
    knots = fit_knots(out_of_bag, outcome)
    scaling, coefficients = fit_logistic(x, outcome, columns)
    model = Model(encoding, forest_to_rows(forest, columns), knots, scaling, coefficients)
    return Fitted(model, out_of_bag, forest.feature_importances_)
