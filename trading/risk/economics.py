"""What an entry can lose, gain and deserves: the formulas that sizing and rules share. Fees are always counted in."""

from decimal import Decimal

from trading.risk.limits import RiskLimits
from trading.types import (
    ONE,
    ZERO,
    BookLevel,
    InstrumentSpec,
    OrderBook,
    OrderType,
    ProposedOrder,
    Quote,
    Side,
)

BPS = Decimal(10_000)


def loss_per_base(order: ProposedOrder, *, instrument: InstrumentSpec, limits: RiskLimits) -> Decimal:
    """Quote lost per unit of base when the entry fills at its bound and the stop fills with the worst allowed slippage.

    Taker fees both ways. Not positive when the stop lies on the wrong side; raises ValueError when there is no stop.
    """
    if order.stop_price is None:
        raise ValueError("an entry without a stop has no bounded loss")
    slip = order.stop_price * limits.max_slippage_bps / BPS
    exit_price = order.stop_price - slip if order.side is Side.BUY else order.stop_price + slip
    move = order.price_bound - exit_price if order.side is Side.BUY else exit_price - order.price_bound
    if move <= 0:
        return move
    return move + (order.price_bound + exit_price) * instrument.taker_fee_ratio


def gain_per_base(order: ProposedOrder, *, instrument: InstrumentSpec) -> Decimal:
    """Quote won per unit of base when the entry fills at its bound and the target is hit, after taker fees both ways."""
    if order.target_price is None:
        raise ValueError("an entry without a target has no payoff")
    move = order.target_price - order.price_bound
    if order.side is Side.SELL:
        move = -move
    return move - (order.price_bound + order.target_price) * instrument.taker_fee_ratio


def win_probability(order: ProposedOrder, *, limits: RiskLimits) -> Decimal:
    """The chance to reach the target before the stop: the fair-game chance, moved part of the way to the stated confidence.

    On a price without drift the chance is stop / (stop + target) (optional stopping, "gambler's ruin"): stating
    a near target wins nothing by itself. A model's confidence is a claim, so it counts for `confidence_weight_ratio` only.
    """
    if order.stop_price is None or order.target_price is None:
        raise ValueError("an entry needs a stop and a target")
    stop = abs(order.price_bound - order.stop_price)
    target = abs(order.target_price - order.price_bound)
    if stop + target <= 0:
        return ZERO
    fair = stop / (stop + target)
    return fair + limits.confidence_weight_ratio * (order.confidence_ratio - fair)


def kelly_ratio(order: ProposedOrder, *, instrument: InstrumentSpec, limits: RiskLimits) -> Decimal:
    """The part of equity that full Kelly would put at risk: f* = p - (1 - p) / b, with b = gain / loss after fees.

    J. L. Kelly, "A New Interpretation of Information Rate", 1956; E. O. Thorp, "The Kelly Criterion in Blackjack, Sports
    Betting and the Stock Market", 2006, section 2. Zero or less means no edge. -1 when there is nothing to win or to lose.
    """
    loss = loss_per_base(order, instrument=instrument, limits=limits)
    gain = gain_per_base(order, instrument=instrument)
    if loss <= 0 or gain <= 0:
        return -ONE
    chance = win_probability(order, limits=limits)
    return chance - (ONE - chance) * loss / gain


def depth_base(levels: tuple[BookLevel, ...], *, side: Side, bound: Decimal) -> Decimal:
    """How much an order of `side` could take from `levels` without paying worse than `bound`."""
    return sum((level.size for level in levels if not _is_worse(level.price, side=side, bound=bound)), ZERO)


def available_base(order: ProposedOrder, *, quote: Quote, book: OrderBook, limits: RiskLimits) -> Decimal:
    """The thinner of the way in (market orders only: a resting order takes nothing) and the way out, within the slippage limit."""
    exit_side = order.side.opposite
    slip = quote.mid * limits.max_slippage_bps / BPS
    exit_bound = quote.mid - slip if exit_side is Side.SELL else quote.mid + slip
    way_out = depth_base(book.side(exit_side), side=exit_side, bound=exit_bound)
    if order.type is not OrderType.MARKET:
        return way_out
    return min(way_out, depth_base(book.side(order.side), side=order.side, bound=order.price_bound))


def walk(levels: tuple[BookLevel, ...], *, size_base: Decimal) -> Decimal | None:
    """The average price of taking `size_base` from `levels`, best first; None when the levels do not hold that much."""
    if size_base <= 0:
        return None
    remaining, paid = size_base, ZERO
    for level in levels:
        taken = min(remaining, level.size)
        remaining, paid = remaining - taken, paid + taken * level.price
        if remaining <= 0:
            return paid / size_base
    return None


def _is_worse(price: Decimal, *, side: Side, bound: Decimal) -> bool:
    return price > bound if side is Side.BUY else price < bound
