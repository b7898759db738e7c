"""Exposure per asset: what the desk would hold of one asset across all venues, over equity."""

from trading.risk.exposure import of_asset
from trading.risk.limits import RiskLimits
from trading.risk.rule import CodeRule, Finding, compare
from trading.types import ProposedOrder, Snapshot


def judge(order: ProposedOrder, snapshot: Snapshot, limits: RiskLimits) -> Finding:
    asset = snapshot.instrument.base
    exposure = of_asset(snapshot.portfolio, asset=asset) + order.notional_quote
    allowed = limits.max_asset_exposure_ratio * snapshot.portfolio.equity
    return compare(
        exposure <= allowed,
        f"exposure to {asset} with this order",
        exposure_quote=exposure,
        max_exposure_quote=allowed,
        max_ratio=limits.max_asset_exposure_ratio,
    )


RULE = CodeRule(name="exposure_asset", judge=judge)
