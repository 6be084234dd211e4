"""How alike two names are: words, abbreviations and the synonyms that systems use.

What the names are, in several languages, stands in the tables beside this file: headers.csv (what
columns and tables are called; no column: the table) and words.csv (what a word stands for, none
where it says nothing).
"""

from __future__ import annotations

import csv
import difflib
import re
import unicodedata
from functools import cache
from pathlib import Path

# Words that many names have say little.
_COMMON = {"id", "date", "code", "name", "number", "value", "type", "year", "text"}
_COMMON_WEIGHT = 0.3
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})

# Columns whose values are never shown or kept: they name or find a person.
_PERSONAL = re.compile(
    r"^name$|\b(first|last|middle|full|given|family|maiden|preferred|chosen|former|sur|birth|person|"
    r"applicant|student|contact|user) ?name|\b(surname|email|mail|phone|mobile|fax|street|address|"
    r"city|zip|postal|postcode|birth|birthdate|dob|ssn|social|security|passport|visa number|tax|"
    r"religion|ethnicity|race|gender|sex|disability|pronoun|notes?|comments?|password|"
    r"latitude|longitude|ip)\b"
)


def shipped_rows(file: str) -> list[dict[str, str]]:
    """Return the rows of a table that lies beside this module."""
    with Path(__file__).with_name(file).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def plain_letters(text: str) -> str:
    """Return a text in lower case without accents, umlauts spelled out: Prüfung, pruefung."""
    spelled = unicodedata.normalize("NFC", text.lower()).translate(_UMLAUTS)
    decomposed = unicodedata.normalize("NFKD", spelled)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


@cache
def words(name: str, with_small: bool = False) -> tuple[str, ...]:
    """Split a name of any system into plain words: hed__Term__c, greV, TERM_CD, Studiengang-Nr.

    `with_small` keeps words such as a, which may abbreviate something.
    """
    meanings = _meanings()
    name = re.sub(r"^[A-Za-z][A-Za-z0-9]*__(?=.*__[A-Za-z]$)|__[A-Za-z]$", "", name)
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    found = re.findall(r"[^\W\d_]+|\d+", plain_letters(name))
    kept = tuple(
        meant
        for word in found
        for meant in meanings.get(word, (word,)) or ((word,) if with_small else ())
    )
    return kept or tuple(found)


@cache
def similarity(name: str, other: str) -> float:
    """Return the share of words that two names have in common, 0 to 1 (the F1 of both shares)."""
    found, meant = _covered(words(name), words(other)), _covered(words(other), words(name))
    return 2 * found * meant / (found + meant) if found and meant else 0.0


def best_name(table: str, column: str, name: str) -> tuple[float, str]:
    """Return how alike a source's name is to a contract column, and to which of its names."""
    names = (column, *_synonyms().get((table, column), ()))
    return max(((similarity(name, known), known) for known in names), key=lambda found: found[0])


def table_likeness(table: str, name: str) -> float:
    """Return how alike a source's table name is to a table of the contract, 0 to 1."""
    return max(similarity(name, known) for known in (table, *_synonyms().get((table, ""), ())))


def is_personal(name: str) -> bool:
    """Say whether the values of a column of this name would name or describe one person."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    as_written = re.sub(r"[\W_]+", " ", spaced).lower()
    return any(_PERSONAL.search(text) for text in (as_written, " ".join(words(name))))


@cache
def _synonyms() -> dict[tuple[str, str], list[str]]:
    """Return what systems call each column and table, beside its own name."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in shipped_rows("headers.csv"):
        found.setdefault((row["table"], row["column"]), []).append(row["header"])
    return found


@cache
def _meanings() -> dict[str, tuple[str, ...]]:
    """Return the words that a word stands for; none where it says nothing."""
    rows = shipped_rows("words.csv")
    return {plain_letters(row["word"]): tuple(row["means"].split()) for row in rows}


def _covered(names: tuple[str, ...], others: tuple[str, ...]) -> float:
    """Return the weighted share of the words that the other name has too."""
    weights = [_COMMON_WEIGHT if word in _COMMON else 1.0 for word in names]
    alike = [max((_alike(word, other) for other in others), default=0.0) for word in names]
    covered = sum(weight * share for weight, share in zip(weights, alike, strict=True))
    return covered / sum(weights) if weights else 0.0


def _alike(word: str, other: str) -> float:
    if word == other or word.rstrip("s") == other.rstrip("s"):
        return 1.0
    if min(len(word), len(other)) < 4:
        return 0.0
    ratio = difflib.SequenceMatcher(None, word, other).ratio()
    return ratio if ratio >= 0.9 else 0.0
