"""Starter SQL of a proposal: a select for each table of the contract, to be checked by a human."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from applicant_personas.mapping.expressions import CHOOSE, value_expression
from applicant_personas.mapping.names import is_personal
from applicant_personas.mapping.profile import SourceColumn
from applicant_personas.mapping.propose import Match, TableProposal
from applicant_personas.mapping.scores import WideScore
from applicant_personas.mapping.text import QUESTION, comment, one_line, quote_name

MAP_ME = "map me: "


def starter_sql(proposal: TableProposal, unused: Sequence[SourceColumn] = ()) -> str:
    """Return a select of one table of the contract.

    A required column without a source reads a column that does not exist, and a value of which
    nobody can tell how it is written holds a text to be chosen from, so that the statement stands
    only when a human has said what they are. `unused`: columns of the source that no table uses,
    offered as x_ columns within comments.
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
    yield "-- What is no date, number or yes or no goes through as it is: the project lists it."
    if _repeats(proposal):
        yield f"-- The source repeats {proposal.table.own_id}: exact copies become one row."
    if proposal.row_key:
        names = ", ".join(comment(column.name) for column in proposal.row_key)
        yield f"-- The source has no {proposal.table.own_id}: it is made of {names}, which tell"
        yield "-- all rows apart."
    if proposal.question:
        yield f"-- {comment(proposal.question, QUESTION)}"


def _select(proposal: TableProposal, unused: Sequence[SourceColumn]) -> Iterator[str]:
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
    person = proposal.match("person_id")
    value = value_expression(wide.source, "value", "double")
    yield "select"
    yield f"    {_key(proposal)} || '-{wide.test}-{wide.component}' as score_id,"
    yield f"    {_expression(person, proposal)},  -- {_remark(person, proposal)}"
    yield f"    '{wide.test}' as test_code,"
    yield f"    '{wide.component}' as component,"
    date = value_expression(wide.date_column, "test_date", "date") if wide.date_column else None
    yield f"    {value} as value,{_score_remark(wide, value)}"
    yield f"    {date or 'cast(null as date)'} as test_date{_asked(date or '')}"
    yield f"from {_relation(proposal)}"
    yield f"where {quote_name(wide.source.name)} is not null"


def _score_remark(wide: WideScore, value: str) -> str:
    doubt = "" if wide.in_range else "  -- check: not on a scale of this test."
    return _asked(value) or doubt


def _asked(expression: str) -> str:
    return f"  -- {_open_remark(expression)}" if CHOOSE in expression else ""


def _expression(match: Match, proposal: TableProposal) -> str:
    name = match.column.name
    if match.source:
        return f"{value_expression(match.source, name, match.column.type)} as {name}"
    if name == proposal.table.own_id and proposal.row_key:
        return f"{_key(proposal)} as {name}"
    return f'"{MAP_ME}{name}" as {name}'


def _remark(match: Match, proposal: TableProposal) -> str:
    name = match.column.name
    if match.source:
        expression = value_expression(match.source, name, match.column.type)
        asked = f" {_open_remark(expression)}" if CHOOSE in expression else ""
        return f"{match.confidence}: {comment(match.why)}.{asked}"
    if name == proposal.table.own_id:
        return "made of the row" if proposal.row_key else "asked above"
    others = ", ".join(match.runners_up) or "nothing like it"
    return comment(f"{match.column.description} Found: {others}.", QUESTION)


def _open_remark(expression: str) -> str:
    """Ask how values are written."""
    texts = dict.fromkeys(re.findall(rf"'({CHOOSE}[^']*)'", expression))
    shown = " and ".join(f"'{text}'" for text in texts)
    return f"The values do not decide how they are written: write one in place of {shown}."


def _key(proposal: TableProposal) -> str:
    if not proposal.row_key:
        return f'"{MAP_ME}{proposal.table.own_id}"'
    parts = ", ".join(
        f"coalesce(cast({quote_name(column.name)} as varchar), '')" for column in proposal.row_key
    )
    return f"md5(concat_ws('|', {parts}))"


def _relation(proposal: TableProposal) -> str:
    return ".".join(map(quote_name, proposal.source.relation))


def _repeats(proposal: TableProposal) -> bool:
    own_id = proposal.table.own_id
    source = proposal.match(own_id).source if own_id else None
    return source is not None and not source.is_key


def _offers(unused: Sequence[SourceColumn]) -> Iterator[str]:
    types = {"number": "double", "timestamp": "timestamp", "boolean": "boolean"}
    for column in unused:
        name = column.name
        alias = re.sub(r"\W+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name), flags=re.A)
        if name == one_line(name) and not is_personal(name):
            value = value_expression(column, "x_", types.get(column.kind, "varchar"))
            yield f"--   {value} as x_{alias.strip('_').lower() or 'column'},"
