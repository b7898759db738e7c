"""Number work asks for arrays of the same few megabytes again and again. Usually each goes back to the system when it is freed, and the
next one is paid for page by page: half of a sweep's time, and more where several processes do it at once."""

import ctypes

# From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_MIB = 1 << 20
# 32 MiB is the most that glibc takes: an array of four million numbers.
_KEPT = {_M_MMAP_THRESHOLD: 32 * _MIB, _M_TRIM_THRESHOLD: 512 * _MIB, _M_TOP_PAD: 64 * _MIB}


def keep_freed() -> bool:
    """Lets this process, and those it forks, keep up to 512 MiB of freed memory for their next arrays. For processes that come and go.

    False where the C library is not glibc; nothing is changed then.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(option, size) == 1 for option, size in _KEPT.items())
