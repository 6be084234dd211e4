"""What changed in the personas since the cycle before, beside what chance alone would change.

Each figure is drawn again many times from the earlier cycle's people alone; the .95 quantile of
those is its noise floor. With an identical method a fifth of personas seem to change in a month.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from applicant_personas.personas.centers import Observed
from applicant_personas.personas.drift import stability_index
from applicant_personas.personas.model import PersonaModel
from applicant_personas.rows import INTEGER, NUMBER, TEXT, FloatArray, IntArray, floats, tidy

CHANGE_TYPES = {
    "run_id": TEXT,
    "previous_entry_term": TEXT,
    "entry_term": TEXT,
    "persona_key": TEXT,
    "metric": TEXT,
    "feature": TEXT,
    "n_before": INTEGER,
    "n_now": INTEGER,
    "before": NUMBER,
    "now": NUMBER,
    "change": NUMBER,
    "noise_floor": NUMBER,
}
SHARE, CENTER, PSI = "share", "center_distance", "population_stability_index"
ALL_FEATURES = "all"
N_DRAWS = 100
NOISE_QUANTILE = 0.95
N_BINS = 10


def compare_cycles(rows: pd.DataFrame, fitted: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Compare each persona's people of two cycles on the same relative day; CHANGE_TYPES.

    `rows`: entry_term, is_present (the later cycle), persona_key and raw features. `fitted`: the
    rows of fit_personas. A row a persona and

    - share (feature 'all'): of the cycle's applicants; change is the absolute difference;
    - center_distance (feature 'all'): between the mean positions in the weighted space;
    - population_stability_index, a feature that is known of anyone: over tenths of the earlier
      cycle, or over levels; missing is one of them.

    No row where a cycle has nobody. Frames are empty without two cycles, or without personas.
    """
    present = rows["is_present"].to_numpy(bool)
    if not present.any() or present.all() or not (fitted["record"] == "centroid").any():
        return tidy([], CHANGE_TYPES)
    model = PersonaModel.of_rows(fitted)
    shared = {
        "run_id": fitted["run_id"].iloc[0],
        "previous_entry_term": rows.loc[~present, "entry_term"].iloc[0],
        "entry_term": rows.loc[present, "entry_term"].iloc[0],
    }
    space = model.place(rows)
    bins = {
        feature: _codes(rows[feature], ~present)
        for feature in sorted(set(model.columns["feature"]))
        if rows[feature].notna().any()
    }
    noise = fitted[(fitted["record"] == "persona") & (fitted["metric"] == "noise_share")]
    fit_noise = noise.set_index("item")["value"]
    parts = []
    for number, key in enumerate(model.keys):
        rng = np.random.default_rng((seed, number))
        of_key = (rows["persona_key"] == key).to_numpy()
        before, now = of_key & ~present, of_key & present
        if not (before.any() and now.any()):
            continue
        sizes = {"persona_key": key, "n_before": int(before.sum()), "n_now": int(now.sum())}
        told = [
            _share(before, now, present, float(fit_noise[key]), rng),
            _center(space, before, now, rng),
            *(_psi(feature, codes, before, now, rng) for feature, codes in bins.items()),
        ]
        parts += [shared | sizes | dict(part) for part in told]
    return tidy(parts, CHANGE_TYPES)


def _share(
    before: np.ndarray[Any, Any],
    now: np.ndarray[Any, Any],
    present: np.ndarray[Any, Any],
    fit_noise: float,
    rng: np.random.Generator,
) -> Mapping[str, Any]:
    n_before, n_now = int((~present).sum()), int(present.sum())
    first, second = before.sum() / n_before, now.sum() / n_now
    draws = rng.binomial((n_before, n_now), first, (N_DRAWS, 2)) / (n_before, n_now)
    by_chance = float(np.quantile(np.abs(draws[:, 0] - draws[:, 1]), NOISE_QUANTILE))
    return {
        "metric": SHARE,
        "feature": ALL_FEATURES,
        "before": first,
        "now": second,
        "change": abs(second - first),
        # Another sample would also have drawn the borders elsewhere.
        "noise_floor": max(by_chance, fit_noise),
    }


def _center(
    space: Observed,
    before: np.ndarray[Any, Any],
    now: np.ndarray[Any, Any],
    rng: np.random.Generator,
) -> Mapping[str, Any]:
    earlier = space.rows(np.flatnonzero(before))
    sizes = int(before.sum()), int(now.sum())
    draws = [
        [_mean(earlier.rows(rng.integers(0, sizes[0], size))) for size in sizes]
        for _ in range(N_DRAWS)
    ]
    noise = [float(np.linalg.norm(one - other)) for one, other in draws]
    moved = _mean(space.rows(np.flatnonzero(now))) - _mean(earlier)
    return {
        "metric": CENTER,
        "feature": ALL_FEATURES,
        "change": float(np.linalg.norm(moved)),
        "noise_floor": float(np.quantile(noise, NOISE_QUANTILE)),
    }


def _mean(rows: Observed) -> FloatArray:
    mean: FloatArray = rows.values.sum(axis=0) / np.maximum(rows.known.sum(axis=0), 1.0)
    return mean


def _psi(
    feature: str,
    codes: IntArray,
    before: np.ndarray[Any, Any],
    now: np.ndarray[Any, Any],
    rng: np.random.Generator,
) -> Mapping[str, Any]:
    n_bins = int(codes.max()) + 1
    counts = [np.bincount(codes[rows], minlength=n_bins) for rows in (before, now)]
    sizes = [int(count.sum()) for count in counts]
    share = counts[0] / sizes[0]
    draws = [rng.multinomial(size, share, N_DRAWS) for size in sizes]
    noise = [_index(one, other) for one, other in zip(*draws, strict=True)]
    return {
        "metric": PSI,
        "feature": feature,
        "change": _index(*counts),
        "noise_floor": float(np.quantile(noise, NOISE_QUANTILE)),
    }


def _index(before: IntArray, now: IntArray) -> float:
    """Stability index of two sets of counts; half a person in each bin, for none may be empty."""
    shares = [(count + 0.5) / (count.sum() + 0.5 * len(count)) for count in (before, now)]
    return stability_index(*shares)


def _codes(values: pd.Series[Any], before: np.ndarray[Any, Any]) -> IntArray:
    """Give each level, or each tenth, a number; missing is 0."""
    if pd.api.types.is_numeric_dtype(values):
        return _bins(floats(values), before)
    return pd.factorize(values, sort=True)[0].astype(np.int64) + 1


def _bins(values: FloatArray, before: np.ndarray[Any, Any]) -> IntArray:
    """Give each value the number of its tenth of the earlier cycle's values; missing is 0."""
    known = np.isfinite(values)
    codes = np.zeros(len(values), dtype=np.int64)
    earlier = values[known & before]
    if len(earlier):
        edges = np.unique(np.quantile(earlier, np.linspace(0, 1, N_BINS + 1)[1:-1]))
        codes[known] = 1 + np.searchsorted(edges, values[known], side="left")
    return codes
