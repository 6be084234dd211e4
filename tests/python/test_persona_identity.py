"""The same persona keeps its key: personas that stay, split, merge, vanish and come."""

import numpy as np
import pandas as pd
import pytest
from groups import CENTERS, FEATURES, figure, fit, keys_of, lineage, people, provenance

from applicant_personas.personas.identity import Before, carry_keys, fresh_keys

N = 1_200
ALL = [0, 1, 2, 3, 4, 5]
WITHOUT_2 = [0, 1, 3, 4, 5]


def drawn(groups, seed):
    """Draw people of some groups; the first are larger, so that first keys follow the groups."""
    size = np.arange(len(groups), 0, -1) + 5
    which = np.random.default_rng(seed).permutation(np.resize(np.repeat(groups, size), N))
    return people(which, seed), which


def status(fitted):
    return figure(fitted, "key", "status").to_dict()


def stayed(keys):
    return {(key, key, "survived") for key in keys}


@pytest.fixture(scope="module")
def first():
    return fit(drawn(ALL, 1)[0])


KEYS = [f"persona_{number:02d}" for number in range(1, 7)]


def test_first_keys_count_from_the_largest(first):
    rows, groups = drawn(ALL, 1)
    assert dict(zip(groups, keys_of(rows, first), strict=True)) == dict(enumerate(KEYS))
    assert lineage(first) == {(None, key, "new") for key in KEYS}
    assert status(first) == dict.fromkeys(KEYS, "active")
    assert figure(first, "persona", "n").is_monotonic_decreasing


def test_a_fit_on_other_people_keeps_the_keys(first):
    others, _ = drawn(ALL, 2)
    again = fit(others, first, refit="always")
    assert again["run_id"].iloc[0] != first["run_id"].iloc[0]
    assert lineage(again) == stayed(KEYS)
    for rows in (others, drawn(ALL, 3)[0]):
        assert (keys_of(rows, first) == keys_of(rows, again)).mean() >= 0.99
    assert set(figure(again, "key", "first_run_id")) == set(first["run_id"])
    assert set(figure(again, "key", "last_run_id")) == set(again["run_id"])


@pytest.fixture(scope="module")
def removed(first):
    return fit(drawn(WITHOUT_2, 4)[0], first)


def test_the_key_of_a_group_that_left_retires(first, removed):
    others = [key for key in KEYS if key != "persona_03"]
    assert lineage(removed) == stayed(others) | {("persona_03", None, "vanished")}
    assert status(removed) == dict.fromkeys(others, "active") | {"persona_03": "vanished"}
    last = figure(removed, "key", "last_run_id")
    assert last["persona_03"] == first["run_id"].iloc[0] != last["persona_01"]
    rows, groups = drawn(WITHOUT_2, 5)
    expected = np.array(KEYS, dtype=object)[groups]
    assert (keys_of(rows, removed) == expected).mean() >= 0.99


def test_a_group_that_comes_has_a_key_that_nobody_had(first, removed):
    added = fit(drawn([*WITHOUT_2, 6], 6)[0], removed)
    others = [key for key in KEYS if key != "persona_03"]
    assert lineage(added) == stayed(others) | {(None, "persona_07", "new")}
    told = status(added)
    assert told["persona_03"] == "vanished"
    assert told["persona_07"] == "active"
    assert figure(added, "key", "last_run_id")["persona_03"] == first["run_id"].iloc[0]


def test_a_large_group_that_comes_takes_no_key_from_its_neighbor(first):
    crowd, _ = drawn([6], 8)
    added = fit(pd.concat([drawn(ALL, 2)[0], crowd.head(500)], ignore_index=True), first)
    assert lineage(added) == stayed(KEYS) | {(None, "persona_07", "new")}
    assert (keys_of(crowd, added) == "persona_07").mean() >= 0.99


def test_keys_are_not_used_again_after_a_fit_without_personas(first):
    rows, _ = drawn(ALL, 1)
    nothing = fit(rows.head(0), first, n_personas=6)
    assert not (nothing["record"] == "centroid").any()
    assert lineage(nothing) == {(key, None, "vanished") for key in KEYS}
    assert status(nothing) == dict.fromkeys(KEYS, "vanished")
    again = fit(rows, nothing)
    assert sorted(set(keys_of(rows, again))) == [f"persona_{n:02d}" for n in range(7, 13)]
    assert lineage(again) == {(None, f"persona_{n:02d}", "new") for n in range(7, 13)}
    assert len(status(again)) == 12


# How far the people of a group move to either side where it becomes two.
ASIDE = 0.75 * np.array([1, 0] * 4)


def test_a_group_that_becomes_two_has_split(first):
    rows, groups = drawn(ALL, 7)
    is_half = np.random.default_rng(77).random(N) < 0.5
    moved = np.where(groups == 1, np.where(is_half, 1, -1), 0)[:, np.newaxis] * ASIDE
    split = fit(rows + moved, first)
    told = lineage(split)
    assert ("persona_02", "persona_02", "split") in told
    assert ("persona_02", "persona_07", "split") in told
    assert told - stayed(KEYS) == {
        ("persona_02", "persona_02", "split"),
        ("persona_02", "persona_07", "split"),
    }
    again = fit(rows + moved, split, n_personas=6)
    merged = {status for before, key, status in lineage(again) if before != key}
    assert merged == {"merged"}
    assert len(lineage(again) & stayed([*KEYS, "persona_07"])) == 6


def test_a_changed_catalog_keeps_the_keys_as_far_as_the_features_tell(first):
    rows, _ = drawn(ALL, 2)
    fewer = FEATURES.head(7)
    again = fit(rows[list(fewer["feature"])], first, fewer)
    assert provenance(again)["refit_reason"] == "features, settings or versions changed"
    assert lineage(again) == stayed(KEYS)
    as_category = FEATURES.assign(kind=["category", *FEATURES["kind"][1:]])
    words = rows.assign(feature_0=np.where(rows["feature_0"] > 0, "high", "low"))
    assert lineage(fit(words, first, as_category)) == stayed(KEYS)


def before(labels, distances=None, k=2):
    """Make an earlier model of k equal personas; people lie where its own lay."""
    near = np.full((len(labels), k), 9.0)
    near[np.arange(len(labels)), labels] = 1.0
    distances = near if distances is None else distances
    keys = [f"persona_{number:02d}" for number in range(1, k + 1)]
    return Before(keys, np.full(k, 1 / k), np.ones(k), labels, distances)


OLD = np.repeat([0, 1], 50)


def statuses(changes):
    return [(change.previous_key, change.key, change.status) for change in changes]


def test_what_is_found_in_another_order_is_the_same():
    keys, changes = carry_keys(before(OLD), 1 - OLD, 2, ["persona_01", "persona_02"])
    assert keys == ["persona_02", "persona_01"]
    assert statuses(changes) == [
        ("persona_01", "persona_01", "survived"),
        ("persona_02", "persona_02", "survived"),
    ]
    assert {(c.share_kept, c.share_from, c.distance) for c in changes} == {(1.0, 1.0, 1.0)}


def test_half_of_a_persona_takes_the_key_and_the_other_half_a_new_one():
    now = np.repeat([0, 2, 1], [26, 24, 50])
    keys, changes = carry_keys(before(OLD), now, 3, ["persona_01", "persona_02", "persona_09"])
    assert keys == ["persona_01", "persona_02", "persona_10"]
    assert statuses(changes) == [
        ("persona_01", "persona_10", "split"),
        ("persona_01", "persona_01", "split"),
        ("persona_02", "persona_02", "survived"),
    ]
    assert [change.share_kept for change in changes] == [0.48, 0.52, 1.0]


def test_of_two_that_become_one_the_larger_keeps_its_key():
    old = np.repeat([0, 1], [60, 40])
    keys, changes = carry_keys(before(old), np.zeros(100, dtype=int), 1, ["persona_02"])
    assert keys == ["persona_01"]
    assert statuses(changes) == [
        ("persona_01", "persona_01", "survived"),
        ("persona_02", "persona_01", "merged"),
    ]


def test_newcomers_take_no_key_even_if_they_are_the_most():
    lies = np.where(OLD == 0, 1.0, 9.0)
    squared = np.stack([lies, 10.0 - lies], axis=1)
    squared[20:50] = [5.0, 9.0]
    now = np.repeat([0, 2, 1], [20, 30, 50])
    keys, changes = carry_keys(before(OLD, squared), now, 3, ["persona_01", "persona_02"])
    assert keys == ["persona_01", "persona_02", "persona_03"]
    assert statuses(changes) == [
        (None, "persona_03", "new"),
        ("persona_01", "persona_01", "survived"),
        ("persona_02", "persona_02", "survived"),
    ]


def test_fresh_keys_go_to_the_largest_after_every_number_ever_given():
    labels = np.repeat([0, 1, 2], [10, 30, 20])
    assert fresh_keys([], labels, [0, 1, 2]) == {
        1: "persona_01",
        2: "persona_02",
        0: "persona_03",
    }
    assert fresh_keys(["persona_99", "persona_03"], labels, [0, 2]) == {
        2: "persona_100",
        0: "persona_101",
    }


def test_groups_of_the_tests_are_apart():
    gap = np.abs(CENTERS[:, np.newaxis] - CENTERS).reshape(8, 8, 4, 2).max(axis=3) > 0
    n_blocks = gap.sum(axis=2)
    assert n_blocks[~np.eye(8, dtype=bool)].min() >= 3
    assert pd.Index(FEATURES["block"]).nunique() == 4
