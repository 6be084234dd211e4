"""Codes: the user's own crosswalks win over the shipped ones, and no code goes missing."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import duckdb
import pytest
import yaml
from warehouse import ROOT, Warehouse, build

CROSSWALKS = ROOT / "seeds/crosswalks"
TABLES = {
    "persons": """
        person_id,country_of_residence,intended_program_code,is_deleted
        p1,BRD,OLD-1,
        p2,Utopia,P2,
        p3,Atlantis,P2,true
        """,
    "applications": """
        application_id,person_id,entry_term,program_code,current_stage
        a1,p1,2025FA,old_1,Fully Accepted
        a2,p1,2025FA,P2,Admit
        a3,p1,2025FA,P2,accepted
        a4,p2,2025FA,P2,Pending
        a5,p2,2025FA,P2,limbo
        a6,p2,2025FA,P2,LIMBO
        a0,p3,2025FA,P2,limbo
        """,
    "interactions": """
        interaction_id,person_id,interaction_type,occurred_at,status
        i1,p1,Zoom Q&A,2025-01-01 10:00:00,Joined
        i2,p1,Hack Day,2025-01-02 10:00:00,attended
        i3,p1,smoke signal,2025-01-03 10:00:00,attended
        """,
    "programs": """
        program_code,program_name
        OLD-1,One as it was
        P1,One
        """,
    "feature_catalog": """
        feature,source_column,role
        age,persons.birth_year,both
        AGE,persons.birth_year,persona
        ,persons.birth_year,both
        """,
    "persona_names": """
        persona_key,persona_name
        persona_01,Regulars
        PERSONA_01,Friends
        ,Nobody
        """,
    "xwalk_stages": """
        code,stage
        fully_accepted,Admit
        ADMIT,denied
        accepted,admited
        pending,complete
        pending,in_review
        deposit,deposited
        Deposit,deposited
        """,
    "xwalk_countries": """
        code,country
        brd,Germany
        """,
    "xwalk_programs": """
        code,program_code
        OLD-1,P1
        """,
    "xwalk_interaction_types": """
        code,interaction_type,channel,weight
        zoom q&a,webinar,,
        hack day,hack_day,in person,.5
        """,
    "xwalk_values": """
        code_set,code,value
        interaction_status,joined,attended
        """,
}
BUILT = ("+path:models/staging", "+dq_unmapped_codes", "+dq_diverted_rows")


def text(table: str) -> str:
    return re.sub(r"^ +", "", TABLES[table].strip(), flags=re.MULTILINE) + "\n"


def bring_files(folder: Path) -> Warehouse:
    tables = folder / "input"
    tables.mkdir()
    for table in TABLES:
        (tables / f"{table}.csv").write_text(text(table))
    return build(folder, tables, select=BUILT)


def bring_relations(folder: Path) -> Warehouse:
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute("create schema crm")
        for table in TABLES:
            (folder / f"{table}.csv").write_text(text(table))
            connection.execute(
                f"create table crm.{table} as "
                f"from read_csv('{folder}/{table}.csv', all_varchar = true)"
            )
    return build(folder, select=BUILT, input_schema="crm")


@pytest.fixture(scope="module", params=[bring_files, bring_relations])
def brought(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse: Warehouse = request.param(tmp_path_factory.mktemp("codes"))
    return warehouse


def rows(warehouse: Warehouse, query: str) -> list[list[object]]:
    frame = warehouse.frame(query)
    return frame.astype(object).where(frame.notna(), None).values.tolist()


def test_own_codes_are_mapped(brought: Warehouse) -> None:
    stages = rows(brought, "select current_stage from staging.stg_applications order by 1")
    assert stages == [["admitted"], ["denied"], [None], [None], [None], [None]]
    countries = "select person_id, country_of_residence from staging.stg_persons order by 1"
    assert rows(brought, countries) == [["p1", "DE"], ["p2", None]]
    interactions = rows(
        brought,
        "select interaction_type, channel, weight, status from staging.stg_interactions"
        " order by interaction_id",
    )
    assert interactions == [
        ["webinar", "virtual", 1, "attended"],
        ["hack_day", "in_person", 0.5, "attended"],
        ["other", None, 0, "attended"],
    ]


def test_programs_follow_their_crosswalk_and_are_themselves_without(brought: Warehouse) -> None:
    programs = "select program_code, program_name, is_derived from staging.stg_programs order by 1"
    assert rows(brought, programs) == [["P1", "One", False], ["P2", None, True]]
    codes = "select distinct program_code from staging.stg_applications order by 1"
    assert brought.column(codes) == ["P1", "P2"]
    intended = "select intended_program_code from staging.stg_persons order by 1"
    assert brought.column(intended) == ["P1", "P2"]


def test_unmapped_codes_are_counted_with_an_example_that_stays(brought: Warehouse) -> None:
    unmapped = rows(
        brought,
        "select code_set, lower(code), n, example_key, reason from data_quality.dq_unmapped_codes"
        " order by 1, 2",
    )
    none = "The code is in no crosswalk"
    assert unmapped == [
        ["country", "utopia", 1, "p2", none],
        ["interaction_type", "smoke signal", 1, "i3", none],
        [
            "stage",
            "accepted",
            1,
            "a3",
            "The crosswalk maps the code to something that the contract does not have",
        ],
        ["stage", "limbo", 2, "a5", none],
        ["stage", "pending", 1, "a4", "The crosswalk maps the code to several things"],
    ]


def test_rows_of_small_tables_that_do_not_hold_are_listed(brought: Warehouse) -> None:
    diverted = rows(
        brought,
        "select table_name, rule, lower(row_key), n_rows from data_quality.dq_diverted_rows"
        " where table_name in ('feature_catalog', 'persona_names', 'programs', 'xwalk_stages')"
        " order by 1, 2",
    )
    assert diverted == [
        ["feature_catalog", "duplicate_key", "age", 1],
        ["feature_catalog", "missing_key", "missing", 1],
        ["persona_names", "duplicate_key", "persona_01", 1],
        ["persona_names", "missing_key", "missing", 1],
        ["programs", "duplicate_key", "old-1", 1],
        ["xwalk_stages", "ambiguous_code", "pending", 2],
        ["xwalk_stages", "duplicate_key", "deposit", 1],
        ["xwalk_stages", "unknown_value", "accepted", 1],
    ]


# --- what is shipped ----------------------------------------------------------------------------


def shipped(name: str) -> list[dict[str, str]]:
    with (CROSSWALKS / f"xwalk_{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def contract_values(table: str, column: str) -> set[str]:
    models = yaml.safe_load((ROOT / "models/input/_input.yml").read_text())["models"]
    model = next(model for model in models if model["name"] == f"input__{table}")
    found = next(item for item in model["columns"] if item["name"] == column)
    return set(found["config"]["meta"]["values"])


@pytest.mark.parametrize(
    ("name", "value", "table", "column"),
    [
        ("stages", "stage", "stage_events", "stage"),
        ("tests", "test_code", "test_scores", "test_code"),
        ("components", "component", "test_scores", "component"),
    ],
)
def test_crosswalks_map_to_all_codes_of_the_contract(
    name: str, value: str, table: str, column: str
) -> None:
    codes = {row["code"]: row[value] for row in shipped(name)}
    assert set(codes.values()) == contract_values(table, column)
    assert all(codes[code] == code for code in codes.values())


def test_small_sets_map_to_all_codes_of_the_contract() -> None:
    sets: dict[str, dict[str, str]] = {}
    for row in shipped("values"):
        sets.setdefault(row["code_set"], {})[row["code"]] = row["value"]
    assert all(codes[code] == code for codes in sets.values() for code in codes.values())
    with (ROOT / "seeds/terminology/test_scales.csv").open() as file:
        scales = {row["scale_code"] for row in csv.DictReader(file)}
    in_contract = {
        "score_status": contract_values("test_scores", "status"),
        "score_scale": scales,
        "interaction_status": contract_values("interactions", "status"),
        "residency": contract_values("persons", "residency"),
        "gpa_direction": contract_values("education_records", "gpa_direction"),
        "term_status": contract_values("entry_terms", "status"),
        "test_policy": contract_values("programs", "test_policy"),
    }
    assert {name: set(codes.values()) for name, codes in sets.items()} == in_contract


def test_every_country_has_its_two_and_three_letters_and_a_name() -> None:
    codes: dict[str, set[str]] = {}
    for row in shipped("countries"):
        codes.setdefault(row["country"], set()).add(row["code"])
    # The 249 of ISO 3166, and Kosovo under the code that is in use for it.
    assert len(codes) == 250
    for country, known in codes.items():
        assert country in known
        assert any(len(code) == 3 and code.isupper() for code in known), country
        assert any(len(code) > 3 for code in known), country
