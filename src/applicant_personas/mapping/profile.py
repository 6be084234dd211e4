"""What is known of a source: its tables and columns, without the values that are personal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from applicant_personas.mapping.formats import Formats


@dataclass(frozen=True)
class SourceColumn:
    """One column of a source.

    `kind` is what its values read as: empty, number, timestamp, boolean or text. Shares are of 1:
    `share_filled` of the rows, `share_distinct` of the filled ones. `low` and `high`: the 5th and
    95th percentile of numbers, so that one typing error does not hide a scale. `codes`: values and
    their numbers of rows, of columns with few values; empty for personal ones. `date_formats` and
    `decimal_sign`: how dates and numbers are written, where not as the project reads them anyway;
    `has_local_words`: yes and no in another language than English.
    """

    name: str
    type: str
    kind: str
    n_filled: int
    n_distinct: int
    share_filled: float
    share_distinct: float
    minimum: str = ""
    maximum: str = ""
    low: float | None = None
    high: float | None = None
    codes: Mapping[str, int] = field(default_factory=dict)
    date_formats: Formats = ()
    decimal_sign: str = ""
    has_local_words: bool = False

    @property
    def is_key(self) -> bool:
        """Each row has a value of its own."""
        return self.n_filled > 0 and self.share_filled == self.share_distinct == 1


@dataclass(frozen=True)
class SourceTable:
    """One table of a source; `relation` are the parts of its name in SQL."""

    name: str
    relation: tuple[str, ...]
    n_rows: int
    columns: tuple[SourceColumn, ...]
    n_unread: int = 0
