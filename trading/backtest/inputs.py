"""Bars, signals, costs and capital as the kernels take them: checked, one after another, with one timeline."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from trading.backtest.layout import Costs, Market, Said, Stakes
from trading.errors import InvalidValueError
from trading.types.research import PRICES, Bars, Capital, FloatArray, IntArray, MarketTerms, Signals

BPS = 10_000.0
_RATIOS = ("stop_ratio", "target_ratio", "trailing_ratio", "confidence_ratio")
Number = TypeVar("Number", bound=np.generic)


def base_of(symbol: str) -> str:
    return symbol.partition("/")[0]


def quote_of(symbol: str) -> str:
    """`USDT` of both BTC/USDT and BTC/USDT:USDT; empty when the symbol names none."""
    return symbol.partition("/")[2].partition(":")[0]


def check(markets: Sequence[Bars], *, terms: Sequence[MarketTerms], capital: Capital) -> None:
    """Raises InvalidValueError, one line, for instruments that cannot share a run and a capital that is none."""
    if not markets:
        raise InvalidValueError("a backtest needs at least one instrument")
    if len(terms) != len(markets):
        raise InvalidValueError(f"{len(markets)} instruments need as many terms, not {len(terms)}")
    first = markets[0]
    for bars, term in zip(markets, terms, strict=True):
        name = f"{bars.venue} {bars.symbol}"
        if not len(bars):
            raise InvalidValueError(f"{name} has no bars in this time; import or download candles first")
        if (term.venue, term.symbol) != (bars.venue, bars.symbol):
            raise InvalidValueError(f"the terms of {term.venue} {term.symbol} were given for {name}")
        if bars.timeframe != first.timeframe:
            raise InvalidValueError(f"{name} has {bars.timeframe} bars, {first.symbol} {first.timeframe}")
        if quote_of(bars.symbol) != quote_of(first.symbol):
            raise InvalidValueError(
                f"{name} and {first.symbol} have different quote assets: one capital needs one"
            )
        if term.slippage_bps > capital.max_slippage_bps:
            raise InvalidValueError(
                f"{name}: slippage of {term.slippage_bps:g} bps is above max_slippage_bps "
                f"{capital.max_slippage_bps:g}: no entry would fill"
            )
    if len({(bars.venue, bars.symbol) for bars in markets}) != len(markets):
        raise InvalidValueError("an instrument was given twice")
    _check_capital(capital)


def check_pair(
    long: Bars, *, short: Bars, terms: Sequence[MarketTerms], capital: Capital, funding: FloatArray | None
) -> None:
    """As `check`, and that the legs can offset each other."""
    check([long, short], terms=terms, capital=capital)
    if base_of(long.symbol) != base_of(short.symbol):
        raise InvalidValueError(
            f"{long.symbol} and {short.symbol} have different base assets: they are no pair"
        )
    if funding is not None and funding.shape != (len(short),):
        raise InvalidValueError(f"funding must hold one rate per bar of {short.symbol}: {len(short)} numbers")


def check_signals(signals: Signals, *, bars: Bars) -> None:
    if signals.enter.size != len(bars):
        raise InvalidValueError(
            f"{bars.venue} {bars.symbol}: {len(bars)} bars need as many signals, not {signals.enter.size}"
        )


def _check_capital(capital: Capital) -> None:
    if not 0 < capital.start_equity < float("inf"):
        raise InvalidValueError(f"start_equity must be a positive number, not {capital.start_equity}")
    for field in fields(capital):
        if not getattr(capital, field.name) >= 0:  # NaN too
            raise InvalidValueError(f"{field.name} must be zero or more, not {getattr(capital, field.name)}")


def union(times: Sequence[IntArray], *, step_ms: int) -> tuple[IntArray, bool]:
    """All times, each once and in order, and whether every instrument has all of them."""
    if all(other is times[0] or np.array_equal(other, times[0]) for other in times[1:]):
        return times[0], True
    first = min(int(own[0]) for own in times)
    slots, rest = np.divmod(np.concatenate(times) - first, step_ms)
    if rest.any():
        return np.unique(np.concatenate(times)), False
    is_there = np.zeros(int(slots.max()) + 1, dtype=np.bool_)  # all on one grid: marked, not sorted
    is_there[slots] = True
    return first + np.flatnonzero(is_there) * step_ms, False


def market_of(markets: Sequence[Bars]) -> Market:
    first = np.cumsum([0, *(len(bars) for bars in markets)])
    open_, high, low, close = (
        stacked([getattr(bars, name) for bars in markets], dtype=np.float64) for name in PRICES
    )
    timeline, is_aligned = union([bars.open_time_ms for bars in markets], step_ms=markets[0].step_ms)
    time_ms = stacked([bars.open_time_ms for bars in markets], dtype=np.int64)
    return Market(time_ms, open_, high, low, close, shown(first), shown(timeline), is_aligned)


def said_of(signals: Sequence[Signals]) -> Said:
    columns = [[getattr(item, name) for item in signals] for name in _RATIOS]
    start = np.array([np.cumsum([0, *(part.size for part in parts)])[:-1] for parts in columns])
    step = np.array(
        [
            [0 if part.size < item.enter.size else 1 for part, item in zip(parts, signals, strict=True)]
            for parts in columns
        ]
    )
    stop, target, trailing, confidence = (stacked(parts, dtype=np.float64) for parts in columns)
    return Said(
        stacked([item.enter for item in signals], dtype=np.bool_),
        stacked([item.exit for item in signals], dtype=np.bool_),
        stop,
        target,
        trailing,
        confidence,
        shown(start),
        shown(step),
        shown(np.array([item.max_hold_bars for item in signals], dtype=np.int64)),
    )


def costs_of(terms: Sequence[MarketTerms]) -> Costs:
    assets, venues = [base_of(item.symbol) for item in terms], [item.venue for item in terms]
    return Costs(
        fee=_each([item.taker_fee_ratio for item in terms]),
        slip=_each([item.slippage_bps / BPS for item in terms]),
        size_step=_each([item.size_step for item in terms]),
        min_size=_each([item.min_size for item in terms]),
        min_notional=_each([item.min_notional for item in terms]),
        asset=shown(np.array([assets.index(name) for name in assets], dtype=np.int64)),
        venue=shown(np.array([venues.index(name) for name in venues], dtype=np.int64)),
    )


def stakes_of(capital: Capital) -> Stakes:
    return Stakes(
        start=float(capital.start_equity),
        risk=float(capital.risk_per_trade_ratio),
        kelly=float(capital.kelly_fraction_ratio),
        confidence_weight=float(capital.confidence_weight_ratio),
        notional_ratio=float(capital.max_order_notional_ratio),
        notional_quote=float(capital.max_order_notional_quote),
        asset=float(capital.max_asset_exposure_ratio),
        venue=float(capital.max_venue_exposure_ratio),
        leverage=float(capital.max_leverage_ratio),
        max_slip=float(capital.max_slippage_bps) / BPS,
        max_open=int(capital.max_open_positions),
    )


def bad_bar(markets: Sequence[Bars], *, row: int, first: IntArray) -> InvalidValueError:
    """The error for `row` of the stacked bars."""
    k = int(np.searchsorted(first, row, side="right")) - 1
    bars, bar = markets[k], row - int(first[k])
    at = datetime.fromtimestamp(int(bars.open_time_ms[bar]) / 1000, tz=UTC).isoformat()
    numbers = ", ".join(f"{name} {float(getattr(bars, name)[bar]):g}" for name in PRICES)
    return InvalidValueError(
        f"{bars.venue} {bars.symbol}: the bar at {at} is none ({numbers}): prices must be positive, "
        "with open and close inside low..high; import the candles again"
    )


def shown(array: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """A read-only view without gaps. The kernels always get this one kind of array, so they are compiled once."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def stacked(parts: Sequence[npt.NDArray[Number]], *, dtype: type[Number]) -> npt.NDArray[Number]:
    """One after another; a single part is not copied."""
    whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return shown(np.asarray(whole, dtype=dtype))


def _each(values: Sequence[float]) -> FloatArray:
    return shown(np.array(values, dtype=np.float64))
