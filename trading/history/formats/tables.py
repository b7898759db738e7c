"""Opens a file of any layout as named columns. What a column means is not decided here (trading.history.formats.columns)."""

import gzip
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trading.history.errors import BadFileError

# Where nothing stands above the numbers: ccxt's six columns, with Kraken's count of trades, or Binance's monthly archive
_BARE = ("time", "open", "high", "low", "close", "volume")
_BARE_WIDTHS = (6, 7, 12)
_FREQTRADE_TRADES = ("timestamp", "id", "type", "side", "price", "amount", "cost")
_SNIFF_BYTES = 1 << 16
_MAX_LINES_ABOVE = 5
_VALUE = re.compile(r"[-+]?[\d.]+([eE][-+]?\d+)?|\d{4}-\d\d-\d\d.*")

IsNumber = Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A file's columns as pyarrow arrays. `first_row` is what the operator calls the first of them."""

    columns: Mapping[str, Any]
    first_row: int = 1
    dropped: Mapping[str, int] = field(default_factory=dict)


def refuse_missing(path: Path) -> None:
    """The first thing to say about a file. Raises BadFileError."""
    if path.is_dir():
        raise BadFileError(f"{path} is a folder; give a file in it")
    if not path.is_file():
        raise BadFileError(f"{path} is no file; give the path of one")


def open_file(path: Path, *, layout: str, is_number: IsNumber, skip_bad: bool) -> Opened:
    """`is_number` tells by its header which column of text holds numbers. Raises BadFileError with one line for the operator."""
    import pyarrow

    refuse_missing(path)
    try:
        if layout == "csv":
            return _open_csv(path, is_number=is_number, skip_bad=skip_bad)
        return Opened(columns=_open_json(path) if layout == "json" else _open_arrow(path, layout=layout))
    except PermissionError as error:
        raise BadFileError(f"{path.name} cannot be read; make it readable") from error
    except (pyarrow.ArrowException, OSError, EOFError, zlib.error, ValueError) as error:
        reason = " ".join(str(error).split())[:150]
        raise BadFileError(f"{path.name} is no readable {layout} file ({reason}); get it again") from error


def _open_arrow(path: Path, *, layout: str) -> dict[str, Any]:
    if layout == "parquet":
        import pyarrow.parquet

        table = pyarrow.parquet.ParquetFile(path).read()
    else:
        import pyarrow.feather

        table = pyarrow.feather.read_table(path)
    return dict(zip(table.column_names, table.columns, strict=True))


def _open_json(path: Path) -> dict[str, Any]:
    """freqtrade's lists of candles and trades, ccxt's candles, or a list of objects."""
    import orjson
    import pyarrow

    content = path.read_bytes()
    rows = orjson.loads(gzip.decompress(content) if path.name.lower().endswith(".gz") else content)
    if not isinstance(rows, list) or not rows:
        raise BadFileError(f"{path.name} holds no list of candles or trades")
    if isinstance(rows[0], dict):
        table = pyarrow.Table.from_pylist(rows)
        return dict(zip(table.column_names, table.columns, strict=True))
    width = len(rows[0]) if isinstance(rows[0], list) else 0
    names = {6: _BARE, 7: _FREQTRADE_TRADES}.get(width)
    for number, row in enumerate(rows, 1):
        if names is None or not isinstance(row, list) or len(row) != width:
            raise BadFileError(
                f"{path.name} row {number}: neither a candle (6 values) nor one of freqtrade's trades (7)"
            )
    return {
        name: pyarrow.array(column) for name, column in zip(names or (), zip(*rows, strict=True), strict=True)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """How a CSV file is laid out; `lines_above` counts the lines before the first row."""

    names: tuple[str, ...]
    delimiter: str
    lines_above: int


def _open_csv(path: Path, *, is_number: IsNumber, skip_bad: bool) -> Opened:
    import pyarrow
    import pyarrow.csv

    layout = _sniff(path)
    ragged: list[object] = []

    def on_ragged(row: object) -> str:
        ragged.append(row)
        return "skip"

    def read(types: dict[str, Any]) -> Any:
        ragged.clear()
        return pyarrow.csv.read_csv(
            path,
            read_options=pyarrow.csv.ReadOptions(
                column_names=layout.names,
                skip_rows=layout.lines_above,
                # any byte is a letter there, so that a row of bad ones can be left out
                encoding="latin-1" if skip_bad else "utf8",
            ),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=layout.delimiter, invalid_row_handler=on_ragged if skip_bad else None
            ),
            convert_options=pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=True),
        )

    numbers = {name: pyarrow.float64() for name in layout.names if is_number(name)}
    try:
        table = read(numbers)
    except pyarrow.ArrowInvalid as error:
        if "conversion error" not in str(error):
            raise
        # some cell is no number: as text, so that its row can be named or left out
        table = read(dict.fromkeys(layout.names, pyarrow.string()))
    return Opened(
        columns=dict(zip(layout.names, table.columns, strict=True)),
        first_row=layout.lines_above + 1,
        dropped={"rows of another width": len(ragged)} if ragged else {},
    )


def _sniff(path: Path) -> _Layout:
    """Delimiter and names from the first lines; lines above the header that hold no table (an address, a title) are passed over."""
    import pyarrow

    with pyarrow.input_stream(str(path), compression="detect") as stream:
        head = stream.read(_SNIFF_BYTES).decode("utf-8-sig", errors="replace")
    if "\0" in head:
        raise BadFileError(f"{path.name} is no text; a CSV file was expected by its name")
    lines = head.splitlines()
    for index, line in enumerate(lines[:_MAX_LINES_ABOVE]):
        delimiter = max(",;\t|", key=line.count)
        cells = [cell.strip().strip('"') for cell in line.split(delimiter)]
        if len(cells) < 2:
            continue
        if not _VALUE.fullmatch(cells[0]):
            return _Layout(names=_unique(cells), delimiter=delimiter, lines_above=index + 1)
        if len(cells) not in _BARE_WIDTHS:
            raise BadFileError(
                f"{path.name} has no header and {len(cells)} columns; put a line above them that names the columns, as in "
                "timestamp,open,high,low,close,volume"
            )
        extra = tuple(f"extra {number}" for number in range(len(cells) - len(_BARE)))
        return _Layout(names=(*_BARE, *extra), delimiter=delimiter, lines_above=index)
    raise BadFileError(
        f"{path.name} holds no table; its first line must name the columns, as in timestamp,open,high,low,close,volume"
    )


def _unique(cells: list[str]) -> tuple[str, ...]:
    """Names as pyarrow needs them: a second column of a name is set apart and so never read."""
    return tuple(
        cell if cells.index(cell) == index else f"{cell} again {index}" for index, cell in enumerate(cells)
    )
