"""Which source column is the likeliest for each column of the contract, and why.

A score between 0 and 1 weighs the name (70 %) and the values (30 %): type, range, known codes,
distinct values. Values that can't be the column's rule it out; known codes alone can propose it.
The columns of a table are given out best first, each once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from applicant_personas.mapping.contract import Column, Contract, Table, code_key
from applicant_personas.mapping.expressions import has_short_years
from applicant_personas.mapping.names import best_name, table_likeness, words
from applicant_personas.mapping.profile import SourceColumn, SourceTable
from applicant_personas.mapping.scores import WideScore, find_wide_scores
from applicant_personas.mapping.text import is_quotable, one_line

PROPOSED, MEDIUM, HIGH = 0.5, 0.65, 0.85
NAME_WEIGHT = 0.7
# Likenesses of names that say something; ids repeat in few rows only.
ALIKE = 0.4
SHARE_OF_KEY = 0.8
# Events, which a table of one row a person or application can't hold.
HISTORIES = ("stage_events", "interactions")
# Plausible 5th and 95th percentiles of numbers.
RANGES = {
    "gpa_value": (0, 110),
    "gpa_scale_max": (0, 110),
    "gpa_scale_pass": (0, 70),
    "distance_km": (0, 20_040),
    "years_experience": (0, 60),
    "birth_year": (1920, 2020),
    "scholarship_offer_amount": (0, 1_000_000),
    "minutes": (0, 1_440),
    "capacity": (1, 20_000),
}
_TERM = re.compile(
    r"(19|20)\d\d|(spring|summer|fall|autumn|winter).*\d\d|\d\d.*(sp|su|fa|wi)", re.I
)
_DEGREE = re.compile(
    r"^(both )?(ph\.?d|master|bachelor|doctor|diploma|certificate|degree|"
    r"[bm]\.?(s|a|sc|e|eng|tech|ed|phil|ba)\b)",
    re.I,
)

CountDistinct = Callable[[SourceTable, Sequence[str]], int]


@dataclass(frozen=True)
class Match:
    """The likeliest source of a column of the contract; `source` is None where there is none."""

    column: Column
    source: SourceColumn | None = None
    score: float = 0.0
    why: str = ""
    runners_up: tuple[str, ...] = ()

    @property
    def confidence(self) -> str:
        """The score in a word."""
        if self.source is None:
            return "none"
        return "high" if self.score >= HIGH else "medium" if self.score >= MEDIUM else "low"


@dataclass(frozen=True)
class TableProposal:
    """The likeliest source of a table of the contract.

    `wide_scores`: where scores stand in columns of their own. `row_key`: columns whose values
    together are another one in every row, where the source has no id for it, and how many values
    they have. `nearest_key`: the
    column that is called like the key but whose values repeat, or are blank in some rows.
    `question`: what to ask where nothing is a key.
    """

    table: Table
    source: SourceTable
    matches: tuple[Match, ...]
    wide_scores: tuple[WideScore, ...] = ()
    row_key: tuple[SourceColumn, ...] = ()
    n_row_keys: int = 0
    nearest_key: SourceColumn | None = None
    question: str = ""

    def match(self, name: str) -> Match:
        """Return the match of a column, by the column's name."""
        return next(match for match in self.matches if match.column.name == name)

    @property
    def used(self) -> set[str]:
        """Names of the source columns that the proposal uses."""
        columns = [match.source for match in self.matches]
        columns += [wide.source for wide in self.wide_scores]
        columns += [wide.date_column for wide in self.wide_scores]
        return {column.name for column in columns if column}


def propose(
    contract: Contract, sources: Iterable[SourceTable], count_distinct: CountDistinct
) -> list[TableProposal]:
    """Propose a source for each table of the contract that has one, the required tables first.

    `count_distinct`: returns the number of rows of a table that differ in the named columns. Raises
    ValueError when there is no source with rows.
    """
    usable = [_without_unquotable(source) for source in sources if source.n_rows]
    if not usable:
        raise ValueError("No table of the source has a row: there is nothing to propose from.")
    order = sorted(
        contract.mapped_tables,
        key=lambda table: (not table.is_required, table.name != "applications"),
    )
    proposals: dict[str, TableProposal] = {}
    for table in order:
        proposal = _propose_table(contract, table, usable, proposals, count_distinct)
        if proposal:
            proposals[table.name] = proposal
    names = sorted(proposals, key=lambda name: (not proposals[name].table.is_required, name))
    return [proposals[name] for name in names]


def unknown_codes(contract: Contract, proposal: TableProposal) -> dict[str, dict[str, int]]:
    """Return, by column, the codes that no shipped crosswalk knows, with their numbers of rows."""
    unknown = {}
    for match in proposal.matches:
        known = contract.codes_of(match.column.table, match.column.name)
        if known is not None and match.source:
            codes = {c: n for c, n in match.source.codes.items() if code_key(c) not in known}
            if codes:
                unknown[match.column.name] = codes
    return unknown


# --- tables -------------------------------------------------------------------------------------


def _without_unquotable(source: SourceTable) -> SourceTable:
    columns = tuple(column for column in source.columns if is_quotable(column.name))
    return replace(source, columns=columns)


def _propose_table(
    contract: Contract,
    table: Table,
    sources: Sequence[SourceTable],
    found: Mapping[str, TableProposal],
    count_distinct: CountDistinct,
) -> TableProposal | None:
    drafts = [
        _with_nearest_key(
            TableProposal(table, source, _match(contract, table, source, _given(source, found)))
        )
        for source in sources
    ]
    drafts = [draft for draft in drafts if _is_there(draft, found)]
    if not drafts and table.name == "test_scores":
        return _propose_wide_scores(contract, table, sources, found, count_distinct)
    if not drafts:
        return None
    draft = max(drafts, key=_quality)
    if not table.own_id or draft.match(table.own_id).source:
        return draft
    if table.name == "applications":
        draft = _choose_program(draft, count_distinct)
    if draft.nearest_key:
        return _with_repeated_key(draft, draft.nearest_key, count_distinct)
    return _with_row_key(draft, found, count_distinct)


def _given(source: SourceTable, found: Mapping[str, TableProposal]) -> set[str]:
    """Return the columns of a source that tell something else already; ids may serve all tables."""
    return {
        match.source.name
        for proposal in found.values()
        if proposal.source is source
        for match in proposal.matches
        if match.source and not match.column.name.endswith("_id")
    }


def _quality(draft: TableProposal) -> float:
    """Weigh required columns most, then what the table is called, then all other columns."""
    required = sum(match.score for match in draft.matches if match.column.is_required)
    optional = sum(match.score for match in draft.matches if not match.column.is_required)
    return 2 * required + 2 * table_likeness(draft.table.name, draft.source.name) + 0.5 * optional


def _is_there(draft: TableProposal, found: Mapping[str, TableProposal]) -> bool:
    """Say whether a source has what a table requires, or all but one and the name of it."""
    table, source = draft.table, draft.source
    if table.is_required:
        return True
    if table.name in HISTORIES and any(
        source is found[name].source for name in ("persons", "applications") if name in found
    ):
        return False
    missing = [
        match
        for match in draft.matches
        if match.column.is_required and not match.source and match.column.name != table.own_id
    ]
    is_called_so = table_likeness(table.name, source.name) >= MEDIUM
    if len(table.grain) == 1 and not table.own_id:
        key = draft.match(table.grain[0]).source
        return bool(is_called_so and key and key.is_key and not missing)
    return len(missing) <= is_called_so


def _propose_wide_scores(
    contract: Contract,
    table: Table,
    sources: Sequence[SourceTable],
    found: Mapping[str, TableProposal],
    count_distinct: CountDistinct,
) -> TableProposal | None:
    """Propose the table with most columns of scores, each to become rows of its own."""
    source = max(sources, key=lambda source: len(find_wide_scores(contract, source)))
    wide = find_wide_scores(contract, source)
    if not wide:
        return None
    matches = tuple(
        match if match.column.name == "person_id" else Match(match.column)
        for match in _match(contract, table, source, set())
    )
    return _with_row_key(TableProposal(table, source, matches, wide), found, count_distinct)


# --- keys ---------------------------------------------------------------------------------------


def _with_nearest_key(draft: TableProposal) -> TableProposal:
    """Find what is called like the table's own id where that is another one in no column.

    Persons repeat in a flat file of applications; other ids do in a few rows only.
    """
    own_id = draft.table.own_id
    if not own_id or draft.match(own_id).source:
        return draft
    share = 0 if draft.table.name == "persons" else SHARE_OF_KEY
    likely = [
        (best_name(draft.table.name, own_id, column.name)[0], column)
        for column in draft.source.columns
        if column.kind in ("text", "number")
        and column.share_distinct >= share
        and _fit_id(False, column)[0] > 0
    ]
    likeness, nearest = max(likely, key=lambda pair: pair[0], default=(0.0, None))
    if likeness < ALIKE:
        return draft
    score = NAME_WEIGHT * likeness
    matches = tuple(
        replace(match, score=score) if match.column.name == own_id else match
        for match in draft.matches
    )
    return replace(draft, matches=matches, nearest_key=nearest)


def _with_repeated_key(
    draft: TableProposal, key: SourceColumn, count_distinct: CountDistinct
) -> TableProposal:
    """Take a key whose rows are copies of each other, which become one row; else ask."""
    n_rows = count_distinct(draft.source, sorted({*draft.used, key.name}))
    if n_rows != key.n_distinct or key.share_filled < 1:
        return replace(draft, question=_question(draft, [key], key.n_distinct))
    matches = tuple(
        replace(match, source=key, why=f"{key.n_distinct:,} values; the rows of each are copies")
        if match.column.name == draft.table.own_id
        else match
        for match in draft.matches
    )
    return replace(draft, matches=matches)


def _with_row_key(
    draft: TableProposal, found: Mapping[str, TableProposal], count_distinct: CountDistinct
) -> TableProposal:
    """Say which columns tell the rows of a source without an id apart; where none do, ask.

    In the table of applications: its id, or person, program and term; else all that is required,
    then all that is used.
    """
    source = draft.source
    applications = found.get("applications")
    if applications and applications.source is source:
        own = applications.match("application_id").source
        keys = [(own,) if own else applications.row_key]
    else:
        columns = [(match.source, match.column) for match in draft.matches if match.source]
        keys = [tuple(column for column, of in columns if of.is_required)]
        keys.append(tuple(column for column, _ in columns))
    n_told = 0
    for key in filter(None, keys):
        n_told = count_distinct(source, [column.name for column in key])
        if n_told == source.n_rows:
            return replace(draft, row_key=key, n_row_keys=n_told)
    return replace(draft, question=_question(draft, keys[-1], n_told))


def _question(draft: TableProposal, nearest: Sequence[SourceColumn], n_told: int) -> str:
    """Ask in a sentence what the key is."""
    names = " and ".join(one_line(column.name) for column in nearest)
    has = "together have" if len(nearest) > 1 else "has"
    shown = f" ({names} {has} {n_told:,} values in {draft.source.n_rows:,} rows)" if names else ""
    return (
        f"No column has a value of its own in every row{shown}: write here which one is the "
        f"{draft.table.own_id}, or which make it together."
    )


def _choose_program(draft: TableProposal, count_distinct: CountDistinct) -> TableProposal:
    """Of the columns that could be the program, take the one that tells applications apart.

    An application is a person, a program and a term; so without an id, these make a row.
    """
    person, term, program = (draft.match(n) for n in ("person_id", "entry_term", "program_code"))
    fixed = [match.source.name for match in (person, term) if match.source]
    columns = {column.name: column for column in draft.source.columns}
    if len(fixed) < 2 or not program.source:
        return draft
    names = [program.source.name, *program.runners_up]
    counts = {name: count_distinct(draft.source, [*fixed, name]) for name in names}
    best = max(names, key=counts.__getitem__)
    if best == program.source.name:
        return draft
    chosen = replace(
        program,
        source=columns[best],
        why=f"with person and term it tells {counts[best]:,} rows apart",
        runners_up=tuple(name for name in names if name != best),
        score=MEDIUM,
    )
    matches = tuple(chosen if match is program else match for match in draft.matches)
    return replace(draft, matches=matches)


# --- columns ------------------------------------------------------------------------------------


def _match(
    contract: Contract, table: Table, source: SourceTable, given: set[str]
) -> tuple[Match, ...]:
    """Give each column of the contract its best source column, best pairs first, each once."""
    free = [column for column in source.columns if column.name not in given]
    rated = {
        column.name: sorted(
            ((*_rate(contract, table, column, candidate), candidate) for candidate in free),
            key=lambda rating: -rating[0],
        )
        for column in table.columns
    }
    pairs = [
        (score + 0.02 * column.is_required, column, candidate, why)
        for column in table.columns
        for score, why, candidate in rated[column.name]
        if score >= PROPOSED
    ]
    taken: dict[str, Match] = {}
    given = set()
    for score, column, candidate, why in sorted(pairs, key=lambda pair: -pair[0]):
        if column.name not in taken and candidate.name not in given:
            taken[column.name] = Match(column, candidate, min(score, 1.0), why)
            given.add(candidate.name)
    return tuple(
        replace(
            taken.get(column.name, Match(column)),
            runners_up=_runners_up(rated[column.name], taken.get(column.name)),
        )
        for column in table.columns
    )


def _runners_up(
    ratings: Sequence[tuple[float, str, SourceColumn]], match: Match | None
) -> tuple[str, ...]:
    chosen = match.source if match else None
    others = (candidate for score, _, candidate in ratings if score >= PROPOSED - 0.1)
    return tuple(candidate.name for candidate in others if candidate is not chosen)[:3]


def _rate(
    contract: Contract, table: Table, column: Column, source: SourceColumn
) -> tuple[float, str]:
    """Return the score of a pair, and why."""
    likeness, known_as = best_name(column.table, column.name, source.name)
    codes = contract.codes_of(column.table, column.name)
    if codes is not None:
        fit, why = _fit_codes(codes, source)
    else:
        fit, why = _fit_values(table, column, source)
    if fit <= 0:
        return 0.0, why
    score = NAME_WEIGHT * likeness + (1 - NAME_WEIGHT) * fit if likeness >= ALIKE else 0.0
    if codes is not None and _speak_alone(codes, source):
        score = max(score, PROPOSED + 0.3 * fit)
    reasons = [f"called like {known_as}"] if likeness >= ALIKE else []
    return score, "; ".join([*reasons, why])


def _speak_alone(known: Mapping[str, str], source: SourceColumn) -> bool:
    """Say whether values tell what a column is whatever its name: three codes, most of them known.

    Fewer would take degrees (MS) for countries (MS is Montserrat).
    """
    n_known = sum(code_key(code) in known for code in source.codes)
    return source.kind == "text" and n_known >= 3 and 2 * n_known >= len(source.codes)


def _fit_codes(known: Mapping[str, str], source: SourceColumn) -> tuple[float, str]:
    """Rate values by the share of rows whose code is known."""
    if source.kind in ("timestamp", "empty"):
        return 0.0, f"{source.kind} values"
    if not source.codes:
        return (0.0, "no two values alike") if source.n_distinct > 1 else (0.1, "one value")
    n = sum(rows for code, rows in source.codes.items() if code_key(code) in known)
    share = n / source.n_filled
    if not n:
        return (0.3, "no code known") if source.n_distinct <= 100 else (0.0, "no code known")
    return 0.3 + 0.7 * share, f"{share:.0%} of the rows have a known code"


def _fit_values(table: Table, column: Column, source: SourceColumn) -> tuple[float, str]:
    """Rate values by type, range and how many of them differ."""
    kind, name = source.kind, column.name
    if kind == "empty":
        return 0.0, "empty"
    if column.type in ("timestamp", "date"):
        is_date = kind == "timestamp" or (kind == "number" and source.date_formats)
        return (1.0, "dates") if is_date else (0.0, "no dates")
    if name == "birth_year" and kind == "timestamp":
        return (0.0, "years of two digits") if has_short_years(source) else (1.0, "days of birth")
    if column.type == "boolean":
        return (1.0, "yes or no") if kind == "boolean" else (0.0, "not yes or no")
    if column.type in ("double", "integer"):
        return _fit_number(name, source)
    if kind == "timestamp":
        return 0.0, "dates"
    if name.endswith("_id"):
        return _fit_id(name == table.own_id, source)
    if name.endswith("entry_term"):
        return _fit_pattern(_TERM, source, name in table.grain, (1.0, "terms"), (0.4, "no years"))
    if name.endswith("program_code"):
        return _fit_pattern(
            _DEGREE, source, name in table.grain, (0.2, "degrees"), (0.8, "groups of rows")
        )
    return (0.7, "text") if kind == "text" else (0.4, kind)


def _fit_number(name: str, source: SourceColumn) -> tuple[float, str]:
    if source.kind != "number":
        return 0.0, "no numbers"
    if source.low is None or source.high is None or name not in RANGES:
        return 0.6, "numbers"
    low, high = RANGES[name]
    is_within = low <= source.low and source.high <= high
    shown = f"{source.low:g} to {source.high:g} in nine of ten rows"
    return (1.0 if is_within else 0.2), shown


def _fit_id(is_own: bool, source: SourceColumn) -> tuple[float, str]:
    """Rate ids: that of the table itself is another one in each row."""
    if source.kind == "boolean" or source.n_distinct < 2 < source.n_filled:
        return 0.0, "hardly any value"
    if is_own:
        return (1.0, "a value a row") if source.is_key else (0.0, "values repeat or are blank")
    return 0.8, f"{source.n_distinct:,} values"


def _fit_pattern(
    pattern: re.Pattern[str],
    source: SourceColumn,
    is_own: bool,
    if_found: tuple[float, str],
    if_not: tuple[float, str],
) -> tuple[float, str]:
    """Rate groups of rows by whether most of them are named after a pattern."""
    if source.kind == "boolean":
        return 0.0, "yes or no"
    if not source.codes:
        return (0.6, "a value a row") if is_own and source.is_key else (0.3, "many values")
    n = sum(
        rows
        for code, rows in source.codes.items()
        if pattern.search(" ".join((code, *words(code))))
    )
    return if_found if 2 * n > source.n_filled else if_not
