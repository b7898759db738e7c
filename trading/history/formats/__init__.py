"""Market data files of others, read and written: CSV, Parquet, Feather, JSON, and freqtrade's layouts of them."""

from trading.history.formats.reading import ReadResult, SeriesResult, read, read_series
from trading.history.formats.tables import refuse_missing
from trading.history.formats.writing import FORMATS, write

__all__ = ["FORMATS", "ReadResult", "SeriesResult", "read", "read_series", "refuse_missing", "write"]
