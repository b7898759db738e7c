"""Memory for processes that come and go: they may keep what they freed, and need not look for garbage while they load."""

import ctypes
import gc

# From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_MIB = 1 << 20
# 32 MiB is the most that glibc takes: an array of four million numbers.
_KEPT = {_M_MMAP_THRESHOLD: 32 * _MIB, _M_TRIM_THRESHOLD: 512 * _MIB, _M_TOP_PAD: 64 * _MIB}


def keep_freed() -> bool:
    """Lets this process, and those it forks, keep up to 512 MiB of freed memory for their next arrays.

    Number work asks for arrays of the same few megabytes again and again. Usually each goes back to the system when it is freed, and
    the next one is paid for page by page: half of a sweep's time. False where the C library is not glibc; nothing is changed then.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(option, size) == 1 for option, size in _KEPT.items())


def collect_seldom() -> None:
    """Looks for garbage after 50,000 new objects, not after each 700: loading makes many and frees none, and the looking took a fifth of
    a short command's time. Not for processes that stay: one look is then long enough to delay an order."""
    gc.set_threshold(50_000, 20, 100)
