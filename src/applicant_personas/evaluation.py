"""How good are the probabilities: by phase, cycle, day and slice, with intervals.

AUC with DeLong's interval (DeLong 1988), Wilson intervals for rates (1927), calibration slope by
Cox's recalibration (1958), headcounts as Poisson-binomial sums.

Predictions come as one wide row each, with a column a model. Text stays in numeric codes: rows are
sorted once a model by falling probability and then stably by group, so that every metric is a sum
over stretches of sorted rows, of all groups at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import rankdata

from applicant_personas.rows import (
    INTEGER,
    NUMBER,
    TEXT,
    BoolArray,
    FloatArray,
    IntArray,
    TextArray,
    tidy,
)

EVALUATION_TYPES = {
    "run_id": TEXT,
    "phase": TEXT,
    "model": TEXT,
    "test_cycle": TEXT,
    "slice": TEXT,
    "slice_value": TEXT,
    "metric": TEXT,
    "value": NUMBER,
    "low": NUMBER,
    "high": NUMBER,
    "n": INTEGER,
}
CALIBRATION_TYPES = {
    "run_id": TEXT,
    "phase": TEXT,
    "model": TEXT,
    "test_cycle": TEXT,
    "slice_value": TEXT,
    "bin": INTEGER,
    "n": INTEGER,
    "mean_probability": NUMBER,
    "actual_rate": NUMBER,
    "lift": NUMBER,
    "cumulative_capture": NUMBER,
}
# What is published, its forest alone, a challenger, and what each has to beat.
LIKELIHOOD = "likelihood"
BASELINES = ("stage_rate", "persona_rate", "previous_cycle_rate", "logistic_regression")
MODELS = (LIKELIHOOD, "random_forest", "gradient_boosting", *BASELINES)
SLICES = {"persona": "persona_key", "residency": "residency", "program": "program_code"}
DAYS = "days_to_census"
PREDICTION_COLUMNS = (
    "run_id",
    "phase",
    "ladder",
    "test_cycle",
    DAYS,
    "is_enrollment_day",
    "application_code",
    *SLICES.values(),
    "outcome",
    *MODELS,
)
ALL, ALL_CYCLES = "all", "all_cycles"
GROUPED, WITHIN_CYCLE = "grouped_5_fold", "within_cycle (optimistic)"
MIN_ROWS = 11
N_BINS = 10
# The slope of more rows than this is fitted to so many means of neighbors: less than .001 off.
SLOPE_BINS = 500
MAX_STEPS, TOLERANCE = 20, 1e-7
EDGE = 1e-6  # a probability this near to 0 or 1 costs no more
Z95 = 1.959963984540054
Interval = tuple[float, float, float]
Metric = tuple[FloatArray, FloatArray | None, FloatArray | None]


def evaluate(predictions: pa.Table) -> pd.DataFrame:
    """Measure each model of each (phase, test_cycle), of all rows, by slice, and by day to census.

    `predictions`: PREDICTION_COLUMNS, one row an application and day that a test predicted, in any
    order. run_id, phase, ladder (missing = none), test_cycle, persona_key, residency and
    program_code are text (plain or dictionary-encoded); days_to_census is a number (missing = no
    date); application_code is an integer that orders equal probabilities; outcome is 1 or 0, and
    each of MODELS a probability (0 to 1). A row without outcome is left out, and one
    without a model's probability for that model. The slices all, persona, residency and program are
    of the enrollment day, days_to_census is of every day. A slice of fewer than 11 rows or of one
    outcome only gets rates and headcounts. Rows of a ladder are measured once more together, as a
    phase of the ladder's name, and cycles that were predicted as a whole as the test cycle
    all_cycles. What is pooled has the first run_id by text.

    auc_gain and log_loss_gain of the likelihood compare it with the baseline of the highest AUC, on
    the rows that both predict, with paired intervals; above 0 the likelihood is better.

    Returns EVALUATION_TYPES. Raises ValueError when a column is absent.
    """
    tests = _tests(predictions)
    parts: list[dict[str, Any]] = []
    for model in MODELS:
        probability = _numbers(predictions, model)
        for block in tests.blocks:
            for name, groups in _grouped(tests, block, probability):
                parts += _measured(groups, {"model": model, "slice": name})
    measured = tidy(parts, EVALUATION_TYPES)
    return tidy([measured, *_gains(predictions, tests, measured)], EVALUATION_TYPES)


def calibration_table(predictions: pa.Table) -> pd.DataFrame:
    """Make ten bins of equal size by falling likelihood, bin 1 the likeliest.

    Of all rows of the enrollment day (slice_value 'all') and of each persona, with mean
    probability, actual rate, lift over the base rate and the share of all positives captured down
    to the bin. Fewer bins when there are fewer than 10 rows. `predictions`, ladders and all_cycles:
    as for `evaluate`; returns CALIBRATION_TYPES.
    """
    tests = _tests(predictions)
    today = tests.blocks[0]
    block = _Block(today.rows, {name: today.slices[name] for name in (ALL, "persona")})
    probability = _numbers(predictions, LIKELIHOOD)
    parts = [_binned(groups) for _, groups in _grouped(tests, block, probability)]
    return tidy(parts, CALIBRATION_TYPES)


def auc_components(outcome: FloatArray, score: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Compute DeLong's structural components of each positive and of each negative row.

    `score` has shape (..., n), `outcome` (n,). The mean of either component is the AUC; their
    variances, divided by their counts, add up to its variance.
    """
    positive, negative = score[..., outcome == 1], score[..., outcome == 0]
    joint = rankdata(np.concatenate([positive, negative], axis=-1), axis=-1)
    m, n = positive.shape[-1], negative.shape[-1]
    of_positive = (joint[..., :m] - rankdata(positive, axis=-1)) / n
    of_negative = 1 - (joint[..., m:] - rankdata(negative, axis=-1)) / m
    return of_positive, of_negative


def auc_interval(outcome: FloatArray, score: FloatArray) -> Interval:
    """Compute AUC with its 95 % interval; needs rows of both outcomes."""
    of_positive, of_negative = auc_components(outcome, score)
    auc = float(of_positive.mean())
    error = Z95 * np.sqrt(mean_variance(of_positive) + mean_variance(of_negative))
    return auc, float(max(0.0, auc - error)), float(min(1.0, auc + error))


def mean_variance(values: FloatArray) -> float:
    """Estimate the variance of the mean of values (n,)."""
    return float(values.var(ddof=1) / len(values)) if len(values) > 1 else 0.0


def wilson_interval(
    n_positive: FloatArray, n: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Compute rates with Wilson's 95 % interval, of counts (g,)."""
    rate, z2 = n_positive / n, Z95**2
    center = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * np.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return rate, np.maximum(0.0, center - half), np.minimum(1.0, center + half)


# --- What is measured together -----------------------------------------------------------------


@dataclass(frozen=True)
class _Partition:
    """The group of each row (n,), -1 where in none, and the labels of each group (g,)."""

    group: IntArray
    labels: dict[str, TextArray]


@dataclass(frozen=True)
class _Block:
    """Rows of one day, by application_code, and how they are sliced."""

    rows: IntArray
    slices: dict[str, _Partition]


@dataclass(frozen=True)
class _Tests:
    """What is the same for every model; blocks begin with the enrollment day's."""

    outcome: FloatArray
    views: list[_Partition]
    blocks: list[_Block]


@dataclass(frozen=True)
class _Groups:
    """Rows by group and, within it, by falling probability.

    Of each row probability and outcome (n,), and the positives before it and at the end (n + 1,);
    of each group start, size, n_positive and labels (g,).
    """

    probability: FloatArray
    outcome: FloatArray
    positives_before: FloatArray
    start: IntArray
    size: IntArray
    n_positive: FloatArray
    labels: dict[str, TextArray]

    @staticmethod
    def of(
        probability: FloatArray, outcome: FloatArray, start: IntArray, labels: dict[str, TextArray]
    ) -> _Groups:
        """Count the rows and positives of groups that begin at start."""
        before = np.concatenate([[0.0], np.cumsum(outcome)])
        size = np.diff(start, append=len(outcome))
        n_positive = before[start + size] - before[start]
        return _Groups(probability, outcome, before, start, size, n_positive, labels)

    def only(self, chosen: BoolArray) -> _Groups:
        """Leave out the groups that are not chosen (g,)."""
        rows, size = np.repeat(chosen, self.size), self.size[chosen]
        labels = {name: values[chosen] for name, values in self.labels.items()}
        start = np.cumsum(size) - size
        return _Groups.of(self.probability[rows], self.outcome[rows], start, labels)

    def sums(self, values: FloatArray) -> FloatArray:
        """Add up values of rows (n,) by group."""
        return np.add.reduceat(values, self.start)


def _tests(predictions: pa.Table) -> _Tests:
    absent = [name for name in PREDICTION_COLUMNS if name not in predictions.column_names]
    if absent:
        raise ValueError(f"The predictions need the column(s) {', '.join(absent)}.")
    outcome = _numbers(predictions, "outcome")
    rows = np.argsort(_column(predictions, "application_code"), kind="stable")
    rows = rows[np.isfinite(outcome[rows])]
    everyone = _Partition(
        np.zeros(len(outcome), dtype=np.int8), {"slice_value": np.array([ALL], dtype=object)}
    )
    slices = {ALL: everyone} | {
        name: _texts(predictions, column, "slice_value") for name, column in SLICES.items()
    }
    on_the_day = _column(predictions, "is_enrollment_day").astype(bool)
    blocks = [_Block(rows[on_the_day[rows]], slices)]
    days = _numbers(predictions, DAYS)[rows]
    for day in -np.unique(-days[np.isfinite(days)]):
        labels = {"slice_value": np.array([f"{day:.0f}"], dtype=object)}
        blocks.append(_Block(rows[days == day], {DAYS: _Partition(everyone.group, labels)}))
    return _Tests(outcome, _views(predictions), blocks)


def _views(predictions: pa.Table) -> list[_Partition]:
    """Cross phases and ladders with test cycles and all cycles."""
    run = _texts(predictions, "run_id", "run_id")
    cycle = _texts(predictions, "test_cycle", "test_cycle")
    is_whole = np.append(
        ~np.isin(cycle.labels["test_cycle"].astype(str), [GROUPED, WITHIN_CYCLE]), False
    )
    pooled = _Partition(
        np.where(is_whole[cycle.group], np.int8(0), np.int8(-1)),
        {"test_cycle": np.array([ALL_CYCLES], dtype=object)},
    )
    views = []
    for scope in (_texts(predictions, name, "phase") for name in ("phase", "ladder")):
        for cycles in (cycle, pooled):
            view = _cross(scope, cycles)
            views.append(_Partition(view.group, _first_runs(view, run) | view.labels))
    return views


def _first_runs(view: _Partition, run: _Partition) -> dict[str, TextArray]:
    """Find the first run by text of each test, None where there is none."""
    pair = _cross(view, run).group
    shape = (len(view.labels["phase"]), len(run.labels["run_id"]))
    is_of_test = np.ones((shape[0], shape[1] + 1), dtype=bool)
    is_of_test[:, :-1] = np.bincount(pair[pair >= 0], minlength=shape[0] * shape[1]).reshape(shape)
    names = np.append(run.labels["run_id"], [None])
    return {"run_id": names[is_of_test.argmax(axis=1)]}


def _cross(one: _Partition, other: _Partition) -> _Partition:
    """Form the groups of every pair of groups."""
    (n_one,), (n_other,) = (next(iter(each.labels.values())).shape for each in (one, other))
    # The smaller the codes, the faster they sort.
    group = (
        one.group.astype(np.min_scalar_type(-max(1, n_one) * n_other - 1)) * n_other + other.group
    )
    group[(one.group < 0) | (other.group < 0)] = -1
    return _Partition(
        group,
        {name: np.repeat(values, n_other) for name, values in one.labels.items()}
        | {name: np.tile(values, n_one) for name, values in other.labels.items()},
    )


def _at(partition: _Partition, rows: IntArray) -> _Partition:
    return _Partition(partition.group[rows], partition.labels)


def _grouped(
    tests: _Tests, block: _Block, probability: FloatArray
) -> Iterator[tuple[str, _Groups]]:
    """Sort a block's rows once, and group them by each view and slice."""
    rows = block.rows[np.isfinite(probability[block.rows])]
    rows = rows[np.argsort(-probability[rows], kind="stable")]
    # Gathered once, so that what follows reads short columns.
    probability, outcome = probability[rows], tests.outcome[rows]
    views = [_at(view, rows) for view in tests.views]
    for name, partition in block.slices.items():
        slices = _at(partition, rows)
        for view in views:
            crossed = _cross(view, slices)
            order = np.argsort(crossed.group, kind="stable")
            order = order[np.count_nonzero(crossed.group < 0) :]
            if len(order):
                group = crossed.group[order]
                start = np.append(0, np.flatnonzero(group[1:] != group[:-1]) + 1)
                labels = {key: values[group[start]] for key, values in crossed.labels.items()}
                yield name, _Groups.of(probability[order], outcome[order], start, labels)


def _column(predictions: pa.Table, name: str) -> NDArray[Any]:
    values: NDArray[Any] = predictions[name].to_numpy()
    return values


def _numbers(predictions: pa.Table, name: str) -> FloatArray:
    return np.asarray(_column(predictions, name), dtype=np.float64)


def _texts(predictions: pa.Table, name: str, label: str) -> _Partition:
    """Code a text column in the order of its values, which are the labels of this name."""
    column = predictions[name]
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column)
    column = column.unify_dictionaries().combine_chunks()
    texts = np.array([*column.dictionary.to_pylist(), None], dtype=object)[:-1]
    order = np.argsort(texts, kind="stable")
    rank = np.full(len(texts) + 1, -1, dtype=np.min_scalar_type(-len(texts) - 1))
    rank[order] = np.arange(len(texts))
    codes = pc.fill_null(column.indices, len(texts)).to_numpy()
    return _Partition(rank[codes], {label: texts[order]})


# --- How it is measured ------------------------------------------------------------------------


def _measured(groups: _Groups, labels: dict[str, str]) -> Iterator[dict[str, Any]]:
    is_told = (groups.size >= MIN_ROWS) & (groups.n_positive > 0)
    is_told &= groups.n_positive < groups.size
    measured = [(groups, _rates(groups))]
    if is_told.any():
        told = groups if is_told.all() else groups.only(is_told)
        measured.append((told, _skill(told) | _at_the_top(told) | _calibration(told)))
    for measured_groups, metrics in measured:
        for metric, (value, low, high) in metrics.items():
            yield {
                **labels,
                **measured_groups.labels,
                "metric": metric,
                "value": value,
                "low": low,
                "high": high,
                "n": measured_groups.size,
            }


def _rates(groups: _Groups) -> dict[str, Metric]:
    n, p = groups.size, groups.probability
    spread, expected = Z95 * np.sqrt(groups.sums(p * (1 - p))), groups.sums(p)
    return {
        "base_rate": wilson_interval(groups.n_positive, n),
        "mean_probability": (expected / n, None, None),
        "expected_headcount": (
            expected,
            np.maximum(0.0, expected - spread),
            np.minimum(n, expected + spread),
        ),
        "actual_headcount": (groups.n_positive, None, None),
    }


def _skill(groups: _Groups) -> dict[str, Metric]:
    miss = np.abs(groups.probability - groups.outcome)
    return _ranking(groups) | {
        "brier": _mean_interval(groups, miss**2),
        "log_loss": _mean_interval(groups, _log_loss(miss)),
    }


def _log_loss(miss: FloatArray) -> FloatArray:
    loss: FloatArray = -np.log(1 - np.clip(miss, EDGE, 1 - EDGE))
    return loss


def _ranking(groups: _Groups) -> dict[str, Metric]:
    """Compute AUC with DeLong's interval and average precision, from runs of ties."""
    is_first = np.empty(len(groups.outcome), dtype=bool)
    np.not_equal(groups.probability[1:], groups.probability[:-1], out=is_first[1:])
    is_first[groups.start] = True
    first = np.flatnonzero(is_first)
    end = np.append(first[1:], len(is_first))
    run = np.searchsorted(first, groups.start)
    n_runs = np.diff(run, append=len(first))
    m, n = groups.n_positive, groups.size - groups.n_positive
    rows = end - np.repeat(groups.start, n_runs)
    positives = groups.positives_before[end]
    positive = positives - groups.positives_before[first]
    negative = (end - first) - positive
    positives = positives - np.repeat(groups.positives_before[groups.start], n_runs)
    above = positives - positive / 2
    below = np.repeat(n, n_runs) - (rows - positives) + negative / 2

    def total(values: FloatArray) -> FloatArray:
        return np.add.reduceat(values, run)

    auc = total(positive * below) / (m * n)
    variance = _mean_variance(total(positive * below**2) / n**2, auc, m)
    variance += _mean_variance(total(negative * above**2) / m**2, auc, n)
    error = Z95 * np.sqrt(variance)
    return {
        "auc": (auc, np.maximum(0.0, auc - error), np.minimum(1.0, auc + error)),
        "pr_auc": (total(positive * positives / rows) / m, None, None),
    }


def _mean_interval(groups: _Groups, values: FloatArray) -> Metric:
    mean = groups.sums(values) / groups.size
    error = Z95 * np.sqrt(_mean_variance(groups.sums(values**2), mean, groups.size))
    return mean, np.maximum(0.0, mean - error), mean + error


def _mean_variance(squares: FloatArray, mean: FloatArray, n: FloatArray | IntArray) -> FloatArray:
    """Estimate the variance of means from the sums of squares of n values each."""
    return np.maximum(0.0, squares - n * mean**2) / np.maximum(1, n - 1) / n


def _at_the_top(groups: _Groups) -> dict[str, Metric]:
    """Compute the lift of the likeliest tenth and the share captured by the likeliest 30 %."""

    def positives(n_rows: FloatArray) -> FloatArray:
        end = groups.start + n_rows.astype(np.int64)
        return groups.positives_before[end] - groups.positives_before[groups.start]

    top_tenth, top_30 = np.maximum(1, np.rint(np.multiply.outer([0.1, 0.3], groups.size)))
    base_rate = groups.n_positive / groups.size
    return {
        "lift_at_10": (positives(top_tenth) / top_tenth / base_rate, None, None),
        "capture_at_30": (positives(top_30) / groups.n_positive, None, None),
    }


def _calibration(groups: _Groups) -> dict[str, Metric]:
    """Average the absolute gap between probability and rate over ten bins; fit Cox's slope."""
    first, _ = _bins(groups, N_BINS)
    gap = np.abs(np.add.reduceat(groups.probability - groups.outcome, first))
    error = gap.reshape(-1, N_BINS).sum(axis=1) / groups.size
    return {
        "ece": (error, None, None),
        "calibration_slope": (_calibration_slope(groups), None, None),
    }


def _calibration_slope(groups: _Groups) -> FloatArray:
    """Regress the outcome on the probability's logit: 1 is right, below 1 too extreme.

    By Newton's method. NaN where there is no slope: one probability only, or one that parts the
    outcomes.
    """
    first, n_bins = _bins(groups, SLOPE_BINS)
    start = np.cumsum(n_bins) - n_bins
    n = np.diff(first, append=len(groups.outcome))
    positives = np.add.reduceat(groups.outcome, first)
    x = logit(np.clip(np.add.reduceat(groups.probability, first) / n, EDGE, 1 - EDGE))
    x -= np.repeat(np.add.reduceat(n * x, start) / groups.size, n_bins)
    level, slope = logit(groups.n_positive / groups.size), np.zeros(len(start))
    step = np.full(len(start), np.inf)
    with np.errstate(all="ignore"):
        for _ in range(MAX_STEPS):
            mean = expit(np.repeat(level, n_bins) + np.repeat(slope, n_bins) * x)
            weight, rest = n * mean * (1 - mean), positives - n * mean
            w, wx, wxx, r, rx = (
                np.add.reduceat(each, start)
                for each in (weight, weight * x, weight * x * x, rest, rest * x)
            )
            determinant = w * wxx - wx * wx
            step = (w * rx - wx * r) / determinant
            level, slope = level + (wxx * r - wx * rx) / determinant, slope + step
            if not (np.abs(step) > TOLERANCE).any():
                break
    return np.where(np.abs(step) <= TOLERANCE, slope, np.nan)


def _binned(groups: _Groups) -> dict[str, Any]:
    """Compare probability and rate by tenth."""
    first, n_bins = _bins(groups, N_BINS)
    start = np.repeat(groups.start, n_bins)
    n_positive = np.repeat(groups.n_positive, n_bins)
    base_rate = np.repeat(groups.n_positive / groups.size, n_bins)
    n = np.diff(first, append=len(groups.outcome))
    rate = np.add.reduceat(groups.outcome, first) / n
    down_to = groups.positives_before[first + n] - groups.positives_before[start]
    return {
        **{name: np.repeat(label, n_bins) for name, label in groups.labels.items()},
        "model": LIKELIHOOD,
        "bin": _positions(n_bins) + 1,
        "n": n,
        "mean_probability": np.add.reduceat(groups.probability, first) / n,
        "actual_rate": rate,
        "lift": _ratio(rate, base_rate),
        "cumulative_capture": _ratio(down_to, n_positive),
    }


def _bins(groups: _Groups, at_most: int) -> tuple[IntArray, IntArray]:
    """Cut each group into bins of equal size; first row of each bin, bins of each group (g,)."""
    n_bins = np.minimum(at_most, groups.size)
    start, size, parts = (np.repeat(each, n_bins) for each in (groups.start, groups.size, n_bins))
    return start - (-_positions(n_bins) * size) // parts, n_bins


def _positions(sizes: IntArray) -> IntArray:
    """Count from 0 within each of the given sizes."""
    count: IntArray = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return count


def _ratio(values: FloatArray, by: FloatArray) -> FloatArray:
    ratio: FloatArray = np.divide(values, by, out=np.full(len(values), np.nan), where=by > 0)
    return ratio


# --- What is better than what ------------------------------------------------------------------


def _gains(
    predictions: pa.Table, tests: _Tests, measured: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    """Compare the likelihood with the best baseline of each test, on the enrollment day."""
    rows = tests.blocks[0].rows
    outcome, ours = tests.outcome[rows], _numbers(predictions, LIKELIHOOD)[rows]
    baselines = {name: _numbers(predictions, name)[rows] for name in BASELINES}
    best = _best_baselines(measured)
    for view in tests.views:
        groups = view.group[rows]
        for group in np.unique(groups[groups >= 0]):
            labels = {name: values[group] for name, values in view.labels.items()}
            baseline = best.get((labels["phase"], labels["test_cycle"]))
            if baseline is None:
                continue
            theirs = baselines[baseline]
            both = (groups == group) & np.isfinite(ours) & np.isfinite(theirs)
            n, n_positive = np.count_nonzero(both), outcome[both].sum()
            if n < MIN_ROWS or n_positive in (0, n):
                continue
            for metric, (value, low, high) in _gain(
                outcome[both], np.stack([ours[both], theirs[both]])
            ).items():
                yield {
                    **labels,
                    "model": LIKELIHOOD,
                    "slice": ALL,
                    "slice_value": ALL,
                    "metric": metric,
                    "value": value,
                    "low": low,
                    "high": high,
                    "n": n,
                }


def _best_baselines(measured: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Name the baseline of the highest AUC of each (phase, test_cycle), the first of equals."""
    is_rival = (measured["metric"] == "auc") & (measured["slice"] == ALL)
    rivals = measured[is_rival & measured["model"].isin(BASELINES)]
    best = rivals.groupby(["phase", "test_cycle"])["value"].idxmax()
    return dict(zip(best.index, rivals.loc[best, "model"], strict=True))


def _gain(outcome: FloatArray, scores: FloatArray) -> dict[str, Interval]:
    """Compare two rows of scores (2, n), by paired differences."""
    of_positive, of_negative = (each[0] - each[1] for each in auc_components(outcome, scores))
    ours, theirs = _log_loss(np.abs(scores - outcome))
    gains = {
        "auc_gain": (
            float(of_positive.mean()),
            mean_variance(of_positive) + mean_variance(of_negative),
        ),
        "log_loss_gain": (float((theirs - ours).mean()), mean_variance(theirs - ours)),
    }
    return {
        name: (gain, gain - Z95 * variance**0.5, gain + Z95 * variance**0.5)
        for name, (gain, variance) in gains.items()
    }
