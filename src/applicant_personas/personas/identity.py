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
    share_kept: float = np.nan
    share_from: float = np.nan
    distance: float = np.nan


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
    moves = _Moves.of(before, labels, k)
    heirs = moves.heirs()
    taken = {new: before.keys[old] for old, new in heirs.items()}
    fresh = fresh_keys(used, labels, [new for new in range(k) if new not in taken])
    keys = [{**taken, **fresh}[new] for new in range(k)]
    parts = {new: old for new in fresh if (old := moves.whole_of(new, heirs)) is not None}
    begun = [
        moves.change(parts[new], new, SPLIT, key) if new in parts else Change(None, key, NEW)
        for new, key in fresh.items()
    ]
    kept = [
        moves.change(old, new, SPLIT if old in parts.values() else SURVIVED, before.keys[old])
        for old, new in heirs.items()
    ]
    ended = [moves.end(old, keys) for old in range(len(before.keys)) if old not in heirs]
    return keys, [*begun, *kept, *ended]


@dataclass(frozen=True)
class _Moves:
    """Who of k earlier personas is in which of the present ones; all tables are (k earlier, k).

    `kept`: share of an earlier persona's people that is in a present one. `made_of`: share of a
    present persona that comes from an earlier one. `apart`: how far its people lie from the earlier
    center, in that persona's own spread. `overlap`: Jaccard.
    """

    before: Before
    kept: FloatArray
    made_of: FloatArray
    apart: FloatArray
    overlap: FloatArray

    @classmethod
    def of(cls, before: Before, labels: IntArray, k: int) -> _Moves:
        k_before = len(before.keys)
        table = np.zeros((k_before, k))
        np.add.at(table, (before.labels, labels), 1.0)
        size = np.maximum(np.bincount(labels, minlength=k), 1.0)
        members = np.zeros((k, len(labels)))
        members[labels, np.arange(len(labels))] = 1.0
        mean = (members @ before.distances).T / size
        return cls(
            before,
            table / np.maximum(table.sum(axis=1, keepdims=True), 1.0),
            table / size,
            mean / np.maximum(before.spread, 1e-12)[:, np.newaxis],
            jaccard(before.labels, labels, k_before, k),
        )

    def heirs(self) -> dict[int, int]:
        """Find the present persona that each earlier one survives in, if any."""
        # Newcomers may be most of the people nearest to a center, but they lie far from it.
        nearness = self.overlap / np.maximum(self.apart, 1.0)
        matched = np.stack(linear_sum_assignment(nearness, maximize=True), axis=1).tolist()
        is_same = (self.made_of >= MAJORITY) & ((self.kept >= MAJORITY) | (self.apart <= NEAR))
        return {old: new for old, new in matched if is_same[old, new]}

    def whole_of(self, new: int, heirs: dict[int, int]) -> int | None:
        """Find the earlier persona that a new one is a part of, if any."""
        old = int(self.made_of[:, new].argmax())
        # What breaks in two leaves its center to both sides; a newcomer lies off alone.
        near = NEAR * max(float(self.apart[old, heirs[old]]) if old in heirs else 1.0, 1.0)
        is_part = self.made_of[old, new] >= MAJORITY and self.kept[old, new] >= PART
        return old if is_part and self.apart[old, new] <= near else None

    def end(self, old: int, keys: Sequence[str]) -> Change:
        """Tell how an earlier persona without an heir ended."""
        new = int(self.kept[old].argmax())
        share = float(np.mean(self.before.labels == old))
        if self.kept[old, new] >= SAME and share >= PART * self.before.shares[old]:
            return self.change(old, new, MERGED, keys[new])
        return Change(self.before.keys[old], None, VANISHED)

    def change(self, old: int, new: int, status: str, key: str) -> Change:
        """Tell a change between an earlier and a present persona."""
        tables = (self.kept, self.made_of, self.apart)
        figures = (float(table[old, new]) for table in tables)
        return Change(self.before.keys[old], key, status, *figures)
