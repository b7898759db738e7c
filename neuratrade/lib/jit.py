"""Compiling number loops, with types that survive and machine code kept on disk: a process pays for it once per change of source."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from neuratrade.lib.imports import without

# Numba looks for SciPy when it loads its array functions: 0.3 s, only to give np.correlate and np.convolve BLAS instead of a loop.
# What cannot do without SciPy, as np.dot, looks for it again when it is compiled.
with without("scipy"):
    import numba
    import numba.np.arraymath

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """`function` as machine code, single-threaded, without the interpreter lock; cached beside its source."""
    jitted: Callable[P, R] = numba.njit(cache=True, nogil=True)(function)
    return jitted
