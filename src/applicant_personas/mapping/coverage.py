"""How much of the contract a proposal maps, and what the rest would switch on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from applicant_personas.mapping.contract import Column, Contract, Table
from applicant_personas.mapping.propose import TableProposal


def coverage(contract: Contract, proposals: Sequence[TableProposal]) -> list[str]:
    """Return a line for each table of the contract, what is proposed first.

    What an unmapped column would switch on is what the contract says that it feeds. A column for
    which a table stands in that is proposed is not asked for.
    """
    found = {proposal.table.name: proposal for proposal in proposals}
    lines = [_of_table(proposal, set(found)) for proposal in proposals]
    lines += [_of_absent(table) for table in contract.mapped_tables if table.name not in found]
    return lines


def is_mapped(proposal: TableProposal, column: Column) -> bool:
    """Say whether the proposal fills a column of its table."""
    is_made = column.name == proposal.table.own_id and proposal.row_key
    is_wide = proposal.wide_scores and column.name in ("test_code", "component", "value")
    is_date = column.name == "test_date" and any(w.date_column for w in proposal.wide_scores)
    return bool(proposal.match(column.name).source or is_made or is_wide or is_date)


def _of_table(proposal: TableProposal, found: set[str]) -> str:
    counts = []
    for is_required, kind in ((True, "required"), (False, "optional")):
        columns = [c for c in proposal.table.columns if c.is_required == is_required]
        n_mapped = sum(is_mapped(proposal, column) for column in columns)
        counts.append(f"{n_mapped} of {len(columns)} {kind}")
    rest = "; ".join(_switches(proposal, found))
    return (
        f"{proposal.table.name}: {' and '.join(counts)} columns are mapped."
        f"{f' Not mapped: {rest}.' if rest else ''}"
    )


def _switches(proposal: TableProposal, found: set[str]) -> Iterator[str]:
    for column in proposal.table.columns:
        is_open = not column.is_required and not is_mapped(proposal, column)
        if is_open and column.feeds and column.substitute not in found:
            yield f"{column.name} would switch on {', '.join(column.feeds)}"


def _of_absent(table: Table) -> str:
    what = f"would switch on {', '.join(table.feeds)}" if table.feeds else "is derived"
    return f"{table.name}: not found in the source; it {what}."
