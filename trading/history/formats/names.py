"""What a file's name tells: its layout, and in freqtrade's way the instrument and the timeframe."""

import re
from dataclasses import dataclass
from pathlib import Path

from trading.history.errors import BadFileError
from trading.types.research import TIMEFRAME_S, Bars

# ending -> layout, the longer endings first
ENDINGS = {
    **{".csv.gz": "csv", ".csv": "csv", ".txt": "csv"},
    **{".json.gz": "json", ".json": "json"},
    **{".parquet": "parquet", ".feather": "feather"},
}
_FREQTRADE = re.compile(
    r"(?P<base>[A-Za-z0-9]+)_(?P<quote>[A-Za-z0-9]+)(_(?P<settle>[A-Za-z0-9]+))?-(?P<what>\d+[mhd]|trades)(-(?P<rest>.*))?"
)


# What freqtrade also keeps in the layout of candles, and nobody can trade at
_NO_CANDLES = {
    "mark": "mark prices",
    "index": "index prices",
    "premiumindex": "a premium index",
    "funding_rate": "funding rates (--kind funding takes them in)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What the name says; empty where it says nothing. `no_candles` says what else looks like candles there."""

    layout: str
    symbol: str = ""
    timeframe: str = ""
    no_candles: str = ""


def named(path: Path) -> Named:
    """Reads ADA_BTC-5m.feather, BTC_USDT_USDT-1h-futures.feather, XRP_ETH-trades.json.gz, and any name with a known ending.

    Raises BadFileError for an ending that no layout has.
    """
    name = path.name.lower()
    ending = next((ending for ending in ENDINGS if name.endswith(ending)), None)
    if ending is None:
        raise BadFileError(
            f"{path.name}: what this file holds cannot be told; it must end in {', '.join(ENDINGS)}"
        )
    match = _FREQTRADE.fullmatch(path.name[: -len(ending)])
    if match is None:
        return Named(layout=ENDINGS[ending])
    settle = f":{match['settle']}" if match["settle"] else ""
    return Named(
        layout=ENDINGS[ending],
        symbol=f"{match['base']}/{match['quote']}{settle}".upper(),
        timeframe=match["what"] if match["what"] in TIMEFRAME_S else "",
        no_candles=_NO_CANDLES.get((match["rest"] or "").lower(), ""),
    )


def freqtrade_name(bars: Bars) -> str:
    """The file freqtrade looks for in its data folder: ADA_BTC-5m.feather, or BTC_USDT_USDT-1h-futures.feather."""
    pair = re.sub(r"[^A-Za-z0-9]", "_", bars.symbol)
    return f"{pair}-{bars.timeframe}{'-futures' if ':' in bars.symbol else ''}.feather"
