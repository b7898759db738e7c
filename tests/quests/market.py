"""Puts a market before the quests: quotes where `watch_market` leaves them, candles in their table."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from neuratrade.lib import redis as bus
from quests.protocols import RunContext
from trading.models import CandleRow, Instrument
from trading.services import market_wire
from trading.types import Mode, Quote


def show_quote(*, venue: str, bid: str, ask: str, at: datetime, symbol: str = "BTC/USDT") -> Quote:
    quote = Quote(
        venue=venue,
        symbol=symbol,
        bid=Decimal(bid),
        ask=Decimal(ask),
        bid_size=Decimal(1),
        ask_size=Decimal(1),
        as_of=at,
        received_at=at,
    )
    bus.client().set(bus.latest_key(venue=venue, symbol=symbol, kind="quote"), market_wire.dump_quote(quote))
    return quote


def store_candles(instrument: Instrument, closes: Sequence[float], *, at: datetime) -> None:
    """Closed 1m bars, the last one closing at `at`."""
    opens = [closes[0], *closes[:-1]]
    CandleRow.objects.bulk_create(
        CandleRow(
            instrument=instrument,
            timeframe="1m",
            open_time=at - timedelta(minutes=len(closes) - index),
            open=_text(opens[index]),
            high=_text(max(opens[index], close)),
            low=_text(min(opens[index], close)),
            close=_text(close),
            volume_base=Decimal(1),
        )
        for index, close in enumerate(closes)
    )


def context(*, at: datetime, facts: dict[str, Any] | None = None, **changes: Any) -> RunContext:
    """A routine run's context that saves into `saved`, if given."""
    saved: list[Any] = changes.pop("saved", [])
    return RunContext(
        run_id=1,
        at=at,
        scheduled_for=changes.pop("scheduled_for", at),
        mode=Mode.PAPER,
        facts=facts or {},
        checkpoint=changes.pop("checkpoint", {}),
        save=lambda checkpoint, ratio, note: saved.append(dict(checkpoint)),
    )


def _text(value: float) -> Decimal:
    return Decimal(f"{value:.6f}")
