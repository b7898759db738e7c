"""Daily loss: after a realised loss of this part of the day's starting equity no new risk is taken until the day is over."""

from trading.risk.breakers import daily_loss_ratio
from trading.risk.limits import RiskLimits
from trading.risk.rule import CodeRule, Finding, compare, percent
from trading.types import ProposedOrder, Snapshot


def judge(order: ProposedOrder, snapshot: Snapshot, limits: RiskLimits) -> Finding:
    portfolio = snapshot.portfolio
    lost = daily_loss_ratio(equity=portfolio.equity, realised_pnl=portfolio.daily_realised_pnl)
    return compare(
        lost < limits.max_daily_loss_ratio,
        f"realised today: a loss of {percent(lost)} of equity",
        daily_realised_pnl=portfolio.daily_realised_pnl,
        loss_ratio=lost,
        max_loss_ratio=limits.max_daily_loss_ratio,
    )


RULE = CodeRule(name="daily_loss", judge=judge)
