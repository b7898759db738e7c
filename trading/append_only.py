"""Makes a table append-only in the database itself, on SQLite and PostgreSQL.

Other packages use it in their migrations: `operations = [*forbid_change("agents_thought")]`. SQLite rebuilds a table when a
later migration alters it, and its triggers go with the old one: such a migration ends with `forbid_change` again.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.db import migrations
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

MESSAGE = "is append-only"


def forbid_change(table: str) -> list[migrations.RunPython]:
    """Migration operations after which `table` takes no UPDATE, DELETE, REPLACE or TRUNCATE; reversible."""
    return [migrations.RunPython(partial(_run, _protect, table), partial(_run, _release, table))]


def chain(table: str) -> list[migrations.RunPython]:
    """Migration operations after which a new row of `table` must have a greater id, and `previous` equal to the last digest."""
    return [migrations.RunPython(partial(_run, _link, table), partial(_run, _unlink, table))]


def trigger_names(connection: BaseDatabaseWrapper) -> set[str]:
    """The names of all triggers in the database."""
    query = (
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
        if connection.vendor == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return {row[0] for row in cursor.fetchall()}


def expected_triggers(connection: BaseDatabaseWrapper, table: str) -> set[str]:
    """The names `forbid_change` gives to the triggers of `table`."""
    last = "truncate" if connection.vendor == "postgresql" else "replace"
    return {f"{table}_no_{verb}" for verb in ("update", "delete", last)}


def _run(statements: Any, table: str, apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    for statement in statements(editor.connection, table):
        editor.execute(statement, params=None)


def _protect(connection: BaseDatabaseWrapper, table: str) -> Sequence[str]:
    if connection.vendor == "postgresql":
        return [
            "CREATE OR REPLACE FUNCTION neuratrade_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '% {MESSAGE}', TG_TABLE_NAME; END $$",
            *(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"FOR EACH {scope} EXECUTE FUNCTION neuratrade_append_only()"
                for verb, scope in (("UPDATE", "ROW"), ("DELETE", "ROW"), ("TRUNCATE", "STATEMENT"))
            ),
        ]
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} {MESSAGE}'); END"
    return [
        *(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} {refuse}"
            for verb in ("UPDATE", "DELETE")
        ),
        # REPLACE deletes without the delete trigger unless recursive_triggers is on, and a foreign connection has it off.
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {_same_key(connection, table)}) {refuse}",
    ]


def _release(connection: BaseDatabaseWrapper, table: str) -> Sequence[str]:
    on = f" ON {table}" if connection.vendor == "postgresql" else ""
    return [f"DROP TRIGGER IF EXISTS {name}{on}" for name in sorted(expected_triggers(connection, table))]


def _link(connection: BaseDatabaseWrapper, table: str) -> Sequence[str]:
    broken = (
        f"NEW.id <= coalesce((SELECT max(id) FROM {table}), 0) OR NEW.previous <> "
        f"coalesce((SELECT digest FROM {table} ORDER BY id DESC LIMIT 1), '{'0' * 64}')"
    )
    message = f"{table} row does not continue the chain"
    if connection.vendor == "postgresql":
        return [
            f"CREATE OR REPLACE FUNCTION {table}_check_chain() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {broken} THEN RAISE EXCEPTION '{message}'; END IF; RETURN NEW; END $$",
            f"CREATE TRIGGER {table}_in_chain BEFORE INSERT ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_check_chain()",
        ]
    return [
        f"CREATE TRIGGER {table}_in_chain BEFORE INSERT ON {table} WHEN {broken} "
        f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
    ]


def _unlink(connection: BaseDatabaseWrapper, table: str) -> Sequence[str]:
    on = f" ON {table}" if connection.vendor == "postgresql" else ""
    return [f"DROP TRIGGER IF EXISTS {table}_in_chain{on}"]


def _same_key(connection: BaseDatabaseWrapper, table: str) -> str:
    """SQL: an existing row shares the primary key or any unique key of the new one."""
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, table)
    keys = sorted(
        {tuple(found["columns"]) for found in constraints.values() if found["unique"] or found["primary_key"]}
    )
    return " OR ".join(f"({' AND '.join(f'{column} = NEW.{column}' for column in key)})" for key in keys)
