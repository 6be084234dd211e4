"""Personas that were planted are found, and a fit is kept until there is a reason for another."""

import numpy as np
import pandas as pd
import pytest
from groups import FEATURES, N_FEATURES, figure, fit, keys_of, people, provenance
from hypothesis import example, given, settings
from hypothesis import strategies as st
from personas import statistics
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score

from applicant_personas.personas.centers import Observed, fit_centers
from applicant_personas.personas.certainty import N_DRAWS, jaccard, measure_certainty
from applicant_personas.personas.fit import PERSONA_TYPES, PersonaSettings, fit_personas
from applicant_personas.personas.model import PersonaModel, comparable_distances
from applicant_personas.rows import tidy

N, K = 1_200, 5
NAMES = list(FEATURES["feature"])


def drawn(k=K, seed=1, n=N):
    groups = np.random.default_rng(seed).integers(0, k, n)
    return people(groups, seed), groups


def selection(fitted, metric):
    return figure(fitted, "selection", metric, "number")


def verdict(fitted):
    return selection(fitted, "verdict").item(), selection(fitted, "reason").item()


@pytest.fixture(scope="module")
def rows():
    return drawn()[0]


@pytest.fixture(scope="module")
def fitted(rows):
    return fit(rows)


@pytest.mark.parametrize("k", [3, 6, 8])
def test_it_finds_as_many_personas_as_there_are(k):
    rows, groups = drawn(k, seed=k)
    found = fit(rows)
    assert selection(found, "is_chosen").idxmax() == k
    assert adjusted_rand_score(groups, keys_of(rows, found)) > 0.98
    kind, reason = verdict(found)
    assert kind == "groups"
    assert reason.startswith(f"{k} personas hold nearly all the structure")


def test_the_frame_has_every_record_and_the_whole_curve(fitted):
    assert dict(fitted.dtypes.astype(str)) == PERSONA_TYPES
    assert set(fitted["record"]) == {
        "feature",
        "column",
        "selection",
        "centroid",
        "persona",
        "bootstrap",
        "component",
        "loading",
        "center",
        "key",
        "lineage",
        "provenance",
    }
    for metric in ("prediction_strength", "stability_mean", "excess_over_gaussian", "silhouette"):
        assert list(selection(fitted, metric).index) == list(range(3, 11))
    assert selection(fitted, "is_chosen").sum() == 1
    assert fitted["run_id"].nunique() == 1
    key = ["record", "item", "column_name", "feature", "number", "metric"]
    assert not fitted.duplicated(key).any()


def test_sizes_are_those_of_the_assignment(rows, fitted):
    counts = pd.Series(keys_of(rows, fitted)).value_counts().sort_index()
    size = figure(fitted, "persona", "n")
    assert size.to_dict() == counts.to_dict()
    np.testing.assert_allclose(figure(fitted, "persona", "share"), size / N)


def test_a_persona_without_people_is_left_out():
    rows = pd.DataFrame({"feature_0": np.random.default_rng(0).normal(size=50)})
    found = fit(rows, features=FEATURES.head(1), n_personas=12)
    n_personas = len(PersonaModel.of_rows(found).keys)
    assert n_personas < 10
    left_out = f"more than the rows can carry. {10 - n_personas} of them have nobody: left out."
    assert verdict(found)[1].endswith(left_out)
    assert figure(found, "persona", "n").sum() == 50


NOISE = pd.DataFrame(np.random.default_rng(2).normal(size=(N, N_FEATURES)), columns=NAMES)


def test_noise_is_no_groups():
    found = fit(NOISE)
    kind, reason = verdict(found)
    assert kind == "continuum"
    assert reason.startswith("A continuum, not groups")
    told = figure(found, "feature", "reason", "feature")
    assert told.str.startswith("Kept with an even weight: too few blocks").all()


def test_one_factor_is_a_continuum():
    factor = np.random.default_rng(3).normal(size=N)
    kind, reason = verdict(fit(NOISE.add(2 * factor, axis=0)))
    assert kind == "continuum"
    assert reason.startswith("A continuum, not groups")


def test_most_values_may_be_missing():
    groups = np.random.default_rng(1).integers(0, K, N)
    rows = people(groups, 1, share_missing=0.6)
    found = fit(rows, n_personas=K)
    assert adjusted_rand_score(groups, keys_of(rows, found)) > 0.65


def test_few_rows_are_told():
    rows, _ = drawn(3, n=300)
    kind, reason = verdict(fit(rows))
    assert kind == "too few rows"
    assert reason.startswith("Too few rows to tell: 300 applicants")
    few = fit(rows.head(40))
    assert verdict(few)[0] == "too few rows"
    assert len(PersonaModel.of_rows(few).keys) == 1


def test_the_number_can_be_pinned(rows):
    found = fit(rows, n_personas=2)
    assert len(PersonaModel.of_rows(found).keys) == 2
    assert list(selection(found, "inertia").index) == [2, *range(3, 11)]
    assert verdict(found) == ("groups", "The number of personas was set to 2.")
    few = rows.head(3).loc[lambda part: part.index.repeat(200)].reset_index(drop=True)
    found = fit(few.fillna(0), n_personas=5)
    assert len(PersonaModel.of_rows(found).keys) == 3
    assert "The 5 personas asked for are more than the rows can carry." in verdict(found)[1]


def test_noise_a_flag_and_a_heavy_tail_shape_no_persona():
    rows, groups = drawn()
    rng = np.random.default_rng(9)
    told = {"kind": "count", "absence_is_choice": False, "block": "odd", "priority": 9}
    odd = {"tail": "none", "noise": "log1p", "flag": "none"}
    odd_features = [told | {"feature": name, "transform": kind} for name, kind in odd.items()]
    features = pd.concat([FEATURES, pd.DataFrame(odd_features)])
    rows["flag"] = rng.integers(0, 2, N).astype(float)
    rows["tail"] = rng.pareto(0.7, N)
    rows["noise"] = rng.poisson(3, N).astype(float)
    found = fit(rows, features=features)
    weight = figure(found, "feature", "weight", "feature")
    assert (weight[list(odd)] == 0).all()
    assert (weight[NAMES] > 0.5).all()
    reason = figure(found, "feature", "reason", "feature")
    assert reason["tail"].startswith("Dropped: groups formed without its block tell")
    assert reason["feature_0"].startswith("Kept with weight ")
    assert adjusted_rand_score(groups, keys_of(rows, found)) > 0.98


def test_a_category_that_the_catalog_lists_shapes_personas():
    rows, groups = drawn()
    rows["major"] = np.array(["arts", "law", "cs", "mba", "ee"])[groups]
    category = {"feature": "major", "block": "profile", "kind": "category", "transform": "none"}
    category |= {"absence_is_choice": False, "priority": 9}
    found = fit(rows, features=pd.concat([FEATURES, pd.DataFrame([category])]))
    assert figure(found, "feature", "weight", "feature")["major"] > 0
    levels = figure(found, "column", "level", "column_name").dropna()
    assert set(levels) == {"arts", "law", "cs", "mba", "ee"}
    unseen = rows.assign(major="theology")
    assert (keys_of(unseen, found) == keys_of(rows, found)).mean() > 0.95


def test_the_same_rows_give_the_same_personas_in_any_order_of_columns(rows, fitted):
    turned = fit(rows[NAMES[::-1]], features=FEATURES.sample(frac=1, random_state=1))
    is_day = fitted["metric"] == "fitted_at"
    pd.testing.assert_frame_equal(fitted[~is_day], turned[~is_day])


def test_components_are_those_of_pca(rows, fitted):
    space = PersonaModel.of_rows(fitted).place(rows)
    expected = PCA(N_FEATURES).fit(space.values)
    loading = fitted[fitted["record"] == "loading"].pivot(
        index="item", columns="column_name", values="value"
    )
    np.testing.assert_allclose(np.abs(loading), np.abs(expected.components_), atol=1e-6)
    largest = np.abs(loading.to_numpy()).argmax(axis=1)
    assert (loading.to_numpy()[range(N_FEATURES), largest] > 0).all()
    ratio = fitted.loc[fitted["record"] == "component", "value"]
    np.testing.assert_allclose(ratio, expected.explained_variance_ratio_)


def same(found, stored):
    pd.testing.assert_frame_equal(found, stored)
    return True


@pytest.mark.parametrize("refit", ["auto", "never", "always"])
def test_what_is_stored_is_kept_while_nothing_changed(rows, fitted, refit):
    assert same(fit(rows, fitted, refit=refit, note="another"), fitted)


@pytest.mark.parametrize("refit", ["auto", "never"])
def test_other_people_of_the_same_kind_are_no_reason(fitted, refit):
    assert same(fit(drawn(seed=2)[0], fitted, refit=refit), fitted)


DRIFTS = {
    "sizes": "the sizes of the personas moved (population stability index ",
    "spread": "people lie 1.",
    "of one": "the people of persona_0",
}


def drifted(kind):
    rows, groups = drawn(seed=2)
    if kind == "sizes":
        return rows[(groups != 0) | (np.arange(N) % 5 == 0)].reset_index(drop=True)
    aside = np.where(np.arange(N) % 2, 1, -1)[:, np.newaxis] * np.array([1, 0] * 4)
    if kind == "spread":
        return rows + 0.4 * aside
    return rows + 0.4 * aside * (groups == 1)[:, np.newaxis]


@pytest.mark.parametrize("kind", DRIFTS)
def test_people_who_moved_are_a_reason(fitted, kind):
    rows = drifted(kind)
    found = fit(rows, fitted, note="after the fair", n_personas=None)
    facts = provenance(found)
    assert facts["refit_reason"].startswith(DRIFTS[kind])
    assert facts["previous_run_id"] == fitted["run_id"].iloc[0] != found["run_id"].iloc[0]
    assert facts["run_note"] == "after the fair"
    assert same(fit(rows, fitted, refit="never"), fitted)
    assert same(fit(rows, found), found)


def test_another_catalog_is_a_reason_unless_refit_is_never(rows, fitted):
    fewer = FEATURES.head(6)
    assert same(fit(rows, fitted, fewer, refit="never"), fitted)
    found = fit(rows, fitted, fewer, n_personas=3)
    assert provenance(found)["refit_reason"] == "features, settings or versions changed"
    assert provenance(found)["n_columns"] == "6"


def test_always_refits_on_other_people(fitted):
    found = fit(drawn(seed=2)[0], fitted, refit="always")
    assert provenance(found)["refit_reason"] == "refit is always"


def test_the_same_people_after_others_are_another_run(rows, fitted):
    others = fit(drawn(seed=2)[0], fitted, refit="always")
    again = fit(rows, others, refit="always")
    runs = [found["run_id"].iloc[0] for found in (fitted, others, again)]
    assert len(set(runs)) == 3
    assert provenance(again)["previous_run_id"] == runs[1]


def test_a_run_that_found_no_persona_is_stored_like_any(rows):
    nobody = fit(rows.head(0))
    assert same(fit(rows, nobody, refit="never"), nobody)
    assert provenance(fit(rows, nobody))["refit_reason"] == "the stored run found no persona"


OLD_FORMAT = pd.DataFrame({"record": ["centroid"], "item": ["01"], "k": [3], "value": [0.5]})


@pytest.mark.parametrize("stored", [None, OLD_FORMAT], ids=["nothing", "an older version"])
def test_what_is_not_stored_or_not_readable_is_fitted_unless_refit_is_never(rows, stored):
    with pytest.raises(ValueError, match=r"^refit is never, and no model is stored [^.]*\.$"):
        fit(rows, stored, refit="never")
    found = fit(rows.head(60), stored, note="the first")
    assert provenance(found)["refit_reason"] == "no model was stored"
    assert provenance(found)["run_note"] == "the first"


def test_missing_columns_are_named_in_a_sentence(rows):
    with pytest.raises(ValueError, match=r"^The training rows need the column\(s\) feature_7\.$"):
        fit_personas(
            rows.drop(columns="feature_7"),
            FEATURES,
            statistics(rows, FEATURES),
            tidy([], PERSONA_TYPES),
            PersonaSettings(None, 1, "auto"),
        )
    with pytest.raises(ValueError, match=r"^The features need the column\(s\) priority\.$"):
        fit(rows, features=FEATURES.drop(columns="priority"))


def test_no_rows_and_no_features_are_no_personas(rows):
    nobody = fit(rows.head(0))
    assert verdict(nobody) == ("none", "No persona: there is no applicant to learn from.")
    alike = fit(rows.assign(**dict.fromkeys(NAMES, 1.0)))
    assert verdict(alike) == ("none", "No persona: no feature tells applicants apart.")
    for found in (nobody, alike):
        assert dict(found.dtypes.astype(str)) == PERSONA_TYPES
        assert set(found["record"]) == {"feature", "selection", "provenance"}
        assert (figure(found, "feature", "kept", "feature") == 0).all()


def test_a_model_is_read_back_from_its_rows_in_any_order(rows, fitted):
    first = PersonaModel.of_rows(fitted.sample(frac=1, random_state=1))
    again = PersonaModel.of_rows(tidy([*first.rows()], PERSONA_TYPES))
    assert again.keys == first.keys == [f"persona_{number:02d}" for number in range(1, K + 1)]
    pd.testing.assert_frame_equal(again.columns, first.columns)
    pd.testing.assert_frame_equal(again.figures, first.figures)
    np.testing.assert_array_equal(again.centers, first.centers)
    placed = again.place(rows)
    assert placed.values.tobytes() == first.place(rows).values.tobytes()


def test_distances_are_comparable_whatever_is_observed():
    weights = np.array([1.0, 3.0])
    x = np.array([[2.0, 2.0], [2.0, np.nan], [np.nan, 2.0], [np.nan, np.nan]])
    rows = Observed.of(x, weights)
    found = comparable_distances(rows, weights, rows.distances(np.zeros((1, 2))))
    np.testing.assert_allclose(found[:, 0], [4.0, 4.0, 4.0, 0.0])


def test_an_outlier_is_beyond_every_persona_and_hardly_a_member_is(rows, fitted):
    model = PersonaModel.of_rows(fitted)
    odd = pd.DataFrame([np.where(np.arange(N_FEATURES) % 3, 9.0, -9.0)], columns=NAMES)
    far = model.figures["far"].to_numpy()

    def is_beyond(people):
        placed = model.place(people)
        squared = placed.distances(model.centers)
        distance = comparable_distances(placed, model.weights, squared)
        nearest = squared.argmin(axis=1)
        return distance[np.arange(len(people)), nearest] > far[nearest]

    assert is_beyond(odd).all()
    assert is_beyond(rows).mean() < 0.01


def certainty_of(x, k):
    rows = Observed.of(x)
    clusters = fit_centers(rows, k, np.random.default_rng(1))
    return clusters, measure_certainty(rows, clusters, np.random.default_rng(2))


def test_clear_groups_are_certain_and_those_of_noise_are_not():
    groups = np.random.default_rng(1).integers(0, 4, N)
    x = people(groups, 1).to_numpy()
    clusters, clear = certainty_of(x, 4)
    assert clear.jaccard.min() >= 0.95
    assert clear.shares.shape == (N_DRAWS, 4)
    np.testing.assert_allclose(clear.shares.sum(axis=1), 1)
    # Draws are matched: each persona is near itself, and far from the others.
    gap = np.sqrt(((clusters.centers[:, np.newaxis] - clusters.centers) ** 2).sum(axis=2))
    assert clear.distances.max() < gap[~np.eye(4, dtype=bool)].min() / 4
    apart = np.sqrt(((clear.centers - clusters.centers) ** 2).sum(axis=2))
    np.testing.assert_allclose(clear.distances, apart)
    _, noise = certainty_of(NOISE.to_numpy(), 4)
    assert noise.jaccard.max() < 0.8
    np.testing.assert_allclose(noise.shares.sum(axis=1), 1)


def test_jaccard_is_both_over_either():
    found = jaccard(np.array([0, 0, 0, 1]), np.array([1, 1, 0, 0]), 2, 3)
    np.testing.assert_allclose(found, [[1 / 4, 2 / 3, 0.0], [1 / 2, 0.0, 0.0]])


ODD = {
    "normal": lambda rng, n: rng.normal(size=n),
    "missing": lambda rng, n: np.full(n, np.nan),
    "constant": lambda rng, n: np.ones(n),
    "huge": lambda rng, n: rng.normal(size=n) * 1e15,
    "tiny": lambda rng, n: rng.normal(size=n) * 1e-15,
    "infinite": lambda rng, n: np.where(rng.random(n) < 0.5, np.inf, rng.normal(size=n)),
    "two": lambda rng, n: rng.integers(0, 2, n).astype(float),
    "one differs": lambda rng, n: (np.arange(n) == 0).astype(float),
    "hardly known": lambda rng, n: np.where(rng.random(n) < 0.9, np.nan, rng.normal(size=n)),
    "negative counts": lambda rng, n: -rng.pareto(0.5, n),
    "levels": lambda rng, n: rng.choice(["a", "b", None], n).astype(object),
    "all levels differ": lambda rng, n: np.array([f"level {i}" for i in range(n)], dtype=object),
}


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.sampled_from(list(ODD)), min_size=1, max_size=6),
    st.sampled_from([1, 2, 49, 50, 60]),
    st.booleans(),
    st.sampled_from([None, 1, 2, 12]),
    st.integers(0, 3),
)
@example(["normal"], 50, False, 12, 0)
@example(["normal", "normal"], 1, False, None, 0)
@example(["two", "two", "levels"], 80, True, 12, 1)
@example(["hardly known", "hardly known", "two"], 80, False, None, 1)
def test_odd_frames_are_no_fault(kinds, n, is_repeated, n_personas, seed):
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({f"f{i}": ODD[kind](rng, n) for i, kind in enumerate(kinds)})
    if is_repeated:
        rows = rows.iloc[np.arange(n) // 20].reset_index(drop=True)
    is_category = ["level" in kind for kind in kinds]
    features = pd.DataFrame({"feature": rows.columns, "kind": "number"})
    features.loc[is_category, "kind"] = "category"
    features["block"] = [f"block_{number % 3}" for number in range(len(kinds))]
    features["transform"] = ["log1p" if number % 2 else "none" for number in range(len(kinds))]
    features["absence_is_choice"] = True
    features["priority"] = 1
    found = fit(rows, features=features, n_personas=n_personas)
    assert dict(found.dtypes.astype(str)) == PERSONA_TYPES
    assert (found["metric"] == "verdict").sum() == 1
    centroids = found[found["record"] == "centroid"]
    assert np.isfinite(centroids["value"].to_numpy()).all()
    told = found[found["record"] == "persona"]
    assert (figure(found, "persona", "n") >= 1).all()
    assert np.isfinite(told["value"].to_numpy()).all()
    if len(centroids):
        assert set(keys_of(rows, found)) <= set(centroids["item"])
        assert same(fit(rows, found, features, n_personas=n_personas), found)
