"""One small session for all tests of the adapter, which leaves nothing behind."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from dbt.adapters.sparksession.connections import get_session
from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    folder: Path = tmp_path_factory.mktemp("spark")
    own = {
        "spark.driver.memory": "1g",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.warehouse.dir": str(folder / "tables"),
        "spark.sql.catalogImplementation": "in-memory",
    }
    # The same is asked of Spark Connect with SPARK_REMOTE=local[1], which starts a server.
    if not os.environ.get("SPARK_REMOTE"):
        own["spark.master"] = "local[1]"
    session = get_session(own)
    yield session
    session.stop()
