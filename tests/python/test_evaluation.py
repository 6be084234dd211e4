"""Metrics agree with scikit-learn, with textbook cases and with simulation."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from applicant_personas.blend import log_odds
from applicant_personas.calibration import apply_knots, fit_knots
from applicant_personas.evaluation import (
    BASELINES,
    CALIBRATION_TYPES,
    EVALUATION_TYPES,
    MODELS,
    WITHIN_CYCLE,
    auc_components,
    auc_interval,
    calibration_table,
    evaluate,
    mean_variance,
    wilson_interval,
)

TEXTS = ("run_id", "phase", "ladder", "test_cycle", "persona_key", "residency", "program_code")
RATES = {"base_rate", "mean_probability", "expected_headcount", "actual_headcount"}
PHASES = ["applied", "admitted", "deposited"]
KEY = ["phase", "model", "test_cycle", "slice", "slice_value", "metric"]


def predictions(n=600, seed=1, **columns):
    """Predict a cycle as a perfect likelihood, a blurred forest and tied or constant baselines."""
    rng = np.random.default_rng(seed)
    phase = rng.integers(0, 3, n)
    chance = 1 / (1 + np.exp(-rng.normal(phase - 1.0, 1)))
    blurred = np.clip(chance + rng.normal(0, 0.15, n), 0.01, 0.99)
    frame = pd.DataFrame(
        {
            "run_id": "backtest-b",
            "phase": np.array(PHASES)[phase],
            "ladder": "all",
            "test_cycle": "2024",
            "days_to_census": 90,
            "is_enrollment_day": True,
            "application_code": rng.permutation(n),
            "persona_key": rng.choice(["p1", "p2"], n),
            "residency": np.where(np.arange(n) < 10, "rare", "common"),
            "program_code": None,
            "outcome": (rng.random(n) < chance).astype(float),
            **dict.fromkeys(MODELS, blurred),
            "likelihood": chance,
            "stage_rate": 0.2 + phase / 4,
            "persona_rate": 0.4,
            "previous_cycle_rate": np.round(chance, 1),
        }
    )
    return frame.assign(**columns)


def table(frame):
    """Put predictions into a table of the types that a database gives."""
    text = {
        name: pa.array(frame[name].astype(object), pa.string(), from_pandas=True) for name in TEXTS
    }
    numbers = {
        name: pa.array(frame[name], pa.float64(), from_pandas=True) for name in ("outcome", *MODELS)
    }
    return pa.table(
        text
        | numbers
        | {
            "days_to_census": pa.array(frame["days_to_census"], pa.int32(), from_pandas=True),
            "is_enrollment_day": pa.array(frame["is_enrollment_day"], pa.bool_()),
            "application_code": pa.array(frame["application_code"], pa.int64()),
        }
    )


def measured(frame):
    found = evaluate(table(frame))
    assert dict(found.dtypes.astype(str)) == EVALUATION_TYPES
    assert not found.duplicated(KEY).any()
    return found.set_index(KEY).sort_index()


def of(found, model="likelihood", test_cycle="2024", phase="all", at=("all", "all")):
    return found.loc[(phase, model, test_cycle, *at)]


def slope(outcome, probability):
    logit = np.log(probability / (1 - probability)).to_numpy()[:, np.newaxis]
    model = LogisticRegression(C=1e6, tol=1e-10, max_iter=1_000).fit(logit, outcome)
    return model.coef_[0, 0]


def expected_metrics(rows, model):
    """Compute the same metrics from scikit-learn and from their definitions."""
    rows = rows.sort_values([model, "application_code"], ascending=[False, True])
    y, p = rows["outcome"], rows[model]
    n = len(rows)
    gap = (p - y).groupby(np.arange(n) * 10 // n).sum().abs().sum()
    auc, low, high = auc_interval(y.to_numpy(), p.to_numpy())
    assert auc == pytest.approx(roc_auc_score(y, p))
    return {
        "base_rate": y.mean(),
        "mean_probability": p.mean(),
        "expected_headcount": p.sum(),
        "actual_headcount": y.sum(),
        "auc": auc,
        "auc low": low,
        "auc high": high,
        "pr_auc": average_precision_score(y, p),
        "brier": brier_score_loss(y, p),
        "log_loss": log_loss(y, p.clip(1e-6, 1 - 1e-6)),
        "ece": gap / n,
        "lift_at_10": y.iloc[: round(0.1 * n)].mean() / y.mean(),
        "capture_at_30": y.iloc[: round(0.3 * n)].sum() / y.sum(),
    }


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("phase", "slice_of", "value"),
    [("admitted", "all", "all"), ("all", "all", "all"), ("all", "persona", "p2")],
)
def test_metrics_are_those_of_scikit_learn(model, phase, slice_of, value):
    frame = predictions()
    found = of(measured(frame), model, phase=phase, at=(slice_of, value))
    rows = frame if phase == "all" else frame[frame["phase"] == phase]
    rows = rows[rows["persona_key"] == value] if slice_of == "persona" else rows
    for name, expected in expected_metrics(rows, model).items():
        metric, _, bound = name.partition(" ")
        assert found.loc[metric, bound or "value"] == pytest.approx(expected, abs=1e-9), name
    for metric, values in {
        "brier": (rows[model] - rows["outcome"]) ** 2,
        "log_loss": -np.log(1 - (rows[model] - rows["outcome"]).abs().clip(1e-6, 1 - 1e-6)),
    }.items():
        error = 1.959964 * np.sqrt(mean_variance(values.to_numpy()))
        assert found.loc[metric, "high"] - found.loc[metric, "value"] == pytest.approx(error)
    assert (found["n"] == len(rows)).all()


@pytest.mark.parametrize("n", [300, 30_000])
@pytest.mark.parametrize("power", [0.3, 1.0, 2.5])
def test_the_slope_is_that_of_a_logistic_regression(n, power):
    frame = predictions(n)
    odds = (frame["likelihood"] / (1 - frame["likelihood"])) ** power
    frame["likelihood"] = (odds / (1 + odds)).clip(1e-6, 1 - 1e-6)
    found = of(measured(frame)).loc["calibration_slope", "value"]
    assert found == pytest.approx(slope(frame["outcome"], frame["likelihood"]), rel=1e-3)
    assert found == pytest.approx(1 / power, rel=0.25)


def test_a_slope_that_does_not_exist_is_missing():
    frame = predictions()
    found = measured(frame.assign(random_forest=0.1 + 0.8 * frame["outcome"]))
    assert np.isnan(of(found, "persona_rate").loc["calibration_slope", "value"])
    parted = of(found, "random_forest")
    assert np.isnan(parted.loc["calibration_slope", "value"])
    assert parted.loc["auc"][["value", "low", "high"]].to_list() == [1, 1, 1]


@st.composite
def few_rows(draw):
    """Draw few rows with ties, missing values, and slices of one outcome."""
    n = draw(st.integers(1, 60))
    column = lambda values: draw(st.lists(values, min_size=n, max_size=n))  # noqa: E731
    probability = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0, np.nan])
    return predictions(
        n, test_cycle=column(st.sampled_from(["2023", "2024", WITHIN_CYCLE]))
    ).assign(
        phase=column(st.sampled_from(["applied", "admitted", "admitted"])),
        ladder=column(st.sampled_from(["all", "all", None])),
        persona_key=column(st.sampled_from(["p1", "p2", None])),
        outcome=column(st.sampled_from([0.0, 1.0, 1.0, np.nan])),
        likelihood=column(probability),
        random_forest=column(probability),
    )


@settings(max_examples=40, deadline=None)
@given(few_rows())
def test_every_group_is_measured_as_if_it_were_alone(frame):
    found = measured(frame)
    again = frame.sample(frac=1, random_state=0)
    again["application_code"] = again["application_code"] * 3 - 7
    pd.testing.assert_frame_equal(found, measured(again))
    counted = 0
    for scope in ("phase", "ladder"):
        for cycle in ("2023", "2024", WITHIN_CYCLE, "all_cycles"):
            is_whole = (frame["test_cycle"] != WITHIN_CYCLE) & (cycle == "all_cycles")
            here = frame[is_whole | (frame["test_cycle"] == cycle)]
            here = here.dropna(subset=["outcome", "likelihood", scope])
            for (phase, persona), rows in here.groupby([scope, "persona_key"]):
                metrics = of(found, test_cycle=cycle, phase=phase, at=("persona", persona))
                counted += len(metrics)
                y, p = rows["outcome"], rows["likelihood"]
                assert metrics.loc["expected_headcount", "value"] == pytest.approx(p.sum())
                assert metrics.loc["base_rate", "value"] == pytest.approx(y.mean())
                is_told = len(rows) >= 11 and y.nunique() == 2
                assert ("auc" in metrics.index) == is_told
                if is_told:
                    assert metrics.loc["auc", "value"] == pytest.approx(roc_auc_score(y, p))
                    assert metrics.loc["pr_auc", "value"] == pytest.approx(
                        average_precision_score(y, p)
                    )
    assert counted == len(found.query("slice == 'persona' and model == 'likelihood'"))


def test_the_auc_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(5)
    truth, covered = 0.7602499389065233, 0  # normal scores one apart: AUC = Phi(1 / sqrt(2))
    for _ in range(300):
        y = np.repeat([0.0, 1.0], [70, 40])
        _, low, high = auc_interval(y, rng.normal(size=110) + y)
        covered += low <= truth <= high
    assert 0.91 <= covered / 300 <= 0.985


def test_wilson_interval_of_a_known_case():
    # Newcombe 1998, table I: 81 of 263.
    found = wilson_interval(np.array([81.0]), np.array([263]))
    assert np.ravel(found) == pytest.approx((0.3080, 0.2553, 0.3662), abs=1e-4)


def test_small_or_uniform_slices_have_rates_only():
    found = evaluate(table(predictions()))
    rare = found[found["slice_value"] == "rare"]
    assert set(rare["metric"]) == RATES
    assert (rare.loc[rare["phase"] == "all", "n"] == 10).all()
    assert set(rare["test_cycle"]) == {"2024", "all_cycles"}
    assert set(evaluate(table(predictions(outcome=1.0)))["metric"]) == RATES


def test_rows_without_outcome_are_left_out_and_nothing_is_an_empty_frame():
    frame = predictions()
    frame.loc[:99, "outcome"] = np.nan
    assert (of(measured(frame))["n"] == 500).all()
    for nothing in (frame.assign(outcome=None), frame.head(0)):
        assert dict(evaluate(table(nothing)).dtypes.astype(str)) == EVALUATION_TYPES
        assert evaluate(table(nothing)).empty
        assert dict(calibration_table(table(nothing)).dtypes.astype(str)) == CALIBRATION_TYPES
    with pytest.raises(ValueError, match=r"need the column\(s\) run_id, likelihood\."):
        evaluate(table(frame).drop_columns(["run_id", "likelihood"]))


def test_a_model_counts_the_rows_it_predicted_and_none_where_it_predicted_none():
    frame = predictions(gradient_boosting=np.nan)
    frame.loc[:49, "random_forest"] = np.nan
    found = measured(frame)
    assert (of(found, "random_forest")["n"] == 550).all()
    assert (of(found, "likelihood")["n"] == 600).all()
    assert "gradient_boosting" not in found.index.get_level_values("model")


def test_days_are_slices_and_tested_cycles_are_also_measured_together():
    first = predictions()
    early = first.assign(
        days_to_census=150, is_enrollment_day=False, likelihood=1 - first["likelihood"]
    )
    second = predictions(n=400, seed=2, test_cycle="2025", run_id="backtest-a")
    within = first.assign(test_cycle=WITHIN_CYCLE, run_id="backtest-0")
    found = measured(pd.concat([first, early, second, within]))
    here = found.xs(("all", "likelihood"), level=("phase", "model")).xs("auc", level="metric")
    assert here.loc["2024", "all", "all"]["value"] > 0.7
    assert here.loc["2024", "days_to_census", "150"]["value"] < 0.3
    assert here["n"].xs("days_to_census", level="slice").to_dict() == {
        ("2024", "150"): 600,
        ("2024", "90"): 600,
        ("2025", "90"): 400,
        ("all_cycles", "150"): 600,
        ("all_cycles", "90"): 1_000,
        (WITHIN_CYCLE, "90"): 600,
    }
    # The slices of people are of the enrollment day alone.
    assert here.loc["all_cycles", "all", "all"]["n"] == 1_000
    # What is pooled has the first run of those that predicted a whole cycle.
    assert here.xs("all", level="slice")["run_id"].droplevel("slice_value").to_dict() == {
        "2024": "backtest-b",
        "2025": "backtest-a",
        "all_cycles": "backtest-a",
        WITHIN_CYCLE: "backtest-0",
    }
    # Nothing but rates without dates, and nothing at all of a phase that has other days only.
    undated = evaluate(table(first.assign(days_to_census=None)))
    assert "days_to_census" not in set(undated["slice"])
    assert set(evaluate(table(early))["slice"]) == {"days_to_census"}


def test_a_ladder_is_a_phase_of_its_own_and_a_phase_alone_has_none():
    frame = predictions()
    found = measured(frame)
    assert set(found.index.get_level_values("phase")) == {*PHASES, "all"}
    assert (of(found)["n"] == 600).all()
    # Within a phase its rate tells nothing; in the ladder it does.
    assert of(found, "stage_rate", phase="admitted").loc["auc", "value"] == 0.5
    assert of(found, "stage_rate").loc["auc", "value"] > 0.6
    alone = measured(frame.assign(ladder=None))
    assert set(alone.index.get_level_values("phase")) == set(PHASES)
    pd.testing.assert_frame_equal(found.drop("all"), alone)


def test_hundreds_of_programs_are_slices_with_or_without_a_ladder():
    frame = predictions(program_code=[f"x{i % 300:03d}" for i in range(600)])
    for ladder, phases in (("all", {*PHASES, "all"}), (None, set(PHASES))):
        found = evaluate(table(frame.assign(ladder=ladder)))
        programs = found.query(
            "slice == 'program' and metric == 'actual_headcount' and model == 'likelihood'"
            " and test_cycle == '2024'"
        )
        assert set(programs["phase"]) == phases
        rows = frame.groupby(["phase", "program_code"])["outcome"].sum()
        counted = programs.query("phase != 'all'").set_index(["phase", "slice_value"])["value"]
        assert counted.sort_index().to_dict() == rows.sort_index().to_dict()


def test_gains_are_over_the_best_baseline_on_the_rows_of_both():
    frame = predictions(n=900, test_cycle="2025")
    frame.loc[:99, "logistic_regression"] = np.nan
    found = measured(frame)
    aucs = {name: of(found, name, "2025").loc["auc", "value"] for name in BASELINES}
    best = max(aucs, key=aucs.get)
    both = frame.dropna(subset=[best])
    y = both["outcome"].to_numpy()
    components = [auc_components(y, both[name].to_numpy()) for name in ("likelihood", best)]
    differences = [ours - theirs for ours, theirs in zip(*components, strict=True)]
    gain = of(found, "likelihood", "2025").loc["auc_gain"]
    assert gain["n"] == len(both)
    expected = roc_auc_score(y, both["likelihood"]) - roc_auc_score(y, both[best])
    assert gain["value"] == pytest.approx(expected)
    error = 1.959964 * np.sqrt(sum(mean_variance(each) for each in differences))
    assert gain["high"] - gain["value"] == pytest.approx(error)
    loss = of(found, "likelihood", "2025").loc["log_loss_gain"]
    expected = log_loss(y, both[best].clip(1e-6, 1 - 1e-6)) - log_loss(y, both["likelihood"])
    assert loss["value"] == pytest.approx(expected)
    assert loss["low"] < loss["value"] < loss["high"]
    gains = found[found.index.get_level_values("metric").isin(["auc_gain", "log_loss_gain"])]
    assert set(gains.index.get_level_values("model")) == {"likelihood"}
    assert set(gains.index.get_level_values("test_cycle")) == {"2025", "all_cycles"}
    same = measured(frame.assign(**dict.fromkeys(MODELS, frame["likelihood"])))
    assert of(same, test_cycle="2025").loc["log_loss_gain"][["value", "low", "high"]].eq(0).all()
    # Without any baseline there is nothing to compare with.
    assert (
        "auc_gain"
        not in of(measured(frame.assign(**dict.fromkeys(BASELINES))), test_cycle="2025").index
    )


def test_dictionaries_chunks_and_order_of_rows_change_nothing():
    frame = predictions()
    plain = table(frame)
    shuffled = table(frame.sample(frac=1, random_state=1))
    encoded = pa.concat_tables(
        pa.table(
            {
                name: part[name].combine_chunks().dictionary_encode()
                if name in TEXTS
                else part[name]
                for name in part.column_names
            }
        )
        for part in (shuffled.slice(0, 250), shuffled.slice(250))
    )
    assert pa.types.is_dictionary(encoded.schema.field("phase").type)
    for measure in (evaluate, calibration_table):
        expected = measure(plain)
        pd.testing.assert_frame_equal(measure(shuffled), expected)
        pd.testing.assert_frame_equal(measure(encoded), expected)


def test_calibration_bins_account_for_everyone():
    frame = predictions(n=605, phase="admitted", ladder=None)
    other_day = frame.assign(is_enrollment_day=False, days_to_census=150)
    found = calibration_table(table(pd.concat([frame, other_day])))
    assert dict(found.dtypes.astype(str)) == CALIBRATION_TYPES
    assert set(found["model"]) == {"likelihood"}
    assert set(found["test_cycle"]) == {"2024", "all_cycles"}
    assert set(found["slice_value"]) == {"all", "p1", "p2"}
    overall = found[(found["slice_value"] == "all") & (found["test_cycle"] == "2024")]
    assert list(overall["bin"]) == list(range(1, 11))
    assert overall["n"].sum() == 605
    assert (overall["actual_rate"] * overall["n"]).sum() == pytest.approx(frame["outcome"].sum())
    assert overall["mean_probability"].is_monotonic_decreasing
    assert overall["cumulative_capture"].iloc[-1] == pytest.approx(1)
    assert overall["lift"].iloc[0] > 1.5
    persona = found[(found["slice_value"] == "p2") & (found["test_cycle"] == "2024")]
    rows = frame[frame["persona_key"] == "p2"].sort_values("likelihood", ascending=False)
    outcome = rows["outcome"].groupby(np.arange(len(rows)) * 10 // len(rows))
    assert persona["actual_rate"].to_list() == pytest.approx(outcome.mean().to_list())
    capture = outcome.sum().cumsum() / outcome.sum().sum()
    assert persona["cumulative_capture"].to_list() == pytest.approx(capture.to_list())


def test_ties_go_into_bins_by_application_and_few_rows_into_few_bins():
    frame = predictions(n=20, phase="admitted", ladder=None, persona_key=["p1"] * 16 + ["p2"] * 4)
    frame = frame.assign(likelihood=0.5, application_code=np.arange(20)[::-1])
    frame["outcome"] = (frame["application_code"] < 10).astype(float)
    found = calibration_table(table(frame)).query("test_cycle == '2024'")
    overall = found[found["slice_value"] == "all"]
    assert overall["actual_rate"].to_list() == [1.0] * 5 + [0.0] * 5
    assert overall["lift"].to_list() == [2.0] * 5 + [0.0] * 5
    few = found[found["slice_value"] == "p2"]
    assert few["n"].to_list() == [1] * 4
    none = calibration_table(table(frame.assign(outcome=0.0)))
    assert none[["lift", "cumulative_capture"]].isna().all(axis=None)


@pytest.mark.parametrize(("n", "method"), [(40_000, "isotonic"), (300, "sigmoid")])
def test_calibration_repairs_overconfidence(n, method):
    rng = np.random.default_rng(3)
    logit = rng.normal(size=2 * n)
    outcome = (rng.random(2 * n) < 1 / (1 + np.exp(-logit))).astype(float)
    raw = 1 / (1 + np.exp(-2.5 * logit))
    knots = fit_knots(raw[:n], outcome[:n])
    assert set(knots["item"]) == {method}
    assert knots.sort_values("threshold")["value"].is_monotonic_increasing
    calibrated = apply_knots(raw[n:], knots.sample(frac=1, random_state=0))
    assert log_loss(outcome[n:], calibrated) < log_loss(outcome[n:], raw[n:]) - 0.05
    assert roc_auc_score(outcome[n:], calibrated) > roc_auc_score(outcome[n:], raw[n:]) - 0.003
    assert 0 < calibrated.min() < calibrated.max() < 1


def test_few_rows_do_not_make_a_curve_flat_or_steep():
    rng = np.random.default_rng(8)
    slopes = []
    for _ in range(40):
        logit = rng.normal(1.5, 0.6, 60)
        outcome = (rng.random(60) < 1 / (1 + np.exp(-logit))).astype(float)
        outcome[:2] = [0, 1]
        knots = fit_knots(1 / (1 + np.exp(-logit)), outcome)
        low, high = log_odds(apply_knots(np.array([0.5, 0.9]), knots))
        slopes.append((high - low) / np.log(9))
    # Without the prior they lie between -.1 and 2.9 here.
    assert 0.8 < min(slopes) < max(slopes) < 1.6


def test_calibration_of_a_useless_score_is_the_base_rate():
    raw = np.tile([0.2, 0.8], 50)
    outcome = np.tile([1.0, 0.0], 50)
    assert set(apply_knots(raw, fit_knots(raw, outcome))) == {0.5}
    with pytest.raises(ValueError, match="with the outcome and rows without"):
        fit_knots(raw, np.ones(100))
