"""Django's SQLite backend over the `pysqlite3` wheel."""
