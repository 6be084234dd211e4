"""Scores in columns of their own: greV, GRE Quantitative, TOEFL Total, IELTS Overall Date."""

from __future__ import annotations

from dataclasses import dataclass

from applicant_personas.mapping.contract import Contract, code_key
from applicant_personas.mapping.names import words
from applicant_personas.mapping.profile import SourceColumn, SourceTable

# Words that make a column of a test something else than a score of it.
_NO_SCORE = {"date", "percentile", "rank", "waived", "waiver", "status", "id", "type", "number",
    "required", "attempts", "official", "verified", "year"}  # fmt: skip
_LETTERS = {"a": "analytical"}
_FILLER = {"score", "test", "general", "section", "official", "highest", "best", "result", "exam",
    "international", "scaled", "reported", "self"}  # fmt: skip


@dataclass(frozen=True)
class WideScore:
    """A column that holds the scores of one component of one test.

    `test` is the code as the crosswalk knows it; `date_column` the day of the same test, if any;
    `in_range` says whether nearly all values are on a scale of the test.
    """

    source: SourceColumn
    test: str
    component: str
    date_column: SourceColumn | None
    in_range: bool


def find_wide_scores(contract: Contract, table: SourceTable) -> tuple[WideScore, ...]:
    """Return the columns of a table that hold scores, in their order."""
    dates: dict[str, SourceColumn] = {}
    for column in table.columns:
        if column.kind == "timestamp" and "date" in words(column.name):
            for test in _tests(contract, column.name):
                dates.setdefault(test, column)
    found = []
    for column in table.columns:
        named = _test_and_component(contract, column)
        if named:
            test, component = named
            in_range = _fits(contract, test, component, column)
            found.append(WideScore(column, test, component, dates.get(test), in_range))
    return tuple(found)


def _test_and_component(contract: Contract, column: SourceColumn) -> tuple[str, str] | None:
    """Read the test and the component from the name; a test not named, from the range."""
    if column.kind != "number" or _NO_SCORE & set(words(column.name)):
        return None
    tests = _tests(contract, column.name)
    rest = [word for word in words(column.name, True) if word not in tests and word not in _FILLER]
    component = _component(contract, rest)
    if component is None:
        return None
    if not tests and rest:
        known = contract.codes_of("test_scores", "test_code") or {}
        codes = [code for code in dict.fromkeys(known.values()) if code in known]
        tests = [code for code in codes if _fits(contract, code, component, column)]
        tests = tests if component in ("verbal", "quant") and len(tests) == 1 else []
    return (tests[0], component) if len(tests) == 1 else None


def _tests(contract: Contract, name: str) -> list[str]:
    """Return the tests that a name speaks of, by single words that the crosswalk knows."""
    known = contract.codes_of("test_scores", "test_code") or {}
    return [word for word in dict.fromkeys(words(name)) if word in known and word != "other"]


def _component(contract: Contract, rest: list[str]) -> str | None:
    known = {**_LETTERS, **(contract.codes_of("test_scores", "component") or {})}
    return known.get(code_key(" ".join(rest))) if rest else "total"


def _fits(contract: Contract, test: str, component: str, column: SourceColumn) -> bool:
    """Say whether both ends of the values are on scales of the test and the component."""
    code = (contract.codes_of("test_scores", "test_code") or {}).get(test, test)
    scales = contract.scales.get((code, component), ())
    ends = [end for end in (column.low, column.high) if end is not None]
    return bool(ends) and all(any(low <= end <= high for low, high in scales) for end in ends)
