"""The proposal as files: a report in Markdown, starter SQL, and crosswalk rows to fill."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from applicant_personas.mapping.contract import CODED, Contract
from applicant_personas.mapping.coverage import coverage, is_mapped
from applicant_personas.mapping.expressions import CHOOSE, value_expression
from applicant_personas.mapping.profile import SourceColumn, SourceTable
from applicant_personas.mapping.propose import Match, TableProposal, unknown_codes
from applicant_personas.mapping.starters import starter_sql
from applicant_personas.mapping.text import (
    QUESTION,
    is_quotable,
    markdown,
    spreadsheet_cell,
    spreadsheet_text,
)


def mapping_files(
    contract: Contract, sources: Sequence[SourceTable], proposals: Sequence[TableProposal]
) -> dict[str, str]:
    """Return all files of a proposal by name; names are of the contract, none of the source."""
    files = {"report.md": _report(contract, sources, proposals)}
    offered: set[str] = set()
    for proposal in sorted(proposals, key=lambda p: p.table.name != "applications"):
        source = proposal.source.name
        unused = [] if source in offered else _unused(proposal.source, proposals)
        if proposal.table.is_required:
            offered.add(source)
            files[f"{proposal.table.name}.sql"] = starter_sql(proposal, unused)
        else:
            files[f"{proposal.table.name}.sql"] = starter_sql(proposal)
    return files | _crosswalks(contract, proposals)


def _unused(source: SourceTable, proposals: Sequence[TableProposal]) -> list[SourceColumn]:
    used = set().union(*(p.used for p in proposals if p.source.name == source.name))
    return [c for c in source.columns if is_quotable(c.name) and c.name not in used]


# --- crosswalks ---------------------------------------------------------------------------------


def _crosswalks(contract: Contract, proposals: Sequence[TableProposal]) -> dict[str, str]:
    """Return the rows that are to be filled, in the format of the shipped crosswalks.

    A column x_rows says how many rows have the code; the project passes it by.
    """
    rows: dict[str, dict[tuple[str, str], int]] = {}
    for proposal in proposals:
        for column, codes in unknown_codes(contract, proposal).items():
            crosswalk, code_set = CODED[proposal.table.name, column]
            counts = rows.setdefault(crosswalk, {})
            for code, n in codes.items():
                counts[code_set, code] = counts.get((code_set, code), 0) + n
    return {f"{name}.csv": _csv(contract, name, counts) for name, counts in rows.items()}


def _csv(contract: Contract, name: str, counts: dict[tuple[str, str], int]) -> str:
    text = io.StringIO()
    header = [*contract.crosswalks[name].header, "x_rows"]
    writer = csv.DictWriter(text, header, restval="", lineterminator="\n")
    writer.writeheader()
    for (code_set, code), n in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        row = {"code": spreadsheet_cell(code), "x_rows": str(n)}
        writer.writerow(row | ({"code_set": code_set} if code_set else {}))
    return text.getvalue()


def filled_crosswalk(name: str, text: str) -> str:
    """Return a crosswalk that a user filled, without the apostrophes before formulas.

    Raises ValueError when a code has no value yet.
    """
    reader = csv.DictReader(io.StringIO(text))
    header = list(reader.fieldnames or [])
    rows = [{key: spreadsheet_text(row[key] or "") for key in header} for row in reader]
    if "code" not in header or header[-1] == "code":
        raise ValueError(f"{name} has no column code, followed by what the code stands for.")
    value = header[header.index("code") + 1]
    n_open = sum(not row[value].strip() for row in rows)
    if n_open:
        raise ValueError(f"{name} has {n_open} codes without a {value}: fill or delete these rows.")
    output = io.StringIO()
    writer = csv.DictWriter(output, header, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return output.getvalue()


# --- report -------------------------------------------------------------------------------------


def _report(
    contract: Contract, sources: Sequence[SourceTable], proposals: Sequence[TableProposal]
) -> str:
    lines = [
        "# Proposed mapping",
        "",
        "Made by `applicant-personas map` from names and values; a human decides. Check low and",
        "medium first, mend the SQL beside this file, then run `applicant-personas apply`.",
        *_contents(contract, proposals),
        "",
        *(f"- {line}" for line in coverage(contract, proposals)),
    ]
    for proposal in proposals:
        lines += _table(proposal)
    lines += _codes(contract, proposals)
    for source in sources:
        lines += _source(source, proposals)
    return "\n".join(lines) + "\n"


def _contents(contract: Contract, proposals: Sequence[TableProposal]) -> Iterator[str]:
    by_table = {proposal.table.name: proposal for proposal in proposals}
    yield from ("", "| contract table | source | to map by hand |", "|---|---|---|")
    for table in contract.mapped_tables:
        proposal = by_table.get(table.name)
        open_columns = ", ".join(_open_columns(proposal)) if proposal else ""
        source = markdown(proposal.source.name) if proposal else "not found"
        yield f"| {table.name}{_star(table.is_required)} | {source} | {open_columns} |"


def _open_columns(proposal: TableProposal) -> Iterator[str]:
    for column in proposal.table.columns:
        if column.is_required and not is_mapped(proposal, column):
            yield column.name


def _table(proposal: TableProposal) -> Iterator[str]:
    yield from ("", f"## {proposal.table.name}", "")
    yield f"From {markdown(proposal.source.name)}, {proposal.source.n_rows:,} rows."
    yield from ("", "| column | source | confidence | why | runners-up |", "|---|---|---|---|---|")
    for match in proposal.matches:
        if not (proposal.wide_scores and not match.source):
            yield _match_line(match, proposal)
    for wide in proposal.wide_scores:
        range_text = "on its scale" if wide.in_range else "not on a scale of this test"
        word = "high" if wide.in_range else "low"
        name = f"{wide.test} {wide.component}"
        why = f"called like {name}; {range_text}"
        yield f"| value: {name} | {markdown(wide.source.name)} | {word} | {why} | |"


def _match_line(match: Match, proposal: TableProposal) -> str:
    name = match.column.name + _star(match.column.is_required)
    others = ", ".join(map(markdown, match.runners_up))
    if match.source:
        confidence = f"{match.confidence} ({match.score:.2f})"
        why = markdown(match.why)
        if CHOOSE in value_expression(match.source, match.column.name, match.column.type):
            why += "; **how it is written is asked in the SQL**"
        return f"| {name} | {markdown(match.source.name)} | {confidence} | {why} | {others} |"
    if match.column.name == proposal.table.own_id and proposal.row_key:
        parts = ", ".join(markdown(column.name) for column in proposal.row_key)
        return f"| {name} | made of {parts} | | tells all rows apart | {others} |"
    if match.column.name == proposal.table.own_id and proposal.question:
        return f"| {name} | | none | {markdown(proposal.question, QUESTION)} | {others} |"
    return f"| {name} | | none | | {others} |"


def _codes(contract: Contract, proposals: Sequence[TableProposal]) -> Iterator[str]:
    yield from ("", "## Codes to fill", "")
    found = False
    for proposal in proposals:
        for column, codes in unknown_codes(contract, proposal).items():
            crosswalk, _ = CODED[proposal.table.name, column]
            found = True
            yield (
                f"- {proposal.table.name}.{column}: {len(codes)} codes in {sum(codes.values()):,} "
                f"rows that no crosswalk knows; fill `{crosswalk}.csv`."
            )
    if not found:
        yield "None: every code found is known."


def _source(source: SourceTable, proposals: Sequence[TableProposal]) -> Iterator[str]:
    yield from ("", f"## Source: {markdown(source.name)}", "")
    yield f"{source.n_rows:,} rows. Values are not shown; ranges are left out where personal."
    if source.n_unread:
        yield f"{source.n_unread:,} lines could not be read as a row and are not in these figures."
    yield from (
        "",
        "| column | type | filled | distinct | range | used for |",
        "|---|---|---|---|---|---|",
    )
    for column in source.columns:
        yield _source_line(source, column, proposals)


def _source_line(
    source: SourceTable, column: SourceColumn, proposals: Sequence[TableProposal]
) -> str:
    used = [
        f"{proposal.table.name}.{match.column.name}"
        for proposal in proposals
        if proposal.source.name == source.name
        for match in proposal.matches
        if match.source and match.source.name == column.name
    ]
    used += [
        f"{wide.test} {wide.component}"
        for proposal in proposals
        if proposal.source.name == source.name
        for wide in proposal.wide_scores
        if wide.source.name == column.name
    ]
    if not is_quotable(column.name):
        used = ["nothing: rename it, it holds template syntax or is blank"]
    limits = f"{column.minimum} to {column.maximum}" if column.minimum else ""
    return (
        f"| {markdown(column.name)} | {markdown(column.type)}, {column.kind} "
        f"| {column.share_filled:.0%} | {column.n_distinct:,} | {limits} | {', '.join(used)} |"
    )


def _star(is_required: bool) -> str:
    return " *" if is_required else ""
