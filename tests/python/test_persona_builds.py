"""Personas over a chain of builds in one warehouse: what stays, what changes, what is told.

Half of the people, then the same with other outcomes, then all from scratch, then the other half
with the stored personas, with new ones, without one archetype, with it again, and with another one
that goes two ways.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from warehouse import Warehouse, build, generate, run_dbt

from applicant_personas.personas.model import PersonaModel, comparable_distances

N_PERSONS, AS_OF = 8_000, "2026-05-15"
GONE, PARTED = "global_stem_striver", "committed_local_pro"
AFTER_THE_OFFER = [
    "deposited", "visa_issued", "registered", "enrolled", "no_show", "declined_by_applicant",
]  # fmt: skip
COLUMNS = "feature,block,source_column,kind,role,earliest_stage,protected\n"
TRACK = "track,track,persons.x_track,category,both,submitted,{protected}\n"
# What no role lets into a persona, and a part of the reason that is given.
BARRED = {
    "aid,own,int_offers_known.scholarship_amount,number,persona,submitted,": "tells the offer",
    "paid,own,int_timing_known.has_deposited,boolean,persona,inquiry,": "tells the offer",
    "reached,own,applications.current_stage,category,persona,submitted,": "tells the offer",
    "citizen,own,persons.country_of_citizenship,category,persona,inquiry,": "come from",
    "faith,own,persons.x_faith,category,both,inquiry,true": "protected",
    "gender,own,persons.x_faith,category,both,inquiry,": "protected",
    "interview,own,persons.x_interview,number,both,admitted,": "the stage admitted",
}
CATALOG = COLUMNS + TRACK.format(protected="") + "\n".join(BARRED)
# The features of the stored model that the later catalog no longer lets shape personas.
WITHDRAWN = {"track", "gre_quant", "english_level"}
LATER_CATALOG = (
    COLUMNS
    + TRACK.format(protected="true")
    + "gre_quant,tests,int_scores_known.gre_quant,number,enrollment,submitted,\n"
    "english_level,english,int_scores_known.english_level,number,never,submitted,\n"
)
MARTS = [
    "+rpt_persona_lineage", "+rpt_persona_transitions", "+rpt_persona_drift", "+dim_personas",
    "+rpt_persona_selection", "+rpt_feature_selection",
]  # fmt: skip
OF_PERSONS = ("persons", "applications", "test_scores", "education_records", "interactions",
              "protected_attributes")  # fmt: skip

Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Step:
    """What one build left of the personas."""

    name: str
    frames: Mapping[str, pd.DataFrame]
    marts: Mapping[str, list[tuple[Any, ...]]]
    compiled: Mapping[str, str]

    def __getitem__(self, relation: str) -> pd.DataFrame:
        return self.frames[relation]

    @property
    def run_id(self) -> str:
        return str(self["ml.ml_persona_fit"]["run_id"].iloc[0])

    @property
    def lineage(self) -> pd.DataFrame:
        return self["marts.rpt_persona_lineage"].query("run_id == @self.run_id")

    @property
    def provenance(self) -> dict[str, str]:
        told = self["ml.ml_persona_fit"].query("record == 'provenance'")
        return dict(zip(told["metric"], told["text"], strict=True))


KEPT = [
    "ml.ml_persona_fit", "ml.ml_persona_sample", "ml.ml_persona_space", "ml.ml_persona_columns",
    "ml.ml_persona_assignments", "ml.ml_persona_runs", "ml.ml_persona_history",
    "ml.ml_persona_names",
    "marts.dim_personas", "marts.fct_applicant_personas", "marts.rpt_persona_lineage",
    "marts.rpt_persona_transitions", "marts.rpt_persona_drift", "marts.rpt_persona_selection",
    "marts.rpt_feature_selection", "staging.stg_feature_catalog",
]  # fmt: skip
READERS = ["ml_persona_sample", "ml_persona_space", "ftr_statistics", "ftr_applicants"]


def keep(name: str, warehouse: Warehouse) -> Step:
    frames = {relation: warehouse.frame(f"select * from {relation}") for relation in KEPT}
    models = warehouse.database.parent / "target/compiled/applicant_personas/models"
    compiled = {name: next(models.rglob(f"{name}.sql")).read_text() for name in READERS}
    return Step(name, frames, warehouse.marts(), compiled)


# --- the input ------------------------------------------------------------------------------------


def made(folder: Path) -> Tables:
    """Write applicants without dirt, and give them a track that goes with their archetype."""
    generate(folder, "--persons", str(N_PERSONS), "--dirt", "0", "--format", "parquet")
    tables = {path.stem: pd.read_parquet(path) for path in folder.glob("*.parquet")}
    truth = pd.read_csv(folder / "truth/persons.csv").set_index("person_id")["archetype"]
    persons = tables["persons"]
    archetype = persons["person_id"].map(truth)
    rng = np.random.default_rng(1)
    of_archetype = pd.factorize(archetype, sort=True)[0] % 3
    track = np.where(rng.random(len(persons)) < 0.8, of_archetype, rng.integers(0, 3, len(persons)))
    persons["x_track"] = pd.Series(track).map({0: "lab", 1: "studio", 2: "field's edge"})
    persons.loc[rng.random(len(persons)) < 0.1, "x_track"] = None
    persons["x_faith"] = archetype
    persons["x_interview"] = of_archetype
    persons["archetype"] = archetype
    return tables


def part(tables: Tables, people: set[str]) -> dict[str, pd.DataFrame]:
    """Take some people, and all that is theirs."""
    found = dict(tables)
    for name in OF_PERSONS:
        found[name] = tables[name][tables[name]["person_id"].isin(people)]
    is_theirs = tables["stage_events"]["application_id"].isin(found["applications"].application_id)
    return found | {"stage_events": tables["stage_events"][is_theirs]}


def with_other_outcomes(tables: Tables) -> dict[str, pd.DataFrame]:
    """Nobody deposits or enrolls, everyone gets aid, and protected attributes are mixed up."""
    events, applications = tables["stage_events"], tables["applications"]
    attributes = tables["protected_attributes"]
    mixed = attributes["value"].sample(frac=1, random_state=1).to_numpy()
    return dict(tables) | {
        "stage_events": events[~events["stage"].isin(AFTER_THE_OFFER)],
        "applications": applications.assign(current_stage=None, scholarship_offer_amount=9999.0),
        "protected_attributes": attributes.assign(value=mixed),
    }


def going_two_ways(tables: Tables, people: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Let every second one be young and hardly in contact, and the others the opposite."""
    persons, interactions = tables["persons"].copy(), tables["interactions"]
    is_one, is_other = (persons["person_id"].isin(people[start::2]) for start in (0, 1))
    years = pd.to_numeric(persons["years_experience"])
    persons["years_experience"] = (
        years.mask(is_one, 0.2 * years).mask(is_other, 2.2 * years).round()
    )
    stays = np.random.default_rng(3).random(len(interactions)) < 0.15
    stays |= ~interactions["person_id"].isin(people[0::2])
    again = interactions[interactions["person_id"].isin(people[1::2])]
    again = again.assign(interaction_id=again["interaction_id"].astype(str) + "_again")
    return dict(tables) | {
        "persons": persons,
        "interactions": pd.concat([interactions[stays], again], ignore_index=True),
    }


def write(tables: Tables, folder: Path, catalog: str = CATALOG, erased: str | None = None) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, table in tables.items():
        table.drop(columns="archetype", errors="ignore").to_parquet(folder / f"{name}.parquet")
    (folder / "feature_catalog.csv").write_text(catalog)
    if erased:
        (folder / "erasure_list.csv").write_text(f"person_id\n{erased}\n")
    return folder


# --- the builds -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chain:
    first: Step
    other_outcomes: Step
    afresh: Step
    never: Step
    refitted: Step
    without: Step
    added: Step
    parted: Step
    erased: str
    people: pd.DataFrame


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    folder = tmp_path_factory.mktemp("persona_builds")
    tables = made(folder / "made")
    people = tables["persons"][["person_id", "archetype"]]
    halves = [set(people["person_id"][number::2]) for number in (0, 1)]
    one, other = (part(tables, half) for half in halves)
    source = folder / "input"

    def step(name: str, tables: Tables, catalog: str = CATALOG, **variables: Any) -> Step:
        write(tables, source, catalog)
        return keep(name, build(folder, source, select=MARTS, as_of=AS_OF, **variables))

    first = step("first", one)
    other_outcomes = step("other outcomes", with_other_outcomes(one))
    write(one, source)
    shutil.rmtree(folder / "target")
    run_dbt(
        folder, "build", "--full-refresh", "--exclude-resource-type", "test", "unit_test",
        "--threads", "2", "--select", *MARTS, as_of=AS_OF, input_path=str(source),
    )  # fmt: skip
    afresh = keep("afresh", Warehouse(folder / "warehouse.duckdb"))
    never = step("never", other, LATER_CATALOG, refit="never")
    refitted = step("refitted", other, refit="always")
    erased = str(refitted["marts.fct_applicant_personas"]["person_id"].min())
    stay = set(people.loc[people["archetype"] != GONE, "person_id"]) & halves[1]
    write(part(tables, stay | {erased}), source, erased=erased)
    built = build(folder, source, with_tests=True, as_of=AS_OF, runs_kept=2)
    without = keep("without", built)
    added = step("added", other, refit="always")
    pros = people.loc[people["archetype"] == PARTED, "person_id"].sort_values()
    parted = step("parted", going_two_ways(other, list(pros)), refit="always")
    return Chain(
        first, other_outcomes, afresh, never, refitted, without, added, parted, erased, people
    )


# --- one model, two implementations ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["first", "refitted"])
def test_sql_and_library_place_people_alike(chain: Chain, name: str) -> None:
    step: Step = getattr(chain, name)
    model = PersonaModel.of_rows(step["ml.ml_persona_fit"])
    kinds = set(model.columns["parameter_kind"])
    assert kinds == {"value", "missing", "level"}
    rows = step["ml.ml_persona_sample"]
    space = model.place(rows)
    squared = space.distances(model.centers)
    nearest = squared.argmin(axis=1)
    distance = comparable_distances(space, model.weights, squared)[np.arange(len(rows)), nearest]
    placed = rows[["application_id", "known_on"]].merge(
        step["ml.ml_persona_assignments"], on=["application_id", "known_on"], how="left"
    )
    assert len(placed) == len(rows) > 1_000
    assert (placed["persona_key"] == np.array(model.keys)[nearest]).all()
    np.testing.assert_allclose(placed["distance"], distance, atol=1e-6)
    observed = space.known @ model.weights / model.weights.sum()
    np.testing.assert_allclose(placed["observed_share"], observed, atol=1e-6)


# --- what stays -----------------------------------------------------------------------------------


def test_a_build_of_the_same_applicants_changes_nothing(chain: Chain) -> None:
    """Neither with its target folder and tables made anew, nor by the time that has passed."""
    assert chain.afresh.run_id == chain.first.run_id
    pd.testing.assert_frame_equal(
        chain.afresh["ml.ml_persona_fit"], chain.first["ml.ml_persona_fit"]
    )
    assert set(chain.afresh.marts) == set(chain.first.marts)
    for mart, rows in chain.first.marts.items():
        assert chain.afresh.marts[mart] == rows, mart


def test_outcomes_offers_and_protected_attributes_move_nobody(chain: Chain) -> None:
    changed = chain.other_outcomes
    assert changed.provenance == chain.first.provenance
    for relation in ("ml.ml_persona_sample", "marts.dim_personas", "marts.fct_applicant_personas"):
        keys = [*chain.first[relation].columns[:2]]
        one, other = (
            step[relation].sort_values(keys, ignore_index=True) for step in (chain.first, changed)
        )
        pd.testing.assert_frame_equal(one, other)


def test_what_tells_the_outcome_is_dropped_with_a_reason(chain: Chain) -> None:
    reasons = (
        chain.first["marts.rpt_feature_selection"]
        .query("target == 'persona'")
        .set_index("feature")[["kept", "weight", "reason"]]
    )
    for row, part_of_reason in BARRED.items():
        feature = row.partition(",")[0]
        assert not reasons.loc[feature, "kept"], feature
        assert reasons.loc[feature, "weight"] == 0, feature
        assert reasons.loc[feature, "reason"].startswith("Dropped: "), feature
        assert part_of_reason in reasons.loc[feature, "reason"], feature
    assert reasons.loc["track", "kept"]
    barred = {row.partition(",")[0] for row in BARRED}
    assert not barred & set(chain.first["ml.ml_persona_sample"].columns)


def test_a_refit_on_other_people_keeps_the_keys(chain: Chain) -> None:
    """The other half, placed by the model of the first half and by its own."""
    assert chain.refitted.run_id != chain.first.run_id
    assert chain.refitted.provenance["previous_run_id"] == chain.first.run_id
    before, after = (
        PersonaModel.of_rows(step["ml.ml_persona_fit"]) for step in (chain.first, chain.refitted)
    )
    rows = chain.refitted["ml.ml_persona_sample"]
    earlier, later = (
        np.array(model.keys)[model.place(rows).nearest(model.centers)] for model in (before, after)
    )
    same = float((earlier == later).mean())
    print(f"{same:.4f} of the other half keep their key")
    assert same >= 0.99
    lineage = chain.refitted.lineage
    assert set(lineage["status"]) == {"survived"}
    assert (lineage["persona_key"] == lineage["previous_persona_key"]).all()
    assert set(lineage["previous_run_id"]) == {chain.first.run_id}
    assert set(lineage["persona_key"]) == set(before.keys)


def test_names_stay_while_their_traits_do(chain: Chain) -> None:
    """Over a refit all; under a catalog that withdrew features, those that these did not name."""
    first, never, refitted = (
        step["ml.ml_persona_names"].set_index("persona_key")
        for step in (chain.first, chain.never, chain.refitted)
    )
    assert refitted["persona_name"].to_dict() == never["persona_name"].to_dict()
    is_withdrawn = first["named_by"].str.contains("|".join(WITHDRAWN))
    assert (~is_withdrawn).sum() >= 3
    stay = first.index[~is_withdrawn]
    assert (never.loc[stay, "persona_name"] == first.loc[stay, "persona_name"]).all()


# --- refit: never ---------------------------------------------------------------------------------


def test_never_scores_with_the_stored_model_and_without_what_the_catalog_withdrew(
    chain: Chain,
) -> None:
    assert chain.never.provenance == chain.first.provenance
    columns = chain.never["ml.ml_persona_columns"]
    withdrawn = columns.loc[columns["feature"].isin(WITHDRAWN), "column_name"]
    assert set(columns.loc[columns["column_name"].isin(withdrawn), "feature"]) == WITHDRAWN
    space = chain.never["ml.ml_persona_space"]
    assert space[withdrawn].isna().all(axis=None)
    others = columns.loc[~columns["feature"].isin(WITHDRAWN), "column_name"]
    assert space[others].notna().any().all()
    people = chain.never["marts.fct_applicant_personas"]
    assert people["persona_key"].nunique() == len(chain.first["marts.dim_personas"])
    assert people[["distance", "confidence", "stability", "trait_1"]].notna().all(axis=None)


# --- what the space is made of --------------------------------------------------------------------

KEYS = {
    "application_id", "known_on", "person_id", "entry_term", "is_primary", "is_persona_snapshot",
    "is_persona_training",
}  # fmt: skip


def columns_read(sql: str) -> set[tuple[str, ...]]:
    """List every column that a statement names, with its table where it names that too."""
    ((serialized,),) = duckdb.execute("select json_serialize_sql(?)", [sql]).fetchall()
    todo, found = [json.loads(serialized)], set()
    assert not todo[0]["error"], todo[0]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            if node.get("class") == "COLUMN_REF":
                found.add(tuple(node["column_names"]))
            todo += node.values()
        elif isinstance(node, list):
            todo += node
    return found


def beyond_the_catalog(sql: str, catalog: pd.DataFrame) -> set[str]:
    """List what a statement reads that is no key, and that the catalog keeps from personas."""
    may_shape = catalog["role"].isin(["persona", "both"]) & catalog["barred_from_personas"].isna()
    read = {names[-1].partition("__")[0] for names in columns_read(sql)}
    barred = set(catalog.loc[~may_shape, "feature"])
    unknown = read - set(catalog["feature"]) - KEYS
    made = {"n_rows", "n_positions"}
    return (read & barred) | (unknown - made)


@pytest.mark.parametrize("name", ["first", "never", "without"])
@pytest.mark.parametrize("model", ["ml_persona_sample", "ml_persona_space", "ftr_statistics"])
def test_personas_read_only_what_the_catalog_lets_shape_them(
    chain: Chain, name: str, model: str
) -> None:
    step: Step = getattr(chain, name)
    catalog, sql = step["staging.stg_feature_catalog"], step.compiled[model]
    assert "gre_verbal" in {names[-1].partition("__")[0] for names in columns_read(sql)}
    assert not beyond_the_catalog(sql, catalog)
    for tampered in ("scholarship_amount", "has_deposited", "faith", "residency"):
        assert beyond_the_catalog(sql.replace("gre_verbal", tampered), catalog) == {tampered}


def test_no_column_of_personas_comes_from_an_offer_or_an_outcome(chain: Chain) -> None:
    catalog = chain.first["staging.stg_feature_catalog"]
    may_shape = catalog["role"].isin(["persona", "both"]) & catalog["barred_from_personas"].isna()
    sources = set(catalog.loc[may_shape, "source_column"])
    read = {".".join(names) for names in columns_read(chain.first.compiled["ftr_applicants"])}
    assert {source for source in sources if not source.startswith("persons.")} <= read
    outcomes = "offers|deposit|admi|review|last_touch|current_stage|citizen|residen|birth"
    assert len(sources) > 10
    assert not [source for source in sources if pd.Series(source).str.contains(outcomes).any()]


# --- what is remembered ---------------------------------------------------------------------------


def test_runs_and_builds_are_remembered_and_bounded(chain: Chain) -> None:
    fits = [chain.first.run_id, chain.refitted.run_id, chain.without.run_id]
    assert len(set(fits)) == 3
    assert set(chain.refitted["ml.ml_persona_runs"]["run_id"]) == set(fits[:2])
    # With runs_kept: 2 the first is forgotten.
    assert set(chain.without["ml.ml_persona_runs"]["run_id"]) == set(fits[1:])
    history = chain.without["ml.ml_persona_history"]
    assert set(history["run_id"]) == set(fits[1:])
    assert history.groupby("run_id")["person_id"].nunique().min() > 1_000


def test_who_was_erased_is_in_no_earlier_build(chain: Chain) -> None:
    assert chain.erased in set(chain.refitted["ml.ml_persona_history"]["person_id"])
    assert chain.erased not in set(chain.without["ml.ml_persona_history"]["person_id"])


# --- what changed ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["first", "refitted", "without"])
def test_transitions_of_a_persona_sum_to_one(chain: Chain, name: str) -> None:
    moves: pd.DataFrame = getattr(chain, name)["marts.rpt_persona_transitions"]
    expected = {"season"} if name == "first" else {"season", "build"}
    assert set(moves["comparison"]) == expected
    of_persona = moves.groupby(["comparison", "previous_persona_key"])
    whole = ~of_persona["is_suppressed"].any()
    sums = of_persona["share"].sum()[whole]
    assert len(sums) >= 2
    np.testing.assert_allclose(sums, 1.0, atol=1e-6)
    assert moves.loc[moves["is_suppressed"], ["n", "share"]].isna().all(axis=None)
    assert (moves.loc[~moves["is_suppressed"], "n"] >= 11).all()


@pytest.mark.parametrize("name", ["first", "never", "refitted", "without"])
def test_every_drift_stands_beside_its_noise_floor(chain: Chain, name: str) -> None:
    drift: pd.DataFrame = getattr(chain, name)["marts.rpt_persona_drift"]
    told = drift[~drift["is_suppressed"]]
    assert set(told["metric"]) == {"share", "center_distance", "population_stability_index"}
    assert told[["change", "noise_floor", "is_beyond_noise"]].notna().all(axis=None)
    assert (told["noise_floor"] > 0).mean() > 0.9
    # Categories drift too; what the catalog withdrew is known of nobody.
    features = set(told["feature"])
    assert {"gre_verbal", "years_experience"} <= features
    assert features >= WITHDRAWN if name != "never" else not features & WITHDRAWN


def test_an_archetype_that_is_gone_retires_its_key_alone(chain: Chain) -> None:
    people = chain.refitted["marts.fct_applicant_personas"].merge(chain.people, on="person_id")
    gone = people.loc[people["archetype"] == GONE, "persona_key"].mode()[0]
    assert (people.loc[people["persona_key"] == gone, "archetype"] == GONE).mean() > 0.8
    named = chain.refitted["marts.dim_personas"].set_index("persona_key")["persona_name"]
    present = chain.without["marts.dim_personas"].set_index("persona_key")
    assert not present.loc[gone, "is_active"]
    assert present.loc[gone, "status"] == "vanished"
    assert present.loc[gone, "stability_in_words"] == "retired"
    assert present.loc[gone, "n_applicants"] == 0
    assert present.loc[gone, "persona_name"] == f"{named[gone]} (retired {gone})"
    assert present.loc[gone, "last_run_id"] == chain.refitted.run_id
    others = named.index.drop(gone)
    assert present.loc[others, "is_active"].all()
    lineage = chain.without.lineage
    status = lineage.set_index("previous_persona_key")["status"]
    assert status[gone] == "vanished"
    assert set(status[others]) == {"survived"}
    assert gone not in set(chain.without["marts.fct_applicant_personas"]["persona_key"])


def test_an_archetype_that_comes_has_a_key_that_nobody_had(chain: Chain) -> None:
    """It is the one that was gone; what retired does not come back."""
    before, dimension = (step["marts.dim_personas"] for step in (chain.without, chain.added))
    lineage = chain.added.lineage
    (new,) = lineage.loc[lineage["status"] == "new", "persona_key"]
    assert new not in set(before["persona_key"])
    others = set(before.loc[before["is_active"], "persona_key"])
    assert set(lineage.loc[lineage["status"] == "survived", "persona_key"]) == others
    assert set(lineage["status"]) == {"new", "survived"}
    assert set(dimension.loc[dimension["is_active"], "persona_key"]) == others | {new}
    people = chain.added["marts.fct_applicant_personas"].merge(chain.people, on="person_id")
    assert people.loc[people["archetype"] == GONE, "persona_key"].mode()[0] == new


def test_an_archetype_that_goes_two_ways_is_told_as_split(chain: Chain) -> None:
    before = chain.added["marts.fct_applicant_personas"].merge(chain.people, on="person_id")
    whole = before.loc[before["archetype"] == PARTED, "persona_key"].mode()[0]
    lineage = chain.parted.lineage
    split = lineage[lineage["status"] == "split"]
    assert set(split["previous_persona_key"]) == {whole}
    assert len(split) == 2
    (other,) = set(split["persona_key"]) - {whole}
    assert other not in set(chain.added["marts.dim_personas"]["persona_key"])
    rest = lineage.drop(split.index)
    assert set(rest["status"]) == {"survived"}
    assert set(rest["persona_key"]) == set(chain.added.lineage["persona_key"]) - {whole}
    people = chain.parted["marts.fct_applicant_personas"].merge(chain.people, on="person_id")
    pros = people[people["archetype"] == PARTED].sort_values("person_id")
    assert pros["persona_key"].isin([whole, other]).mean() > 0.9
