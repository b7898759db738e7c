"""Exposure per venue: what the desk would have at stake at one venue, over equity."""

from trading.risk.exposure import of_venue
from trading.risk.limits import RiskLimits
from trading.risk.rule import CodeRule, Finding, compare
from trading.types import ProposedOrder, Snapshot


def judge(order: ProposedOrder, snapshot: Snapshot, limits: RiskLimits) -> Finding:
    venue = snapshot.instrument.venue
    exposure = of_venue(snapshot.portfolio, venue=venue) + order.notional_quote
    allowed = limits.max_venue_exposure_ratio * snapshot.portfolio.equity
    return compare(
        exposure <= allowed,
        f"exposure at {venue} with this order",
        exposure_quote=exposure,
        max_exposure_quote=allowed,
        max_ratio=limits.max_venue_exposure_ratio,
    )


RULE = CodeRule(name="exposure_venue", judge=judge)
