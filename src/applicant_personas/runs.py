"""What identifies a fit, so that every fitted row says where it comes from, and when to refit.

A run is one fit of one thing on one day. Its rows carry its id, its provenance is rows too, and a
later build that does not fit keeps all of them as they are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from applicant_personas import __version__
from applicant_personas.predictions import Part

LIBRARIES = ("duckdb", "numpy", "pandas", "scikit-learn")
AUTO, ALWAYS, NEVER = "auto", "always", "never"
# A model speaks for the day that it was fitted for; so many days later it is fitted anew.
MAX_DAYS_APART = 7


def data_hash(data: pd.DataFrame) -> str:
    """Digest of a frame's columns, order of rows and values; 16 hexadecimal digits."""
    digest = hashlib.sha256("\x1f".join(map(str, data.columns)).encode())
    digest.update(pd.util.hash_pandas_object(data, index=False).to_numpy().tobytes())
    return digest.hexdigest()[:16]


def run_id(kind: str, data: str, settings: Mapping[str, Any]) -> str:
    """Name of a fit: the same data (a digest), settings and versions always give the same one."""
    recipe = {"data": data, "recipe": recipe_hash(settings)}
    return f"{kind}-{_digest(recipe)[:12]}"


def recipe_hash(settings: Mapping[str, Any]) -> str:
    """Digest of the settings and of the versions that decide what a fit gives."""
    versions = {"library": __version__, "scikit-learn": version("scikit-learn")}
    return _digest({"settings": dict(settings), **versions})[:16]


def provenance(
    kind: str, data: str, n_rows: int, n_columns: int, settings: Mapping[str, Any]
) -> dict[str, str]:
    """List the facts of a run by name; the time of the fit is UTC."""
    return {
        "kind": kind,
        "fitted_at": datetime.now(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="seconds"),
        "data_hash": data,
        "n_rows": str(n_rows),
        "n_columns": str(n_columns),
        "settings": json.dumps(dict(settings), sort_keys=True, default=str),
        "library_version": __version__,
        "versions": json.dumps({name: version(name) for name in LIBRARIES}, sort_keys=True),
    }


def with_run(
    fitted: pd.DataFrame,
    *,
    kind: str,
    data: pd.DataFrame,
    settings: Mapping[str, Any],
    record: str | None = None,
) -> pd.DataFrame:
    """Put the run's id on every fitted row and add the run's own facts as rows.

    `fitted`: tidy frame; its columns record, item and text are added where it has none, and
    `record` says what to call its rows then. `kind`: what was fitted, the first part of the id.
    `data`: the rows that the fit saw. `settings`: what was configured, JSON-like. Returns the frame
    with a first column run_id, and rows of record 'provenance' whose item is the fact's name and
    whose text is its value.
    """
    seen = data_hash(data)
    facts = provenance(kind, seen, len(data), data.shape[1], settings)
    rows = fitted.assign(
        **{
            name: value
            for name, value in {"record": record, "item": None, "text": None}.items()
            if name not in fitted.columns
        }
    )
    types = _nullable(rows) | {"record": "string", "item": "string", "text": "string"}
    told = pd.DataFrame(
        {"record": "provenance", "item": list(facts), "text": list(facts.values())}
    ).reindex(columns=rows.columns)
    stamped = pd.concat([rows.astype(types), told.astype(types)], ignore_index=True)
    identity = pd.Series(run_id(kind, seen, settings), index=stamped.index, dtype="string")
    stamped.insert(0, "run_id", identity)
    return stamped


def _nullable(frame: pd.DataFrame) -> dict[str, str]:
    """Each column's type in a form that can be missing."""
    forms = {"f": "float64", "i": "Int64", "b": "boolean"}
    return {str(name): forms.get(kind.kind, "string") for name, kind in frame.dtypes.items()}


@dataclass(frozen=True)
class Fit:
    """Fitted parts, and what they were fitted on: its digest and its size."""

    parts: list[Part]
    data: str
    n_rows: int
    n_columns: int


@dataclass(frozen=True)
class Runs:
    """Decides phase by phase whether to fit, and keeps or makes the rows of the run.

    `refit`: auto, always or never. `note`: what people want to remember of the build. `training`:
    phase, fingerprint (digest of the outcomes of closed cycles) and as_of (day of the build).
    `previous`: gives the stored rows of a phase; no rows when there are none.
    """

    kind: str
    refit: str
    note: str | None
    training: pd.DataFrame
    previous: Callable[[str], pa.Table]

    def parts(
        self, phase: str, settings: Mapping[str, Any], day: int | None, fit: Callable[[], Fit]
    ) -> Iterable[Part]:
        """Give the rows of the phase's run: those that are stored, or those of a new fit.

        `settings` and the libraries' versions are the recipe; `day` is the number of days to census
        that the fit speaks for. Raises ValueError when nothing is stored and nothing may be fitted.
        """
        stored = self.previous(phase)
        training = self.training[self.training["phase"] == phase].iloc[0]
        now = {
            "recipe": recipe_hash(settings),
            "training": str(training["fingerprint"]),
            "day": "" if day is None else str(day),
        }
        before = _facts(stored)
        change = what_changed(before, now) if before else None
        reason = refit_reason(self.refit, is_stored=bool(before), change=change)
        if reason is None:
            return [{name: stored[name].combine_chunks() for name in stored.column_names}]
        fitted = fit()
        kind = f"{self.kind}-{phase}"
        facts = provenance(kind, fitted.data, fitted.n_rows, fitted.n_columns, settings)
        facts |= {**now, "refit_reason": reason, "as_of": str(training["as_of"])[:10]}
        if self.note:
            facts["run_note"] = self.note
        told = {"record": "provenance", "item": list(facts), "text": list(facts.values())}
        shared = {"run_id": run_id(kind, fitted.data, settings), "phase": phase}
        return [{**shared, **part} for part in [*fitted.parts, told]]


def refit_reason(refit: str, *, is_stored: bool, change: str | None) -> str | None:
    """Say why to fit anew, or None to keep what is stored.

    `change`: what has changed so much since the stored fit that a new one is due, or None. Raises
    ValueError when nothing is stored and nothing may be fitted.
    """
    if not is_stored:
        if refit == NEVER:
            raise ValueError(
                "refit is never, and no model is stored in the database: build once with refit: "
                "auto, then again."
            )
        return "no model was stored"
    if refit == ALWAYS:
        return "refit is always"
    return change if refit == AUTO else None


def what_changed(before: Mapping[str, str], now: Mapping[str, str]) -> str | None:
    """Say what makes a stored likelihood outdated, from the facts recipe, training and day."""
    if before.get("recipe") != now["recipe"]:
        return "features, settings or versions changed"
    if before["training"] != now["training"]:
        return "outcomes of closed cycles changed"
    if not (before["day"] and now["day"]):
        same = before["day"] == now["day"]
        return None if same else "the last fit or this one is of data without dates"
    apart = abs(int(before["day"]) - int(now["day"]))
    if apart > MAX_DAYS_APART:
        return f"the last fit was for another day of the season, {apart} days apart"
    return None


def _facts(stored: pa.Table) -> dict[str, str]:
    if not stored.num_rows:
        return {}
    told = stored.filter(pc.equal(stored["record"], "provenance"))
    return dict(zip(told["item"].to_pylist(), told["text"].to_pylist(), strict=True))


def _digest(recipe: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(recipe, sort_keys=True, default=str).encode()).hexdigest()
