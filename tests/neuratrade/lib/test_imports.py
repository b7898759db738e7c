"""What a library would only try for can be left out while it loads, and is there afterwards."""

import subprocess
import sys
import threading

import pytest

from neuratrade.lib.imports import without

# In a process of its own: what is loaded once stays.
LEAN = """
import sys
from neuratrade.lib import jit
import numpy as np
assert "scipy" not in sys.modules
numbers = np.arange(3.0)
assert jit.numba.njit(lambda a: np.convolve(a, a))(numbers).tolist() == [0, 0, 1, 4, 4]
assert jit.numba.njit(lambda a: np.dot(a, a))(numbers) == 5.0
assert "scipy" in sys.modules
"""


def test_a_module_is_missing_in_the_block_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with without("colorsys"), pytest.raises(ImportError):
        import colorsys
    import colorsys

    assert colorsys is sys.modules["colorsys"]


def test_a_loaded_module_stays() -> None:
    with without("json"):
        import json
    assert sys.modules["json"] is json


def test_nothing_is_kept_from_other_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    is_over = threading.Event()
    thread = threading.Thread(target=is_over.wait)
    thread.start()
    try:
        with without("colorsys"):
            import colorsys  # noqa: F401
    finally:
        is_over.set()
        thread.join()


def test_compiled_code_starts_without_scipy_and_finds_it_when_needed() -> None:
    done = subprocess.run((sys.executable, "-c", LEAN), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
