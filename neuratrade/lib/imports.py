"""Keeping a library from loading what it would only try for: some import a heavy one just to accept its types or to note that it is there."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(module: str) -> Iterator[None]:
    """In the block `import module` fails as if it were not installed; afterwards it can be imported as ever.

    Does nothing where `module` is loaded already, and while other threads run, which would not find it either.
    """
    if module in sys.modules or threading.active_count() > 1:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # how Python says that a module cannot be imported
    try:
        yield
    finally:
        del sys.modules[module]
