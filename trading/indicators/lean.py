"""Imports TA-Lib without pandas, which it would load only to accept pandas' columns: 0.3 s and 60 MB that arrays have no use for."""

import sys


def load_talib() -> None:
    """Makes the next `import talib` a cheap one. Where pandas is loaded already, or TA-Lib, nothing is changed."""
    if "talib" in sys.modules or "pandas" in sys.modules:
        return
    sys.modules["pandas"] = None  # type: ignore[assignment]  # how Python says that a module cannot be imported
    try:
        import talib  # noqa: F401
    finally:
        del sys.modules["pandas"]
