"""The order book of an instrument: levels, depth near the middle and imbalance."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from agents.errors import ToolError
from agents.protocols import Tool, ToolContext, ToolOutput
from agents.tooling import BPS, EVERY_ROLE, MARKET_VALID_S, InstrumentArguments, find_instrument
from trading.types import BookLevel

DEPTH_BPS = Decimal(10)


class Arguments(InstrumentArguments):
    levels: Annotated[int, Field(ge=1, le=20, description="levels per side to list")] = 5


def run(arguments: Arguments, context: ToolContext) -> ToolOutput:
    spec = find_instrument(arguments, context)
    book = context.book(spec)
    if book is None or not book.bids or not book.asks:
        raise ToolError(f"there is no fresh order book for {spec.symbol} on {spec.venue}")
    mid = (book.bids[0].price + book.asks[0].price) / 2
    bid_depth, ask_depth = book.near_depth_quote(within_bps=DEPTH_BPS)
    total = bid_depth + ask_depth
    return ToolOutput(
        data={
            "venue": spec.venue,
            "symbol": spec.symbol,
            "bids": _listed(book.bids, count=arguments.levels),
            "asks": _listed(book.asks, count=arguments.levels),
            "spread_bps": round((book.asks[0].price - book.bids[0].price) / mid * BPS, 3),
            "bid_depth_10bps_quote": round(bid_depth, 2),
            "ask_depth_10bps_quote": round(ask_depth, 2),
            "bid_share_ratio": round(bid_depth / total, 4) if total else Decimal("0.5"),
        },
        as_of=min(book.as_of, book.received_at),
        valid_for_s=MARKET_VALID_S,
    )


def _listed(levels: tuple[BookLevel, ...], *, count: int) -> list[dict[str, Decimal]]:
    return [{"price": level.price, "size": level.size} for level in levels[:count]]


TOOL = Tool(
    name="get_order_book",
    description=(
        "Order book: best levels, the quote value resting within 10 basis points of the middle on each side, and the bids' "
        "share of it (above 0.5: more buyers rest than sellers)."
    ),
    arguments=Arguments,
    roles=EVERY_ROLE,
    run=run,
)
