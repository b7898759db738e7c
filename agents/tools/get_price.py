"""The best bid and ask of an instrument, now."""

from agents.errors import ToolError
from agents.protocols import Tool, ToolContext, ToolOutput
from agents.tooling import EVERY_ROLE, MARKET_VALID_S, InstrumentArguments, find_instrument


def run(arguments: InstrumentArguments, context: ToolContext) -> ToolOutput:
    spec = find_instrument(arguments, context)
    quote = context.quote(spec)
    if quote is None:
        raise ToolError(f"there is no fresh quote for {spec.symbol} on {spec.venue}")
    return ToolOutput(
        data={
            "venue": spec.venue,
            "symbol": spec.symbol,
            "bid": quote.bid,
            "ask": quote.ask,
            "bid_size": quote.bid_size,
            "ask_size": quote.ask_size,
            "mid": quote.mid,
            "spread_bps": round(quote.spread_bps, 3),
        },
        as_of=min(quote.as_of, quote.received_at),
        valid_for_s=MARKET_VALID_S,
    )


TOOL = Tool(
    name="get_price",
    description="Best bid and ask, their sizes and the spread in basis points. Without arguments: the brief's instrument.",
    arguments=InstrumentArguments,
    roles=EVERY_ROLE,
    run=run,
)
