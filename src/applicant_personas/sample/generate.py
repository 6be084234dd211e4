"""From a configuration to the files of a sample, one block of persons at a time.

Draw the truth, write down its history, keep what the export's day could know, plant dirt, write.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from applicant_personas.sample.config import BLOCK_SIZE, SampleConfig
from applicant_personas.sample.dirt import KINDS, Planter
from applicant_personas.sample.draw import Draw, draw_block
from applicant_personas.sample.export import Cut, Frames, export_tables
from applicant_personas.sample.reference import PROGRAMS
from applicant_personas.sample.tables import TABLES, TRUTH_TABLES, TableWriter, to_arrow
from applicant_personas.sample.truth import true_tables

# Order of the rows in the files, and the id that numbers them.
ROW_ORDER: dict[str, tuple[str, ...]] = {
    "persons": ("person_id",),
    "applications": ("application_id",),
    "stage_events": ("application_id", "occurred_at", "stage", "recorded_at"),
    "test_scores": ("person_id", "test_code", "component", "received_at", "test_date"),
    "education_records": ("person_id",),
    "interactions": ("person_id", "occurred_at", "interaction_type"),
    "protected_attributes": ("person_id", "attribute"),
}
ROW_IDS = {
    "test_scores": "score_id",
    "education_records": "education_id",
    "interactions": "interaction_id",
}


@dataclass
class Block:
    """One finished block: exported frames with dirt, truth frames, planted rows."""

    frames: Frames
    truth: Frames
    n_persons: int


@dataclass
class Numbering:
    """The next free number of every kind of id, carried from block to block."""

    extra_person: int
    orphan: int
    application: int = 1
    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ROW_IDS, 1))


def write_sample(
    folder: Path, config: SampleConfig, truth_folder: Path | None = None, progress: bool = False
) -> None:
    """Write the contract's tables to `folder` and the truth beside it.

    The same configuration gives the same bytes. Memory is bounded by the size of a block.
    """
    truth_folder = truth_folder or folder / "truth"
    large = config.n_persons > BLOCK_SIZE
    width = max(4, len(str(2 * config.n_persons)))
    writers = {name: TableWriter(folder, name, config.file_format, large) for name in TABLES}
    truths = {name: TableWriter(truth_folder, name, "csv", False) for name in TRUTH_TABLES}
    planted: list[pa.Table] = []
    done = 0
    for block in make_blocks(config, width):
        for name, columns in TABLES.items():
            table = to_arrow(block.frames[name], columns, config.terms, width)
            writers[name].write(table)
            planted.append(_planted_rows(name, block.frames[name], table))
        for name, columns in TRUTH_TABLES.items():
            truths[name].write(to_arrow(block.truth[name], columns, config.terms, width))
        done += block.n_persons
        if progress and large:
            print(f"{done:,} of {config.n_persons:,} persons", file=sys.stderr, flush=True)
    _write_small(folder, config)
    _write_planted(truth_folder, pa.concat_tables(planted))


def make_blocks(config: SampleConfig, id_width: int) -> Iterator[Block]:
    """Yield the blocks of a sample, each from a random stream of its own."""
    numbering = Numbering(extra_person=config.n_persons + 1, orphan=10**id_width - 1)
    for number, start in enumerate(range(0, config.n_persons, BLOCK_SIZE)):
        n = min(BLOCK_SIZE, config.n_persons - start)
        yield make_block(config, number, start, n, numbering)


def make_block(
    config: SampleConfig, number: int, start: int, n: int, numbering: Numbering
) -> Block:
    """Make the persons `start + 1` to `start + n` and everything that hangs on them."""
    # Dirt has a stream of its own: more dirt leaves the people as they are.
    rng, dirt_rng = (np.random.default_rng([config.seed, number, i]) for i in (0, 1))
    draw = draw_block(rng, config, n)
    _assign_ids(config, draw, start, numbering)
    truth = true_tables(config, draw)
    planter = Planter(
        dirt_rng,
        export_tables(rng, config, draw, is_first_block=number == 0),
        config,
        numbering.extra_person,
        numbering.application,
        numbering.orphan,
    )
    frames = planter.plant()
    numbering.extra_person = planter.next_person
    numbering.application = planter.next_application
    numbering.orphan = planter.next_orphan
    return Block(_number_rows(frames, numbering), truth, n)


def _assign_ids(config: SampleConfig, draw: Draw, start: int, numbering: Numbering) -> None:
    """Give ids to persons, and to those applications that were started before the export."""
    people, applications = draw.people, draw.applications
    people["person_id"] = start + 1 + np.arange(len(people))
    applications["person_id"] = people["person_id"].to_numpy()[applications["person"]]
    exported = Cut(config, applications["cycle"], applications["started"]).kept
    applications["application_id"] = np.where(
        exported, numbering.application - 1 + exported.cumsum(), -1
    )
    numbering.application += int(exported.sum())


def _number_rows(frames: Frames, numbering: Numbering) -> Frames:
    """Put the rows in order and give them their ids."""
    for name, keys in ROW_ORDER.items():
        frame = frames[name].sort_values(list(keys), kind="stable", ignore_index=True)
        if name in ROW_IDS:
            frame[ROW_IDS[name]] = numbering.rows[name] + np.arange(len(frame))
            numbering.rows[name] += len(frame)
        frames[name] = frame
    return frames


def _planted_rows(name: str, frame: pd.DataFrame, table: pa.Table) -> pa.Table:
    """Codes and keys of the planted rows of one table (the key of an event is joined by |)."""
    planted = frame["planted"].to_numpy()
    parts = [
        np.column_stack([np.full(len(rows), code), rows])
        for code, kind in enumerate(KINDS)
        if kind.table == name
        for rows in [np.flatnonzero(planted & (1 << code))]
    ]
    codes, rows = np.concatenate([np.empty((0, 2), dtype=np.int64), *parts]).T
    found = table.take(pa.array(rows))
    keys = found.column(0)
    if name == "stage_events":
        occurred = found.column("occurred_at").cast(pa.timestamp("s")).cast(pa.string())
        keys = pc.binary_join_element_wise(keys, found.column("stage"), occurred, "|")
    return pa.table({"code": codes, "key": keys})


def _write_planted(folder: Path, planted: pa.Table) -> None:
    """Write the kinds with their counts, and the keys of the planted rows by the kind's code."""
    names, tables, columns, provable = (
        [getattr(kind, part) for kind in KINDS]
        for part in ("name", "table", "column", "is_provable")
    )
    kinds = {
        "code": np.arange(len(KINDS)),
        "kind": names,
        "table_name": tables,
        "column_name": columns,
        "is_provable": provable,
        "n": np.bincount(planted.column("code").to_numpy(), minlength=len(KINDS)),
    }
    TableWriter(folder, "planted", "csv", False).write(pa.table(kinds))
    TableWriter(folder, "planted_rows", "csv", False).write(planted)


def _write_small(folder: Path, config: SampleConfig) -> None:
    """Write the two reference tables: entry terms and programs."""
    years = config.years
    terms = pa.table(
        {
            "entry_term": list(config.terms),
            "opens_on": pa.array(
                np.array([f"{y - 1}-09-01" for y in years], dtype="datetime64[D]")
            ),
            "census_on": pa.array(config.census_days),
            "status": ["closed"] * (config.n_cycles - 1) + ["open"],
            "term_order": list(range(1, config.n_cycles + 1)),
        }
    )
    per_cycle = config.n_persons / config.n_cycles * 0.25
    programs = pa.table(
        {
            "program_code": [program.code for program in PROGRAMS],
            "program_name": [program.name for program in PROGRAMS],
            "level": ["master"] * len(PROGRAMS),
            "faculty": [program.faculty for program in PROGRAMS],
            "mode": [program.mode for program in PROGRAMS],
            "load": [program.load for program in PROGRAMS],
            "english_required": [program.english_required for program in PROGRAMS],
            "test_policy": [program.test_policy for program in PROGRAMS],
            "capacity": [round(per_cycle * program.capacity_share) + 1 for program in PROGRAMS],
        }
    )
    for name, table in (("entry_terms", terms), ("programs", programs)):
        TableWriter(folder, name, config.file_format, False).write(table)
