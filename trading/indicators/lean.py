"""Imports TA-Lib without pandas, which it would load only to accept pandas' columns: 0.3 s and 60 MB that arrays have no use for."""

from neuratrade.lib.imports import without


def load_talib() -> None:
    """Makes the next `import talib` a cheap one. Where pandas is loaded already, or TA-Lib, nothing is changed."""
    with without("pandas"):
        import talib  # noqa: F401
