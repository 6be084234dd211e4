"""The command line: `applicant-personas <command>`, one function a command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from applicant_personas.dictionary import write_dictionary
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
    options = parser.parse_args(arguments)
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


if __name__ == "__main__":
    sys.exit(main())
