"""From an idea to an order: prices from ATR distances, size from the risk the desk may take. Code decides, models only shrink.

size = risk / loss per unit at the stop, where risk is the smaller of the profile's share of equity and fractional Kelly;
then every cap, then the scale of plan and review, then down to the venue's step. `rules/` check the result again.
"""

from dataclasses import dataclass, replace
from decimal import Decimal, localcontext

from trading.risk.economics import BPS, available_base, kelly_ratio, loss_per_base
from trading.risk.exposure import of_asset, of_venue
from trading.risk.limits import RiskLimits
from trading.risk.rule import shown
from trading.types import (
    ONE,
    ZERO,
    OrderType,
    ProposedOrder,
    Purpose,
    Quote,
    Review,
    RuleResult,
    Side,
    Snapshot,
    TimeInForce,
    TradeIdea,
    TradePlan,
    round_down,
    round_up,
)

# Wide enough that products and quotients of venue numbers are not rounded before they are cut to a step.
_PRECISION = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """The order, and how its size came about. `order` is None when prices could not be set; its size is 0 when a cap is 0."""

    order: ProposedOrder | None
    result: RuleResult


def size_entry(
    *,
    idea: TradeIdea,
    plan: TradePlan,
    review: Review,
    snapshot: Snapshot,
    limits: RiskLimits,
    strategy: str = "",
) -> Sizing:
    """A sized entry for a directional idea. Never larger than any cap, and never larger for a larger wish."""
    if idea.side is None:
        return _refuse("the idea is not to trade")
    if snapshot.quote is None:
        return _refuse("no quote is known for the instrument")
    if snapshot.book is None:
        return _refuse("no order book is known for the instrument")
    if snapshot.atr is None or snapshot.atr <= 0:
        return _refuse("the volatility (ATR) is not known yet; too few closed candles")
    with localcontext(prec=_PRECISION):
        draft = _draft(idea, plan, quote=snapshot.quote, atr=snapshot.atr, snapshot=snapshot, limits=limits)
        if draft.stop_price is None or draft.stop_price <= 0 or (draft.target_price or ZERO) <= 0:
            return _refuse("the stop or target lies below zero: it is too many ATRs away")
        draft = replace(draft, strategy=strategy)
        caps = _caps(draft, snapshot=snapshot, limits=limits)
        binding = min(caps, key=lambda name: caps[name])
        scale = plan.size_scale_ratio * review.size_scale_ratio
        size = round_down(max(caps[binding], ZERO) * scale, step=snapshot.instrument.size_step)
        return Sizing(
            order=replace(draft, size_base=size),
            result=_explain(size, binding=binding, scale=scale, caps=caps),
        )


def _draft(
    idea: TradeIdea, plan: TradePlan, *, quote: Quote, atr: Decimal, snapshot: Snapshot, limits: RiskLimits
) -> ProposedOrder:
    """Prices only; the size is still 0. Every rounding goes the safe way: bounds inwards, stop and target nearer."""
    assert idea.side is not None
    tick = snapshot.instrument.price_tick
    is_buy = idea.side is Side.BUY
    is_market = plan.order_type is OrderType.MARKET
    slip = limits.max_slippage_bps / BPS if is_market else ZERO
    if is_buy:
        entry = quote.ask if is_market else quote.bid
        bound = round_down(entry * (ONE + slip), step=tick)
        stop = round_up(entry - plan.stop_distance_atr * atr, step=tick)
        target = round_down(entry + plan.target_distance_atr * atr, step=tick)
    else:
        entry = quote.bid if is_market else quote.ask
        bound = round_up(entry * (ONE - slip), step=tick)
        stop = round_down(entry + plan.stop_distance_atr * atr, step=tick)
        target = round_up(entry - plan.target_distance_atr * atr, step=tick)
    return ProposedOrder(
        purpose=Purpose.ENTRY,
        side=idea.side,
        type=plan.order_type,
        time_in_force=TimeInForce.IOC if is_market else TimeInForce.GTC,
        size_base=ZERO,
        price_bound=bound,
        stop_price=stop,
        target_price=target,
        confidence_ratio=idea.confidence_ratio,
    )


def _caps(draft: ProposedOrder, *, snapshot: Snapshot, limits: RiskLimits) -> dict[str, Decimal]:
    """The largest size each limit allows, in base; not above zero means none."""
    portfolio, instrument = snapshot.portfolio, snapshot.instrument
    equity, price = max(portfolio.equity, ZERO), draft.price_bound
    unit_loss = loss_per_base(draft, instrument=instrument, limits=limits)
    if unit_loss <= 0 or price <= 0 or snapshot.quote is None or snapshot.book is None:
        return {"stop": ZERO}
    kelly = kelly_ratio(draft, instrument=instrument, limits=limits) * limits.kelly_fraction_ratio
    quote_caps = {
        "max_notional": min(limits.max_order_notional_ratio * equity, limits.max_order_notional_quote),
        "leverage": limits.max_leverage_ratio * equity - portfolio.gross_exposure,
        "exposure_asset": limits.max_asset_exposure_ratio * equity
        - of_asset(portfolio, asset=instrument.base),
        "exposure_venue": limits.max_venue_exposure_ratio * equity
        - of_venue(portfolio, venue=instrument.venue),
        "balance": snapshot.free_quote / (ONE + instrument.taker_fee_ratio),
    }
    caps = {name: quote / price for name, quote in quote_caps.items()}
    caps["risk_per_trade"] = limits.risk_per_trade_ratio * equity / unit_loss
    caps["kelly"] = kelly * equity / unit_loss
    depth = available_base(draft, quote=snapshot.quote, book=snapshot.book, limits=limits)
    caps["liquidity"] = depth * limits.max_depth_ratio
    if draft.side is Side.SELL:
        caps["balance"] = snapshot.free_base
    if instrument.max_size is not None:
        caps["venue_maximum"] = instrument.max_size
    return caps


def _explain(size: Decimal, *, binding: str, scale: Decimal, caps: dict[str, Decimal]) -> RuleResult:
    numbers = {f"{name}_base": shown(cap) for name, cap in caps.items()}
    return RuleResult(
        rule="sizing",
        passed=size > 0,
        message=f"{binding} decides the size" if size > 0 else f"nothing is left to trade after {binding}",
        numbers={"size_base": shown(size), "binding": binding, "size_scale_ratio": shown(scale), **numbers},
    )


def _refuse(message: str) -> Sizing:
    return Sizing(order=None, result=RuleResult(rule="sizing", passed=False, message=message))
