"""The same backtest in plain Python, written from the rules and not from the kernel: slow, and what the kernel is held against.

A run walks the times at which anything has a bar. At each: exits at the open, entries at the open, the inside of the bar, the close.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from trading.backtest import inputs
from trading.backtest.reference_desk import Book, Desk, Position, set_size
from trading.backtest.reference_pair import walk
from trading.types.research import (
    TRADE_DTYPE,
    BacktestRun,
    Bars,
    Capital,
    ExitKind,
    FloatArray,
    MarketTerms,
    Signals,
)


def run(
    markets: Sequence[Bars], signals: Sequence[Signals], *, terms: Sequence[MarketTerms], capital: Capital
) -> BacktestRun:
    """See `trading.backtest.run.run`: the same checks, rules and result."""
    inputs.check(markets, terms=terms, capital=capital)
    books = [
        Book(number=number, bars=bars, signals=said, terms=cost)
        for number, (bars, said, cost) in enumerate(zip(markets, signals, terms, strict=True))
    ]
    desk = Desk(books=books, capital=capital, cash=float(capital.start_equity))
    times = sorted({int(time) for bars in markets for time in bars.open_time_ms})
    equity = [_step(desk, index=index, time_ms=time_ms) for index, time_ms in enumerate(times)]
    for book in books:
        if book.position is not None:
            _record(desk, book, index=len(times) - 1, kind=ExitKind.END, price=book.position.last, fee=0.0)
    return BacktestRun(
        time_ms=np.array(times, dtype=np.int64),
        equity=np.array(equity),
        trades=as_records(desk.trades, times=times),
        terms=tuple(terms),
        capital=capital,
        timeframe=markets[0].timeframe,
        refusals=desk.refusals,
    )


def run_pair(
    long: Bars,
    short: Bars,
    signals: Signals,
    *,
    terms: Sequence[MarketTerms],
    capital: Capital,
    funding: FloatArray | None = None,
) -> BacktestRun:
    """See `trading.backtest.run.run_pair`: the same checks, rules and result."""
    inputs.check_pair(long, short=short, terms=terms, capital=capital, funding=funding)
    inputs.check_signals(signals, bars=long)
    times, equity, desk = walk(long, short, signals, terms=terms, capital=capital, funding=funding)
    return BacktestRun(
        time_ms=np.array(times, dtype=np.int64),
        equity=np.array(equity),
        trades=as_records(desk.trades, times=times),
        terms=tuple(terms),
        capital=capital,
        timeframe=long.timeframe,
        refusals=desk.refusals,
    )


def as_records(
    trades: Sequence[Mapping[str, float]], *, times: Sequence[int]
) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """Rows of named numbers as TRADE_DTYPE, with the times of their bars and the return."""
    records = np.zeros(len(trades), dtype=TRADE_DTYPE)
    for record, trade in zip(records, trades, strict=True):
        for name, value in trade.items():
            record[name] = value
        record["entry_time_ms"] = times[int(trade["entry_bar"])]
        record["exit_time_ms"] = times[int(trade["exit_bar"])]
        record["return_ratio"] = trade["pnl"] / (trade["entry_price"] * trade["size_base"])
    return records


def _step(desk: Desk, *, index: int, time_ms: int) -> float:
    """One time: what every instrument does, and the equity at the close."""
    now = {book.number: book.bar_at(time_ms) for book in desk.books}
    was_flat = {book.number for book in desk.books if book.position is None}
    for book, bar in _present(desk, now):
        _exit_at_open(desk, book, bar=bar, index=index)
    for book, bar in _present(desk, now):
        if (
            book.number in was_flat
            and bar > 0
            and book.signals.enter[bar - 1]
            and not book.signals.exit[bar - 1]
        ):
            _enter(desk, book, bar=bar, index=index, now=now)
    for book, bar in _present(desk, now):
        _inside_bar(desk, book, bar=bar, index=index)
    return desk.cash + sum(book.position.size * book.position.last for book in desk.books if book.position)


def _present(desk: Desk, now: Mapping[int, int | None]) -> Iterator[tuple[Book, int]]:
    for book in desk.books:
        bar = now[book.number]
        if bar is not None:
            yield book, bar


def _exit_at_open(desk: Desk, book: Book, *, bar: int, index: int) -> None:
    held = book.position
    if held is None:
        return
    open_price = float(book.bars.open[bar])
    level, stop_kind = held.stops
    if book.signals.exit[bar - 1]:
        _sell(desk, book, index=index, kind=ExitKind.SIGNAL, price=open_price)
    elif book.signals.max_hold_bars and held.bars_held >= book.signals.max_hold_bars:
        _sell(desk, book, index=index, kind=ExitKind.TIME, price=open_price)
    elif open_price <= level:
        _sell(desk, book, index=index, kind=stop_kind, price=open_price)
    elif held.is_at_target(open_price):
        _sell(desk, book, index=index, kind=ExitKind.TARGET, price=open_price)


def _inside_bar(desk: Desk, book: Book, *, bar: int, index: int) -> None:
    held = book.position
    if held is None:
        return
    open_price, high, low = (float(getattr(book.bars, name)[bar]) for name in ("open", "high", "low"))
    level, stop_kind = held.stops
    if open_price <= level:  # just entered, and slipped beyond its own stop
        _sell(desk, book, index=index, kind=stop_kind, price=open_price)
    elif low <= level:
        _sell(desk, book, index=index, kind=stop_kind, price=level, is_both=held.is_at_target(high))
    elif held.target is not None and held.is_at_target(high):
        _sell(desk, book, index=index, kind=ExitKind.TARGET, price=held.target)
    else:
        held.highest, held.lowest = max(held.highest, high), min(held.lowest, low)
        held.last = float(book.bars.close[bar])
        held.bars_held += 1


def _sell(desk: Desk, book: Book, *, index: int, kind: ExitKind, price: float, is_both: bool = False) -> None:
    held = book.position
    assert held is not None
    fill = price * (1.0 - book.slip)
    fee = held.size * fill * book.terms.taker_fee_ratio
    desk.cash += held.size * fill - fee
    held.highest, held.lowest = max(held.highest, fill), min(held.lowest, fill)
    _record(desk, book, index=index, kind=kind, price=fill, fee=fee)
    desk.trades[-1]["is_both_hit"] = is_both
    book.position = None


def _record(desk: Desk, book: Book, *, index: int, kind: ExitKind, price: float, fee: float) -> None:
    held = book.position
    assert held is not None
    desk.trades.append(
        {
            "instrument": book.number,
            "side": 1,
            "exit_kind": int(kind),
            "entry_bar": held.entry_index,
            "exit_bar": index,
            "entry_price": held.entry_price,
            "exit_price": price,
            "stop_price": held.stop,
            "size_base": held.size,
            "entry_fee": held.entry_fee,
            "exit_fee": fee,
            "pnl": (price - held.entry_price) * held.size - held.entry_fee - fee,
            "entry_equity": held.entry_equity,
            "mae_ratio": max(0.0, 1.0 - held.lowest / held.entry_price),
            "mfe_ratio": max(0.0, held.highest / held.entry_price - 1.0),
            "is_entry_bar": kind is not ExitKind.END and held.entry_index == index,
        }
    )


def _enter(desk: Desk, book: Book, *, bar: int, index: int, now: Mapping[int, int | None]) -> None:
    said = bar - 1
    stop_ratio, trailing_ratio = book.said("stop_ratio", bar=said), book.said("trailing_ratio", bar=said)
    target_ratio = book.said("target_ratio", bar=said)
    has_target, has_trailing = not math.isnan(target_ratio), not math.isnan(trailing_ratio)
    if not 0 < stop_ratio < 1 or (has_trailing and not 0 < trailing_ratio < 1):
        return _refuse(desk, "no_stop")
    if has_target and target_ratio <= 0:
        return _refuse(desk, "bad_target")
    price = float(book.bars.open[bar])
    fill = price * (1.0 + book.slip)
    position = Position(
        entry_index=index,
        entry_price=fill,
        entry_fee=0.0,
        entry_equity=0.0,
        size=0.0,
        stop=fill * (1.0 - stop_ratio),
        target=fill * (1.0 + target_ratio) if has_target else None,
        trailing_ratio=trailing_ratio if has_trailing else None,
        highest=fill,
        lowest=fill,
        last=price,
    )
    reason = set_size(
        desk, book, position, price=fill, claim=book.said("confidence_ratio", bar=said), now=now
    )
    if reason:
        return _refuse(desk, reason)
    if position.target is not None:
        position.target /= 1.0 - book.slip
    position.entry_fee = position.size * fill * book.terms.taker_fee_ratio
    desk.cash -= position.size * fill + position.entry_fee
    book.position = position


def _refuse(desk: Desk, reason: str) -> None:
    desk.refusals[reason] = desk.refusals.get(reason, 0) + 1
