"""Bars of a backtest with the columns its strategy reads beside prices: funding, sentiment, the other leg of a pair.

Each column is known at its bar's close and never before (`trading.history.quality.align`).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from trading.errors import InvalidValueError
from trading.history import quality, store
from trading.history.errors import MissingHistoryError
from trading.protocols import Strategy
from trading.services import history
from trading.types.research import Bars, FloatArray, IntArray

if TYPE_CHECKING:
    from trading.services.bench import BacktestRequest, Leg

FUNDING = "funding_ratio"
PAID = "funding_paid_ratio"
OTHER_LEG = "other_"
# A score or a rate that nobody renewed for a day (three funding periods at most venues) is not known any more.
MOST_AGE_S = 86_400
Series = tuple[IntArray, FloatArray]


def load(strategy: Strategy, *, request: "BacktestRequest", since: datetime | None) -> tuple[Bars, ...]:
    """Bars per instrument from `since` to the request's end; MissingHistoryError with the command that brings what is missing.

    The legs of a pair come cut to the times both have. The first carries what the strategy reads, the second, where history has it,
    the funding that falls due on it (`PAID`).
    """
    markets = tuple(_bars(leg, request=request, since=since) for leg in request.legs)
    if not strategy.is_pair:
        return tuple(_with_features(bars, strategy=strategy, source=bars) for bars in markets)
    bought, sold = _common(markets)
    return _with_features(bought, strategy=strategy, source=sold), _with_funding(sold)


def _bars(leg: "Leg", *, request: "BacktestRequest", since: datetime | None) -> Bars:
    """From before the period, where history reaches back so far; the period itself must not be empty."""
    wanted = {"venue": leg.venue, "symbol": leg.symbol, "timeframe": request.timeframe}
    bars = store.load(history.root(), **wanted, since=since, until=request.until)
    first_ms = request.since.timestamp() * 1000 if request.since else 0
    if len(bars) and bars.open_time_ms[-1] >= first_ms:
        return bars
    return history.load(**wanted, since=request.since, until=request.until)  # it knows the remedy


def _common(markets: tuple[Bars, ...]) -> tuple[Bars, ...]:
    """Only the bars whose time every leg has: half a pair cannot be traded."""
    times = reduce(np.intersect1d, (bars.open_time_ms for bars in markets))
    if times.size == 0:
        names = " and ".join(f"{bars.venue} {bars.symbol}" for bars in markets)
        raise InvalidValueError(f"{names} have no candle at the same time in that period")
    return tuple(_at(bars, np.searchsorted(bars.open_time_ms, times)) for bars in markets)


def _at(bars: Bars, rows: IntArray) -> Bars:
    if rows.size == len(bars):
        return bars
    columns = ("open_time_ms", "open", "high", "low", "close", "volume_base")
    return replace(bars, **{name: getattr(bars, name)[rows] for name in columns})


def _with_features(bars: Bars, *, strategy: Strategy, source: Bars) -> Bars:
    """`bars` with the strategy's columns; in a pair `source` is the sold leg, on which funding is paid."""
    features: dict[str, FloatArray] = {}
    for name in (*strategy.features, *strategy.optional_features):
        column = _feature(name, bars=bars, source=source)
        if column is not None:
            features[name] = column
        elif name in strategy.features:
            raise MissingHistoryError(_missing(name, bars=source, strategy=strategy))
    return replace(bars, features=features) if features else bars


def _feature(name: str, *, bars: Bars, source: Bars) -> FloatArray | None:
    """One column, or None when history has nothing of the kind for `source`."""
    if name.startswith(OTHER_LEG) and source is not bars:
        column: FloatArray | None = getattr(source, name.removeprefix(OTHER_LEG), None)
        return column
    known = _stored(name, bars=source)
    return None if known is None else quality.align(*known, bars, most_age_s=MOST_AGE_S)


def _with_funding(sold: Bars) -> Bars:
    from trading.backtest.pairs import funding_flows

    known = _stored(FUNDING, bars=sold)
    if known is None:
        return sold
    return replace(sold, features={PAID: funding_flows(*known, sold)})


def _stored(name: str, *, bars: Bars) -> Series | None:
    """Times and values of a stored series about these bars' instrument; None where there is none."""
    try:
        return _series()[name](bars.venue, bars.symbol)
    except (KeyError, MissingHistoryError):
        return None


def _series() -> Mapping[str, Callable[[str, str], Series]]:
    return {
        FUNDING: lambda venue, symbol: history.funding(venue=venue, symbol=symbol),
        "sentiment": lambda venue, symbol: history.sentiment(venue=venue, symbol=symbol),
    }


def _missing(name: str, *, bars: Bars, strategy: Strategy) -> str:
    kind = name.removesuffix("_ratio")
    if name not in _series():
        return f"{strategy.name} needs {name} of {bars.venue} {bars.symbol}, which no stored history gives"
    return (
        f"{strategy.name} needs the {kind} of {bars.venue} {bars.symbol} and none is stored; run "
        f"`neuratrade candles import FILE --kind {kind} --venue {bars.venue} --instrument {bars.symbol}`"
    )
