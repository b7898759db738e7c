"""Candles in SQL: one short transaction per batch; 5m and 1h are always what their minutes say, where these are stored."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import close_old_connections, transaction
from django.db.models import QuerySet

from trading.models import CandleRow, Instrument
from trading.services.market import candle_of
from trading.services.market_bars import DERIVED, MINUTE, TIMEFRAMES, derive, floor
from trading.types import Candle, InstrumentSpec

_VALUES = ("open", "high", "low", "close", "volume_base")


def store(batch: Mapping[int, Sequence[Candle]]) -> int:
    """Writes closed minutes per instrument id, and every longer candle they complete or correct; returns how many minutes changed."""
    changed = 0
    with transaction.atomic():
        for instrument_id, minutes in batch.items():
            fresh = _changed(instrument_id, minutes)
            if not fresh:
                continue
            changed += len(fresh)
            _upsert(instrument_id, "1m", fresh)
            for timeframe in DERIVED:
                _upsert(instrument_id, timeframe, _derived(instrument_id, fresh, timeframe=timeframe))
    return changed


def missing_since(instrument_id: int, *, start: datetime, end: datetime) -> datetime | None:
    """The first minute in start..end (both whole minutes, end excluded) without a candle; None when all are there."""
    return next(iter(missing(instrument_id, timeframe="1m", start=start, end=end)), None)


def missing(instrument_id: int, *, timeframe: str, start: datetime, end: datetime) -> list[datetime]:
    """The open times in start..end (both a bar's start, end excluded) without a candle, oldest first."""
    known = set(_between(instrument_id, timeframe, start, end).values_list("open_time", flat=True))
    length = TIMEFRAMES[timeframe]
    times = (start + number * length for number in range((end - start) // length))
    return [time for time in times if time not in known]


def add(instrument_id: int, *, timeframe: str, candles: Sequence[Candle]) -> int:
    """Writes the venue's own candles, oldest first, where none are stored; returns how many."""
    if not candles:
        return 0
    end = candles[-1].open_time + TIMEFRAMES[timeframe]
    with transaction.atomic():
        lacking = set(missing(instrument_id, timeframe=timeframe, start=candles[0].open_time, end=end))
        fresh = [candle for candle in candles if candle.open_time in lacking]
        _upsert(instrument_id, timeframe, fresh)
    return len(fresh)


def refresh_specs(specs: Sequence[InstrumentSpec], *, venue: str) -> None:
    """Writes the venue's own tick, steps, minimums and fees into the rows of the instruments it names."""
    for spec in specs:
        Instrument.objects.filter(venue__name=venue, symbol=spec.symbol).update(
            base=spec.base,
            quote=spec.quote,
            price_tick=spec.price_tick,
            size_step=spec.size_step,
            min_size=spec.min_size,
            max_size=spec.max_size,
            min_notional=spec.min_notional,
            maker_fee_ratio=spec.maker_fee_ratio,
            taker_fee_ratio=spec.taker_fee_ratio,
            is_active=spec.is_active,
        )


def renew_connection() -> None:
    """For long-lived processes: drops a database connection that broke in the meantime."""
    close_old_connections()


def _between(instrument_id: int, timeframe: str, start: datetime, end: datetime) -> QuerySet[CandleRow]:
    return CandleRow.objects.filter(
        instrument_id=instrument_id, timeframe=timeframe, open_time__gte=start, open_time__lt=end
    )


def _changed(instrument_id: int, minutes: Sequence[Candle]) -> list[Candle]:
    if not minutes:
        return []
    times = [candle.open_time for candle in minutes]
    rows = CandleRow.objects.filter(
        instrument_id=instrument_id, timeframe="1m", open_time__gte=min(times), open_time__lte=max(times)
    )
    known = {row.open_time: candle_of(row) for row in rows}
    return [candle for candle in minutes if known.get(candle.open_time) != candle]


def _derived(instrument_id: int, minutes: Sequence[Candle], *, timeframe: str) -> list[Candle]:
    """The longer candles touched by `minutes`, as far as all their minutes are stored."""
    length = TIMEFRAMES[timeframe]
    newest_end = max(candle.open_time for candle in minutes) + MINUTE
    starts = {floor(candle.open_time, length=length) for candle in minutes}
    starts = {
        start
        for start in starts
        if start + length <= newest_end or _is_stored(instrument_id, start + length - MINUTE)
    }
    if not starts:
        return []
    rows = _between(instrument_id, "1m", min(starts), max(starts) + length).order_by("open_time")
    return [
        candle
        for candle in derive([candle_of(row) for row in rows], timeframe=timeframe)
        if candle.open_time in starts
    ]


def _is_stored(instrument_id: int, minute: datetime) -> bool:
    return CandleRow.objects.filter(instrument_id=instrument_id, timeframe="1m", open_time=minute).exists()


def row_of(candle: Candle, *, instrument_id: int, timeframe: str) -> CandleRow:
    """A candle as a row, not saved."""
    return CandleRow(
        instrument_id=instrument_id,
        timeframe=timeframe,
        open_time=candle.open_time,
        open=candle.open,
        high=candle.high,
        low=candle.low,
        close=candle.close,
        volume_base=candle.volume_base,
    )


def _upsert(instrument_id: int, timeframe: str, candles: Sequence[Candle]) -> None:
    CandleRow.objects.bulk_create(
        [row_of(candle, instrument_id=instrument_id, timeframe=timeframe) for candle in candles],
        update_conflicts=True,
        unique_fields=["instrument", "timeframe", "open_time"],
        update_fields=_VALUES,
    )
