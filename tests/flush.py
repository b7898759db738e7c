"""Lets Django's transactional tests empty the database between tests, which the append-only triggers forbid.

`TransactionTestCase` empties tables by DELETE or TRUNCATE. The tests' flush takes the triggers off, empties, and puts the very
same triggers back, in one transaction; the product has no such way.
"""

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.db.backends.base.operations import BaseDatabaseOperations

SqlFlush = Callable[..., list[str]]


def allow_flush() -> None:
    """Call once per test process."""
    operations = type(connection.ops)
    operations.sql_flush = _around(operations.sql_flush)  # type: ignore[method-assign]


def _around(flush: SqlFlush) -> SqlFlush:
    def sql_flush(self: BaseDatabaseOperations, style: Any, tables: list[str], **options: Any) -> list[str]:
        off, on = _triggers(self.connection)
        return [*off, *flush(self, style, tables, **options), *on]

    return sql_flush


def _triggers(connection: Any) -> tuple[list[str], list[str]]:
    """The statements that take all triggers off, and those that put them back."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"
            )
            tables = [row[0] for row in cursor.fetchall()]
            return (
                [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in tables],
                [f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in tables],
            )
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        rows = cursor.fetchall()
    return [f"DROP TRIGGER {name}" for name, _ in rows], [sql for _, sql in rows]
