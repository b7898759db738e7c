"""Realised results of an operator, from booked fills. Sums are in the reporting currency.

Only quotes that count as one unit of it (the setting NEURATRADE_STABLE_ASSETS) can be summed; another quote raises
ConfigurationError, because a loss that cannot be valued must not pass for none.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import QuerySet

from trading.accounting import performance
from trading.accounting.fifo import product, total
from trading.accounting.performance import Performance, RoundTrip, Step
from trading.errors import ConfigurationError
from trading.models import Fill, LotClosure, Operator, Position
from trading.services.lots import movement_of
from trading.types import ZERO

# Losses further back than this no longer make a row with today's.
_LOOK_BACK = timedelta(days=30)


def daily_realised_pnl(*, operator: Operator, mode: str, at: datetime) -> Decimal:
    """PnL after fees of all that was closed since 00:00 UTC of the day of `at`, up to `at`."""
    midnight = datetime.combine(at.astimezone(UTC).date(), time(), tzinfo=UTC)
    return realised_pnl(operator=operator, mode=mode, since=midnight, until=at)


def realised_pnl(*, operator: Operator, mode: str, since: datetime, until: datetime) -> Decimal:
    """PnL after fees of what was closed from `since` up to and with `until`, by the venue's time of the closing fill."""
    rows = LotClosure.objects.filter(
        lot__account__operator=operator,
        lot__account__mode=mode,
        closed_at__gte=since,
        closed_at__lte=until,
    ).values_list("pnl", "lot__instrument__quote")
    found = list(rows)
    _require_reporting_quotes(quote for _, quote in found)
    return total(pnl for pnl, _ in found)


def consecutive_losses(*, operator: Operator, mode: str, at: datetime) -> int:
    """How many closed round trips in a row, the newest first, lost money; break-even ones are passed over."""
    return performance.consecutive_losses(
        round_trips(operator=operator, mode=mode, since=at - _LOOK_BACK, until=at)
    )


def measure(*, operator: Operator, mode: str, since: datetime, until: datetime) -> Performance:
    """Win rate, profit factor, drawdown and the rest over the round trips closed in the window."""
    return performance.measure(round_trips(operator=operator, mode=mode, since=since, until=until))


def round_trips(*, operator: Operator, mode: str, since: datetime, until: datetime) -> list[RoundTrip]:
    """Positions that became flat in the window, oldest first. One that was open at `since` counts from there."""
    positions = Position.objects.filter(account__operator=operator, account__mode=mode)
    trips = [
        trip
        for position in positions.select_related("instrument")
        for trip in _trips(position, since=since, until=until)
    ]
    return sorted(trips, key=lambda trip: trip.closed_at)


def _trips(position: Position, *, since: datetime, until: datetime) -> list[RoundTrip]:
    moves = sorted(
        ((movement_of(fill), fill) for fill in _own_fills(position).filter(executed_at__gte=since)),
        key=lambda pair: pair[0].order_key,
    )
    if not moves:
        return []
    _require_reporting_quotes([position.instrument.quote])
    pnl: dict[int, Decimal] = {}
    closures = LotClosure.objects.filter(fill__in=[fill.pk for _, fill in moves])
    for fill_id, amount in closures.values_list("fill_id", "pnl"):
        pnl[fill_id] = total([pnl.get(fill_id, ZERO), amount])
    steps = [
        Step(
            base=move.base,
            pnl=pnl.get(fill.pk, ZERO),
            turnover=product(fill.size_base, fill.price),
            at=fill.executed_at,
        )
        for move, fill in moves
    ]
    start = total([position.size_base, *(-step.base for step in steps)])
    return performance.round_trips(
        [step for step in steps if step.at <= until],
        start_base=start,
        dust_base=position.instrument.dust_base,
    )


def _own_fills(position: Position) -> QuerySet[Fill]:
    fills = Fill.objects.filter(
        account_id=position.account_id, instrument_id=position.instrument_id, order__isnull=False
    )
    return fills.select_related("instrument")


def _require_reporting_quotes(quotes: Iterable[str]) -> None:
    foreign = sorted(set(quotes) - settings.STABLE_ASSETS)
    if foreign:
        raise ConfigurationError(
            f"PnL in {', '.join(foreign)} cannot be counted in {settings.REPORTING_CURRENCY}; trade instruments quoted in "
            f"{', '.join(sorted(settings.STABLE_ASSETS))}, or list the asset in NEURATRADE_STABLE_ASSETS"
        )
