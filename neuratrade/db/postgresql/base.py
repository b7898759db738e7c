"""Django's PostgreSQL backend with SQLite's promise: a transaction of the desk has the database to itself.

The money rules read and then write: caps over all accounts, one debate per asset, the next link of the audit chain. Under READ
COMMITTED two such transactions do not see each other, and two that touch the same rows in another order end in a deadlock. On SQLite
every transaction is IMMEDIATE and so waits for its turn; here each takes one advisory lock first, for the same effect. Single
statements outside a transaction, and all reads, wait for nobody.
"""

from django.db import Error
from django.db.backends.postgresql import base

_TURN = 0x4E54_4556


class DatabaseWrapper(base.DatabaseWrapper):
    def ensure_connection(self) -> None:
        """Replaces a connection that is known to be broken, so that a restart of the server costs a process one statement."""
        self._forget_broken()
        super().ensure_connection()

    def close_if_unusable_or_obsolete(self) -> None:
        """Django asks the connection first, which would open a new one to a server that may be away."""
        self._forget_broken()
        super().close_if_unusable_or_obsolete()

    def _forget_broken(self) -> None:
        if not self.in_atomic_block and self.connection is not None and self.connection.closed:
            self.connection = None

    def _set_autocommit(self, autocommit: bool) -> None:  # noqa: FBT001 - Django's signature
        if autocommit:
            super()._set_autocommit(autocommit)  # type: ignore[misc]  # django-stubs leaves it out
            return
        try:
            self._begin()
        except Error:
            was_broken, connection = self.connection.closed, self.connection
            self.connection = None
            connection.close()
            if not was_broken:
                raise
            # Nothing has happened in this transaction yet, so it may begin on a new connection.
            self.connect()
            self._begin()

    def _begin(self) -> None:
        super()._set_autocommit(autocommit=False)  # type: ignore[misc]  # django-stubs leaves it out
        with self.wrap_database_errors:
            self.connection.execute("SELECT pg_advisory_xact_lock(%s)", [_TURN])
