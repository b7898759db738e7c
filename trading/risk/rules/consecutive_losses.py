"""Losses in a row: after too many the desk waits before it opens anything; each further loss starts the wait anew."""

from datetime import timedelta

from trading.risk.limits import RiskLimits
from trading.risk.rule import CodeRule, Finding, allow, compare, refuse
from trading.types import ProposedOrder, Snapshot


def judge(order: ProposedOrder, snapshot: Snapshot, limits: RiskLimits) -> Finding:
    portfolio = snapshot.portfolio
    numbers = {"losses": portfolio.consecutive_losses, "max_losses": limits.max_consecutive_losses}
    if portfolio.consecutive_losses < limits.max_consecutive_losses:
        return allow(f"{portfolio.consecutive_losses} losses in a row", **numbers)
    if portfolio.last_loss_at is None:
        return refuse(f"{portfolio.consecutive_losses} losses in a row, and when is unknown", **numbers)
    until = portfolio.last_loss_at + timedelta(seconds=limits.loss_cool_down_s)
    return compare(
        snapshot.at >= until,
        f"{portfolio.consecutive_losses} losses in a row; cooling down until {until:%Y-%m-%d %H:%M:%S} UTC",
        cool_down_until=until,
        **numbers,
    )


RULE = CodeRule(name="consecutive_losses", judge=judge)
