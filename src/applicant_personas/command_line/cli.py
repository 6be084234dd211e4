"""The command line: `applicant-personas <command>`, one function a command."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from applicant_personas.command_line.dictionary import write_dictionary
from applicant_personas.command_line.export import LISTS, export
from applicant_personas.command_line.profiling import (
    check_mapping,
    count_distinct,
    open_source,
    read_profiles,
    run_mapping,
)
from applicant_personas.command_line.questions import answer
from applicant_personas.command_line.warehouse import open_warehouse
from applicant_personas.mapping import (
    coverage,
    filled_crosswalk,
    mapping_files,
    propose,
    read_contract,
)
from applicant_personas.sample import (
    SAMPLE_CYCLES,
    SAMPLE_PERSONS,
    SAMPLE_SEED,
    SampleConfig,
    write_sample,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="applicant-personas", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    _add_sample(commands)
    _add_dictionary(commands)
    _add_card(commands)
    _add_map(commands)
    _add_apply(commands)
    _add_build(commands)
    _add_export(commands)
    _add_answer(commands)
    _add_page(commands)
    options, others = parser.parse_known_args(arguments)
    if others and options.command != "build":
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    options.dbt_arguments = others
    try:
        return int(options.run(options))
    except (ValueError, OSError) as error:
        print(f"applicant-personas {options.command}: {error}", file=sys.stderr)
        return 2


def _add_sample(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare `sample`: applicants with known truth, as files of the input contract."""
    parser = commands.add_parser(
        "sample",
        help="write sample applicants with known truth",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help="where the tables go")
    parser.add_argument("--persons", type=int, default=SAMPLE_PERSONS, help="humans to draw")
    parser.add_argument(
        "--cycles", type=int, default=SAMPLE_CYCLES, help="entry terms, the last one open"
    )
    parser.add_argument(
        "--separation", type=float, default=0.5, help="how far apart archetypes are, 0 to 1"
    )
    parser.add_argument("--dirt", type=float, default=1.0, help="scale of all dirt rates, 0 = none")
    parser.add_argument("--seed", type=int, default=SAMPLE_SEED, help="of every random stream")
    parser.add_argument("--format", default="csv", help="csv or parquet")
    parser.add_argument(
        "--truth", metavar="DIR2", type=Path, help="where the truth goes (default: DIR/truth)"
    )
    parser.set_defaults(run=_sample)


def _sample(options: argparse.Namespace) -> int:
    config = SampleConfig(
        n_persons=options.persons,
        n_cycles=options.cycles,
        separation=options.separation,
        dirt=options.dirt,
        seed=options.seed,
        file_format=options.format,
    )
    write_sample(options.folder, config, options.truth, progress=True)
    return 0


def _add_dictionary(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare `dictionary`: every public table and column, from dbt's manifest."""
    parser = commands.add_parser("dictionary", help="write the data dictionary as Markdown")
    parser.add_argument("--manifest", type=Path, default=Path("target/manifest.json"))
    parser.add_argument("--output", type=Path, default=Path("docs/data-dictionary.md"))
    parser.set_defaults(run=_dictionary)


def _dictionary(options: argparse.Namespace) -> int:
    write_dictionary(options.manifest, options.output)
    return 0


def _add_card(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare `card`: what a privacy officer files, from the marts of a build."""
    parser = commands.add_parser(
        "card",
        help="write the model card and the data-protection note of a build as Markdown",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    built = Path(os.environ.get("PERSONAS_WAREHOUSE", "warehouse.duckdb"))
    parser.add_argument("--database", type=Path, default=built, help="a built warehouse")
    parser.add_argument("--output", metavar="DIR", type=Path, default=Path("docs"))
    parser.set_defaults(run=_card)


def _card(options: argparse.Namespace) -> int:
    # Imported here: no other command needs templates.
    from applicant_personas.command_line.card import write_cards

    for path in write_cards(options.database, options.output):
        print(path)
    return 0


def _add_map(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare `map`: the likeliest source of each contract column, and starter SQL."""
    parser = commands.add_parser("map", help="propose how a source maps to the input contract")
    _add_source(parser)
    parser.add_argument("--output", metavar="DIR", type=Path, default=Path("mapping"))
    parser.add_argument("--manifest", type=Path, default=Path("target/manifest.json"))
    parser.set_defaults(run=_map)


def _map(options: argparse.Namespace) -> int:
    contract = read_contract(options.manifest)
    with open_source(options.source, options.schema) as connection:
        sources = read_profiles(connection)
        proposals = propose(
            contract, sources, lambda table, names: count_distinct(connection, table, names)
        )
    files = mapping_files(contract, sources, proposals)
    existing = [name for name in files if (options.output / name).exists()]
    if existing:
        raise ValueError(
            f"{options.output} has {existing[0]} already: give another folder with --output."
        )
    options.output.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (options.output / name).write_text(text, encoding="utf-8")
    print(*coverage(contract, proposals), sep="\n")
    print(f"{len(files)} files are in {options.output}: begin with report.md.")
    return 0


def _add_apply(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare `apply`: a mapping's SQL run on a source, to a folder that dbt reads."""
    parser = commands.add_parser("apply", help="run a mapping and write the tables of the contract")
    parser.add_argument("mapping", metavar="MAPPING", type=Path, help="a folder of <table>.sql")
    _add_source(parser)
    parser.add_argument("--output", metavar="DIR", type=Path, required=True, help="for input_path")
    parser.add_argument("--manifest", type=Path, default=Path("target/manifest.json"))
    parser.set_defaults(run=_apply)


def _apply(options: argparse.Namespace) -> int:
    files = sorted(options.mapping.glob("*.sql"))
    if not files:
        raise ValueError(
            f"There is no .sql file in {options.mapping}: run `applicant-personas map` first."
        )
    queries = {file.stem: file.read_text("utf-8").strip().removesuffix(";") for file in files}
    contract = read_contract(options.manifest)
    with open_source(options.source, options.schema) as connection:
        problems = check_mapping(connection, queries, contract)
        crosswalks = {}
        for file in sorted(options.mapping.glob("xwalk_*.csv")):
            try:
                crosswalks[file.name] = filled_crosswalk(str(file), file.read_text("utf-8-sig"))
            except ValueError as error:
                problems.append(str(error))
        if problems:
            raise ValueError("\n".join(problems))
        rows = run_mapping(connection, queries, options.output)
    for name, text in crosswalks.items():
        (options.output / name).write_text(text, encoding="utf-8")
    for table, n_rows in rows.items():
        print(f"{table}: {n_rows:,} rows")
    return 0


def _add_build(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare `build`: dbt's build with its progress, its troubles in sentences and its summary."""
    parser = commands.add_parser(
        "build",
        help="build the project with dbt and say what came of it",
        usage="applicant-personas build [arguments of dbt build]",
        description="All arguments go to dbt build, such as --vars, --select and --target; with "
        "--quiet only errors and warnings are told.",
        allow_abbrev=False,
    )
    parser.set_defaults(run=_build)


def _build(options: argparse.Namespace) -> int:
    # Imported here: dbt takes seconds to import, and no other command needs it.
    from applicant_personas.command_line.build import run_build

    return run_build(options.dbt_arguments)


def _add_export(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare `export`: the contact list, what changed, and what the CRM is to be told."""
    parser = commands.add_parser(
        "export",
        help="write the contact list, what changed, or what the CRM is to be told as CSV",
        description="Of people who may be contacted and are undecided, and of nobody else. "
        "contact_list and score_changes replace their files; crm writes a new file with the rows "
        "that are new or changed since the last one, and records them beside it.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("list", metavar="LIST", choices=LISTS, help=", ".join(LISTS))
    _add_database(parser)
    parser.add_argument("--schema", default="marts", help="of the marts in it")
    parser.add_argument(
        "--folder",
        metavar="DIR",
        type=Path,
        default=Path("exports"),
        help="where the files go: what the var export_path says",
    )
    parser.set_defaults(run=_export)


def _export(options: argparse.Namespace) -> int:
    now = datetime.datetime.now(datetime.UTC)
    print(export(options.list, options.database, options.schema, options.folder, now))
    return 0


def _add_answer(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare `answer`: the queries of a document, run on a built warehouse."""
    parser = commands.add_parser(
        "answer",
        help="answer the questions of a document, such as docs/questions.md, from what was built",
        description="Below each query of the document stands what it gives.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "document", metavar="FILE", type=Path, nargs="?", default=Path("docs/questions.md"),
        help="Markdown with queries in blocks of sql",
    )  # fmt: skip
    _add_database(parser)
    parser.add_argument("--output", metavar="FILE2", type=Path, help="else it is printed")
    parser.set_defaults(run=_answer)


def _answer(options: argparse.Namespace) -> int:
    document = options.document.read_text(encoding="utf-8")
    with open_warehouse(options.database) as connection:

        def run(query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
            found = connection.execute(query)
            return [column[0] for column in found.description or []], found.fetchall()

        answered = answer(document, run)
    if options.output:
        options.output.write_text(answered, encoding="utf-8")
    else:
        print(answered, end="")
    return 0


def _add_database(parser: argparse.ArgumentParser) -> None:
    database = Path(os.environ.get("PERSONAS_WAREHOUSE", "warehouse.duckdb"))
    parser.add_argument("--database", type=Path, default=database, help="what a build wrote")


def _add_page(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare `page`: the published copy as one page that needs nothing else."""
    parser = commands.add_parser(
        "page", help="write the page of the published copy, as one file that opens anywhere"
    )
    parser.add_argument(
        "--serve", metavar="DIR", type=Path, default=Path("serve"), help="the published copy"
    )
    parser.add_argument("--output", metavar="FILE", type=Path, help="(default: DIR/personas.html)")
    parser.add_argument(
        "--pictures", metavar="DIR2", type=Path, help="write each picture too, as SVG and PNG"
    )
    parser.set_defaults(run=_page)


def _page(options: argparse.Namespace) -> int:
    # Imported here: it opens a database, and no other command needs it.
    from applicant_personas.command_line.read_copy import write_page

    for line in write_page(options.serve, options.output, options.pictures):
        print(line)
    return 0


def _add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", metavar="SOURCE", type=Path, help="a file, a folder of files, or a database"
    )
    parser.add_argument("--schema", help="of the tables, where SOURCE is a DuckDB database")


if __name__ == "__main__":
    sys.exit(main())
