"""How good the likelihoods are, and what the fits behind them cost.

Builds a generated sample up to the predictions, then compares on its last closed cycle, as known on
the open cycle's day, phase by phase: the published likelihood, what anyone would fit on the very
same rows, and the true probabilities behind the sample, which miss by chance as well. `python
benchmarks/likelihood.py --persons 1000000` also measures each Python model alone, in a process of
its own; `--seeds 1 2 3` does it for several samples.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from processes import arguments, dbt, ready, run, tool
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from truth import by_chance, true_chance

from applicant_personas.blend import fit_line, log_odds
from applicant_personas.rows import FloatArray

PHASES = ("applied", "admitted", "deposited")
STEPS = ("fit", "backtest", "scores", "evaluation")
ROWS = (
    "select rows.*, predictions.likelihood from ml.ml_at_risk as rows"
    " left join ml.ml_enrollment_predictions as predictions using (phase, application_id, known_on)"
    " where rows.is_enrollment_day and rows.outcome is not null and rows.is_standing"
    " and coalesce(predictions.score_kind, 'out_of_sample') = 'out_of_sample' order by row_code"
)

NAMES = (
    "select distinct feature from ml.ml_feature_selection where kept and target <> 'persona'"
    " order by 1"
)


def read(database: Path) -> tuple[pd.DataFrame, list[str]]:
    """Read the rows of closed cycles with what is published of them, and the features' names."""
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.execute(ROWS).df()
        names = connection.execute(NAMES).fetchall()
    return rows, [name for (name,) in names]


def compared(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Compare on the last closed cycle; a row a phase, and one for all together."""
    is_last = rows["term_order"] == rows["term_order"].max()
    x = pd.get_dummies(rows[[*names, "persona_key"]], dtype=float)
    found = []
    for group, is_own in groups(rows["phase"]).items():
        actual = rows["outcome"][is_own & is_last].to_numpy(np.float64)
        likelihood = rows["likelihood"][is_own & is_last].to_numpy(np.float64)
        others = {}
        if group in PHASES:
            others = usual(x[is_own & ~is_last], x[is_own & is_last], rows["outcome"])
        elif group == "all":
            others = {"stage_then_forest": stage_then_forest(rows, x, is_last)}
        found.append({"phase": group, **figures(actual, likelihood), **others})
    return pd.DataFrame(found)


def groups(phase: pd.Series) -> dict[str, pd.Series]:
    """Mark the rows of each phase, of who has not deposited, and all."""
    by_phase = {name: phase == name for name in PHASES}
    return {**by_phase, "undeposited": phase != "deposited", "all": phase.notna()}


def usual(train: pd.DataFrame, test: pd.DataFrame, outcome: pd.Series) -> dict[str, float]:
    """AUC of what anyone would fit: a forest of 100 trees, and a logistic regression."""
    used = train.columns[train.notna().any()]
    models = {
        "forest": RandomForestClassifier(100, random_state=0, n_jobs=-1),
        "logistic": make_pipeline(
            SimpleImputer(add_indicator=True), StandardScaler(), LogisticRegression(max_iter=1000)
        ),
    }
    return {
        name: roc_auc_score(
            outcome[test.index],
            model.fit(train[used], outcome[train.index]).predict_proba(test[used])[:, 1],
        )
        for name, model in models.items()
    }


def figures(y: FloatArray, p: FloatArray) -> dict[str, float]:
    """AUC, mean against rate, calibration error over ten bins, and calibration slope."""
    bins = np.arange(len(p)) * 10 // len(p)
    gaps = np.bincount(bins, (p - y)[np.argsort(-p, kind="stable")])
    return {
        "n": len(p),
        "auc": roc_auc_score(y, p),
        "mean": p.mean(),
        "rate": y.mean(),
        "ece": np.abs(gaps).sum() / len(p),
        "slope": fit_line(log_odds(p), y)[1],
    }


def possible(rows: pd.DataFrame, files: Path) -> pd.DataFrame:
    """Give the figures of the true probabilities on the same rows, and what chance makes of them.

    `miss_95` and `ece_95`: 95 of 100 drawn sets miss by less; `slope_low` and `slope_high` hold 90.
    """
    last = rows[rows["term_order"] == rows["term_order"].max()]
    chance = true_chance(last, files)
    found = []
    for group, is_own in groups(last["phase"]).items():
        known = is_own.to_numpy() & np.isfinite(chance)
        p, y = chance[known], last["outcome"].to_numpy(np.float64)[known]
        drawn = by_chance(p, figures)
        low, high = drawn["slope"].quantile([0.05, 0.95])
        bounds = {
            "miss_95": (drawn["mean"] - drawn["rate"]).abs().quantile(0.95),
            "ece_mean": drawn["ece"].mean(),
            "ece_95": drawn["ece"].quantile(0.95),
            "slope_low": low,
            "slope_high": high,
        }
        found.append({"truth": group, **figures(y, p), **bounds})
    return pd.DataFrame(found)


def stage_then_forest(rows: pd.DataFrame, x: pd.DataFrame, is_last: pd.Series) -> float:
    """Rank by the rate of the stage first, then by one forest over everyone."""
    used = x.columns[x[~is_last].notna().any()]
    forest = RandomForestClassifier(100, min_samples_leaf=5, random_state=0, n_jobs=-1)
    forest.fit(x[~is_last][used], rows["outcome"][~is_last])
    rate = rows["outcome"][~is_last].groupby(rows["phase"][~is_last]).mean()
    stage = rows["phase"][is_last].map(rate).rank(method="dense")
    score = stage + forest.predict_proba(x[is_last][used])[:, 1]
    return float(roc_auc_score(rows["outcome"][is_last], score))


def step(name: str, database: Path) -> None:
    """Do what one Python model does, on the tables of a warehouse, and nothing else."""
    from applicant_personas.at_risk import columns_at_risk
    from applicant_personas.backtest import back_test
    from applicant_personas.enrollment import fit_enrollment
    from applicant_personas.evaluation import PREDICTION_COLUMNS, calibration_table, evaluate
    from applicant_personas.likelihood import Recipe
    from applicant_personas.relations import by_phase, by_phase_and_day, coded, mapped
    from applicant_personas.runs import Runs
    from applicant_personas.scoring import SCORES, scorer

    connection = duckdb.connect(str(database), read_only=True)
    at_risk = connection.sql("select * from ml.ml_at_risk")
    selected = connection.sql("select * from ml.ml_feature_selection")
    closed = at_risk.filter("outcome is not null")
    features = selected.filter("kept and target <> 'persona'").order("block, feature").df()

    if name == "evaluation":
        predictions = connection.sql("select * from ml.ml_enrollment_predictions")
        tested = predictions.filter("outcome is not null")
        evaluate(coded(tested, PREDICTION_COLUMNS))
        calibration_table(coded(tested.filter("is_enrollment_day"), PREDICTION_COLUMNS))
        return
    columns = columns_at_risk(selected.filter("target <> 'persona'").df())
    if name == "scores":
        undecided = at_risk.filter("outcome is null and is_enrollment_day")
        fitted = connection.sql("select * from ml.ml_enrollment_fit")
        by_models = scorer(selected.filter("target <> 'persona'").df(), by_phase(fitted))
        written = mapped(undecided, columns, by_models, SCORES, name)
    else:
        training = connection.sql("select * from ml.ml_training_outcomes").df()
        nothing = pa.table({"record": pa.array([], pa.string())})
        runs = Runs(name, "always", None, training, lambda phase: nothing)
        days = closed.aggregate(
            "phase, days_to_census, bool_or(is_training_day) as is_training_day,"
            " count(*) as n, sum(outcome) as n_positive"
        ).df()
        fit: Callable[..., Any] = {"fit": fit_enrollment, "backtest": back_test}[name]
        read_slice = by_phase_and_day(closed, columns)
        written = fit(read_slice, days, features, runs, Recipe(20260, n_jobs=-1), PHASES)
    for _ in written:
        pass


def input_of(database: Path) -> Path:
    """Name the folder of the sample that a warehouse was built from."""
    return database.parent.with_name(f"{database.parent.name}_input")


def build(folder: Path, persons: int, cycles: int, seed: int) -> Path:
    """Build up to the predictions, unless it was."""
    place = folder / f"likelihood_{persons}_{cycles}_{seed}"
    database = place / "warehouse.duckdb"
    files = input_of(database)
    if not database.exists():
        options = ["--persons", str(persons), "--cycles", str(cycles), "--seed", str(seed)]
        run(tool("applicant-personas"), "sample", str(files), *options, "--format", "parquet")
        chosen = ["--select", "+ml_enrollment_predictions"]
        dbt("build", place, files, *chosen, "--exclude-resource-type", "test", "unit_test")
    return database


def main(given: argparse.Namespace, seeds: Sequence[int]) -> None:
    folder = ready(given.folder)
    for seed in seeds:
        database = build(folder, given.persons, given.cycles, seed)
        print(f"seed {seed}")
        rows, names = read(database)
        found = [compared(rows, names), possible(rows, input_of(database))]
        for table in found:
            print(table.round(4).to_string(index=False), flush=True)
        if given.persons >= 100_000:
            for name in STEPS:
                cost = run(sys.executable, __file__, "--step", name, "--database", str(database))
                print(f"{name:10} {cost}", flush=True)


if __name__ == "__main__":
    parser = arguments(__doc__)
    parser.add_argument("--cycles", type=int, default=5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--database", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        step(options.step, options.database)
    else:
        main(options, options.seeds)
