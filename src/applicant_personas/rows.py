"""Tidy frames with fixed columns and types, and the few helpers every module shares.

Every public function of the library returns a frame whose columns and types depend on nothing but
the function, because the frame becomes a table whose contract other models rely on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
TextArray = NDArray[np.object_]

# An all-missing object column has no type in a database; pandas' string type always has one.
TEXT = "string"
NUMBER = "float64"
INTEGER = "Int64"
FLAG = "bool"

CATEGORY = "category"
FEATURE_COLUMNS = ("feature", "block", "kind", "role")


def tidy(
    parts: Iterable[Mapping[str, Any] | pd.DataFrame], types: Mapping[str, str]
) -> pd.DataFrame:
    """Stack parts (columns of arrays or scalars) into one frame of exactly the given types.

    A column that a part lacks is missing there, a flag is false. Raises ValueError for an unknown
    column.
    """
    stacked: dict[str, list[NDArray[Any]]] = {name: [] for name in types}
    for part in parts:
        names = [str(name) for name in part]
        unknown = [name for name in names if name not in types]
        if unknown:
            raise ValueError(f"A part of a tidy frame has unknown columns: {', '.join(unknown)}.")
        n = max((len(part[name]) for name in names if _is_column(part[name])), default=1)
        for name, kind in types.items():
            stacked[name].append(_column(part.get(name), n, kind))
    return pd.DataFrame(
        {
            name: pd.Series(np.concatenate(stacked[name]) if stacked[name] else [], dtype=kind)
            for name, kind in types.items()
        }
    )


def _is_column(value: Any) -> bool:
    return isinstance(value, np.ndarray | pd.Series | list)


def _column(value: Any, n: int, kind: str) -> NDArray[Any]:
    """Turn a column or a scalar into an array of n; numbers stay float until all are together."""
    held: Any = {TEXT: np.object_, FLAG: np.bool_}.get(kind, np.float64)
    if value is None:
        return np.full(n, {TEXT: None, FLAG: False}.get(kind, np.nan), dtype=held)
    if not _is_column(value):
        return np.full(n, value, dtype=held)
    if isinstance(value, pd.Series) and held is np.float64:
        return value.to_numpy(dtype=held, na_value=np.nan)
    return np.asarray(value, dtype=held)


def floats(values: pd.Series[Any]) -> FloatArray:
    """Numbers, booleans or nullable numbers as float64; missing and infinite values as NaN.

    Raises ValueError when the column holds text.
    """
    try:
        numbers = pd.to_numeric(values, errors="raise").astype("Float64")
    except (ValueError, TypeError) as error:
        raise ValueError(f"Column {values.name} holds text where numbers are expected.") from error
    array = np.array(numbers.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
    # A forest works in float32, where such a value would be infinite.
    array[~(np.abs(array) <= np.finfo(np.float32).max)] = np.nan
    return array


def texts(values: pd.Series[Any]) -> TextArray:
    """Text as an object array, None where missing."""
    array = values.astype(object).to_numpy(dtype=object, copy=True)
    missing = pd.isna(values).to_numpy()
    array[~missing] = [str(value) for value in array[~missing]]
    array[missing] = None
    return array


def require(frame: pd.DataFrame, columns: Iterable[str], what: str) -> None:
    """Raise a ValueError of one sentence when a frame lacks columns."""
    absent = [name for name in columns if name not in frame.columns]
    if absent:
        raise ValueError(f"The {what} need the column(s) {', '.join(absent)}.")


def digests(keys: Iterable[object], salt: object = "") -> NDArray[np.uint64]:
    """Take the first 8 bytes of md5(salt + key), the same on every machine."""
    return np.fromiter(
        (int.from_bytes(hashlib.md5(f"{salt}{key}".encode()).digest()[:8], "big") for key in keys),
        dtype=np.uint64,
    )


def sample_mask(keys: Sequence[object] | TextArray, max_rows: int, salt: object = "") -> BoolArray:
    """Mark at most max_rows keys, chosen by digest: deterministic, and stable as rows are added."""
    n = len(keys)
    if n <= max_rows:
        return np.ones(n, dtype=bool)
    order = np.lexsort((np.asarray(keys, dtype=str), digests(keys, salt)))
    mask = np.zeros(n, dtype=bool)
    mask[order[:max_rows]] = True
    return mask


def group_folds(groups: TextArray, n_folds: int, seed: int) -> IntArray:
    """Assign a fold 0..n_folds-1 of each row, all rows of a group in one fold."""
    names, codes = np.unique(groups.astype(str), return_inverse=True)
    order = np.argsort(digests(names, f"fold {seed} "), kind="stable")
    fold: IntArray = np.empty(len(names), dtype=np.int64)
    fold[order] = np.arange(len(names)) % n_folds
    return fold[codes]


@cache
def one_thread() -> None:
    """Keep BLAS and OpenMP on one thread: sums in another order differ in the last bits.

    Never undone, because undoing it while another model runs in a second thread would let that
    model's sums vary. Forests are unaffected: their threads each build whole trees.
    """
    threadpool_limits(limits=1)
