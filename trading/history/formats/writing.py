"""Bars into files that others read. A file appears whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trading.history.errors import HistoryError
from trading.history.formats.names import ENDINGS, freqtrade_name
from trading.types.research import PRICES, Bars

FORMATS = ("csv", "parquet", "feather", "freqtrade")


def write(path: Path, bars: Bars, *, file_format: str = "", is_overwriting: bool = False) -> Path:
    """Writes the bars and returns the file. `file_format` is one of FORMATS, empty: by the file's ending.

    freqtrade's goes by the pair's own file name when `path` is a folder. Raises HistoryError when the file is there already (unless
    `is_overwriting`), has no known ending, or cannot be written.
    """
    file_format = file_format or _by_ending(path)
    if path.is_dir():
        path = path / (freqtrade_name(bars) if file_format == "freqtrade" else _plain_name(bars, file_format))
    if path.exists() and not is_overwriting:
        raise HistoryError(f"{path} is there already; give another name, or --overwrite")
    table = _table(bars, time_name="date" if file_format == "freqtrade" else "time", file_format=file_format)
    try:
        with _replacing(path) as temporary:
            _write_table(table, temporary, file_format=file_format, is_packed=path.name.endswith(".gz"))
    except OSError as error:
        raise HistoryError(f"{path} cannot be written ({error.strerror or error})") from error
    return path


def _write_table(table: Any, path: Path, *, file_format: str, is_packed: bool) -> None:
    if file_format == "csv":
        import pyarrow
        import pyarrow.csv

        with pyarrow.output_stream(str(path), compression="gzip" if is_packed else None) as stream:
            pyarrow.csv.write_csv(
                table, stream, pyarrow.csv.WriteOptions(quoting_style="none", quoting_header="none")
            )
    elif file_format == "parquet":
        import pyarrow.parquet

        pyarrow.parquet.write_table(table, path, compression="zstd")
    else:
        import pyarrow.feather

        pyarrow.feather.write_feather(table, str(path), compression="lz4")


def _table(bars: Bars, *, time_name: str, file_format: str) -> Any:
    import pyarrow

    times = pyarrow.array(bars.open_time_ms).cast(pyarrow.timestamp("ms", "UTC"))
    if file_format == "csv":
        times = times.cast(pyarrow.timestamp("s", "UTC"))
    prices = {name: getattr(bars, name) for name in PRICES}
    return pyarrow.table({time_name: times, **prices, "volume": bars.volume_base})


def _by_ending(path: Path) -> str:
    found = next((layout for ending, layout in ENDINGS.items() if path.name.lower().endswith(ending)), "")
    if found not in FORMATS:
        raise HistoryError(
            f"{path.name} does not say in which format; end it in .csv, .csv.gz, .parquet or .feather"
        )
    return found


def _plain_name(bars: Bars, file_format: str) -> str:
    return f"{freqtrade_name(bars).removesuffix('.feather')}.{file_format}"


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
