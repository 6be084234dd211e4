"""How many personas: strength, blocks apart, and the sentence that says why."""

import numpy as np
import pytest

from applicant_personas.personas.centers import Clusters, Observed
from applicant_personas.personas.number import (
    DOUBT,
    ENOUGH_ROWS,
    LEAST_STRENGTH,
    MIN_ROWS,
    PROVEN_STRENGTH,
    Space,
    agreement,
    blocks_apart,
    choose_number,
    feasible,
    measure_curve,
    strength,
)

SOUND = {"prediction_strength": 0.9, "blocks_apart": 3.0, "excess_over_gaussian": 0.3}


def curve(**changed):
    """Make a curve of equally sound numbers 3 to 6, some of them changed: k4={..}."""
    return {k: SOUND | changed.get(f"k{k}", {}) for k in range(3, 7)}


def choose(measured, n_rows=2_000, n_personas=None, most=100, standing=None):
    return choose_number(measured, n_rows, n_personas, most, standing)


def test_strength_is_that_of_the_worst_cluster():
    # Of cluster 0, three of three pairs stay together; of cluster 1, two of six.
    labels = np.array([0, 0, 0, 1, 1, 1, 1])
    others = np.array([1, 1, 1, 0, 0, 1, 1])
    assert strength(labels, others, 2) == pytest.approx(2 / 6)
    assert strength(others, labels, 2) == pytest.approx((3 + 1) / 10)
    assert strength(labels, labels, 2) == 1
    assert strength(np.array([0, 0, 1]), np.array([0, 0, 0]), 2) == 0


def test_agreement_is_the_mean_of_both_directions():
    labels = [np.array([0, 0, 0, 1, 1, 1, 1]), np.array([1, 1, 1, 0, 0, 1, 1])]
    assert agreement(labels, 2)["prediction_strength"] == pytest.approx((2 / 6 + 0.4) / 2)
    same = agreement([labels[0]] * 3, 2)
    assert set(same.values()) == {1.0}


def test_blocks_count_where_two_clusters_are_deviations_apart():
    rng = np.random.default_rng(1)
    labels = np.arange(400) % 2
    noise = rng.normal(size=(400, 4))
    x = noise + labels[:, np.newaxis] * [3.0, 3.0, 0.3, 3.0]
    blocks = np.array(["a", "a", "b", "c"], dtype=object)
    centers = np.stack([x[labels == group].mean(axis=0) for group in (0, 1)])
    clusters = Clusters(centers, labels, 1.0)

    def apart(has_spread, weights=(1.0, 1.0, 1.0, 1.0)):
        used = np.array(weights) > 0
        fitted = Clusters(centers[:, used], clusters.labels, 1.0)
        space = Space(x, blocks, np.array(weights), np.array(has_spread))
        return blocks_apart(space, fitted)

    assert apart([True] * 4) == 2
    assert apart([True, True, True, False]) == 1
    assert apart([True] * 4, weights=(1.0, 1.0, 1.0, 0.0)) == 1


def test_the_fewest_with_nearly_all_the_structure_are_taken():
    told = choose(
        curve(
            k3={"excess_over_gaussian": 0.25},
            k4={"excess_over_gaussian": 0.292},
            k5={"excess_over_gaussian": 0.30},
            k6={"excess_over_gaussian": 0.40, "prediction_strength": LEAST_STRENGTH - 0.01},
        )
    )
    assert (told.k, told.verdict) == (4, "groups")
    assert told.reason.startswith("4 personas hold nearly all the structure (log inertia 0.29")
    assert "0.30 at most" in told.reason
    assert "prediction strength 0.90" in told.reason


def test_personas_that_differ_in_one_block_are_not_taken():
    alike = {"blocks_apart": 1.0}
    assert choose(curve(k3=alike, k4=alike)).k == 5


def test_where_nothing_is_found_again_the_nearest_is_taken_and_it_says_so():
    weak = {f"k{k}": {"prediction_strength": 0.5 - 0.01 * k} for k in range(3, 7)}
    told = choose(curve(**weak))
    assert told.k == 3
    assert told.verdict == "unproven"
    assert told.reason.startswith("No number of personas is sound; 3 are found again best")
    assert "prediction strength 0.47, 0.5 needed" in told.reason


def test_what_is_found_again_more_often_than_not_is_taken_but_not_called_groups():
    for proven, verdict in ((PROVEN_STRENGTH - 0.01, "unproven"), (PROVEN_STRENGTH, "groups")):
        measured = {f"k{k}": {"prediction_strength": proven} for k in range(3, 7)}
        told = choose(curve(**measured))
        assert (told.k, told.verdict) == (3, verdict)
        assert f"prediction strength {proven:.2f}, 0.5 needed" in told.reason


def test_a_standing_number_has_the_benefit_of_the_doubt():
    measured = curve()
    assert choose(measured).k == 3
    assert choose(measured, standing=5).k == 5
    nearly = {"prediction_strength": LEAST_STRENGTH - DOUBT / 2}
    assert choose(curve(k5=nearly), standing=5).k == 5
    assert choose(curve(k5={"prediction_strength": LEAST_STRENGTH - 2 * DOUBT}), standing=5).k == 3
    assert choose(curve(k5={"excess_over_gaussian": 0.2}), standing=5).k == 3
    assert choose(measured, standing=9).k == 3


def test_a_pinned_number_is_taken_if_the_rows_can_carry_it():
    told = choose(curve(), n_personas=6, standing=4)
    assert (told.k, told.reason) == (6, "The number of personas was set to 6.")
    told = choose(curve(), n_personas=9, most=5)
    assert told.k == 5
    assert told.reason == "The 9 personas asked for are more than the rows can carry."


def test_little_structure_is_a_continuum_also_where_the_number_is_pinned():
    flat = {f"k{k}": {"excess_over_gaussian": 0.04} for k in range(3, 7)}
    for pinned in (None, 4):
        told = choose(curve(**flat), n_personas=pinned)
        assert told.verdict == "continuum"
        assert told.reason.startswith("A continuum, not groups: the personas are ranges")


def test_a_pinned_number_that_cuts_across_groups_is_no_continuum():
    told = choose(curve(k3={"excess_over_gaussian": 0.01}), n_personas=3)
    assert (told.k, told.verdict) == (3, "groups")


def test_few_rows_are_told():
    told = choose(curve(), n_rows=ENOUGH_ROWS - 1)
    assert (told.k, told.verdict) == (3, "too few rows")
    assert told.reason.startswith("Too few rows to tell: 499 applicants could be cut in many ways.")
    told = choose({1: {"inertia": 1.0}}, n_rows=MIN_ROWS - 1, most=1)
    assert (told.k, told.verdict) == (1, "too few rows")
    assert told.reason.startswith("One persona: there are too few applicants")


def test_rows_carry_as_many_personas_as_they_are_different():
    rng = np.random.default_rng(1)
    assert feasible(Observed.of(rng.normal(size=(MIN_ROWS - 1, 2)))) == 1
    assert feasible(Observed.of(rng.normal(size=(60, 2)))) == 12
    assert feasible(Observed.of(np.repeat(rng.normal(size=(4, 2)), 30, axis=0))) == 4
    assert feasible(Observed.of(np.ones((500, 2)))) == 1


def test_the_curve_is_measured_at_each_number_once():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 3)) + 4 * rng.integers(0, 3, (400, 1))
    blocks = np.array(["a", "b", "c"], dtype=object)
    space = Space(x, blocks, np.ones(3), np.ones(3, dtype=bool))
    measured = measure_curve(space, {1, 2, 3, 5}, np.random.default_rng(1))
    assert list(measured) == [1, 2, 3, 5]
    assert set(measured[1]) == {"inertia", "smallest_share"}
    assert set(measured[3]) - set(measured[1]) == {
        "prediction_strength",
        "stability_mean",
        "stability_p10",
        "blocks_apart",
        "excess_over_gaussian",
        "silhouette",
        "davies_bouldin",
        "calinski_harabasz",
    }
    inertia = [measured[k]["inertia"] for k in measured]
    assert inertia == sorted(inertia, reverse=True)
    assert measured[3]["prediction_strength"] > 0.95 > measured[5]["prediction_strength"]
    assert measured[3]["smallest_share"] == pytest.approx(1 / 3, abs=0.05)
