"""A market for the debate: a quiet rise with a quote and a book in Redis and closed candles in SQL."""

import math
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from neuratrade.lib import redis as bus
from tests.factories import AT, Desk
from trading.models import CandleRow, Decision, Instrument
from trading.services import decisions, equity, market_wire
from trading.types import BookLevel, OrderBook, Quote

D = Decimal


def put_quote(*, mid: str = "50000", spread: str = "0.02", at: datetime = AT, size: str = "5") -> None:
    """A quote and a book of 20 levels, one second old at `at`."""
    then = at - timedelta(seconds=1)
    bid, ask = D(mid) - D(spread) / 2, D(mid) + D(spread) / 2
    place: dict[str, Any] = {"venue": "binance", "symbol": "BTC/USDT"}
    quote = Quote(**place, bid=bid, ask=ask, bid_size=D(size), ask_size=D(size), as_of=then, received_at=then)
    steps = [D(index) for index in range(20)]
    book = OrderBook(
        **place,
        bids=tuple(BookLevel(bid - step, D(size)) for step in steps),
        asks=tuple(BookLevel(ask + step, D(size)) for step in steps),
        as_of=then,
        received_at=then,
    )
    bus.client().set(bus.latest_key(**place, kind="quote"), market_wire.dump_quote(quote))
    bus.client().set(bus.latest_key(**place, kind="book"), market_wire.dump_book(book))


def put_candles(
    instrument: Instrument, *, drift_ratio: float = 0.00004, swing_ratio: float = 0.002, at: datetime = AT
) -> None:
    """130 closed candles of 1m and of 5m that end at 50,000: a drift with a swing over it."""
    rows = []
    for timeframe, minutes, scale in (("1m", 1, 0.3), ("5m", 5, 1.0)):
        closes = [
            50_000 * (1 + drift_ratio * (index - 129) + swing_ratio * scale * math.sin(index * 1.9))
            for index in range(130)
        ]
        for index, close in enumerate(closes):
            opening = closes[index - 1] if index else close
            reach = 50_000 * swing_ratio * scale
            rows.append(
                CandleRow(
                    instrument=instrument,
                    timeframe=timeframe,
                    open_time=at - timedelta(minutes=minutes) * (130 - index),
                    open=D(str(round(opening, 2))),
                    high=D(str(round(max(opening, close) + reach / 4, 2))),
                    low=D(str(round(min(opening, close) - reach / 4, 2))),
                    close=D(str(round(close, 2))),
                    volume_base=D(str(10 + index % 7)),
                )
            )
    CandleRow.objects.bulk_create(rows)


def put_market(desk: Desk, *, at: datetime = AT) -> None:
    """Everything a debate looks at."""
    put_quote(at=at)
    put_candles(desk.instrument(), at=at)
    equity.mark(operator=desk.operator, mode=desk.state.mode, max_age_s=15, at=at)


def open_decision(desk: Desk, **columns: Any) -> Decision:
    fields: dict[str, Any] = {
        "account": desk.account(),
        "instrument": desk.instrument(),
        "source": "test",
        "market": {"rsi": "47.2"},
        "at": AT,
    }
    return decisions.open_decision(**{**fields, **columns})


class Ticker:
    """A clock that the test moves."""

    def __init__(self, at: datetime = AT) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
