"""Django's SQLite backend on a current SQLite.

The SQLite that stock Pythons link (up to 3.51.2) can corrupt a WAL file when several processes write
(https://www.sqlite.org/wal.html#the_wal_reset_bug), so the `pysqlite3` wheel takes its place, and an older library is refused.
"""

import sys
from typing import Any

import pysqlite3
import pysqlite3.dbapi2

sys.modules["sqlite3"] = pysqlite3
sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2

from django.core.exceptions import ImproperlyConfigured  # noqa: E402
from django.db.backends.sqlite3 import base  # noqa: E402

OLDEST_SAFE_SQLITE = (3, 51, 3)


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if pysqlite3.sqlite_version_info < OLDEST_SAFE_SQLITE:
            raise ImproperlyConfigured(
                f"SQLite {pysqlite3.sqlite_version} can corrupt a database with several writers; "
                "install pysqlite3 0.6.1 or newer"
            )
        return super().get_new_connection(conn_params)
