"""The examples in docstrings run and say what they show."""

import doctest
from importlib import import_module

import pytest


@pytest.mark.parametrize("name", ["forest", "likelihood"])
def test_examples_run(name):
    failed, tried = doctest.testmod(import_module(f"applicant_personas.{name}"))
    assert tried > 3
    assert failed == 0
