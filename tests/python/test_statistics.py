"""Statistics of features of any magnitude, on any number of threads."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import duckdb
import jinja2
import numpy as np
import pandas as pd
import pytest
from warehouse import ROOT, build, generate

RNG = np.random.default_rng(11)
N = 200_000
COLUMNS = {
    "around_1e15": 1e15 + RNG.normal(0, 1_000, N).round(),
    "epoch_seconds": 1.6e9 + RNG.integers(0, 10**8, N).astype(float),
    "steps_of_1e-6": RNG.integers(0, 50, N) * 1e-6,
    "1e200_either_sign": RNG.normal(0, 1e200, N),
    "one_far_out": np.append(RNG.normal(size=N - 1), 1e12),
    "always_the_same": np.full(N, 0.1),
}
FEATURES = ["x_giant", "x_epoch", "x_tiny"]


@pytest.fixture(scope="module")
def macros() -> ModuleType:
    source = (ROOT / "macros/statistics.sql").read_text()
    return jinja2.Environment(autoescape=False).from_string(source).module


def mean_and_stddev(macros: ModuleType, values: np.ndarray, threads: int) -> tuple[float, float]:
    """Run the SQL of the macros over the values; None among them is missing."""
    table = pd.DataFrame({"x": values})
    mean, variance = macros.stable_avg("u"), macros.stable_variance("u")
    query = f"""
        with bounds as (select min(x) as low, max(x) as high from table_of_values),
        placed as (
            select {macros.position_between("x", "low", "high")} as u
            from table_of_values cross join bounds
        ),
        found as (select {mean} as mean, sqrt({variance}) as stddev from placed)
        select {macros.value_between("mean", "low", "high")}, stddev * (high - low)
        from found cross join bounds
    """
    with duckdb.connect(config={"threads": threads}) as connection:
        connection.register("frame", table)
        connection.execute("create table table_of_values as select * from frame")
        return connection.execute(query).fetchone()


@pytest.mark.parametrize("column", COLUMNS)
def test_any_magnitude_on_any_number_of_threads(macros: ModuleType, column: str) -> None:
    values = COLUMNS[column]
    found = {threads: mean_and_stddev(macros, values, threads) for threads in (1, 2, 4)}
    assert len(set(found.values())) == 1
    center = values[0]
    mean = center + np.mean(values - center)
    scale = np.abs(values).max()
    stddev = scale * np.std((values - center) / scale)
    assert found[1] == pytest.approx((mean, stddev), rel=1e-6, abs=scale * 1e-15)


def test_missing_values_are_left_out(macros: ModuleType) -> None:
    values = np.array([1e15, np.nan, 1e15 + 2, np.nan])
    missing = pd.array(values, dtype="Float64")
    assert mean_and_stddev(macros, missing, 1) == (1e15 + 1, 1.0)


@pytest.fixture(scope="module")
def input_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write applicants with features of the user's own, of unusual magnitudes."""
    folder = generate(tmp_path_factory.mktemp("statistics") / "input", "--persons", "300")
    persons = pd.read_csv(folder / "persons.csv", dtype=str)
    n = len(persons)
    persons["x_giant"] = [f"{value:.0f}" for value in COLUMNS["around_1e15"][:n]]
    persons["x_epoch"] = [f"{value:.0f}" for value in COLUMNS["epoch_seconds"][:n]]
    persons["x_tiny"] = [f"{value:.6f}" for value in COLUMNS["steps_of_1e-6"][:n]]
    persons.loc[::7, FEATURES] = ""
    persons.to_csv(folder / "persons.csv", index=False)
    catalog = pd.DataFrame(
        {
            "feature": FEATURES,
            "block": "own",
            "source_column": [f"persons.{feature}" for feature in FEATURES],
            "kind": "number",
            "earliest_stage": "inquiry",
            "role": "both",
        }
    )
    catalog.to_csv(folder / "feature_catalog.csv", index=False)
    return folder


def test_features_of_any_magnitude_are_fitted(input_path: Path) -> None:
    warehouse = build(
        input_path.parent, input_path, select=["+ftr_statistics", "+ml_persona_traits"]
    )
    rows = warehouse.frame("select * from features.ftr_applicants where is_persona_training")
    fitted = warehouse.frame("select * from features.ftr_statistics").set_index("feature")
    for feature in [*FEATURES, "days_to_submit"]:
        values = rows[feature].dropna()
        values = np.log1p(values) if feature == "days_to_submit" else values
        assert 0 < len(values) < len(rows)
        assert fitted.loc[feature, "n_observed"] == len(values)
        statistics = fitted.loc[feature, ["mean", "stddev"]].astype(float)
        expected = [values.mean(), values.std(ddof=0)]
        assert statistics.to_numpy() == pytest.approx(np.array(expected), rel=1e-6)
    traits = warehouse.frame(
        "select feature, mean, z_difference from ml.ml_persona_traits"
    ).set_index("feature")
    assert traits.loc["x_giant", "mean"].to_numpy() == pytest.approx(1e15, rel=1e-6)
    assert traits.loc[FEATURES, "z_difference"].abs().between(1e-6, 5).all()
