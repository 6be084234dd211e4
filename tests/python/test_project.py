"""The house rules, held on dbt's manifest: layers, names, contracts and complete documentation."""

import ast
import copy
import csv
import json
import re
from pathlib import Path

import pytest
import warehouse
import yaml

from applicant_personas.command_line import read_copy
from applicant_personas.command_line.dictionary import write_dictionary
from applicant_personas.command_line.questions import queries

ROOT = Path(__file__).parents[2]
LAYERS = {
    "input": "input__",
    "staging": "stg_",
    "intermediate": "int_",
    "features": "ftr_",
    "selection": "ml_",
    "personas": "ml_",
    "enrollment": "ml_",
    "marts": ("dim_", "fct_", "rpt_"),
    "audit": "audit_",
    "data_quality": "dq_",
    "semantic_layer": "metricflow_",
}
PUBLIC = {"marts", "audit", "data_quality"}
# What a layer may read; the layers of fitted models read features and each other.
FITTED = {"selection", "personas", "enrollment"}
MAY_READ = {
    "input": {"input"},
    "staging": {"input", "staging"},
    "intermediate": {"staging", "intermediate"},
    "features": {"staging", "intermediate", "features"},
    "selection": {"staging", "intermediate", "features", *FITTED},
    "personas": {"staging", "intermediate", "features", *FITTED},
    "enrollment": {"staging", "intermediate", "features", *FITTED},
    "marts": {"staging", "intermediate", "features", *FITTED, "marts"},
    "audit": set(LAYERS),
    "data_quality": set(LAYERS),
    # Its semantic models read the marts; the days come from nowhere.
    "semantic_layer": set(),
}

# What personas must not learn of: outcomes, likelihoods, offers, protected attributes.
OUTCOMES = (
    "int_outcomes_", "int_offers_", "ml_enrollment_", "ml_training_outcomes", "ml_at_risk",
    "ml_backtest_", "ml_headcount_", "ml_leak_", "ml_feature_", "fct_", "rpt_", "stg_protected_",
    "input__protected_",
)  # fmt: skip
# Beyond them only single columns are read: those of the catalog, and which rows there are.
# test_persona_builds.py proves both, on the compiled SQL and by other outcomes.
WALLS = {"ftr_applicants", "int_applications_as_of"}
ADMITTED = 60


@pytest.fixture(scope="module")
def manifest():
    return json.loads(warehouse.manifest().read_text())


@pytest.fixture(scope="module")
def models(manifest):
    return {
        name: node for name, node in manifest["nodes"].items() if node["resource_type"] == "model"
    }


def test_every_metric_and_its_parts_are_described(manifest):
    kinds = ("semantic_models", "metrics", "saved_queries")
    bare = [
        node["name"]
        for kind in kinds
        for node in manifest[kind].values()
        if not node["description"]
    ]
    assert all(manifest[kind] for kind in kinds)
    assert not bare


def test_semantic_models_read_marts_only(manifest, models):
    parents = {
        parent
        for node in manifest["semantic_models"].values()
        for parent in node["depends_on"]["nodes"]
    }
    assert parents
    assert {layer(models[parent]) for parent in parents} == {"marts"}


def layer(node):
    return node["fqn"][1]


def is_working(node):
    """Tell whether an audit's model is a step towards another one: private, and among the fits."""
    return layer(node) == "audit" and node["access"] == "private" and node["schema"] == "ml"


def test_every_model_is_named_after_its_layer(models):
    misnamed = [
        node["name"] for node in models.values() if not node["name"].startswith(LAYERS[layer(node)])
    ]
    assert models
    assert not misnamed


def test_every_layer_reads_only_what_it_may(models):
    trespasses = [
        f"{node['name']} reads {models[parent]['name']}"
        for node in models.values()
        for parent in node["depends_on"]["nodes"]
        if parent in models and layer(models[parent]) not in MAY_READ[layer(node)]
    ]
    assert not trespasses


def test_every_model_says_what_it_is(models):
    parts = ("Overview:", "Grain and key:", "Business rules:")
    silent = [
        node["name"]
        for node in models.values()
        if not all(part in node["description"] for part in parts)
    ]
    assert not silent


def test_every_documented_column_has_a_description(manifest):
    kinds = {"model", "seed"}
    silent = [
        f"{node['name']}.{column['name']}"
        for node in manifest["nodes"].values()
        if node["resource_type"] in kinds
        for column in node["columns"].values()
        if not column["description"].strip()
    ]
    undocumented = [
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] in kinds and not node["columns"]
    ]
    assert not silent
    assert not undocumented


def test_every_public_model_has_a_contract_a_group_and_typed_columns(models):
    public = [node for node in models.values() if layer(node) in PUBLIC and not is_working(node)]
    assert {layer(node) for node in public} == PUBLIC
    for node in public:
        assert node["access"] == "public", node["name"]
        assert node["group"] == "enrollment_analytics", node["name"]
        assert node["config"]["contract"]["enforced"], node["name"]
        untyped = [name for name, column in node["columns"].items() if not column["data_type"]]
        assert not untyped, node["name"]


def test_only_marts_are_public(models):
    exposed = [
        node["name"]
        for node in models.values()
        if node["access"] == "public" and layer(node) not in PUBLIC
    ]
    assert not exposed


def test_fitted_models_are_private(models):
    fitted = [node for node in models.values() if layer(node) in FITTED]
    assert fitted
    assert {node["access"] for node in fitted} == {"private"}


def test_every_model_has_a_key_test(manifest, models):
    keyed = {
        test["attached_node"]
        for test in manifest["nodes"].values()
        if test["resource_type"] == "test"
        and test.get("test_metadata")
        and {"keys", "record_keys"} & set(test["test_metadata"]["kwargs"])
    }
    # What the build before left, as it is, and tidy rows of several kinds.
    free = {
        "ml_backtest_previous",
        "ml_enrollment_previous",
        "ml_enrollment_scores",
        "ml_feature_screening",
        "ml_persona_previous",
    }
    unkeyed = [
        node["name"]
        for name, node in models.items()
        if name not in keyed
        and layer(node) != "input"
        and not node["name"].endswith("_reviewed")
        and node["name"] not in free
        and not node["name"].startswith("dq_")
    ]
    assert not unkeyed


def test_unit_tests_give_the_rows_of_seeds():
    """Else dbt reads them with its static parser, whose threads no fork of the dbt server has."""
    tests = [
        (file.name, test)
        for file in (ROOT / "models").rglob("*unit_tests.yml")
        for test in yaml.safe_load(file.read_text())["unit_tests"]
    ]
    assert tests
    bare = [
        f"{name}: {test['name']}: {given['input']}"
        for name, test in tests
        for given in test["given"]
        if not given.keys() & {"rows", "fixture"}
    ]
    assert not bare


def test_exposures_name_what_is_read(manifest, models):
    """Each is made by a command of this project, whose code says what it reads."""
    mart = re.compile(r"\b(?:dim|fct|rpt|dq|audit)_\w+")
    command_line = ROOT / "src" / "applicant_personas" / "command_line"
    public = {node["name"] for node in models.values() if node["access"] == "public"}

    def named(*files):
        return {name for file in files for name in mart.findall(file.read_text())} & public

    questions = queries((ROOT / "docs" / "questions.md").read_text())
    read = {
        "page": {*read_copy.WHOLE, *read_copy.PARTS},
        "outreach_files": named(command_line / "export.py", command_line / "warehouse.py"),
        "directors_questions": {name for query in questions for name in mart.findall(query)},
        "model_card": named(command_line / "card.py"),
        "served_copy": public,
    }
    exposed = {
        exposure["name"]: {models[parent]["name"] for parent in exposure["depends_on"]["nodes"]}
        for exposure in manifest["exposures"].values()
    }
    assert exposed == read


PROTECTED = "model.applicant_personas.input__protected_attributes"


def layers_that_learn_of(start, children, models):
    """Give the layers of all models that read it, over whatever others."""
    reached, queue = set(), [start]
    while queue:
        for child in children[queue.pop()]:
            if child in models and child not in reached:
                reached.add(child)
                queue.append(child)
    return {layer(models[name]) for name in reached}


def test_protected_attributes_reach_no_feature_no_fit_and_no_mart(manifest, models):
    touched = layers_that_learn_of(PROTECTED, manifest["child_map"], models)
    assert "audit" in touched
    assert touched <= {"input", "staging", "audit", "data_quality"}


@pytest.mark.parametrize("reader", ["ftr_applicants", "ml_enrollment_fit", "dim_personas"])
def test_a_model_that_learns_of_protected_attributes_is_found(manifest, models, reader):
    tampered = copy.deepcopy(manifest["child_map"])
    tampered["model.applicant_personas.audit_group_counts"].append(
        f"model.applicant_personas.{reader}"
    )
    touched = layers_that_learn_of(PROTECTED, tampered, models)
    assert layer(models[f"model.applicant_personas.{reader}"]) in touched


def test_the_parsed_project_is_the_same_for_vars_that_are_read_when_a_model_runs():
    """Builds of the tests that change no others share one parse."""
    folders = [ROOT / name for name in ("models", "python_models", "tests", "seeds")]
    files = [ROOT / "dbt_project.yml", *(f for folder in folders for f in folder.rglob("*.yml"))]
    properties = [file.read_text() for file in files]
    models = [file.read_text() for folder in folders for file in folder.rglob("*.sql")]
    configs = [text for model in models for text in re.findall(r"config\(.*?\)\s*}}", model, re.S)]
    parsed = set(re.findall(r"var\('(\w+)'", "".join(properties + configs)))
    assert {"seed", "leak_severity"} <= parsed
    assert not parsed & warehouse.READ_WHEN_RUN


def shipped_catalog():
    with (ROOT / "seeds/catalog/feature_catalog.csv").open() as file:
        return list(csv.DictReader(file))


def outcomes_behind_personas(manifest, catalog):
    """List the models that tell outcomes and are read, over whatever models, to make personas."""
    parents = {
        node["name"]: [manifest["nodes"][parent]["name"] for parent in node["depends_on"]["nodes"]]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
    }
    shaping = [row for row in catalog if row["role"] in {"persona", "both"}]
    sources = {row["source_column"].partition(".")[0] for row in shaping}
    queue = ["ml_persona_fit", "ml_persona_space", *sources - WALLS]
    read = set(queue)
    while queue:
        name = queue.pop()
        fresh = set(parents.get(name, [])) - read if name not in WALLS else set()
        read |= fresh
        queue += fresh
    assert read > WALLS
    return sorted(name for name in read if name.startswith(OUTCOMES))


def features_told_too_late(catalog):
    """List the features of personas that are protected, or first known with the decision."""
    with (ROOT / "seeds/terminology/stages.csv").open() as file:
        ranks = {row["stage"]: int(row["stage_rank"]) for row in csv.DictReader(file)}
    return [
        row["feature"]
        for row in catalog
        if row["role"] in {"persona", "both"}
        and (row["protected"] == "true" or ranks[row["earliest_stage"]] >= ADMITTED)
    ]


def test_personas_learn_of_no_outcome_no_offer_and_no_protected_attribute(manifest):
    assert not outcomes_behind_personas(manifest, shipped_catalog())
    assert not features_told_too_late(shipped_catalog())


@pytest.mark.parametrize(
    ("reader", "read"),
    [
        ("ml_persona_sample", "int_outcomes_labeled"),
        ("ml_persona_space", "ml_enrollment_predictions"),
        ("ftr_statistics", "stg_protected_attributes"),
        ("int_engagement_known", "fct_enrollment_scores"),
        ("int_stages_known", "int_offers_known"),
    ],
)
def test_a_persona_that_learns_of_an_outcome_is_found(manifest, reader, read):
    tampered = copy.deepcopy(manifest["nodes"])
    nodes = {node["name"]: name for name, node in tampered.items()}
    tampered[nodes[reader]]["depends_on"]["nodes"].append(nodes[read])
    assert read in outcomes_behind_personas({"nodes": tampered}, shipped_catalog())


def test_a_feature_that_tells_the_outcome_is_found():
    catalog = {row["feature"]: row for row in shipped_catalog()}
    for feature in ("scholarship_amount", "has_deposited", "gender"):
        catalog[feature]["role"] = "both"
    assert features_told_too_late(catalog.values()) == [
        "has_deposited", "scholarship_amount", "gender"
    ]  # fmt: skip


def test_an_offer_among_the_features_of_personas_is_found(manifest):
    catalog = shipped_catalog()
    offers = [row for row in catalog if row["feature"] == "scholarship_offered"]
    offers[0]["role"] = "persona"
    assert outcomes_behind_personas(manifest, catalog) == ["int_offers_known"]


def test_python_models_are_thin():
    files = sorted((ROOT / "python_models").rglob("*.py"))
    assert files
    for file in files:
        text = file.read_text()
        functions = [
            node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)
        ]
        assert functions == ["model"], file.name
        assert len(text.splitlines()) <= 30, file.name


def test_lines_of_sql_are_short():
    """At most 100 characters; measured here, for a linter measures what is generated too."""
    folders = [ROOT / name for name in ("macros", "models", "tests")]
    files = [file for folder in folders for file in folder.rglob("*.sql")]
    assert len(files) > 150
    lines = [(file, line) for file in files for line in file.read_text().splitlines()]
    assert not [(file.name, line) for file, line in lines if len(line) > 100]


def test_the_library_knows_neither_dbt_nor_duckdb():
    package = ROOT / "src" / "applicant_personas"
    # The copy is DuckDB's, and what dbt publishes it with a plugin of its adapter.
    knowing = [package / "publish.py", package / "served_copy.py"]
    knowing += (package / "command_line").rglob("*.py")
    library = sorted(set(package.rglob("*.py")) - set(knowing))
    assert len(library) > len(knowing) > 5
    for file in library:
        imports = [
            name.name if isinstance(node, ast.Import) else (node.module or "")
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in node.names
        ]
        foreign = [name for name in imports if name.split(".")[0] in {"dbt", "duckdb"}]
        assert not foreign, file.name


def test_the_data_dictionary_is_current(tmp_path):
    write_dictionary(warehouse.manifest(), tmp_path / "dictionary.md")
    committed = (ROOT / "docs" / "data-dictionary.md").read_text()
    assert (tmp_path / "dictionary.md").read_text() == committed, (
        "run: dbt parse && applicant-personas dictionary"
    )


def test_without_a_manifest_the_dictionary_says_so(tmp_path):
    with pytest.raises(ValueError, match="run `dbt parse` first"):
        write_dictionary(tmp_path / "manifest.json", tmp_path / "dictionary.md")
