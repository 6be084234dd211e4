"""`applicant-personas build`: runs `dbt build`, shows how far it is, and says how it went."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from dbt.cli.main import dbtRunner, dbtRunnerResult
from tqdm import tqdm

from applicant_personas.progress import LOGGER

# Off a terminal a line is said each time that so much more of the build is done.
SAID_EVERY = 0.25
QUIET = frozenset({"--quiet", "-q"})
# How dbt calls an outcome, and what people call it.
WORTH_SAYING = {"error": "error", "runtime error": "error", "fail": "error", "warn": "warning"}
# Events that tell of a node what its result tells too.
OF_NODES = ("Log", "RunResult", "EndOfRun")
# What dbt puts around a sentence: the kind of error with the node, and the macros that it came by.
PREAMBLE = re.compile(r"\A(\w+ Error( in .*)?\n\s*(Configuration: )?|\[WARNING\](\[\w+\])?: )")
TRACE = re.compile(r"\n\s*> (in|called by) .*", re.S)
# What DuckDB advises when it may hold no more: none of it is how this project is told.
ADVICE = re.compile(r"(Out of Memory Error: .*?)\.?\s+Possible solutions:.*", re.S)
HOLD_MORE = r"\1. Let DuckDB hold more, as PERSONAS_MEMORY=3GB does (docs/scaling.md)"
HEADER = re.compile(r"What is this\? (.*?)\n(?=When does it matter\?)", re.S)


def run_build(arguments: Sequence[str]) -> int:
    """Run `dbt build` with these arguments of dbt's; returns dbt's exit code.

    0 is success, 1 that a model, a test or the configuration failed, 2 that dbt could not run. With
    dbt's own --quiet only troubles are told.
    """
    is_quiet = not QUIET.isdisjoint(arguments)
    # What dbt logs for debugging takes a twelfth of a build; who wants it asks dbt for it.
    os.environ.setdefault("DBT_LOG_LEVEL_FILE", "info")
    progress = Progress(is_shown=not is_quiet)
    silently = ["--log-level", "none", "--no-use-colors"]
    done = dbtRunner(callbacks=[progress.hear]).invoke([*silently, "build", *arguments])
    progress.end()
    told = [*progress.warnings, *troubles(done)]
    if not is_quiet:
        told = [*progress.said, *told, count_outcomes(done)]
    for line in told:
        print(line, flush=True)
    return 0 if done.success else 2 if done.exception else 1


class Progress(logging.Handler):
    """How far the build is, from dbt's events: a bar on a terminal, else a line now and then.

    The bar also tells how far a long fit is, of which the library's logger is told.
    `said` holds what the project itself said by then, in its order; `warnings` what dbt warned of
    that no node is about, such as a selection without nodes, each once.
    """

    def __init__(self, is_shown: bool = True) -> None:
        super().__init__()
        self.said: list[str] = []
        self.warnings: dict[str, None] = {}
        self.is_terminal = is_shown and sys.stderr.isatty()
        self.is_log = is_shown and not self.is_terminal
        self.bar = tqdm(
            disable=not self.is_terminal, leave=False, unit="step", dynamic_ncols=True, desc="build"
        )
        self.total = 0
        self.n_done = 0
        self.next_share = SAID_EVERY
        if self.is_terminal:
            LOGGER.addHandler(self)
            LOGGER.setLevel(logging.INFO)
            LOGGER.propagate = False

    def hear(self, event: Any) -> None:
        """Take one event of dbt's."""
        name = event.info.name
        if name == "JinjaLogInfo":
            self.said.append(event.data.msg)
        elif name == "LogStartLine":
            self._start(event.data.total, event.data.node_info.node_name)
        elif name == "NodeFinished":
            self._finish()
        elif event.info.level == "warn" and not name.startswith(OF_NODES):
            self.warnings[f"warning: {one_line(event.info.msg)}"] = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take one step of a long fit."""
        self.bar.set_postfix_str(record.getMessage())

    def _start(self, total: int, node: str) -> None:
        if not self.total:
            self.total = self.bar.total = total
            if self.is_log:
                print(f"Building: {total} steps.", flush=True)
        self.bar.set_postfix_str(node)

    def _finish(self) -> None:
        self.n_done += 1
        self.bar.update()
        if self.is_log and self.total and self.n_done >= self.next_share * self.total:
            print(f"{self.n_done} of {self.total} steps are done.", flush=True)
            self.next_share += SAID_EVERY

    def end(self) -> None:
        """Clear the bar."""
        LOGGER.removeHandler(self)
        self.bar.close()


def troubles(done: dbtRunnerResult) -> Iterator[str]:
    """Tell each error and each warning in full, as one line; the errors last, to be seen."""
    found = [
        (WORTH_SAYING[str(result.status)], tell_trouble(result))
        for result in getattr(done.result, "results", [])
        if str(result.status) in WORTH_SAYING
    ]
    if done.exception:
        found.append(("error", one_line(str(done.exception))))
    for kind, sentence in sorted(found, key=lambda trouble: trouble[0], reverse=True):
        yield f"{kind}: {sentence}"


def tell_trouble(result: Any) -> str:
    """Say of a node of dbt's what is the matter, and of a test what it is about."""
    node = result.node
    about = HEADER.search(getattr(node, "raw_code", ""))
    sentence = f"{node.name} ({node.original_file_path}): {one_line(result.message or '')}"
    return f"{sentence}. {one_line(about.group(1))}" if about else sentence


def one_line(text: str) -> str:
    """Give what a message of dbt's says, in one line."""
    own = ADVICE.sub(HOLD_MORE, TRACE.sub("", PREAMBLE.sub("", text)))
    return " ".join(own.split())


def count_outcomes(done: dbtRunnerResult) -> str:
    """Say how it ended, with how many steps of each outcome."""
    kinds = [
        WORTH_SAYING.get(str(result.status), str(result.status))
        for result in getattr(done.result, "results", [])
        if result.node.resource_type != "operation"
    ]
    counts = {
        "done": sum(kind in {"success", "pass", "no-op"} for kind in kinds),
        "with warnings": kinds.count("warning"),
        "failed": kinds.count("error"),
        "skipped": kinds.count("skipped"),
    }
    told = ", ".join(f"{n} {kind}" for kind, n in counts.items() if n)
    return f"{'Complete' if done.success else 'Failed'}: {told or 'no step was taken'}."
