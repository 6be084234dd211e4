"""What the tests of clients share: the served copy, and clients in environments of their own."""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / "target" / "clients"


@pytest.fixture(scope="session")
def served():
    """Find the copy that `make build` publishes."""
    path = Path(os.environ.get("PERSONAS_SERVED", ROOT / "serve" / "personas.duckdb")).resolve()
    if not path.exists():
        pytest.skip(f"{path} is not there: run make build first")
    return path


@pytest.fixture(scope="session")
def client():
    """Find a command of a client's environment."""

    def command(name, tool):
        path = CLIENTS / name / "bin" / tool
        if not path.exists():
            pytest.skip(f"{path} is not there: make bi sets the clients up")
        return str(path)

    return command


@pytest.fixture(scope="session")
def ask(client):
    """Run a script in a client's environment, and read the JSON that it prints."""

    def answer(name, script, *arguments):
        command = [client(name, "python"), "-c", script, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    return answer


@pytest.fixture(scope="session")
def current_parquet(served):
    """Find the folder of the run that the manifest names."""
    manifest = json.loads((served.parent / "manifest.json").read_text("utf-8"))
    return served.parent / "parquet" / manifest["run"]
