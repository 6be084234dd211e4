"""Runs dbt commands, each in a fork of a process that has imported and parsed what all share.

Imports and a parse cost more than most commands do afterwards. A fork has an environment and a
memory of its own, as a process by itself has.

Argument: a folder, where the socket comes to lie and what the parse writes.
"""

from __future__ import annotations

import json
import os
import shutil
import socketserver
import sys
from pathlib import Path

import sklearn.ensemble
import sklearn.linear_model  # noqa: F401
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest


class Command(socketserver.StreamRequestHandler):
    """One command, in a process of its own: its arguments, environment and where it speaks."""

    def handle(self) -> None:
        asked = json.loads(self.rfile.readline())
        spoken = os.open(asked["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(spoken, stream.fileno())
        os.environ |= asked["environment"]
        manifest = self.server.manifest if asked["is_parsed"] else None
        is_done = dbtRunner(manifest).invoke(asked["arguments"]).success
        # Whoever asked may open the database now.
        DuckDBConnectionManager.close_all_connections()
        sys.stdout.flush()
        self.wfile.write(b"done" if is_done else b"failed")


class Server(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    """Forks for each command; ends, and tidies up, with the process that started it."""

    def __init__(self, folder: Path) -> None:
        self.manifest = parse(folder)
        self.started_by = os.getppid()
        super().__init__(str(folder / "socket"), Command)

    def service_actions(self) -> None:
        super().service_actions()
        if os.getppid() != self.started_by:
            sys.exit()


def parse(folder: Path) -> Manifest:
    os.environ["PERSONAS_WAREHOUSE"] = str(folder / "warehouse.duckdb")
    places = ["--target-path", str(folder / "target"), "--log-path", str(folder / "logs")]
    # The static parser keeps threads, which no fork has.
    parsed = dbtRunner().invoke(["--quiet", "--no-static-parser", "parse", *places])
    if not parsed.success:
        sys.exit(f"The project can't be parsed: {parsed.exception}")
    return parsed.result


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    try:
        with Server(folder) as server:
            print("ready", flush=True)
            server.serve_forever()
    finally:
        shutil.rmtree(folder)
