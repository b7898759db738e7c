"""Freezes everything the rules may look at. What cannot be read is None or zero, and the rules take that for a no."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings

from trading.accounting.performance import consecutive_losses
from trading.errors import InvalidValueError, StaleDataError
from trading.models import Account, DeskState, Instrument, Order, Position
from trading.services import equity, ledger, market, performance, state
from trading.types import (
    ONE,
    ZERO,
    Mode,
    OrderBook,
    OrderState,
    PendingOrder,
    Portfolio,
    PositionView,
    Purpose,
    Quote,
    Side,
    Snapshot,
    TradingState,
)

# An approved entry counts from the moment it may be sent.
PENDING_STATES = tuple(
    item.value for item in OrderState if item is OrderState.APPROVED or item.may_rest_at_venue
)
_LOSSES_LOOK_BACK = timedelta(days=7)


def take(*, account: Account, instrument: Instrument, at: datetime) -> Snapshot:
    """The desk, the account and the instrument's market at `at`.

    Raises ConfigurationError when something was traded in a quote asset that cannot be counted in the reporting currency.
    """
    desk = state.current(operator=account.operator, mode=account.mode)
    pending = pending_entries(account)
    balances = ledger.balances(account=account)
    return Snapshot(
        at=at,
        mode=Mode(account.mode),
        trading_state=TradingState(desk.state),
        breaker_epoch=desk.breaker_epoch,
        instrument=instrument.spec,
        quote=_quote(instrument),
        book=_book(instrument),
        atr=market.atr(instrument=instrument, at=at),
        free_quote=balances.get(instrument.quote, ZERO) - _reserved(pending, account, quote=instrument.quote),
        free_base=balances.get(instrument.base, ZERO),
        portfolio=_portfolio(account, desk=desk, pending=pending, at=at),
        watchdog_ok_until=desk.ok_until,
        blacklist=settings.BLACKLIST,
    )


def take_for_exit(*, account: Account, instrument: Instrument, at: datetime) -> Snapshot:
    """What the rules for ways out look at: state, position and price. No sum of money can fail here and block them."""
    desk = state.current(operator=account.operator, mode=account.mode)
    return Snapshot(
        at=at,
        mode=Mode(account.mode),
        trading_state=TradingState(desk.state),
        breaker_epoch=desk.breaker_epoch,
        instrument=instrument.spec,
        quote=_quote(instrument),
        book=None,
        atr=None,
        free_quote=ZERO,
        free_base=ZERO,
        portfolio=Portfolio(
            equity=ZERO,
            equity_peak_24h=ZERO,
            daily_realised_pnl=ZERO,
            consecutive_losses=0,
            positions=tuple(_positions(account)),
        ),
        watchdog_ok_until=desk.ok_until,
        blacklist=settings.BLACKLIST,
    )


def pending_entries(account: Account) -> list[Order]:
    """Entries of the whole desk that exist, or may exist, at a venue; UNKNOWN ones too."""
    return list(
        Order.objects.filter(
            account__operator=account.operator,
            mode=account.mode,
            purpose=Purpose.ENTRY,
            state__in=PENDING_STATES,
        ).select_related("instrument__venue")
    )


def _reserved(pending: list[Order], account: Account, *, quote: str) -> Decimal:
    """What this account's pending purchases will cost at their bounds, fees included."""
    return sum(
        (
            _remaining(order) * _bound(order) * (ONE + order.instrument.taker_fee_ratio)
            for order in pending
            if order.account_id == account.pk and order.instrument.quote == quote and order.side == Side.BUY
        ),
        ZERO,
    )


def _portfolio(account: Account, *, desk: DeskState, pending: list[Order], at: datetime) -> Portfolio:
    operator, mode = account.operator, account.mode
    standing = equity.standing(operator=operator, mode=mode, since=desk.drawdown_from, at=at)
    trips = performance.round_trips(operator=operator, mode=mode, since=at - _LOSSES_LOOK_BACK, until=at)
    return Portfolio(
        equity=standing.equity,
        equity_peak_24h=standing.equity_peak_24h,
        daily_realised_pnl=performance.daily_realised_pnl(operator=operator, mode=mode, at=at),
        consecutive_losses=consecutive_losses(trips),
        last_loss_at=max((trip.closed_at for trip in trips if trip.is_loss), default=None),
        positions=tuple(_positions(account)),
        pending=tuple(
            PendingOrder(
                venue=order.instrument.venue.name,
                symbol=order.instrument.symbol,
                base=order.instrument.base,
                side=Side(order.side),
                remaining_base=_remaining(order),
                price=_bound(order),
            )
            for order in pending
        ),
    )


def _positions(account: Account) -> list[PositionView]:
    rows = Position.objects.filter(
        account__operator=account.operator, account__mode=account.mode
    ).select_related("instrument__venue", "decision")
    return [_view(row) for row in rows if row.size_base]


def _view(row: Position) -> PositionView:
    quote = _quote(row.instrument)
    return PositionView(
        venue=row.instrument.venue.name,
        symbol=row.instrument.symbol,
        base=row.instrument.base,
        size_base=row.size_base,
        average_cost=row.average_cost,
        mark_price=row.average_cost if quote is None else quote.bid,
        strategy=row.decision.skill_name if row.decision else "",
    )


def _remaining(order: Order) -> Decimal:
    return max(order.size_base - order.filled_base, ZERO)


def _bound(order: Order) -> Decimal:
    return order.price_bound or order.stop_price or ZERO


def _quote(instrument: Instrument) -> Quote | None:
    try:
        return market.latest_quote(venue=instrument.venue.name, symbol=instrument.symbol)
    except (StaleDataError, InvalidValueError):
        return None


def _book(instrument: Instrument) -> OrderBook | None:
    try:
        return market.latest_book(venue=instrument.venue.name, symbol=instrument.symbol)
    except (StaleDataError, InvalidValueError):
        return None
