"""What quests can see of the market: the instruments we watch, and quotes fresh enough to act on."""

from datetime import datetime

from trading.models import Instrument
from trading.services import market
from trading.types import Quote

# Older quotes are not looked at; the gate's own limit (RiskLimits.max_quote_age_s) stands behind this one.
MAX_QUOTE_AGE_S = 5.0
# A wider spread eats any edge that these quests can see.
MAX_SPREAD_BPS = 20


def watched_instruments() -> list[Instrument]:
    """Active instruments of enabled venues, with their venue."""
    return list(
        Instrument.objects.filter(is_active=True, is_watched=True, venue__is_enabled=True).select_related(
            "venue"
        )
    )


def fresh_quote(*, venue: str, symbol: str, at: datetime) -> Quote | None:
    """The newest quote, or None when there is none young enough. Raises StaleDataError when Redis is away."""
    quote = market.latest_quote(venue=venue, symbol=symbol)
    return quote if quote is not None and quote.age_s(at=at) <= MAX_QUOTE_AGE_S else None
