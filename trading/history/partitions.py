"""A table ordered by time on disk: one Parquet file per month or year, each replaced whole or not at all.

Files are not compressed (a year of minutes is 25 MB and loads in a third of the time) and sealed with checksums: a flipped bit
is noticed, never traded on. What a file is about stands inside it, so that a file put into the wrong folder is noticed too.
"""

import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from trading.history import seal
from trading.history.arrow import as_array
from trading.history.errors import BrokenHistoryError, HistoryError
from trading.types.research import FloatArray, IntArray

TIME = "time_ms"
Columns: TypeAlias = Mapping[str, npt.NDArray[Any]]
Progress: TypeAlias = Callable[[int, int], None]  # (done, of how many)

_FILE = re.compile(r"\d{4}(-\d{2})?\.parquet")
_LABEL = b"neuratrade"
_LOCK_WAIT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveReport:
    """What a save did to the rows given. `replaced`: the time was there with other values; `unchanged`: with the same ones."""

    added: int = 0
    replaced: int = 0
    unchanged: int = 0

    def __add__(self, other: "SaveReport") -> "SaveReport":
        return SaveReport(
            added=self.added + other.added,
            replaced=self.replaced + other.replaced,
            unchanged=self.unchanged + other.unchanged,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    first_ms: int
    last_ms: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Partitions:
    """One dataset in `folder`. `label` says what it is about; `values` are its float64 columns beside `time_ms`."""

    folder: Path
    label: str
    values: tuple[str, ...]
    is_by_year: bool

    def read(self, *, since_ms: int | None = None, until_ms: int | None = None) -> Columns:
        """Rows from `since_ms` to before `until_ms`, oldest first. Raises BrokenHistoryError."""
        parts = [self._read_file(path) for path in self._files(since_ms=since_ms, until_ms=until_ms)]
        whole = _joined(parts, names=(TIME, *self.values))
        first = 0 if since_ms is None else int(np.searchsorted(whole[TIME], since_ms))
        last = whole[TIME].size if until_ms is None else int(np.searchsorted(whole[TIME], until_ms))
        return {name: column[first:last] for name, column in whole.items()}

    def merge(self, rows: Columns, *, on_progress: Progress | None = None) -> SaveReport:
        """Takes in rows whose times strictly increase; a time that is there already gets the new values.

        Safe against other writers and against being killed at any point. Raises BrokenHistoryError when a file that would have
        to be changed is damaged (it stays as it is), HistoryError when nothing can be written.
        """
        total = SaveReport()
        times: IntArray = rows[TIME]
        if not times.size:
            return total
        starts = self._starts(times)
        with self._locked():
            for first, last in zip(starts, [*starts[1:], times.size], strict=True):
                part = {name: column[first:last] for name, column in rows.items()}
                total += self._merge_file(self._path(int(times[first])), part)
                if on_progress is not None:
                    on_progress(int(last), int(times.size))
        return total

    def extent(self) -> Extent | None:
        """First and last time and the number of rows, from the files' footers alone; None when there is nothing."""
        files = self._files()
        if not files:
            return None
        first, last, rows = 0, 0, 0
        for index, path in enumerate(files):
            low, high, count = self._look(path)
            first, last, rows = low if index == 0 else first, high, rows + count
        return Extent(first_ms=first, last_ms=last, rows=rows)

    def is_empty(self) -> bool:
        return not self._files()

    def _merge_file(self, path: Path, part: Columns) -> SaveReport:
        old = self._read_file(path) if path.exists() else _joined([], names=(TIME, *self.values))
        merged, whole = _merged(old, part, values=self.values)
        if merged.added or merged.replaced:
            self._write_file(path, whole)
        return merged

    def _starts(self, times: IntArray) -> list[int]:
        """The index at which each file's rows begin."""
        unit = "Y" if self.is_by_year else "M"
        periods = times.astype("datetime64[ms]").astype(f"datetime64[{unit}]").astype(np.int64)
        return [0, *(np.flatnonzero(np.diff(periods)) + 1).tolist()]

    def _path(self, time_ms: int) -> Path:
        return self.folder / f"{self._name(time_ms)}.parquet"

    def _name(self, time_ms: int) -> str:
        return str(np.datetime64(time_ms, "ms").astype(f"datetime64[{'Y' if self.is_by_year else 'M'}]"))

    def _files(self, *, since_ms: int | None = None, until_ms: int | None = None) -> list[Path]:
        low = "" if since_ms is None else self._name(since_ms)
        high = "~" if until_ms is None else self._name(until_ms)
        if not self.folder.is_dir():
            return []
        found = [path for path in self.folder.iterdir() if _FILE.fullmatch(path.name)]
        return sorted(path for path in found if low <= path.stem <= high)

    def _read_file(self, path: Path) -> dict[str, npt.NDArray[Any]]:
        with _reading(path) as parquet:
            self._check_label(parquet, path)
            table = parquet.read()
            columns = {name: as_array(table.column(name)) for name in (TIME, *self.values)}
        times = columns[TIME]
        is_ordered = bool(np.all(np.diff(times) > 0)) and times.dtype == np.int64
        if not is_ordered or any(columns[name].dtype != np.float64 for name in self.values):
            raise _broken(path, "its rows are not in order of time")
        return columns

    def _look(self, path: Path) -> tuple[int, int, int]:
        """(first time, last time, rows) from the footer."""
        with _reading(path, wants_pages=False) as parquet:
            self._check_label(parquet, path)
            footer, column = parquet.metadata, parquet.schema_arrow.names.index(TIME)
            groups = [footer.row_group(index) for index in range(footer.num_row_groups)]
            statistics = [group.column(column).statistics for group in groups]
            return int(statistics[0].min), int(statistics[-1].max), int(footer.num_rows)

    def _check_label(self, parquet: Any, path: Path) -> None:
        label = (parquet.schema_arrow.metadata or {}).get(_LABEL, b"").decode(errors="replace")
        if label != self.label:
            raise _broken(path, f"it holds {label or 'something else'!r}, not {self.label!r}")

    def _write_file(self, path: Path, columns: Columns) -> None:
        import pyarrow
        import pyarrow.parquet

        table = pyarrow.table({name: columns[name] for name in (TIME, *self.values)})
        table = table.replace_schema_metadata({_LABEL: self.label.encode()})
        content = pyarrow.BufferOutputStream()
        pyarrow.parquet.write_table(
            table, content, compression="none", use_dictionary=False, row_group_size=max(table.num_rows, 1)
        )
        try:
            _replace(path, seal.sealed(content.getvalue().to_pybytes()))
        except OSError as error:
            raise _unwritable(path, error) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time; the system lets go of the lock when its holder dies. Leftovers of a killed writer are removed."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / ".lock").open("a")
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        with lock:
            deadline_s = time.monotonic() + _LOCK_WAIT_S
            while not _try_lock(lock):
                if time.monotonic() > deadline_s:
                    raise HistoryError(
                        f"{self.label} is being written by another command; wait until it ends"
                    )
                time.sleep(0.02)
            for leftover in self.folder.glob("*.tmp"):
                leftover.unlink()
            yield


def _joined(
    parts: list[dict[str, npt.NDArray[Any]]], *, names: tuple[str, ...]
) -> dict[str, npt.NDArray[Any]]:
    """One after the other, always as copies: what comes from a file is read-only, and bound to it."""
    if not parts:
        return {name: np.empty(0, np.int64 if name == TIME else np.float64) for name in names}
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def _merged(old: Columns, new: Columns, *, values: tuple[str, ...]) -> tuple[SaveReport, Columns]:
    """Both in order of time, the new values where both have one."""
    old_times, new_times = old[TIME], new[TIME]
    place = np.searchsorted(old_times, new_times)
    is_known = np.zeros(new_times.size, np.bool_)
    inside = place < old_times.size
    is_known[inside] = old_times[place[inside]] == new_times[inside]
    meeting = place[is_known]
    is_same = np.ones(meeting.size, np.bool_)
    for name in values:
        is_same &= old[name][meeting] == new[name][is_known]
    fresh = ~is_known
    times = np.insert(old_times, place[fresh], new_times[fresh])
    whole: dict[str, npt.NDArray[Any]] = {TIME: times}
    for name in values:
        column: FloatArray = old[name].copy()
        column[meeting] = new[name][is_known]
        whole[name] = np.insert(column, place[fresh], new[name][fresh])
    unchanged = int(is_same.sum())
    return SaveReport(added=int(fresh.sum()), replaced=meeting.size - unchanged, unchanged=unchanged), whole


@contextmanager
def _reading(path: Path, *, wants_pages: bool = True) -> Iterator[Any]:
    import pyarrow
    import pyarrow.parquet

    try:
        content = pyarrow.py_buffer(seal.checked(path, wants_pages=wants_pages))
        with pyarrow.parquet.ParquetFile(pyarrow.BufferReader(content)) as parquet:
            yield parquet
    except PermissionError as error:
        raise HistoryError(f"{path} cannot be read; make it readable") from error
    except (pyarrow.ArrowException, OSError, KeyError, ValueError, AttributeError) as error:
        raise _broken(path, " ".join(str(error).split())[:120]) from error


def _replace(path: Path, content: bytes) -> None:
    """Puts `content` in the place of `path`, on the disk for good; until then the old content is there."""
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:  # the disk is full, or the operator has had enough
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _try_lock(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _broken(path: Path, why: str) -> BrokenHistoryError:
    return BrokenHistoryError(
        f"{path} is broken ({why}); it was left as it is: move it away, then import or download {path.stem} again"
    )


def _unwritable(path: Path, error: OSError) -> HistoryError:
    return HistoryError(
        f"{path} cannot be written ({error.strerror or error}); what was stored before is unchanged"
    )
