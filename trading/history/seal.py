"""Checksums inside a Parquet file: over its pages and over its footer, in the gap before the footer that Parquet leaves free.

Parquet's own checksums cover neither page headers nor the footer, and a bit flipped there can end the whole process inside
Arrow. What has been checked here is byte for byte what was written. Other programs read such a file as any Parquet file.
"""

import mmap
import zlib
from pathlib import Path

_MARK = b"NTH1"
_SUM_BYTES = 4
_SEAL_BYTES = len(_MARK) + 2 * _SUM_BYTES
_TAIL_BYTES = 8  # the footer's length and the file's magic


class SealError(ValueError):
    """The bytes are not what was written."""


def sealed(content: bytes) -> bytes:
    """A whole Parquet file with its checksums put in."""
    start = len(content) - _TAIL_BYTES - int.from_bytes(content[-_TAIL_BYTES:-4], "little")
    pages, footer = content[:start], content[start:]
    return b"".join((pages, _MARK, _sum(pages), _sum(footer), footer))


def checked(path: Path, *, wants_pages: bool) -> mmap.mmap:
    """The file's bytes, mapped. Without `wants_pages` only the footer is checked, and only it may be used.

    Raises SealError, or OSError when it cannot be opened.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if size < _SEAL_BYTES + _TAIL_BYTES:
            raise SealError("it is cut off")
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    start = size - _TAIL_BYTES - int.from_bytes(content[-_TAIL_BYTES:-4], "little")
    seal = content[max(start - _SEAL_BYTES, 0) : max(start, 0)]
    if not seal.startswith(_MARK) or len(seal) != _SEAL_BYTES:
        raise SealError("it is cut off or was not written by this desk")
    view = memoryview(content)
    if _sum(view[start:]) != seal[-_SUM_BYTES:]:
        raise SealError("its footer's checksum is wrong")
    if wants_pages and _sum(view[: start - _SEAL_BYTES]) != seal[len(_MARK) : -_SUM_BYTES]:
        raise SealError("its checksum is wrong")
    return content


def _sum(part: bytes | memoryview) -> bytes:
    return zlib.crc32(part).to_bytes(_SUM_BYTES, "little")
