"""What personas mean: rules that are found and mean what they say, names, sentences, cards."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from warehouse import ROOT, Warehouse, build, copied_sample

from applicant_personas.personas.rules import RULE_TYPES, persona_rules

N = 3_000
FEATURES = pd.DataFrame(
    {
        "feature": ["webinars", "grade", "score", "is_alumnus"],
        "kind": ["count", "number", "number", "boolean"],
    }
)


@pytest.fixture
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "webinars": rng.poisson(2, N).astype(float),
            "grade": rng.random(N),
            "score": np.where(rng.random(N) < 0.4, np.nan, rng.normal(155, 8, N).round()),
            "is_alumnus": (rng.random(N) < 0.2).astype(float),
        }
    )


def conditions(found: pd.DataFrame, key: str) -> set[tuple[str, str, float | None]]:
    """List the rule of a persona as feature, operator, value."""
    rule = found[found["persona_key"] == key]
    assert list(rule["position"]) == list(range(1, len(rule) + 1))
    values = [None if np.isnan(value) else value for value in rule["value"]]
    return set(zip(rule["feature"], rule["operator"], values, strict=True))


def personas(is_member: pd.Series) -> pd.Series:
    return pd.Series(np.where(is_member, "a", "b"), index=is_member.index)


PLANTED = {
    "counts are whole": (
        lambda x: (x["webinars"] > 2) & (x["grade"] > 0.61),
        {("webinars", "at_least", 3.0), ("grade", "at_least", 0.6)},
    ),
    "a missing score is a condition": (
        lambda x: x["score"].isna() & (x["webinars"] < 2),
        {("score", "missing", None), ("webinars", "below", 2.0)},
    ),
    "a low score is a known one": (
        lambda x: (x["score"] < 152) & (x["is_alumnus"] == 0),
        {("score", "below", 152.0), ("is_alumnus", "below", 1.0)},
    ),
    "that a score is known is a condition": (
        lambda x: x["score"].notna() & (x["is_alumnus"] == 1),
        {("score", "known", None), ("is_alumnus", "at_least", 1.0)},
    ),
    "a band has two ends": (
        lambda x: x["score"].between(150, 159) & (x["is_alumnus"] == 0),
        {
            ("score", "at_least", 150.0),
            ("score", "below", 160.0),
            ("is_alumnus", "below", 1.0),
        },
    ),
}


@pytest.mark.parametrize("case", PLANTED)
def test_planted_rules_are_found(rows: pd.DataFrame, case: str) -> None:
    is_member, expected = PLANTED[case]
    found = persona_rules(rows, personas(is_member(rows)), FEATURES, seed=1)
    assert conditions(found, "a") == expected


def test_a_rule_has_two_to_four_conditions(rows: pd.DataFrame) -> None:
    rng = np.random.default_rng(5)
    keys = pd.Series(rng.choice(["a", "b", "c"], N))
    found = persona_rules(rows, keys, FEATURES, seed=1)
    assert found.groupby("persona_key").size().between(2, 4).all()
    assert set(found["persona_key"]) <= {"a", "b", "c"}


def test_one_feature_makes_a_rule_of_one_condition(rows: pd.DataFrame) -> None:
    keys = personas(rows["webinars"] > 3)
    found = persona_rules(rows, keys, FEATURES.head(1), seed=1)
    assert conditions(found, "a") == {("webinars", "at_least", 4.0)}


@pytest.mark.parametrize("n", [0, 1, N])
def test_a_single_persona_has_no_rule(rows: pd.DataFrame, n: int) -> None:
    found = persona_rules(rows.head(n), pd.Series(["a"] * n), FEATURES, seed=1)
    assert found.empty
    assert {name: str(kind) for name, kind in found.dtypes.items()} == RULE_TYPES


def test_features_without_values_or_variance_are_left_out(rows: pd.DataFrame) -> None:
    keys = personas((rows["webinars"] > 2) & (rows["grade"] > 0.5))
    empty = rows.assign(score=np.nan, is_alumnus=1.0)
    found = persona_rules(empty, keys, FEATURES, seed=1)
    assert set(found["feature"]) == {"webinars", "grade"}


def test_values_of_any_magnitude(rows: pd.DataFrame) -> None:
    keys = personas((rows["webinars"] > 2) & (rows["grade"] > 0.5))
    scaled = rows.assign(grade=rows["grade"] * 1e200, score=rows["score"] * 1e-9)
    found = persona_rules(scaled, keys, FEATURES, seed=1)
    rule = {feature: value for feature, _, value in conditions(found, "a")}
    assert rule["webinars"] == 3
    assert rule["grade"] == pytest.approx(0.5e200, rel=0.2)


def test_the_same_rows_give_the_same_rules(rows: pd.DataFrame) -> None:
    keys = personas((rows["grade"] > 0.4) ^ (rows["webinars"] > 1))
    first, second = (persona_rules(rows, keys, FEATURES, seed=1) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


# --- shipped words --------------------------------------------------------------------------------


def test_every_shipped_feature_of_personas_has_words() -> None:
    catalog = pd.read_csv(ROOT / "seeds/catalog/feature_catalog.csv")
    phrases = pd.read_csv(ROOT / "seeds/catalog/trait_phrases.csv")
    shaping = catalog[catalog["role"].isin(["persona", "both"]) & (catalog["kind"] != "category")]
    told = phrases.groupby("feature")["direction"].agg(set)
    for feature in shaping.itertuples():
        wanted = {"high", "low"} | ({"missing", "known"} if feature.absence_is_choice else set())
        assert told[feature.feature] == wanted, feature.feature
    valued = phrases[phrases["direction"].isin(["high", "low"])]
    assert valued[["adjective", "noun", "phrase"]].notna().all(axis=None)
    words = phrases[["adjective", "noun", "phrase"]].stack()
    assert not words.str.contains(r"[0-9_]").any()
    assert shaping.loc[shaping["kind"] != "boolean", "unit"].notna().all()


# --- on the sample --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return copied_sample(tmp_path_factory.mktemp("meaning"))


def test_the_sql_of_a_rule_gives_its_coverage_and_purity(sample: Warehouse) -> None:
    people = sample.frame(
        "select person_id, entry_term, persona_key from marts.fct_applicant_personas"
    ).set_index(["person_id", "entry_term"])["persona_key"]
    rules = sample.frame("select * from marts.rpt_persona_rules")
    assert len(rules) == people.nunique()
    for rule in rules.itertuples():
        fits = sample.frame(rule.rule_sql)
        found = people.loc[pd.MultiIndex.from_frame(fits)]
        both = (found == rule.persona_key).sum()
        assert len(found) == rule.n_fits > 0
        assert rule.purity == pytest.approx(both / len(found), abs=1e-8)
        coverage = both / (people == rule.persona_key).sum()
        assert rule.coverage == pytest.approx(coverage, abs=1e-8)
        assert 2 <= rule.n_conditions <= 4


def test_rules_describe_their_persona(sample: Warehouse) -> None:
    f1 = sample.column(
        "select 2 * coverage * purity / (coverage + purity) from marts.rpt_persona_rules"
    )
    print("F1 of the rules:", [round(value, 2) for value in f1])
    assert min(f1) > 0.6


def texts(sample: Warehouse) -> list[str]:
    """List the sentences of all marts that tell of personas."""
    return [
        text
        for query in (
            "select sentence from marts.rpt_persona_traits",
            "select sentence from marts.rpt_persona_categories",
            "select rule_text from marts.rpt_persona_rules",
            "select description from marts.dim_personas",
            "select line from marts.rpt_persona_cards where topic <> 'name'",
        )
        for text in sample.column(query)
    ]


def test_sentences_are_sentences(sample: Warehouse) -> None:
    found = texts(sample)
    assert len(found) > 100
    for text in found:
        assert text.endswith("."), text
        assert not text.endswith(".."), text
        assert "_" not in text, text
        assert "  " not in text, text
        assert text[0].isdigit() or text[0].isupper(), text


def test_names_are_names(sample: Warehouse) -> None:
    personas = sample.frame("select * from marts.dim_personas")
    assert personas["persona_name"].is_unique
    assert personas["persona_slug"].str.fullmatch(r"[a-z]+(-[a-z]+)*").all()
    assert personas["persona_name"].str.fullmatch(r"[A-Z][A-Za-z' -]+").all()
    demographic = ("domestic", "international", "foreign", "age", "old", "women", "men", "abroad")
    words = {word for name in personas["persona_name"] for word in name.lower().split()}
    assert not words & set(demographic)


def test_a_card_tells_everything(sample: Warehouse) -> None:
    topics = sample.frame("select persona_key, topic from marts.rpt_persona_cards")
    for key, told in topics.groupby("persona_key")["topic"]:
        counts = told.value_counts()
        assert counts["trait"] == 5, key
        assert counts["category"] >= 1, key
        once = {"name", "description", "size", "stability", "rule", "funnel", "result", "outlook"}
        assert {topic for topic, n in counts.items() if n == 1} >= once, key


def test_cells_of_few_people_are_hidden(sample: Warehouse) -> None:
    shown = sample.frame("select * from marts.rpt_persona_categories")
    hidden = shown["is_suppressed"]
    assert 0 < hidden.sum() < len(shown)
    assert shown.loc[hidden, ["n", "share", "ratio"]].isna().all(axis=None)
    assert shown.loc[~hidden, "n"].min() >= 11
    protected = {"gender", "age_band"}
    assert not set(shown["feature"]) & protected


# --- names over time ------------------------------------------------------------------------------


def test_a_name_stays_and_a_given_one_goes_first(sample: Warehouse, tmp_path: Path) -> None:
    names = "select persona_key, persona_name, name_source from ml.ml_persona_names order by 1"
    folder = sample.database.parent
    with duckdb.connect(str(sample.database)) as connection:
        first = connection.execute(names).df()
        # As if an earlier build had worded the same traits otherwise.
        connection.execute(
            "update ml.ml_persona_names set persona_name = 'Old friends'"
            " where persona_key = 'persona_01'"
        )
    build(folder, select=["ml_persona_names", "dim_personas"])
    kept = sample.frame(names)
    assert set(first["name_source"]) == {"traits"}
    assert set(kept["name_source"]) == {"kept"}
    assert kept["persona_name"][0] == "Old friends"
    assert list(kept["persona_name"][1:]) == list(first["persona_name"][1:])
    brought = tmp_path / "input"
    shutil.copytree(ROOT / "seeds/sample", brought)
    (brought / "persona_names.csv").write_text(
        "persona_key,persona_name,description\nPERSONA_02,Old friends,\n"
    )
    models = ["input__source", "input__files", "input__persona_names", "ml_persona_names"]
    build(folder, brought, select=models)
    given = sample.frame(names)
    assert given["persona_name"][1] == "Old friends"
    assert given["name_source"][1] == "given"
    # The name is taken, so the persona that had it gets a new one, by its traits.
    assert given["persona_name"][0] == first["persona_name"][0]
