"""What the desk has at stake. A pending entry counts as filled until proved otherwise."""

from decimal import Decimal

from trading.types import ZERO, PendingOrder, Portfolio, PositionView, Side


def of_asset(portfolio: Portfolio, *, asset: str) -> Decimal:
    """Held and pending notional of one base asset across all venues, in quote."""
    return sum((item.notional_quote for item in _at_stake(portfolio) if item.base == asset), ZERO)


def of_venue(portfolio: Portfolio, *, venue: str) -> Decimal:
    """Held and pending notional at one venue, in quote."""
    return sum((item.notional_quote for item in _at_stake(portfolio) if item.venue == venue), ZERO)


def held_base(portfolio: Portfolio, *, venue: str, symbol: str) -> Decimal:
    """How much the desk holds of one instrument; 0 when none."""
    return sum(
        (item.size_base for item in portfolio.positions if (item.venue, item.symbol) == (venue, symbol)), ZERO
    )


def _at_stake(portfolio: Portfolio) -> list[PositionView | PendingOrder]:
    return [*portfolio.positions, *(order for order in portfolio.pending if order.side is Side.BUY)]
