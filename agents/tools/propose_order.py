"""The only tool near capital: records what the trader proposes and says what code would make of it. Nothing is sent."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from agents.answers import Number, Ratio
from agents.errors import ToolError
from agents.protocols import Tool, ToolContext, ToolOutput
from agents.tooling import MARKET_VALID_S
from agents.types import Effect, Role
from trading.risk.economics import kelly_ratio, win_probability
from trading.risk.sizing import size_entry
from trading.types import ONE, OrderType, Review, TradePlan


class Arguments(BaseModel):
    """Distances in ATRs, never prices; a share of what code sizes, never a size."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    symbol: Annotated[str, Field(max_length=40, description="the brief's instrument, unchanged")]
    order_type: Literal["market", "limit"]
    stop_distance_atr: Annotated[Number, Field(ge=Decimal("0.5"), le=10)]
    target_distance_atr: Annotated[Number, Field(ge=Decimal("0.5"), le=20)]
    max_hold_s: Annotated[int, Field(ge=60, le=86_400)]
    size_scale_ratio: Ratio = ONE


def run(arguments: Arguments, context: ToolContext) -> ToolOutput:
    spec = context.instrument
    if arguments.symbol != spec.symbol:
        raise ToolError(f"this decision is about {spec.symbol} only; nothing else can be proposed")
    plan = TradePlan(
        order_type=OrderType(arguments.order_type),
        stop_distance_atr=arguments.stop_distance_atr,
        target_distance_atr=arguments.target_distance_atr,
        max_hold_s=arguments.max_hold_s,
        size_scale_ratio=arguments.size_scale_ratio,
    )
    return ToolOutput(
        data={
            "venue": spec.venue,
            "symbol": spec.symbol,
            "status": "recorded",
            **arguments.model_dump(exclude={"symbol"}),
            "appraisal": _appraise(plan, context),
        },
        as_of=context.at,
        valid_for_s=MARKET_VALID_S,
    )


def _appraise(plan: TradePlan, context: ToolContext) -> dict[str, object]:
    """What the risk desk's own arithmetic says before anybody reviews: prices, size, and whether an edge is left after fees."""
    if context.idea is None:
        raise ToolError("there is no idea to propose an order for")
    snapshot, limits = context.snapshot(), context.risk_limits
    sizing = size_entry(
        idea=context.idea,
        plan=plan,
        review=Review(is_veto=False, size_scale_ratio=ONE),
        snapshot=snapshot,
        limits=limits,
    )
    if sizing.order is None:
        return {"has_edge": False, "message": sizing.result.message}
    order = sizing.order
    kelly = kelly_ratio(order, instrument=snapshot.instrument, limits=limits)
    return {
        "has_edge": kelly > 0 and order.size_base > 0,
        "kelly_ratio": round(kelly, 4),
        "win_probability_ratio": round(win_probability(order, limits=limits), 4),
        "price_bound": order.price_bound,
        "stop_price": order.stop_price,
        "target_price": order.target_price,
        "size_base": order.size_base,
        "notional_quote": round(order.notional_quote, 2),
        "message": sizing.result.message,
    }


TOOL = Tool(
    name="propose_order",
    description=(
        "Records a proposal and returns what code would make of it: price bound, stop, target, size, and whether an edge is "
        "left after fees and slippage (appraisal.has_edge). Sends nothing. Your answer must repeat your last proposal."
    ),
    arguments=Arguments,
    roles=frozenset({Role.TRADER}),
    run=run,
    effect=Effect.CAPITAL,
)
