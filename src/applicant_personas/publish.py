"""How dbt-duckdb publishes: the plugin that a profile names, called by the last hook of a build."""

from __future__ import annotations

from pathlib import Path

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.duckdb.utils import TargetConfig

from applicant_personas.served_copy import Mart, publish


class Plugin(BasePlugin):
    """Publishes by `adapter.store_relation('publish', ...)`."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Keep the connection that the build has."""
        self.connection = conn

    def store(self, target_config: TargetConfig) -> None:
        """Publish the nodes of the configuration to the location."""
        asked = target_config.config
        marts = [Mart.of_node(node) for node in asked["nodes"]]
        assert target_config.location
        folder = Path(target_config.location.path)
        publish(self.connection, folder, marts, **asked["facts"])
