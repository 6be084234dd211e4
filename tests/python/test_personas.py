"""Personas that were planted are found, in number and in membership."""

import numpy as np
import pandas as pd
import pytest
from planted import matrix, planted
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score

from applicant_personas.personas import PERSONA_TYPES, fit_personas

FAST = {"n_restarts": 4, "n_halves": 6, "stability_rows": 1_200}


def blobs(k, n=1_200, seed=1, spread=0.6):
    rng = np.random.default_rng(seed)
    centers = 2 * np.vstack([np.eye(6), -np.eye(6)])[:k]
    which = rng.choice(k, n, p=np.linspace(2, 1, k) / np.linspace(2, 1, k).sum())
    values = centers[which] + spread * rng.normal(size=(n, 6))
    frame = pd.DataFrame(values, columns=[f"z_{name}" for name in "abcdef"])
    return frame.assign(application_id=[f"a{i}" for i in range(n)]), which


def centers_of(fitted):
    found = fitted[fitted["record"] == "centroid"]
    return found.pivot(index="item", columns="feature", values="value")


def assign(fitted, frame):
    centers = centers_of(fitted)
    x = frame[list(centers.columns)].to_numpy()
    distance = ((x[:, np.newaxis] - centers.to_numpy()) ** 2).sum(axis=2)
    return centers.index.to_numpy()[distance.argmin(axis=1)]


def curve(fitted):
    found = fitted[(fitted["record"] == "selection") & (fitted["item"] != "reason")]
    return found.pivot(index="k", columns="item", values="value")


def reason(fitted):
    return fitted.loc[fitted["item"] == "reason", "text"].item()


def chosen(fitted):
    return int(curve(fitted)["is_chosen"].idxmax())


@pytest.mark.parametrize("k", [4, 5, 6, 7, 8])
def test_it_finds_as_many_personas_as_there_are(k):
    frame, truth = blobs(k)
    fitted = fit_personas(frame, seed=3, **FAST)
    assert dict(fitted.dtypes.astype(str)) == PERSONA_TYPES
    assert chosen(fitted) == k
    assert adjusted_rand_score(truth, assign(fitted, frame)) > 0.9
    assert reason(fitted).startswith(f"{k} is the smallest number")


@pytest.fixture(scope="module")
def applicants():
    drawn = planted(n=4_000, seed=2)
    return matrix(drawn.rows), drawn.archetype


@pytest.mark.parametrize("seed", [1, 2])
def test_on_realistic_applicants_it_agrees_with_the_truth(applicants, seed):
    frame, truth = applicants
    fitted = fit_personas(frame, seed=seed)
    assert 5 <= chosen(fitted) <= 8
    assert adjusted_rand_score(truth, assign(fitted, frame)) > 0.6


def test_the_whole_curve_is_kept(applicants):
    measured = curve(fit_personas(applicants[0].head(800), seed=1, k_range=(2, 5), **FAST))
    assert list(measured.index) == [2, 3, 4, 5]
    assert measured.notna().all(axis=None)
    assert measured["is_chosen"].sum() == 1
    assert measured["inertia"].is_monotonic_decreasing
    excess = measured["information_mean"] - measured["null_information_mean"]
    np.testing.assert_allclose(measured["information_excess"], excess)


def test_clusters_are_numbered_from_the_largest_and_know_how_stable_they_are():
    frame, _ = blobs(5)
    fitted = fit_personas(frame, seed=3, **FAST)
    clusters = fitted[fitted["record"] == "cluster"].pivot(
        index="item", columns="feature", values="value"
    )
    assert list(clusters.index) == ["01", "02", "03", "04", "05"]
    assert clusters["n"].is_monotonic_decreasing
    assert clusters["n"].sum() == len(frame)
    np.testing.assert_allclose(clusters["share"], clusters["n"] / len(frame))
    assert clusters["jaccard"].between(0.9, 1).all()
    counts = pd.Series(assign(fitted, frame)).value_counts()
    assert (counts.sort_index() == clusters["n"]).all()


def test_the_number_can_be_pinned():
    frame, _ = blobs(6)
    fitted = fit_personas(frame, seed=3, n_personas=3, **FAST)
    assert chosen(fitted) == len(centers_of(fitted)) == 3
    assert list(curve(fitted).index) == [3, 4, 5, 6, 7, 8]
    assert "set to 3" in reason(fitted)


def test_components_are_those_of_pca():
    frame, _ = blobs(4)
    fitted = fit_personas(frame, seed=3, n_components=3, **FAST)
    names = list(frame.columns[:6])
    expected = PCA(3).fit(frame[names])
    loading = fitted[fitted["record"] == "loading"].pivot(
        index="item", columns="feature", values="value"
    )
    np.testing.assert_allclose(np.abs(loading[names]), np.abs(expected.components_), atol=1e-8)
    assert (loading.to_numpy()[range(3), np.abs(loading.to_numpy()).argmax(axis=1)] > 0).all()
    ratio = fitted[fitted["record"] == "component"]["value"]
    np.testing.assert_allclose(ratio, expected.explained_variance_ratio_)
    center = fitted[fitted["record"] == "center"].set_index("feature")["value"]
    np.testing.assert_allclose(center[names], expected.mean_)


def test_the_same_matrix_gives_the_same_personas():
    frame, _ = blobs(5)
    pd.testing.assert_frame_equal(
        fit_personas(frame, seed=3, **FAST), fit_personas(frame.copy(), seed=3, **FAST)
    )


@pytest.mark.parametrize(
    "frame",
    [blobs(4)[0].head(40), blobs(4)[0].assign(**{f"z_{name}": 1.0 for name in "abcdef"})],
    ids=["few", "alike"],
)
def test_few_or_equal_rows_give_one_persona_and_say_so(frame):
    fitted = fit_personas(frame, seed=3, n_personas=6)
    assert chosen(fitted) == len(centers_of(fitted)) == 1
    assert reason(fitted).startswith("One persona")


def test_rows_that_carry_fewer_personas_give_fewer():
    frame, _ = blobs(3)
    few = frame.iloc[:3].loc[lambda rows: rows.index.repeat(40)].reset_index(drop=True)
    fitted = fit_personas(few, seed=3)
    assert chosen(fitted) == 3
    assert "more than the rows can carry" in reason(fit_personas(few, seed=3, n_personas=5))


def test_one_column_is_enough():
    frame = blobs(4)[0][["z_a"]]
    fitted = fit_personas(frame, seed=3, **FAST)
    assert fitted.loc[fitted["record"] == "component", "value"].item() == pytest.approx(1)


def test_no_rows_are_no_personas_and_faults_are_refused_in_a_sentence():
    frame, _ = blobs(4)
    empty = fit_personas(frame.head(0), seed=3)
    assert dict(empty.dtypes.astype(str)) == PERSONA_TYPES
    assert not len(empty)
    assert not len(fit_personas(frame[["application_id"]], seed=3))
    with pytest.raises(ValueError, match="missing or infinite"):
        fit_personas(frame.assign(z_a=np.nan), seed=3)
