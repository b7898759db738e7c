"""Whether the database has the tables of this version. Light: every command that reads them asks first."""

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor

from neuratrade.supervise.errors import SuperviseError


def pending_migrations() -> list[str]:
    """Names of migrations the database lacks; empty when it is up to date."""
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def refuse_pending_migrations() -> None:
    """Raises SuperviseError while the database lacks a migration: a desk must not trade on an older schema."""
    pending = pending_migrations()
    if pending:
        raise SuperviseError(
            f"the database lacks {len(pending)} migrations (first: {pending[0]}), so the desk will not trade; "
            "run `neuratrade prepare`"
        )
