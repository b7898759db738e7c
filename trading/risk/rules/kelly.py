"""Fractional Kelly: no edge after fees, no trade; and never more at risk than a fraction of what Kelly would bet."""

from trading.risk.economics import kelly_ratio, loss_per_base, win_probability
from trading.risk.limits import RiskLimits
from trading.risk.rule import CodeRule, Finding, compare, percent, refuse
from trading.types import ProposedOrder, Snapshot


def judge(order: ProposedOrder, snapshot: Snapshot, limits: RiskLimits) -> Finding:
    if order.stop_price is None or order.target_price is None:
        return refuse("an entry needs a stop and a target to have a payoff")
    full = kelly_ratio(order, instrument=snapshot.instrument, limits=limits)
    chance = win_probability(order, limits=limits)
    if full <= 0:
        return refuse(
            "there is no edge after fees",
            kelly_ratio=full,
            win_probability=chance,
            confidence_ratio=order.confidence_ratio,
        )
    risk = loss_per_base(order, instrument=snapshot.instrument, limits=limits) * order.size_base
    allowed = limits.kelly_fraction_ratio * full * snapshot.portfolio.equity
    return compare(
        risk <= allowed,
        f"Kelly would risk {percent(full)} of equity; the desk uses {percent(limits.kelly_fraction_ratio)} of that",
        risk_quote=risk,
        max_risk_quote=allowed,
        kelly_ratio=full,
        win_probability=chance,
        fraction=limits.kelly_fraction_ratio,
    )


RULE = CodeRule(name="kelly", judge=judge)
