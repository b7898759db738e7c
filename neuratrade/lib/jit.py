"""Compiling number loops, with types that survive and machine code kept on disk: a process pays for it once per change of source."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """`function` as machine code, single-threaded, without the interpreter lock; cached beside its source."""
    jitted: Callable[P, R] = numba.njit(cache=True, nogil=True)(function)
    return jitted
