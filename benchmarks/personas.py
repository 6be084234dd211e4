"""How well personas find the archetypes that were planted, set by set.

Builds each set up to its feature rows, once, and keeps the rows that personas are learned from, raw
and with their archetype, as `sets/<name>.parquet` in the folder, with `catalog.parquet` beside.
Then a recipe is scored on each: a function that learns personas from a sample of the applicants and
gives every row a label, prospects too (`fitted_personas` shows how it is called). The command
prints, by set, the number of personas planted and chosen, and the adjusted Rand index of labels and
archetypes at the recipe's own number and at the true one.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from processes import ROOT, dbt, ready, run, tool
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import cross_val_predict

from applicant_personas.personas.fit import PERSONA_TYPES, PersonaSettings, fit_personas
from applicant_personas.personas.model import PersonaModel
from applicant_personas.rows import tidy

# What the project's variables say unless told otherwise.
TRAINING_ROWS, SEED = 25_000, 20_260

Labels = np.ndarray[Any, Any]
# labels(sample, rows, catalog, n_personas): learns from the sample, of raw features; labels all
# rows. The catalog lists the features; n_personas pins their number, None leaves it to the recipe.
Recipe = Callable[[pd.DataFrame, pd.DataFrame, pd.DataFrame, int | None], Labels]


@dataclass(frozen=True)
class PlantedSet:
    """A set of applicants with known archetypes, and the command that writes it to a folder."""

    name: str
    command: tuple[str, ...]


def planted_sets(persons: int) -> list[PlantedSet]:
    """List our own generator's sets, then those of the independent one."""
    size = ("--persons", str(persons))
    own = (tool("applicant-personas"), "sample", "--format", "parquet", "--cycles", "5", *size)
    worlds = (sys.executable, str(ROOT / "benchmarks/worlds.py"), *size)
    return [
        PlantedSet(f"own_{far:.0%}_{n}".replace("%", ""), (*own, *options(n, separation=far)))
        for far in (0.75, 0.5)
        for n in range(1, 6)
    ] + [
        PlantedSet(f"worlds_{overlap}_{n}", (*worlds, *options(n, overlap=overlap)))
        for overlap in ("slight", "low", "high")
        for n in range(1, 7)
    ]


def options(seed: int, **others: object) -> list[str]:
    named = {"seed": seed, **others}
    return [part for name, value in named.items() for part in (f"--{name}", str(value))]


def prepared(planted: PlantedSet, folder: Path) -> pd.DataFrame:
    """Read the rows of a set; make them, and the catalog, unless they are there."""
    rows = folder / "sets" / f"{planted.name}.parquet"
    if not rows.exists():
        work = ready(folder / "work" / planted.name)
        if not (work / "input" / "truth").exists():
            run(*planted.command, str(work / "input"))
        without = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
        selected = ("--select", "+ftr_applicants", "+stg_feature_catalog")
        dbt("build", work, work / "input", *selected, *without)
        export(work, ready(rows.parent) / rows.name, folder / "catalog.parquet")
    return pd.read_parquet(rows)


def export(work: Path, rows: Path, catalog: Path) -> None:
    """Write the training rows of personas with their archetypes, and the features' catalog.

    Rows that a generator repeated or made up, as real systems do, have no archetype.
    """
    with duckdb.connect(str(work / "warehouse.duckdb"), read_only=True) as connection:
        features = connection.execute(
            "select feature, block, kind, transform, absence_is_choice, priority"
            " from staging.stg_feature_catalog where role in ('persona', 'both')"
            " order by block, priority, feature"
        ).df()
        shaping = ", ".join(f'applicants."{name}"' for name in features["feature"])
        training = connection.execute(
            f"select applicants.application_id, truth.archetype, applicants.is_prospect, {shaping}"
            " from features.ftr_applicants as applicants"
            " left join read_csv(?, all_varchar = true) as truth using (person_id)"
            " where applicants.is_persona_snapshot and applicants.is_primary"
            " and applicants.is_closed order by applicants.application_id",
            [str(work / "input/truth/persons.csv")],
        ).df()
    features.to_parquet(catalog, index=False)
    training.to_parquet(rows, index=False)


def fitted_personas(
    sample: pd.DataFrame, rows: pd.DataFrame, catalog: pd.DataFrame, n_personas: int | None
) -> Labels:
    """Fit the personas as the project does, and label all rows."""
    settings = PersonaSettings(n_personas, SEED, refit="auto")
    nothing, moments = tidy([], PERSONA_TYPES), statistics(sample, catalog)
    fitted = fit_personas(sample, catalog, moments, nothing, settings)
    model = PersonaModel.of_rows(fitted)
    return np.array(model.keys)[model.place(rows).nearest(model.centers)]


def statistics(sample: pd.DataFrame, catalog: pd.DataFrame) -> pd.DataFrame:
    """Compute what `ftr_statistics` computes."""
    numeric = catalog[catalog["kind"] != "category"]
    values = sample[list(numeric["feature"])].astype(float)
    for name in numeric.loc[numeric["transform"] == "log1p", "feature"]:
        values[name] = np.log1p(values[name].clip(lower=0))
    moments = pd.DataFrame({"mean": values.mean(), "stddev": values.std(ddof=0)})
    return moments.rename_axis("feature").reset_index()


def sampled(rows: pd.DataFrame) -> pd.DataFrame:
    """Take the rows that `ml_persona_sample` takes: of applicants."""
    rows = rows[~rows["is_prospect"]]
    digests = [md5(f"{name}-{SEED}".encode()).hexdigest() for name in rows["application_id"]]
    order = pd.Series(digests, rows.index).sort_values(kind="stable").index
    return rows.loc[order[:TRAINING_ROWS]].sort_values("application_id", ignore_index=True)


def score(rows: pd.DataFrame, catalog: pd.DataFrame, recipe: Recipe) -> dict[str, float]:
    """Score a recipe on one set: k, adjusted Rand indices and CPU seconds."""
    sample = sampled(rows)
    n_archetypes = rows["archetype"].nunique()
    started = cpu_seconds()
    own = recipe(sample, rows, catalog, None)
    seconds = cpu_seconds() - started
    pinned = recipe(sample, rows, catalog, n_archetypes)
    return {
        "k_true": n_archetypes,
        "k": len(np.unique(own)),
        "ari": agreement(rows, own),
        "ari_applicants": agreement(rows, own, of=~rows["is_prospect"]),
        "ari_true_k": agreement(rows, pinned),
        "cpu": seconds,
    }


def halves(rows: pd.DataFrame, catalog: pd.DataFrame, recipe: Recipe, k: int) -> float:
    """Tell how far two fits of k personas, each on half of the sample, label all rows alike."""
    sample = sampled(rows)
    order = np.random.default_rng(SEED).permutation(len(sample))
    labels = [
        recipe(sample.iloc[np.sort(half)].reset_index(drop=True), rows, catalog, k)
        for half in np.array_split(order, 2)
    ]
    return float(adjusted_rand_score(*labels))


def agreement(rows: pd.DataFrame, labels: Labels, of: pd.Series[bool] | bool = True) -> float:
    is_planted = (rows["archetype"].notna() & of).to_numpy()
    return float(adjusted_rand_score(rows["archetype"][is_planted], labels[is_planted]))


def cpu_seconds() -> float:
    return sum(os.times()[:4])


def supervised(rows: pd.DataFrame, catalog: pd.DataFrame) -> float:
    """Tell how well a forest that is shown archetypes finds them: what a set allows."""
    planted = rows[rows["archetype"].notna()]
    x = planted[catalog.loc[catalog["kind"] != "category", "feature"]].astype(float)
    forest = RandomForestClassifier(200, min_samples_leaf=5, random_state=0)
    return agreement(planted, cross_val_predict(forest, x, planted["archetype"], cv=3))


def table(asked: argparse.Namespace, recipe: Recipe) -> Iterator[pd.Series]:
    folder = ready(asked.folder)
    for planted in planted_sets(asked.persons):
        if not planted.name.startswith(asked.sets):
            continue
        rows = prepared(planted, folder)
        catalog = pd.read_parquet(folder / "catalog.parquet")
        figures = {"rows": float(len(rows))} | score(rows, catalog, recipe)
        if asked.halves:
            figures["halves"] = halves(rows, catalog, recipe, int(figures["k"]))
        figures["supervised"] = supervised(rows, catalog)
        print(planted.name, {name: round(value, 3) for name, value in figures.items()})
        yield pd.Series(figures, name=planted.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--persons", type=int, default=12_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "personas")
    parser.add_argument("--recipe", help="module:function; the project's own without it")
    parser.add_argument("--sets", default="", help="those whose names begin so, as in worlds_low")
    parser.add_argument("--halves", action="store_true", help="fit on halves too, and compare")
    asked = parser.parse_args()
    module, _, function = (asked.recipe or "").partition(":")
    recipe = getattr(importlib.import_module(module), function) if module else fitted_personas
    found = pd.DataFrame(table(asked, recipe))
    print(found.round(3).to_string())
    kinds = found.groupby(found.index.str.rsplit("_", n=1).str[0], sort=False)
    print("Medians", kinds.median().round(3).to_string(), sep="\n")


if __name__ == "__main__":
    main()
