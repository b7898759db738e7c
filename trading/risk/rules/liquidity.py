"""Liquidity: a tight spread, an entry that takes a small part of the book without much slippage, and a way out as deep."""

from decimal import Decimal

from trading.risk.economics import BPS, available_base, walk
from trading.risk.limits import RiskLimits
from trading.risk.rule import CodeRule, Finding, compare, refuse
from trading.types import OrderBook, OrderType, ProposedOrder, Quote, Snapshot


def judge(order: ProposedOrder, snapshot: Snapshot, limits: RiskLimits) -> Finding:
    quote, book = snapshot.quote, snapshot.book
    if quote is None or book is None:
        return refuse("no order book is known")
    if quote.spread_bps > limits.max_spread_bps:
        return refuse(
            "the spread is too wide", spread_bps=quote.spread_bps, max_spread_bps=limits.max_spread_bps
        )
    depth = available_base(order, quote=quote, book=book, limits=limits)
    slippage_bps = _slippage_bps(order, quote=quote, book=book)
    passed = (
        order.size_base <= depth * limits.max_depth_ratio
        and slippage_bps is not None
        and slippage_bps <= limits.max_slippage_bps
    )
    return compare(
        passed,
        f"the book holds {depth:.8g} {snapshot.instrument.base} within {limits.max_slippage_bps} bps",
        size_base=order.size_base,
        depth_base=depth,
        max_depth_ratio=limits.max_depth_ratio,
        slippage_bps=slippage_bps,
        max_slippage_bps=limits.max_slippage_bps,
        spread_bps=quote.spread_bps,
    )


def _slippage_bps(order: ProposedOrder, *, quote: Quote, book: OrderBook) -> Decimal | None:
    """How much worse than mid the entry would fill on average; 0 for a resting order, None when the book is too thin."""
    if order.type is not OrderType.MARKET:
        return Decimal(0)
    average = walk(book.side(order.side), size_base=order.size_base)
    return None if average is None else abs(average - quote.mid) / quote.mid * BPS


RULE = CodeRule(name="liquidity", judge=judge)
