"""The fit of the personas, step by step, and all that is fitted as rows.

Screen the features, standardize, learn the weights, choose the number, fit the centers, measure how
sure they are, and give each persona the key that it had before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from applicant_personas.personas.centers import (
    Clusters,
    Observed,
    center_means,
    fit_centers,
    refine_centers,
)
from applicant_personas.personas.certainty import Certainty, measure_certainty
from applicant_personas.personas.columns import MISSING, describe_columns, standardize
from applicant_personas.personas.components import fit_components
from applicant_personas.personas.drift import drift
from applicant_personas.personas.identity import (
    NEW,
    VANISHED,
    Before,
    Change,
    carry_keys,
    fresh_keys,
)
from applicant_personas.personas.model import PersonaModel, figures
from applicant_personas.personas.number import (
    FEWEST,
    MOST,
    Choice,
    Curve,
    Space,
    choose_number,
    feasible,
    measure_curve,
)
from applicant_personas.personas.screening import screen_features
from applicant_personas.personas.weights import Weights, learn_weights
from applicant_personas.rows import INTEGER, NUMBER, TEXT, one_thread, require, tidy
from applicant_personas.runs import (
    NEVER,
    data_hash,
    provenance,
    recipe_hash,
    refit_reason,
    run_id,
)

PERSONA_TYPES = {
    "run_id": TEXT,
    "record": TEXT,
    "item": TEXT,
    "column_name": TEXT,
    "feature": TEXT,
    "number": INTEGER,
    "metric": TEXT,
    "value": NUMBER,
    "text": TEXT,
}
KIND, ACTIVE = "personas", "active"
FEATURE_FACTS = ("feature", "block", "kind", "transform", "absence_is_choice", "priority")
WEIGHT_ROWS = 4_000
N_STARTS = 10
NOISE_QUANTILE = 0.95

Part = Mapping[str, Any]


@dataclass(frozen=True)
class PersonaSettings:
    """What is configured; n_personas is None where the number is chosen."""

    n_personas: int | None
    seed: int
    refit: str
    note: str | None = None


def fit_personas(
    rows: pd.DataFrame,
    features: pd.DataFrame,
    statistics: pd.DataFrame,
    stored: pd.DataFrame,
    settings: PersonaSettings,
) -> pd.DataFrame:
    """Fit the personas, or keep those that are stored; PERSONA_TYPES.

    `rows`: a bounded sample of applicants in a fixed order, a column a feature (float, or text for
    kind 'category'), missing allowed. `features`: those that may shape personas, with
    FEATURE_FACTS. `statistics`: feature, mean and stddev of the transformed values over all
    training rows. `stored`: what an earlier call returned; empty when there is none.

    Records, each with its key:

    - feature (feature, metric): kept, weight, share_missing, variance, correlation,
      most_correlated_feature, reason;
    - column (column_name, feature, metric): block, parameter_kind, transform, level, center, scale,
      weight, shared, is_two_valued; only columns with a weight;
    - selection (number of personas, metric): the curve; reason and verdict for the chosen number;
    - centroid (item = persona key, column_name): center in the weighted space;
    - persona (item, metric): n, share, spread, far, jaccard, noise_share, noise_distance;
    - bootstrap (item, column_name, number of the draw): center in a bootstrap fit;
    - component and loading (item = PC1.., column_name), center (column_name);
    - key (item, metric): first_run_id, last_run_id, status, of every key ever given;
    - lineage (number, metric): previous_key, key, status, share_kept, share_from, distance;
    - provenance (metric): the facts of the run.

    No row, or no feature that is kept, gives the feature records and a reason only. Raises
    ValueError when nothing is stored and settings.refit is 'never'.
    """
    # Rows of an older version have other columns, and count as none.
    is_readable = set(PERSONA_TYPES) <= set(stored.columns)
    stored = (stored if is_readable else tidy([], PERSONA_TYPES)).astype(PERSONA_TYPES)
    require(features, FEATURE_FACTS, "features")
    require(rows, features["feature"], "training rows")
    one_thread()
    features = features.sort_values(["block", "priority", "feature"], ignore_index=True)
    recipe = _recipe(features, settings)
    before = _facts(stored)
    model = PersonaModel.of_rows(stored) if (stored["record"] == "centroid").any() else None
    may_fit = before and settings.refit != NEVER
    change = _what_changed(before, model, rows, recipe) if may_fit else None
    reason = refit_reason(settings.refit, is_stored=bool(before), change=change)
    seen = data_hash(rows[sorted(features["feature"])])
    now = {"data_hash": seen, "recipe": recipe_hash(recipe)}
    if reason is None or now.items() <= before.items():
        return stored
    facts = provenance(KIND, seen, len(rows), len(features), recipe) | now
    facts["refit_reason"] = reason
    # Keys depend on the fit before, so the same data after another fit is another run.
    identity = run_id(KIND, seen, recipe)
    if before:
        facts["previous_run_id"] = str(stored["run_id"].iloc[0])
        identity = run_id(KIND, seen, recipe | {"after": facts["previous_run_id"]})
    if settings.note:
        facts["run_note"] = settings.note
    told = {"record": "provenance", "metric": list(facts), "text": list(facts.values())}
    fit = _Fit(rows, features, statistics, settings, model, has_standing=change is None)
    history = _History.of(stored, identity)
    parts = [*fit.parts(history), told]
    return tidy([{"run_id": identity, **part} for part in parts], PERSONA_TYPES)


def _recipe(features: pd.DataFrame, settings: PersonaSettings) -> dict[str, Any]:
    ordered = features.sort_values("feature", kind="stable")
    return {
        "features": ordered[list(FEATURE_FACTS)].astype(str).to_numpy().tolist(),
        "n_personas": settings.n_personas,
        "seed": settings.seed,
    }


def _facts(stored: pd.DataFrame) -> dict[str, str]:
    """Give the facts of the stored run by name; none where nothing is stored."""
    told = stored[stored["record"] == "provenance"]
    return dict(zip(told["metric"], told["text"], strict=True))


def _what_changed(
    before: Mapping[str, str],
    model: PersonaModel | None,
    rows: pd.DataFrame,
    recipe: Mapping[str, Any],
) -> str | None:
    """Say what makes the stored run outdated, or None while it holds."""
    if before["recipe"] != recipe_hash(recipe):
        return "features, settings or versions changed"
    if model is None:
        return "the stored run found no persona"
    return drift(model, rows) if len(rows) else None


@dataclass(frozen=True)
class _History:
    """What an earlier fit leaves to the next: every key ever given, and by which run."""

    run_id: str
    keys: pd.DataFrame

    @classmethod
    def of(cls, stored: pd.DataFrame, run_id: str) -> _History:
        told = stored[stored["record"] == "key"]
        keys = told.pivot(index="item", columns="metric", values="text").astype(object)
        return cls(run_id, keys)

    def used(self) -> list[str]:
        return [str(key) for key in self.keys.index]

    def ends(self) -> list[Change]:
        """List the end of every persona that has not retired."""
        active = [key for key in self.used() if self.keys.loc[key, "status"] == ACTIVE]
        return [Change(key, None, VANISHED) for key in active]

    def parts(self, keys: Sequence[str], changes: Sequence[Change]) -> Iterator[Part]:
        """Tell every key ever given: present ones by this run, the others as they retired."""
        ended = {change.previous_key: change.status for change in changes}
        for key in sorted({*self.used(), *keys}):
            facts = {"first_run_id": self.run_id, "last_run_id": self.run_id, "status": ACTIVE}
            if key in self.keys.index:
                facts["first_run_id"] = str(self.keys.loc[key, "first_run_id"])
                if key not in keys:
                    facts["last_run_id"] = str(self.keys.loc[key, "last_run_id"])
                    facts["status"] = ended.get(key) or str(self.keys.loc[key, "status"])
            yield {
                "record": "key",
                "item": key,
                "metric": list(facts),
                "text": list(facts.values()),
            }


class _Fit:
    """One fit: each step's result is kept for the next and for the rows."""

    def __init__(
        self,
        rows: pd.DataFrame,
        features: pd.DataFrame,
        statistics: pd.DataFrame,
        settings: PersonaSettings,
        before: PersonaModel | None,
        has_standing: bool,
    ) -> None:
        self.raw = rows
        self.features = features
        self.settings = settings
        self.before = before.within(features) if before else None
        # Where nothing moved, what stands from the earlier fit has the benefit of the doubt.
        self.standing = self.before if has_standing else None
        self.rng = np.random.default_rng(settings.seed)
        self.screened = screen_features(rows, features)
        kept = features[features["feature"].isin(self.screened.query("kept")["feature"])]
        varying = kept["feature"].isin(statistics.query("stddev > 0")["feature"])
        kept = kept[varying | (kept["kind"] == "category")]
        self.columns = describe_columns(rows, kept, statistics)
        self.x = standardize(rows, self.columns)

    def parts(self, history: _History) -> Iterator[Part]:
        """Fit, and tell everything."""
        if not self.x.size:
            yield from self._feature_parts(None)
            yield _reason(1, self._no_persona())
            yield from history.parts([], history.ends())
            yield from _lineage_parts(history.ends())
            return
        weights = self._learn_weights()
        yield from self._feature_parts(weights)
        blocks = self.columns["block"].to_numpy(object)
        has_spread = (self.columns["parameter_kind"] != MISSING).to_numpy()
        space = Space(self.x, blocks, weights.weight, has_spread)
        rows = space.rows()
        standing = self.before.place(self.raw) if self.before else None
        curve, choice = self._choose(space, rows)
        clusters = self._fit_centers(rows, choice.k, standing).occupied()
        yield from _curve_parts(curve, choice.but_for(choice.k - len(clusters.centers)))
        keys, changes = self._identify(clusters, standing, history)
        used = self.columns[weights.weight > 0]
        model = self._model(used, weights, rows, clusters, keys)
        ordered = Clusters(model.centers, rows.nearest(model.centers), clusters.inertia)
        certainty = measure_certainty(rows, ordered, self.rng)
        yield from model.rows()
        yield from _certainty_parts(model, certainty)
        yield from _component_parts(rows, used)
        yield from history.parts(keys, changes)
        yield from _lineage_parts(changes)

    def _no_persona(self) -> Choice:
        if len(self.raw):
            return Choice(1, "No persona: no feature tells applicants apart.", "none")
        return Choice(1, "No persona: there is no applicant to learn from.", "none")

    def _learn_weights(self) -> Weights:
        part = self.rng.permutation(len(self.x))[:WEIGHT_ROWS]
        blocks = self.columns["block"].to_numpy(object)
        two_valued = self.columns["is_two_valued"].to_numpy()
        found = learn_weights(self.x[part], blocks, two_valued, self.rng)
        if self.standing is None or not found.are_learned:
            return found
        standing = self.standing.columns.set_index("column_name")
        names = self.columns["column_name"]
        return found.lean_on(
            names.map(standing["weight"]).to_numpy(np.float64),
            names.map(standing["shared"]).to_numpy(np.float64),
        )

    def _choose(self, space: Space, rows: Observed) -> tuple[Curve, Choice]:
        most, pinned = feasible(rows), self.settings.n_personas
        wanted = {min(k, most) for k in [*range(FEWEST, MOST + 1), *([pinned] if pinned else [])]}
        curve = measure_curve(space, wanted, self.rng)
        standing = len(self.standing.keys) if self.standing else None
        return curve, choose_number(curve, len(rows), pinned, most, standing)

    def _fit_centers(self, rows: Observed, k: int, standing: Observed | None) -> Clusters:
        """Fit the centers; those of the stored model are one more start."""
        fresh = fit_centers(rows, k, self.rng, N_STARTS)
        if standing is None or self.before is None or len(self.before.keys) != k:
            return fresh
        labels = standing.nearest(self.before.centers)
        warm = refine_centers(rows, center_means(rows, labels, k)[np.newaxis])
        return warm if warm.inertia <= fresh.inertia * (1 + 1e-9) else fresh

    def _identify(
        self, clusters: Clusters, standing: Observed | None, history: _History
    ) -> tuple[list[str], list[Change]]:
        k = len(clusters.centers)
        if standing is None or self.before is None:
            fresh = fresh_keys(history.used(), clusters.labels, [*range(k)])
            begun = [Change(None, key, NEW) for key in fresh.values()]
            return [fresh[persona] for persona in range(k)], [*begun, *history.ends()]
        squared = standing.distances(self.before.centers)
        told = self.before.figures
        before = Before(
            self.before.keys,
            told["share"].to_numpy(np.float64),
            told["spread"].to_numpy(np.float64),
            squared.argmin(axis=1),
            squared,
        )
        return carry_keys(before, clusters.labels, k, history.used())

    def _model(
        self,
        used: pd.DataFrame,
        weights: Weights,
        rows: Observed,
        clusters: Clusters,
        keys: list[str],
    ) -> PersonaModel:
        """Put the personas in the order of their keys."""
        has_weight = weights.weight > 0
        columns = used.assign(weight=weights.weight[has_weight], shared=weights.shared[has_weight])
        order = np.argsort(keys)
        place = np.argsort(order)
        centers, labels = clusters.centers[order], place[clusters.labels]
        told = figures(rows, columns["weight"].to_numpy(), centers, labels)
        return PersonaModel(columns, [keys[old] for old in order], centers, told)

    def _feature_parts(self, weights: Weights | None) -> Iterator[Part]:
        """Say of each feature whether it shapes personas, how much, and why."""
        for screened in self.screened.to_dict("records"):
            of_feature = (self.columns["feature"] == screened["feature"]).to_numpy()
            weight, reason = 0.0, screened["reason"]
            if not reason and not of_feature.any():
                reason = "Dropped: no two applicants are known to differ in it."
            elif not reason and weights is not None:
                weight = float(weights.weight[of_feature].sum())
                reason = _weight_reason(weights, of_feature, weight)
            values = {
                "kept": float(weight > 0),
                "weight": weight,
                **{name: screened[name] for name in ("share_missing", "variance", "correlation")},
            }
            words = {
                "most_correlated_feature": screened["most_correlated_feature"],
                "reason": reason,
            }
            shared = {"record": "feature", "feature": screened["feature"]}
            yield {**shared, "metric": list(values), "value": list(values.values())}
            yield {**shared, "metric": list(words), "text": list(words.values())}


def _weight_reason(weights: Weights, of_feature: np.ndarray[Any, Any], weight: float) -> str:
    share = 100 * float(weights.shared[of_feature].max())
    if not weights.are_learned:
        return (
            "Kept with an even weight: too few blocks of features have anything in common to learn "
            "weights from."
        )
    if weight > 0:
        return (
            f"Kept with weight {weight:.2f}: groups formed without its block tell {share:.0f} % of "
            "its variance."
        )
    return (
        f"Dropped: groups formed without its block tell {share:.1f} % of its variance, no "
        "more than chance does."
    )


def _reason(k: int, choice: Choice) -> Part:
    return {
        "record": "selection",
        "number": k,
        "metric": ["reason", "verdict"],
        "text": [choice.reason, choice.verdict],
    }


def _curve_parts(curve: Curve, choice: Choice) -> Iterator[Part]:
    for k, metrics in curve.items():
        told = metrics | {"is_chosen": float(k == choice.k)}
        yield {
            "record": "selection",
            "number": k,
            "metric": list(told),
            "value": list(told.values()),
        }
    yield _reason(choice.k, choice)


def _certainty_parts(model: PersonaModel, certainty: Certainty) -> Iterator[Part]:
    share = model.figures["share"].to_numpy(np.float64)
    moved = np.quantile(np.abs(certainty.shares - share), NOISE_QUANTILE, axis=0)
    distance = np.quantile(certainty.distances, NOISE_QUANTILE, axis=0)
    names = model.columns["column_name"].to_numpy()
    told = {"jaccard": certainty.jaccard, "noise_share": moved, "noise_distance": distance}
    for place, key in enumerate(model.keys):
        yield {
            "record": "persona",
            "item": key,
            "metric": list(told),
            "value": [float(values[place]) for values in told.values()],
        }
        for draw, centers in enumerate(certainty.centers, start=1):
            yield {
                "record": "bootstrap",
                "item": key,
                "column_name": names,
                "number": draw,
                "value": centers[place],
            }


def _component_parts(rows: Observed, used: pd.DataFrame) -> Iterator[Part]:
    found, names = fit_components(rows), used["column_name"].to_numpy()
    yield {"record": "center", "column_name": names, "value": found.center}
    for number, (loading, explained) in enumerate(
        zip(found.loadings, found.explained, strict=True), start=1
    ):
        item = f"PC{number}"
        yield {
            "record": "component",
            "item": item,
            "metric": "explained_variance_ratio",
            "value": float(explained),
        }
        yield {"record": "loading", "item": item, "column_name": names, "value": loading}


def _lineage_parts(changes: Sequence[Change]) -> Iterator[Part]:
    ordered = sorted(changes, key=lambda change: (change.key or "~", change.previous_key or "~"))
    for number, change in enumerate(ordered, start=1):
        shared = {"record": "lineage", "number": number}
        words = {
            "previous_key": change.previous_key,
            "key": change.key,
            "status": change.status,
        }
        values = {
            "share_kept": change.share_kept,
            "share_from": change.share_from,
            "distance": change.distance,
        }
        yield {**shared, "metric": list(words), "text": list(words.values())}
        yield {**shared, "metric": list(values), "value": list(values.values())}
