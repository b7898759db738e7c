"""Whether the database has the tables of this version. Light: every command that reads them asks first."""

import pkgutil
from importlib import import_module

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from neuratrade.supervise.errors import SuperviseError


def pending_migrations() -> list[str]:
    """Names of migrations the database lacks; empty when it is up to date."""
    if _are_all_recorded():
        return []
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _are_all_recorded() -> bool:
    """Whether every migration file is known to the database; told by names, without running the files."""
    recorded = MigrationRecorder(connections[DEFAULT_DB_ALIAS]).applied_migrations()
    return all(
        (app.label, file.name) in recorded
        for app in apps.get_app_configs()
        for file in _files(app.label)
        if not file.ispkg and file.name[0] not in "_~"
    )


def _files(label: str) -> list[pkgutil.ModuleInfo]:
    name, _ = MigrationLoader.migrations_module(label)
    try:
        package = import_module(name) if name else None
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        package = None  # an app without tables
    return list(pkgutil.iter_modules(package.__path__)) if package else []


def refuse_pending_migrations() -> None:
    """Raises SuperviseError while the database lacks a migration: a desk must not trade on an older schema."""
    pending = pending_migrations()
    if pending:
        raise SuperviseError(
            f"the database lacks {len(pending)} migrations (first: {pending[0]}), so the desk will not trade; "
            "run `neuratrade prepare`"
        )
