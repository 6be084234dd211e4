"""`applicant-personas export`: lists for people and the CRM, as CSV, from a built warehouse."""

from __future__ import annotations

import csv
import datetime
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from applicant_personas.command_line.spreadsheet import Cell, csv_text
from applicant_personas.command_line.warehouse import check_build, open_warehouse
from applicant_personas.mapping.text import quote_name

# What is exported, by name. Every list is of people on the contact list, and of nobody else.
LISTS = {
    "contact_list": """
        select
            contact_rank, person_rank, application_id, person_id, entry_term, program_name, stage,
            stage_since, days_since_last_touch, persona_name, round(probability, 2) as probability,
            band, reason_1, reason_2, reason_3, can_contact, as_of
        from {schema}.rpt_contact_list
        order by contact_rank
    """,
    "score_changes": """
        select
            changes.application_id, changes.person_id, contacts.program_name, contacts.stage,
            changes.direction, changes.from_phase, changes.to_phase,
            round(changes.from_probability, 2) as from_probability,
            round(changes.to_probability, 2) as to_probability,
            round(changes.change, 2) as change, changes.why, changes.is_refit,
            changes.from_reason, changes.to_reason, earlier.persona_name as from_persona,
            contacts.persona_name as to_persona, changes.compared_as_of, changes.as_of
        from {schema}.rpt_score_changes as changes
        inner join {schema}.rpt_contact_list as contacts
            on changes.application_id = contacts.application_id
            and changes.to_phase = contacts.phase
        left join {schema}.dim_personas as earlier
            on changes.from_persona_key = earlier.persona_key
        order by changes.change desc nulls last, changes.application_id
    """,
    "crm": """
        select
            application_id, person_id, entry_term, program_code, program_name, phase, stage,
            persona_key, persona_name, probability, band, raising_reason, lowering_reason, as_of,
            application_code, state_code
        from {schema}.rpt_crm_export
        where application_id in (select application_id from {schema}.rpt_contact_list)
        order by application_id
    """,
}
# The digests of the CRM's rows go into the record, not to the CRM.
CODES = 2
RECORD = "crm_exported.csv"
RECORDED = ("application_code", "state_code", "probability", "exported_at")

# By the digest of an application: the digest of its state, its likelihood, and when.
Record = dict[str, tuple[str, float, str]]


@dataclass(frozen=True)
class Table:
    """A table that was read, and whom the record of exports may know."""

    columns: list[str]
    rows: list[tuple[Cell, ...]]
    as_of: datetime.date
    contacts: set[str]


def export(name: str, database: Path, schema: str, folder: Path, now: datetime.datetime) -> str:
    """Write a list of LISTS into the folder as CSV; returns what was written, as a sentence.

    `now`: in UTC. The CRM's file is of the rows that were not exported as they are, and is not
    written over: its name has the second. Raises ValueError when there is nothing sound to read.
    """
    table = read_table(name, database, schema)
    folder.mkdir(parents=True, exist_ok=True)
    if name != "crm":
        target = folder / f"{name}.csv"
        _replace(target, csv_text(table.columns, table.rows))
        return f"{target}: {_rows(len(table.rows))}, as known on {table.as_of}."
    record = read_record(folder / RECORD)
    fresh = [row for row in table.rows if not _is_exported(row, table.columns, record)]
    target = folder / f"crm_{now:%Y%m%dT%H%M%SZ}.csv"
    if target.exists():
        raise ValueError(f"{target} has just been written: try again in a second.")
    _replace(target, csv_text(table.columns[:-CODES], [row[:-CODES] for row in fresh]))
    # Last, so that rows of an export that was broken off go out once more rather than never.
    _write_record(folder / RECORD, _recorded(record, table, fresh, now))
    return f"{target}: {_rows(len(fresh))} new or changed, as known on {table.as_of}."


def read_table(name: str, database: Path, schema: str) -> Table:
    """Read a list and whom it may be of; the database is open, read-only, for that long."""
    with open_warehouse(database) as connection:
        as_of = check_build(connection, database, schema)
        marts = quote_name(schema)
        found = connection.execute(LISTS[name].format(schema=marts))
        columns = [column[0] for column in found.description or []]
        rows = found.fetchall()
        contacts = connection.execute(
            f"select md5(application_id) from {marts}.rpt_contact_list"
        ).fetchall()
    return Table(columns, rows, as_of, {code for (code,) in contacts})


def read_record(path: Path) -> Record:
    """Read what was exported; no file is no record. A line that can't be read counts as none."""
    if not path.exists():
        return {}
    record: Record = {}
    with path.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            try:
                record[line["application_code"]] = (
                    line["state_code"], float(line["probability"]), line["exported_at"],
                )  # fmt: skip
            except (KeyError, TypeError, ValueError):
                continue
    return record


def _is_exported(row: Sequence[Cell], columns: Sequence[str], record: Record) -> bool:
    told = dict(zip(columns, row, strict=True))
    known = record.get(str(told["application_code"]))
    return known is not None and known[:2] == (told["state_code"], told["probability"])


def _recorded(
    record: Record, table: Table, fresh: Sequence[Sequence[Cell]], now: datetime.datetime
) -> Record:
    """Add what is exported now; who is no longer on the contact list is forgotten."""
    kept = {code: told for code, told in record.items() if code in table.contacts}
    for row in fresh:
        told = dict(zip(table.columns, row, strict=True))
        kept[str(told["application_code"])] = (
            str(told["state_code"]), float(str(told["probability"])), f"{now:%Y-%m-%d %H:%M:%S}",
        )  # fmt: skip
    return kept


def _write_record(path: Path, record: Record) -> None:
    lines = [",".join(RECORDED)]
    lines += [f"{code},{','.join(map(str, told))}" for code, told in sorted(record.items())]
    _replace(path, "\n".join(lines) + "\n")


def _replace(path: Path, text: str) -> None:
    """Write a file so that whoever opens it meets the old or the new one, whole."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text, encoding="utf-8", newline="")
    os.replace(partial, path)


def _rows(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"
