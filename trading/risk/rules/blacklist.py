"""Blacklist: what the operator never wants bought, by asset, symbol, venue or `venue:symbol`; and what the venue has closed."""

from trading.risk.limits import RiskLimits
from trading.risk.rule import CodeRule, Finding, allow, refuse
from trading.types import ProposedOrder, Snapshot


def judge(order: ProposedOrder, snapshot: Snapshot, limits: RiskLimits) -> Finding:
    instrument = snapshot.instrument
    names = (
        instrument.base,
        instrument.symbol,
        instrument.venue,
        f"{instrument.venue}:{instrument.symbol}",
    )
    barred = {name.casefold() for name in snapshot.blacklist}
    hits = [name for name in names if name.casefold() in barred]
    if hits:
        return refuse(f"{hits[0]} is on the blacklist", entry=hits[0])
    if not instrument.is_active:
        return refuse(f"{instrument.venue} does not trade {instrument.symbol} now")
    return allow("neither barred nor closed", symbol=instrument.symbol)


RULE = CodeRule(name="blacklist", judge=judge)
