"""What all tests share: the order of the files, how threads wait, and that dbt keeps no log."""

from __future__ import annotations

import os

import pytest

pytest_plugins = ["input_project"]

# Workers share the cores: threads that wait in a loop take them from each other, and small fits
# then cost up to ten times as much. Read when NumPy and scikit-learn are first imported.
os.environ |= {"OMP_WAIT_POLICY": "passive", "OPENBLAS_NUM_THREADS": "1"}
# What dbt writes into its log for debugging takes an eighth of a build, and nobody reads it here.
os.environ["DBT_LOG_LEVEL_FILE"] = "none"

# Those whose builds take longest, longest first, so that no worker begins one near the end.
LONGEST = [
    "test_end_to_end",
    "test_edulix",
    "test_persona_builds",
    "test_input",
    "test_absence",
    "test_as_of",
    "test_erasure",
    "test_leaks",
    "test_time_edges",
    "test_phases",
    "test_fairness",
    "test_examples",
    "test_headcount",
    "test_acting",
    "test_german_export",
    "test_mapping",
    "test_hostile_text",
    "test_suppression",
    "test_publish",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))
