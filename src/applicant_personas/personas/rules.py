"""Rules: each persona told by two to four conditions that anyone can check.

A small decision tree on membership (one persona against the rest) proposes paths; their thresholds
are rounded to values people use, conditions that say the same are merged, and what is left is
judged as it will be applied: a missing value meets no condition but `missing`. The best are then
improved condition by condition, for a tree never looks back. Kept is the rule with the best F1, the
harmonic mean of coverage (share of the persona that fits) and purity (share of those who fit that
are of the persona).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

from applicant_personas.rows import INTEGER, NUMBER, TEXT, BoolArray, FloatArray, tidy

RULE_TYPES = {
    "persona_key": TEXT,
    "position": INTEGER,
    "feature": TEXT,
    "operator": TEXT,
    "value": NUMBER,
}
AT_LEAST, BELOW, KNOWN, MISSING = "at_least", "below", "known", "missing"
MIN_CONDITIONS, MAX_CONDITIONS = 2, 4
MIN_ROWS_PER_LEAF = 5
# Rows that trees see at most; thresholds are rounded anyway.
MAX_ROWS = 10_000
# A further condition has to be worth being read.
PRICE_OF_A_CONDITION = 0.01
# Steps of thresholds are at most this share of the feature's standard deviation.
STEP_SHARE = 0.4
# Rules that are improved, and the parts of its values at which a feature is tried as one more
# condition.
REFINED = 8
N_PARTS = 10


@dataclass(frozen=True, order=True)
class Condition:
    """One feature compared with one value; known and missing have none (0)."""

    feature: int
    operator: str
    value: float = 0.0


Rule = tuple[Condition, ...]


def persona_rules(
    rows: pd.DataFrame, persona_keys: pd.Series, features: pd.DataFrame, *, seed: int
) -> pd.DataFrame:
    """Find a rule for each persona.

    `rows`: raw values, a float column for each feature (missing as NaN), in a fixed order; of more
    than 10,000 a regular part is used. `persona_keys`: the persona of each row. `features`: feature
    and kind (number, count, boolean, ordered). Returns RULE_TYPES: a row a persona and condition,
    positions from 1 in the order of the features; operator at_least, below (value in the feature's
    own unit), known or missing (no value). A single persona, or one that nothing tells from the
    rest, has no row.
    """
    step = max(1, -(-len(rows) // MAX_ROWS))
    space = _Space.of(rows.iloc[::step], features)
    keys = persona_keys.iloc[::step].to_numpy(dtype=object)
    parts = []
    for key in sorted(set(keys)):
        rule = _best_rule(space, keys == key, seed)
        for position, condition in enumerate(rule, start=1):
            has_value = condition.operator in (AT_LEAST, BELOW)
            parts.append(
                {
                    "persona_key": key,
                    "position": position,
                    "feature": space.names[condition.feature],
                    "operator": condition.operator,
                    "value": condition.value if has_value else np.nan,
                }
            )
    return tidy(parts, RULE_TYPES)


@dataclass(frozen=True)
class _Space:
    """The features as a matrix, and the steps that their thresholds are rounded to."""

    names: list[str]
    x: FloatArray
    # The different values of each feature, and the place of each row's value among them, which is
    # what trees see: of any magnitude, -1 where missing.
    values: list[FloatArray]
    places: FloatArray
    step: FloatArray
    on_step: BoolArray
    has_missing: BoolArray

    @classmethod
    def of(cls, rows: pd.DataFrame, features: pd.DataFrame) -> _Space:
        kinds = dict(zip(features["feature"], features["kind"], strict=True))
        names = [
            name for name in kinds if name in rows.columns and rows[name].nunique(dropna=False) > 1
        ]
        x = rows[names].to_numpy(dtype=np.float64, na_value=np.nan)
        whole = [kinds[name] in ("count", "boolean") for name in names]
        step = np.array([_step(x[:, j], is_whole=whole[j]) for j in range(len(names))])
        on_step = (np.isnan(x) | (np.mod(x, step) == 0)).all(axis=0)
        is_missing = np.isnan(x)
        values = [np.unique(x[~is_missing[:, j], j]) for j in range(len(names))]
        found = [np.searchsorted(values[j], x[:, j]) for j in range(len(names))]
        places = np.column_stack([*found, np.zeros((len(x), 0))])
        places[is_missing] = -1
        return cls(names, x, values, places, step, on_step, is_missing.any(axis=0))

    def fits(self, condition: Condition) -> BoolArray:
        """Say which rows meet a condition; a missing value meets `missing` only."""
        values = self.x[:, condition.feature]
        if condition.operator == MISSING:
            return np.isnan(values)
        if condition.operator == KNOWN:
            return ~np.isnan(values)
        if condition.operator == AT_LEAST:
            return values >= condition.value
        return values < condition.value

    def between(self, feature: int, threshold: float) -> float:
        """Give the value half way between the two places that a threshold lies between."""
        place = int(np.floor(threshold))
        low, high = self.values[feature][place : place + 2]
        return float(low / 2 + high / 2)

    def compared(self, feature: int, operator: str, value: float) -> Condition:
        """Make a condition with a rounded threshold; one that all values meet says `known`."""
        value = self._rounded(feature, value)
        values = self.values[feature]
        if value <= values[0] if operator == AT_LEAST else value > values[-1]:
            return Condition(feature, KNOWN)
        return Condition(feature, operator, value)

    def _rounded(self, feature: int, value: float) -> float:
        """Round a threshold to the feature's step, without the noise of binary fractions."""
        step = self.step[feature]
        # The same values lie above a split between two steps and above the upper step.
        n_steps = np.ceil(value / step) if self.on_step[feature] else np.round(value / step)
        return float(f"{n_steps * step:.12g}")


def _step(values: FloatArray, *, is_whole: bool) -> float:
    """Give the largest of 1, 5, 10, 50, .. that is a small part of the spread."""
    observed = values[~np.isnan(values)]
    # Of the middle, for one far value would make all others one step.
    low, high = np.quantile(observed, [0.1, 0.9]) if len(observed) else (0.0, 1.0)
    spread = float(high / 2.56 - low / 2.56) or float(np.std(observed)) or 1.0
    power = float(10.0 ** np.floor(np.log10(spread * STEP_SHARE)))
    step = 5 * power if 5 * power <= spread * STEP_SHARE else power
    return float(max(step, 1.0)) if is_whole else float(step)


def _best_rule(space: _Space, is_member: BoolArray, seed: int) -> Rule:
    """Choose among the tree's paths, and improve the best of them while they get better."""
    if is_member.all() or not space.names:
        return ()
    judged = {rule: _worth(space, rule, is_member) for rule in _candidates(space, is_member, seed)}
    if not judged:
        return ()
    pool = _Pool.of(space)
    refined = {_refined(space, pool, rule, is_member) for rule in _ordered(judged)[:REFINED]}
    return _ordered({rule: _worth(space, rule, is_member) for rule in refined})[0]


def _ordered(judged: dict[Rule, float]) -> list[Rule]:
    """Order rules from the best; of equal ones that with the fewest thresholds."""

    def key(rule: Rule) -> tuple[float, int, Rule]:
        return -judged[rule], sum(c.operator in (AT_LEAST, BELOW) for c in rule), rule

    return sorted(judged, key=key)


def _worth(space: _Space, rule: Rule, is_member: BoolArray) -> float:
    """F1 of a rule for membership, less the price of its conditions."""
    fits = np.logical_and.reduce([space.fits(condition) for condition in rule])
    both = int(np.count_nonzero(fits & is_member))
    either = int(np.count_nonzero(fits)) + int(np.count_nonzero(is_member))
    return round(2 * both / max(either, 1) - PRICE_OF_A_CONDITION * len(rule), 9)


def _candidates(space: _Space, is_member: BoolArray, seed: int) -> set[Rule]:
    """Rules of all nodes of a few trees, in the shapes in which they can be said."""
    rules: set[Rule] = set()
    for class_weight in ("balanced", None):
        for criterion in ("gini", "entropy"):
            tree = DecisionTreeClassifier(
                criterion=criterion,
                class_weight=class_weight,
                max_depth=MAX_CONDITIONS,
                min_samples_leaf=MIN_ROWS_PER_LEAF,
                random_state=seed,
            ).fit(space.places, is_member)
            for path in _paths(tree):
                rules.update(_sayable(space, path))
    return rules


def _paths(tree: DecisionTreeClassifier) -> Iterator[list[tuple[int, bool, float]]]:
    """List for each node the splits that lead to it: feature, is above, threshold."""
    nodes = tree.tree_
    waiting: list[tuple[int, list[tuple[int, bool, float]]]] = [(0, [])]
    while waiting:
        node, path = waiting.pop()
        if path:
            yield path
        if nodes.children_left[node] < 0:
            continue
        split = int(nodes.feature[node]), float(nodes.threshold[node])
        waiting.append((nodes.children_left[node], [*path, (split[0], False, split[1])]))
        waiting.append((nodes.children_right[node], [*path, (split[0], True, split[1])]))


def _sayable(space: _Space, path: list[tuple[int, bool, float]]) -> Iterator[Rule]:
    """Turn a path into rules; missing lies below all values, so known and missing are tried too.

    Rules have merged conditions, and two to four of them (all there are, of a single feature).
    """
    choices = []
    for feature, is_above, threshold in path:
        if threshold < 0:
            choices.append([Condition(feature, KNOWN if is_above else MISSING)])
            continue
        operator = AT_LEAST if is_above else BELOW
        choice = [space.compared(feature, operator, space.between(feature, threshold))]
        if space.has_missing[feature]:
            choice.append(Condition(feature, KNOWN if is_above else MISSING))
        choices.append(choice)
    least = min(MIN_CONDITIONS, len(space.names))
    for conditions in product(*choices):
        rule = _merged(conditions)
        if rule and least <= len(rule) <= MAX_CONDITIONS:
            yield rule


def _merged(conditions: Iterable[Condition]) -> Rule:
    """Keep the tightest of the conditions on a feature; none where they exclude each other."""
    kept: dict[tuple[int, str], Condition] = {}
    for condition in conditions:
        place = condition.feature, condition.operator
        other = kept.get(place, condition)
        tightest = min if condition.operator == BELOW else max
        kept[place] = tightest(condition, other, key=lambda c: c.value)
    for feature in {condition.feature for condition in kept.values()}:
        operators = {operator for column, operator in kept if column == feature}
        if MISSING in operators and len(operators) > 1:
            return ()
        if {AT_LEAST, BELOW} <= operators:
            low, high = kept[feature, AT_LEAST].value, kept[feature, BELOW].value
            if low >= high:
                return ()
        if len(operators) > 1:
            kept.pop((feature, KNOWN), None)
    return tuple(sorted(kept.values()))


def _refined(space: _Space, pool: _Pool, rule: Rule, is_member: BoolArray) -> Rule:
    """Move one threshold by a step, drop or add a condition, while the rule gets better."""
    best, worth = rule, _worth(space, rule, is_member)
    while True:
        added = pool.added(space, best, is_member)
        steps = {step for step in [*_neighbors(space, best), added] if step}
        judged = {step: _worth(space, step, is_member) for step in steps}
        if max(judged.values(), default=worth) <= worth:
            return best
        best = _ordered(judged)[0]
        worth = judged[best]


@dataclass(frozen=True)
class _Pool:
    """Conditions (c) that may be added to a rule, and which rows (c, n) meet each."""

    conditions: list[Condition]
    fits: FloatArray

    @classmethod
    def of(cls, space: _Space) -> _Pool:
        """Try each feature at the tenths of its values, and whether it is known."""
        found: set[Condition] = set()
        for feature, has_missing in enumerate(space.has_missing):
            observed = space.x[~np.isnan(space.x[:, feature]), feature]
            parts = np.quantile(observed, np.linspace(0, 1, N_PARTS + 1)[1:-1])
            for operator, value in product((AT_LEAST, BELOW), np.unique(parts)):
                found.add(space.compared(feature, operator, float(value)))
            if has_missing:
                found |= {Condition(feature, KNOWN), Condition(feature, MISSING)}
        conditions = sorted(found)
        fits = [space.fits(condition) for condition in conditions]
        return cls(conditions, np.array(fits, dtype=np.float64).reshape(-1, len(space.x)))

    def added(self, space: _Space, rule: Rule, is_member: BoolArray) -> Rule:
        """Add the condition that helps a rule most; no rule where it has as many as it may."""
        if len(rule) >= MAX_CONDITIONS:
            return ()
        fits = np.logical_and.reduce([space.fits(condition) for condition in rule])
        both, either = self.fits @ (fits & is_member), self.fits @ fits + is_member.sum()
        worth = 2 * both / np.maximum(either, 1)
        return _merged([*rule, self.conditions[int(worth.round(9).argmax())]])


def _neighbors(space: _Space, rule: Rule) -> Iterator[Rule]:
    """Rules with one threshold a step away, or without one condition."""
    for place, condition in enumerate(rule):
        others = rule[:place] + rule[place + 1 :]
        if len(others) >= min(MIN_CONDITIONS, len(space.names)):
            yield others
        if condition.operator in (AT_LEAST, BELOW):
            for way in (-1, 1):
                value = condition.value + way * float(space.step[condition.feature])
                moved = space.compared(condition.feature, condition.operator, value)
                yield _merged([*others, moved])
