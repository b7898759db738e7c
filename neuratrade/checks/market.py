"""Is the market seen as it is now?"""

from datetime import datetime

from neuratrade.lib.health import CheckResult, CheckStatus
from trading.errors import StaleDataError
from trading.services import market

_REMEDY = "see that watch_market runs, and that the venue answers: `neuratrade status`"
NAMED = 3


def check(at: datetime) -> CheckResult:
    try:
        streams = market.stream_health(at=at)
    except StaleDataError as error:
        return CheckResult(name="market", status=CheckStatus.FAILED, evidence=str(error), remedy=_REMEDY)
    if not streams:
        return CheckResult(
            name="market",
            status=CheckStatus.WARNING,
            evidence="no instrument is watched",
            remedy="`make demo` shows the desk on practice venues; the admin lists venues and instruments",
        )
    stale = [stream for stream in streams if not stream.is_fresh]
    if not stale:
        oldest = max(stream.age_s or 0.0 for stream in streams)
        evidence = f"{len(streams)} streams fresh, the oldest quote {oldest:.1f} s old"
        return CheckResult(name="market", status=CheckStatus.OK, evidence=evidence)
    names = ", ".join(f"{stream.venue} {stream.symbol}" for stream in stale[:NAMED])
    return CheckResult(
        name="market",
        status=CheckStatus.FAILED if len(stale) == len(streams) else CheckStatus.WARNING,
        evidence=f"{len(stale)} of {len(streams)} streams stale ({names}{', …' if len(stale) > NAMED else ''})",
        remedy=_REMEDY,
    )


CHECK = check
