"""What identifies a fit, so that every fitted row can say where it comes from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import pandas as pd

from applicant_personas import __version__

LIBRARIES = ("duckdb", "numpy", "pandas", "scikit-learn")


def data_hash(data: pd.DataFrame) -> str:
    """Digest of a frame's columns, order of rows and values; 16 hexadecimal digits."""
    digest = hashlib.sha256("\x1f".join(map(str, data.columns)).encode())
    digest.update(pd.util.hash_pandas_object(data, index=False).to_numpy().tobytes())
    return digest.hexdigest()[:16]


def run_id(kind: str, data: pd.DataFrame, settings: Mapping[str, Any]) -> str:
    """Name of a fit: the same data, settings and versions always give the same one."""
    recipe = {
        "data": data_hash(data),
        "settings": dict(settings),
        "library": __version__,
        "scikit-learn": version("scikit-learn"),
    }
    text = json.dumps(recipe, sort_keys=True, default=str)
    return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


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
    whose text is its value; the time of the fit is UTC.
    """
    facts = {
        "kind": kind,
        "fitted_at": datetime.now(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="seconds"),
        "data_hash": data_hash(data),
        "n_rows": str(len(data)),
        "n_columns": str(data.shape[1]),
        "settings": json.dumps(dict(settings), sort_keys=True, default=str),
        "library_version": __version__,
        "versions": json.dumps({name: version(name) for name in LIBRARIES}, sort_keys=True),
    }
    rows = fitted.assign(
        **{
            name: value
            for name, value in {"record": record, "item": None, "text": None}.items()
            if name not in fitted.columns
        }
    )
    types = _nullable(rows) | {"record": "string", "item": "string", "text": "string"}
    provenance = pd.DataFrame(
        {"record": "provenance", "item": list(facts), "text": list(facts.values())}
    ).reindex(columns=rows.columns)
    stamped = pd.concat([rows.astype(types), provenance.astype(types)], ignore_index=True)
    identity = pd.Series(run_id(kind, data, settings), index=stamped.index, dtype="string")
    stamped.insert(0, "run_id", identity)
    return stamped


def _nullable(frame: pd.DataFrame) -> dict[str, str]:
    """Each column's type in a form that can be missing."""
    forms = {"f": "float64", "i": "Int64", "b": "boolean"}
    return {str(name): forms.get(kind.kind, "string") for name, kind in frame.dtypes.items()}
