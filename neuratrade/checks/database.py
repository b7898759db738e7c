"""Is the database there, and is it the safe kind?"""

from datetime import datetime

from django.conf import settings
from django.db import DatabaseError, connection

from neuratrade.lib.health import CheckResult, CheckStatus


def check(at: datetime) -> CheckResult:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return _sqlite() if connection.vendor == "sqlite" else _postgresql()
    except DatabaseError as error:
        return CheckResult(
            name="database",
            status=CheckStatus.FAILED,
            evidence=f"cannot be used: {' '.join(str(error).split())}",
            remedy="mend or restore it; DATABASE_URL and NEURATRADE_HOME say which one is meant",
        )


def _sqlite() -> CheckResult:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        journal = cursor.fetchone()[0]
        cursor.execute("SELECT sqlite_version()")
        version = cursor.fetchone()[0]
    path = settings.DATABASES["default"]["NAME"]
    return CheckResult(
        name="database",
        status=CheckStatus.OK if journal == "wal" else CheckStatus.FAILED,
        evidence=f"SQLite {version}, journal mode {journal}, {path}",
        remedy=""
        if journal == "wal"
        else "move NEURATRADE_HOME to a local disk: this one does not support WAL",
    )


def _postgresql() -> CheckResult:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        version = cursor.fetchone()[0]
    return CheckResult(name="database", status=CheckStatus.OK, evidence=f"PostgreSQL {version}")


CHECK = check
