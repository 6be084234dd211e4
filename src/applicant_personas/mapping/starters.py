"""Starter SQL of a proposal: a select for each table of the contract, to be checked by a human."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from applicant_personas.mapping.names import is_personal
from applicant_personas.mapping.propose import Match, TableProposal
from applicant_personas.mapping.scores import WideScore
from applicant_personas.mapping.text import comment, one_line, quote_name


def starter_sql(proposal: TableProposal, unused: Sequence[str] = ()) -> str:
    """Return a select of one table of the contract.

    A required column without a source reads a column that does not exist, so that the statement
    fails until it is mapped. `unused`: columns of the source that no table uses, offered as x_
    columns within comments.
    """
    lines = [*_heading(proposal)]
    if proposal.wide_scores:
        selects = (_score_select(proposal, wide) for wide in proposal.wide_scores)
        lines += "\nunion all\n".join("\n".join(select) for select in selects).split("\n")
    else:
        lines += _select(proposal, unused)
    return "\n".join(lines) + "\n"


def _heading(proposal: TableProposal) -> Iterator[str]:
    yield f"-- {proposal.table.name} of the input contract, from {comment(proposal.source.name)}."
    yield "-- Values go through as they are: the project judges them, and lists what it refuses."
    if _repeats(proposal):
        yield f"-- The source repeats {proposal.table.own_id}: exact copies become one row."
    if proposal.row_key:
        names = ", ".join(comment(column.name) for column in proposal.row_key)
        yield f"-- The source has no {proposal.table.own_id}: it is made of {names},"
        yield f"-- which tell {proposal.n_row_keys:,} of {proposal.source.n_rows:,} rows apart."


def _select(proposal: TableProposal, unused: Sequence[str]) -> Iterator[str]:
    yield "select distinct" if _repeats(proposal) else "select"
    expressions = [
        (_expression(match, proposal), _remark(match, proposal))
        for match in proposal.matches
        if match.source or match.column.is_required
    ]
    for number, (expression, remark) in enumerate(expressions, start=1):
        comma = "," if number < len(expressions) else ""
        yield f"    {expression}{comma}  -- {remark}"
    yield f"from {_relation(proposal)}"
    missing = [
        match.column.name
        for match in proposal.matches
        if not match.source and not match.column.is_required
    ]
    if missing:
        yield "-- Not found in the source:"
        yield from (f"--   {name}" for name in missing)
    offered = list(_offers(unused))
    if offered:
        yield "-- Not used; move a line up into the select to make it available for features:"
        yield from offered


def _score_select(proposal: TableProposal, wide: WideScore) -> Iterator[str]:
    value = quote_name(wide.source.name)
    person = proposal.match("person_id")
    yield "select"
    yield f"    {_key(proposal)} || '-{wide.test}-{wide.component}' as score_id,"
    yield f"    {_expression(person, proposal)},  -- {_remark(person, proposal)}"
    yield f"    '{wide.test}' as test_code,"
    yield f"    '{wide.component}' as component,"
    remark = "" if wide.in_range else "  -- check: not on a scale of this test"
    yield f"    {value} as value,{remark}"
    date = quote_name(wide.date_column.name) if wide.date_column else "cast(null as date)"
    yield f"    {date} as test_date"
    yield f"from {_relation(proposal)}"
    yield f"where {value} is not null"


def _expression(match: Match, proposal: TableProposal) -> str:
    name = match.column.name
    if match.source:
        return f"{quote_name(match.source.name)} as {name}"
    if name == proposal.table.own_id and proposal.row_key:
        return f"{_key(proposal)} as {name}"
    return f'"map me: {name}" as {name}'


def _remark(match: Match, proposal: TableProposal) -> str:
    if match.source:
        return f"{match.confidence}: {comment(match.why)}"
    if match.column.name == proposal.table.own_id and proposal.row_key:
        return "made of the row"
    others = ", ".join(match.runners_up) or "nothing like it"
    return comment(f"{match.column.description} Found: {others}")


def _key(proposal: TableProposal) -> str:
    if not proposal.row_key:
        return f'"map me: {proposal.table.own_id}"'
    parts = ", ".join(
        f"coalesce(cast({quote_name(column.name)} as varchar), '')" for column in proposal.row_key
    )
    return f"md5(concat_ws('|', {parts}))"


def _relation(proposal: TableProposal) -> str:
    return ".".join(map(quote_name, proposal.source.relation))


def _repeats(proposal: TableProposal) -> bool:
    own_id = proposal.table.own_id
    source = proposal.match(own_id).source if own_id else None
    return proposal.table.name == "persons" and source is not None and not source.is_key


def _offers(unused: Sequence[str]) -> Iterator[str]:
    for name in unused:
        alias = re.sub(r"\W+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name), flags=re.A)
        if name == one_line(name) and not is_personal(name):
            yield f"--   {quote_name(name)} as x_{alias.strip('_').lower() or 'column'},"
