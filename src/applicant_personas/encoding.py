"""From features to a numeric design matrix, with the fitted parameters as rows.

Numbers pass through and stay missing. A category of at most 12 levels becomes one column a level;
one of more levels becomes the mean outcome of the level, shrunk to the overall mean (Micci-Barreca
2001) and cross-fitted on training rows, so that a row's own outcome is never in its encoding.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from applicant_personas.rows import (
    CATEGORY,
    INTEGER,
    NUMBER,
    TEXT,
    FloatArray,
    TextArray,
    floats,
    group_folds,
    one_thread,
    require,
    texts,
    tidy,
)

MAX_LEVELS = 12
PRIOR_ROWS = 20.0
N_FOLDS = 5

# metric: numeric, one_hot, target, target_prior; item: level; text: column of the design matrix.
ENCODING_TYPES = {
    "feature": TEXT,
    "metric": TEXT,
    "item": TEXT,
    "value": NUMBER,
    "n": INTEGER,
    "text": TEXT,
}
# metric: median, mean, scale, missing_mean, missing_scale.
SCALING_TYPES = {"feature": TEXT, "metric": TEXT, "value": NUMBER}
# item: value, missing or intercept.
COEFFICIENT_TYPES = {"feature": TEXT, "item": TEXT, "value": NUMBER}


def fit_encoding(rows: pd.DataFrame, features: pd.DataFrame, outcome: FloatArray) -> pd.DataFrame:
    """Fit the encoding of each feature (columns feature, kind) on training rows.

    Returns ENCODING_TYPES rows. Raises ValueError when rows lack a feature's column.
    """
    require(rows, features["feature"], "training rows")
    parts = []
    for feature, kind in zip(features["feature"], features["kind"], strict=True):
        if kind != CATEGORY:
            parts.append({"feature": feature, "metric": "numeric", "text": feature})
            continue
        levels, codes = _levels(texts(rows[feature]))
        count = np.bincount(codes[codes >= 0], minlength=len(levels))
        if len(levels) <= MAX_LEVELS:
            columns = [f"{feature}={level}" for level in levels]
            parts.append(
                {
                    "feature": feature,
                    "metric": "one_hot",
                    "item": levels,
                    "n": count,
                    "text": columns,
                }
            )
        else:
            prior = float(outcome.mean())
            parts.append(
                {
                    "feature": feature,
                    "metric": "target",
                    "item": levels,
                    "value": _level_means(codes, len(levels), outcome, prior),
                    "n": count,
                    "text": feature,
                }
            )
            parts.append(
                {"feature": feature, "metric": "target_prior", "value": prior, "text": feature}
            )
    return tidy(parts, ENCODING_TYPES)


def design_columns(encoding: pd.DataFrame) -> list[str]:
    """List the names of the design matrix's columns, whatever the order of the rows."""
    return sorted(set(encoding["text"]))


def apply_encoding(rows: pd.DataFrame, encoding: pd.DataFrame) -> FloatArray:
    """Encode any rows as the design matrix (n, columns); an unseen level is the prior or none."""
    position = {name: index for index, name in enumerate(design_columns(encoding))}
    matrix = np.zeros((len(rows), len(position)))
    for feature, parameters in encoding.groupby("feature", sort=True):
        metric = parameters["metric"].iloc[0]
        if metric == "numeric":
            matrix[:, position[str(feature)]] = floats(rows[str(feature)])
            continue
        values = texts(rows[str(feature)])
        if metric == "one_hot":
            for level, column in zip(parameters["item"], parameters["text"], strict=True):
                matrix[:, position[column]] = values == level
        else:
            means = parameters[parameters["metric"] == "target"]
            prior = parameters.loc[parameters["metric"] == "target_prior", "value"].iloc[0]
            mapping = dict(zip(means["item"], means["value"], strict=True))
            matrix[:, position[str(feature)]] = [
                np.nan if value is None else mapping.get(value, prior) for value in values
            ]
    return matrix


def training_matrix(
    rows: pd.DataFrame,
    encoding: pd.DataFrame,
    outcome: FloatArray,
    groups: TextArray,
    *,
    seed: int,
) -> FloatArray:
    """Encode the training rows, target encodings cross-fitted by group (person)."""
    matrix = apply_encoding(rows, encoding)
    column = {name: index for index, name in enumerate(design_columns(encoding))}
    fold = group_folds(groups, N_FOLDS, seed)
    for feature in sorted(set(encoding.loc[encoding["metric"] == "target", "feature"])):
        levels, codes = _levels(texts(rows[feature]))
        for number in range(N_FOLDS):
            fit, held_out = fold != number, (fold == number) & (codes >= 0)
            if not fit.any() or not held_out.any():
                continue
            prior = float(outcome[fit].mean())
            means = _level_means(codes[fit], len(levels), outcome[fit], prior)
            matrix[held_out, column[feature]] = means[codes[held_out]]
    return matrix


def design_groups(encoding: pd.DataFrame) -> Iterator[tuple[str, list[int]]]:
    """Pair each feature with the positions of its columns in the design matrix, by name."""
    position = {name: index for index, name in enumerate(design_columns(encoding))}
    for feature, parameters in encoding.groupby("feature", sort=True):
        yield str(feature), sorted({position[name] for name in parameters["text"]})


def _levels(values: TextArray) -> tuple[list[str], np.ndarray]:
    codes, levels = pd.factorize(values, sort=True)
    return [str(level) for level in levels], codes


def _level_means(codes: np.ndarray, n_levels: int, outcome: FloatArray, prior: float) -> FloatArray:
    seen = codes >= 0
    total = np.bincount(codes[seen], outcome[seen], minlength=n_levels)
    count = np.bincount(codes[seen], minlength=n_levels)
    means: FloatArray = (total + PRIOR_ROWS * prior) / (count + PRIOR_ROWS)
    return means


def fit_logistic(
    x: FloatArray, outcome: FloatArray, columns: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Logistic regression on median-filled, standardized columns with missing flags.

    x is the design matrix (n, columns). Returns scaling rows (SCALING_TYPES) and coefficient rows
    (COEFFICIENT_TYPES), which together are the model.
    """
    one_thread()
    missing = np.isnan(x)
    some = ~missing.all(axis=0)
    median = np.zeros(x.shape[1])
    median[some] = np.nanmedian(x[:, some], axis=0)
    filled = np.where(missing, median, x)
    fitted = {
        "median": median,
        "mean": filled.mean(axis=0),
        "scale": _scale(filled),
        "missing_mean": missing.mean(axis=0),
        "missing_scale": _scale(missing.astype(np.float64)),
    }
    scaling = tidy(
        [{"feature": columns, "metric": name, "value": value} for name, value in fitted.items()],
        SCALING_TYPES,
    )
    model = LogisticRegression(max_iter=1000).fit(_scaled(x, scaling, columns), outcome)
    weights = model.coef_[0]
    coefficients = tidy(
        [
            {"feature": columns, "item": "value", "value": weights[: len(columns)]},
            {"feature": columns, "item": "missing", "value": weights[len(columns) :]},
            {"item": "intercept", "value": float(model.intercept_[0])},
        ],
        COEFFICIENT_TYPES,
    )
    return scaling, coefficients


def apply_logistic(
    x: FloatArray, columns: list[str], scaling: pd.DataFrame, coefficients: pd.DataFrame
) -> FloatArray:
    """Predict each row of the design matrix x (n, columns) from the model's rows."""
    one_thread()
    by_item = {
        item: part.set_index("feature")["value"] for item, part in coefficients.groupby("item")
    }
    weights = np.concatenate(
        [by_item["value"].loc[columns].to_numpy(), by_item["missing"].loc[columns].to_numpy()]
    )
    logit = _scaled(x, scaling, columns) @ weights + by_item["intercept"].iloc[0]
    probability: FloatArray = 1 / (1 + np.exp(-logit))
    return probability


def _scaled(x: FloatArray, scaling: pd.DataFrame, columns: list[str]) -> FloatArray:
    wide = scaling.pivot(index="feature", columns="metric", values="value").loc[columns]
    fitted = {name: wide[name].to_numpy(np.float64) for name in wide.columns}
    missing = np.isnan(x)
    filled = np.where(missing, fitted["median"], x)
    return np.hstack(
        [
            (filled - fitted["mean"]) / fitted["scale"],
            (missing - fitted["missing_mean"]) / fitted["missing_scale"],
        ]
    )


def _scale(x: FloatArray) -> FloatArray:
    deviation = x.std(axis=0)
    return np.where(deviation > 1e-12, deviation, 1.0)
