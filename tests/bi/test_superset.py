"""A real Apache Superset opens the served copy: connection, dataset, chart, and its numbers."""

import json
import os
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.request

import duckdb
import pytest

CONFIG = """
import os
SECRET_KEY = os.environ["PERSONAS_SECRET"]
SQLALCHEMY_DATABASE_URI = "sqlite:///" + os.environ["SUPERSET_HOME"] + "/superset.db"
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
"""
STARTED_WITHIN = 180


class Superset:
    """A server of one's own on a free port, spoken to by REST."""

    def __init__(self, command, folder):
        config = folder / "superset_config.py"
        config.write_text(CONFIG, encoding="utf-8")
        self.password = secrets.token_urlsafe(12)
        self.environment = os.environ | {
            "SUPERSET_HOME": str(folder),
            "SUPERSET_CONFIG_PATH": str(config),
            "PERSONAS_SECRET": secrets.token_urlsafe(42),
            "FLASK_APP": "superset",
        }
        for arguments in (
            ["db", "upgrade"],
            ["fab", "create-admin", "--username", "admin", "--firstname", "A", "--lastname", "B",
             "--email", "admin@example.edu", "--password", self.password],
            ["init"],
        ):  # fmt: skip
            done = subprocess.run(
                [command, *arguments], env=self.environment, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr[-2000:]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.log = (folder / "server.log").open("w", encoding="utf-8")
        self.process = subprocess.Popen(
            [command, "run", "-p", str(port)],
            env=self.environment, stdout=self.log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.token = None

    def ask(self, path, content=None):
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(self.url + path, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            pytest.fail(f"{path}: {error.code} {error.read()[:500]!r}")

    def sign_in(self):
        deadline = time.monotonic() + STARTED_WITHIN
        while True:
            try:
                urllib.request.urlopen(self.url + "/health", timeout=5).close()
                break
            except OSError:
                assert self.process.poll() is None, "the server stopped"
                assert time.monotonic() < deadline, "the server did not start"
                time.sleep(1)
        account = {"username": "admin", "password": self.password, "provider": "db"}
        self.token = self.ask("/api/v1/security/login", account)["access_token"]

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


@pytest.fixture(scope="module")
def superset(client, tmp_path_factory):
    server = Superset(client("superset", "superset"), tmp_path_factory.mktemp("superset"))
    try:
        server.sign_in()
        yield server
    finally:
        server.stop()


def test_a_chart_says_what_the_mart_says(superset, served):
    database = superset.ask("/api/v1/database/", {
        "database_name": "personas",
        "sqlalchemy_uri": f"duckdb:///{served}",
        "extra": json.dumps({
            "engine_params": {"connect_args": {"read_only": True, "config": {}}},
        }),
    })["id"]  # fmt: skip
    dataset = superset.ask("/api/v1/dataset/", {
        "database": database, "schema": "marts", "table_name": "rpt_persona_enrollment",
    })["id"]  # fmt: skip
    columns = superset.ask(f"/api/v1/dataset/{dataset}")["result"]["columns"]
    assert {"entry_term", "persona_name", "expected_enrollments"} <= {
        column["column_name"] for column in columns
    }
    expected = {
        "expressionType": "SQL", "sqlExpression": "sum(expected_enrollments)", "label": "expected",
    }  # fmt: skip
    chart = superset.ask("/api/v1/chart/", {
        "slice_name": "Expected enrollments by persona",
        "viz_type": "table",
        "datasource_id": dataset,
        "datasource_type": "table",
        "params": json.dumps({"groupby": ["persona_name"], "metrics": [expected]}),
    })["id"]  # fmt: skip
    assert superset.ask(f"/api/v1/chart/{chart}")["result"]["slice_name"].startswith("Expected")
    answer = superset.ask("/api/v1/chart/data", {
        "datasource": {"id": dataset, "type": "table"},
        "result_format": "json",
        "result_type": "full",
        "queries": [{
            "columns": ["entry_term", "persona_name"],
            "metrics": [expected],
            "filters": [{"col": "phase", "op": "==", "val": "all"}],
            "row_limit": 1000,
        }],
    })["result"][0]["data"]  # fmt: skip
    with duckdb.connect(str(served), read_only=True) as copy:
        of_mart = copy.sql("""
            select entry_term, persona_name, sum(expected_enrollments)
            from marts.rpt_persona_enrollment where phase = 'all' group by 1, 2
        """).fetchall()
    found = {(row["entry_term"], row["persona_name"]): row["expected"] for row in answer}
    assert len(of_mart) > 3
    assert found == {(term, name): pytest.approx(value) for term, name, value in of_mart}
