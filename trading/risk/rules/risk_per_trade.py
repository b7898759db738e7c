"""Risk per trade: what the entry loses at its stop, fees and slippage included, is a small part of equity."""

from trading.risk.economics import loss_per_base
from trading.risk.limits import RiskLimits
from trading.risk.rule import CodeRule, Finding, compare, percent, refuse
from trading.types import ProposedOrder, Snapshot


def judge(order: ProposedOrder, snapshot: Snapshot, limits: RiskLimits) -> Finding:
    equity = snapshot.portfolio.equity
    if order.stop_price is None:
        return refuse("an entry without a stop has no bounded loss")
    unit_loss = loss_per_base(order, instrument=snapshot.instrument, limits=limits)
    if unit_loss <= 0:
        return refuse("the stop lies on the wrong side of the entry", stop_price=order.stop_price)
    if equity <= 0:
        return refuse("there is no known equity to risk", equity=equity)
    risk = unit_loss * order.size_base
    allowed = limits.risk_per_trade_ratio * equity
    return compare(
        risk <= allowed,
        f"the trade risks {percent(risk / equity)} of equity",
        risk_quote=risk,
        max_risk_quote=allowed,
        equity=equity,
        max_ratio=limits.risk_per_trade_ratio,
    )


RULE = CodeRule(name="risk_per_trade", judge=judge)
