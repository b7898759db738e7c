"""Does this machine's clock agree with the venues'? Signatures and freshness depend on it."""

from datetime import datetime

from neuratrade.lib.health import CheckResult, CheckStatus
from trading.errors import StaleDataError
from trading.models import Instrument
from trading.services import market
from trading.types import Quote

# Binance refuses a request stamped more than one second ahead of its own clock (Spot API docs, "Timing security").
MOST_AHEAD_S = 1.0


def check(at: datetime) -> CheckResult:
    try:
        quotes = _newest_quotes()
    except StaleDataError as error:
        return CheckResult(
            name="clock", status=CheckStatus.WARNING, evidence=str(error), remedy="start the desk"
        )
    if not quotes:
        return CheckResult(
            name="clock", status=CheckStatus.OK, evidence="no venue's time to compare with yet"
        )
    # A quote cannot arrive before the venue made it, by as much as this machine's clock is behind.
    newest = max(quotes, key=lambda quote: quote.as_of - quote.received_at)
    ahead_s = (newest.as_of - newest.received_at).total_seconds()
    if ahead_s > MOST_AHEAD_S:
        return CheckResult(
            name="clock",
            status=CheckStatus.FAILED,
            evidence=f"{newest.venue} is {ahead_s:.1f} s ahead of this machine",
            remedy="set the clock: switch time synchronisation on (systemd-timesyncd, chrony, or the system settings)",
        )
    return CheckResult(
        name="clock",
        status=CheckStatus.OK,
        evidence=f"no venue is ahead of it; newest quote {max(0.0, -ahead_s):.1f} s old",
    )


def _newest_quotes() -> list[Quote]:
    watched = Instrument.objects.filter(venue__is_enabled=True, is_watched=True).values_list(
        "venue__name", "symbol"
    )
    found = (market.latest_quote(venue=venue, symbol=symbol) for venue, symbol in watched)
    return [quote for quote in found if quote is not None]


CHECK = check
