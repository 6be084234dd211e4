"""The same persona keeps its key when the model is fitted anew.

Both models place the same applicants; the tables of who is where then says which persona became
which (survive, split, merge, vanish, new: the transitions of MONIC, Spiliopoulou et al. 2006, with
the thresholds of clusTransition). An optimal matching settles whose key a persona takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from applicant_personas.personas.certainty import jaccard
from applicant_personas.rows import FloatArray, IntArray

SURVIVED, SPLIT, MERGED, VANISHED, NEW = "survived", "split", "merged", "vanished", "new"
# Shares of a persona's people: as many make it the same, or a part of it.
SAME, PART = 0.7, 0.3
MAJORITY = 0.5
# People within this many times a persona's own mean squared distance were among it before.
NEAR = 1.5


@dataclass(frozen=True)
class Change:
    """What became of a persona, or where it comes from; either key may be missing."""

    previous_key: str | None
    key: str | None
    status: str
    share_kept: float
    share_from: float
    distance: float


@dataclass(frozen=True)
class Before:
    """An earlier model on the present rows: its keys and sizes, and where it puts each row.

    `keys` (k), `shares` (k) as fitted, `spread` (k): mean squared distance to the center as fitted,
    `labels` (n) and `distances` (n, k; squared) of the present rows.
    """

    keys: Sequence[str]
    shares: FloatArray
    spread: FloatArray
    labels: IntArray
    distances: FloatArray


def fresh_keys(used: Sequence[str], labels: IntArray, nameless: list[int]) -> dict[int, str]:
    """Give keys to personas without one, from the largest, after every number ever given.

    `labels` (n): the persona of each row. `used`: every key ever given.
    """
    last = max((int(key.rsplit("_", 1)[1]) for key in used), default=0)
    size = np.bincount(labels, minlength=max(nameless, default=0) + 1)
    ordered = sorted(nameless, key=lambda new: (-size[new], new))
    return {new: _key(last + place) for place, new in enumerate(ordered, start=1)}


def _key(number: int) -> str:
    return f"persona_{number:02d}"


def carry_keys(
    before: Before, labels: IntArray, k: int, used: Sequence[str]
) -> tuple[list[str], list[Change]]:
    """Give each of k present personas a key, and say what changed.

    `labels` (n): the present persona of each row. `used`: every key ever given; none of those that
    retired returns. A persona survives in the one it overlaps with most (Jaccard, less where it
    lies afar; optimally matched) if that one is mostly made of it, and holds most of its people or
    lies where it lay. A new one is part of it if it lies about as near as the one that survives.
    """
    table = _table(before.labels, labels, len(before.keys), k)
    kept = table / np.maximum(table.sum(axis=1, keepdims=True), 1.0)
    made_of = table / np.maximum(table.sum(axis=0, keepdims=True), 1.0)
    apart = _relative_distance(before, labels, k)
    keys: list[str | None] = [None] * k
    heirs = np.ones(len(before.keys))
    changes: list[Change] = []
    # Newcomers may be most of the people nearest to a center, but they lie far from it.
    overlap = jaccard(before.labels, labels, len(before.keys), k) / np.maximum(apart, 1.0)
    matched = np.stack(linear_sum_assignment(overlap, maximize=True), axis=1).tolist()
    for old, new in matched:
        is_majority = kept[old, new] >= MAJORITY or apart[old, new] <= NEAR
        if made_of[old, new] >= MAJORITY and is_majority:
            keys[new] = before.keys[old]
            heirs[old] = apart[old, new]
    fresh = fresh_keys(used, labels, [new for new in range(k) if keys[new] is None])
    split: set[int] = set()
    for new, key in fresh.items():
        keys[new] = key
        old = int(table[:, new].argmax())
        is_part = made_of[old, new] >= MAJORITY and kept[old, new] >= PART
        # What breaks in two leaves its center to both sides; a newcomer lies off alone.
        if is_part and apart[old, new] <= NEAR * max(heirs[old], 1.0):
            split.add(old)
            changes.append(_change(before.keys[old], key, SPLIT, kept, made_of, apart, old, new))
        else:
            changes.append(Change(None, key, NEW, np.nan, np.nan, np.nan))
    for old, key in enumerate(before.keys):
        if key in keys:
            new = keys.index(key)
            status = SPLIT if old in split else SURVIVED
            changes.append(_change(key, key, status, kept, made_of, apart, old, new))
            continue
        new = int(kept[old].argmax())
        shrank = table[old].sum() / len(labels) < PART * before.shares[old]
        if kept[old, new] >= SAME and not shrank:
            changes.append(_change(key, keys[new], MERGED, kept, made_of, apart, old, new))
        else:
            changes.append(Change(key, None, VANISHED, np.nan, np.nan, np.nan))
    return [str(key) for key in keys], changes


def _table(previous: IntArray, present: IntArray, k_previous: int, k: int) -> FloatArray:
    table = np.zeros((k_previous, k))
    np.add.at(table, (previous, present), 1.0)
    return table


def _relative_distance(before: Before, labels: IntArray, k: int) -> FloatArray:
    """How far a present persona's people are from an earlier center, in that persona's spread."""
    found = np.full((len(before.keys), k), np.inf)
    for new in range(k):
        members = labels == new
        if members.any():
            mean = before.distances[members].mean(axis=0)
            found[:, new] = mean / np.maximum(before.spread, 1e-12)
    return found


def _change(
    previous_key: str,
    key: str | None,
    status: str,
    kept: FloatArray,
    made_of: FloatArray,
    apart: FloatArray,
    old: int,
    new: int,
) -> Change:
    found = (float(value[old, new]) for value in (kept, made_of, apart))
    return Change(previous_key, key, status, *found)
