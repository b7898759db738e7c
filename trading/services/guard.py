"""The risk guard's work, round by round: sign the ways out, mark equity, watch the breakers. Needs SQL only, Redis for prices.

`guard_risk` runs it; `kill` runs it too when that process is not there.
"""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from trading.models import Operator, Order
from trading.services import accounts, breakers, gate
from trading.types import Mode, OrderState

log = logging.getLogger(__name__)

WATCH_EVERY = timedelta(seconds=10)
RETRY_EVERY = timedelta(seconds=2)


@dataclass(slots=True, kw_only=True)
class Guard:
    """Holds only what may be forgotten: when the next round is due and since when prices have been stale."""

    next_watch: datetime | None = None
    stale_since: dict[tuple[int, str], datetime | None] = field(default_factory=dict)
    doing: str = "starting"

    def step(self, *, at: datetime) -> int:
        """Signs what waits, and when it is time marks and evaluates; returns how many orders it dealt with."""
        dealt = sign_pending(at=at)
        # A time further ahead than any pause means that the clock went back.
        if self.next_watch is None or not at < self.next_watch <= at + WATCH_EVERY:
            all_ok = self._watch(at=at)
            self.next_watch = at + (WATCH_EVERY if all_ok else RETRY_EVERY)
        return dealt

    def _watch(self, *, at: datetime) -> bool:
        """One round for every desk. A failure is logged and not renewed, so that desk stops taking risk; the others go on."""
        lines: list[str] = []
        all_ok = True
        for operator, mode in desks():
            key = (operator.pk, mode)
            try:
                watched = breakers.watch(
                    operator=operator, mode=mode, stale_since=self.stale_since.get(key), at=at
                )
            except Exception as error:
                log.exception("the breakers of %s %s could not be evaluated; no new risk", operator, mode)
                lines.append(f"{mode}: cannot evaluate the breakers ({type(error).__name__})")
                all_ok = False
                continue
            self.stale_since[key] = watched.stale_since
            all_ok = all_ok and watched.is_ok
            lines.append(f"{mode}: {_line(watched)}")
        self.doing = "; ".join(lines) or "no account yet"
        return all_ok


def desks() -> list[tuple[Operator, str]]:
    """Every operator and mode with an account to look after."""
    found = {
        (account.operator_id, account.mode): account.operator
        for mode in (Mode.PAPER, Mode.LIVE)
        for account in accounts.working_accounts(mode)
    }
    return [(operator, mode) for (_, mode), operator in sorted(found.items())]


def sign_pending(*, at: datetime) -> int:
    """Signs or aborts every PROPOSED order that only reduces; one that fails does not keep the others waiting."""
    waiting = Order.objects.filter(
        state=OrderState.PROPOSED, reduce_only=True, purpose__in=[item.value for item in gate.REDUCE_ONLY]
    ).order_by("created_at")
    dealt = 0
    for order_id in waiting.values_list("pk", flat=True):
        try:
            dealt += gate.sign_reduce_only(order_id=order_id, at=at) is not None
        except Exception:
            log.exception("reduce-only order %s could not be judged; it is tried again", order_id)
    return dealt


def _line(watched: breakers.Watched) -> str:
    if watched.trip is not None:
        return f"{watched.trip.action}: {watched.trip.cause}"
    if watched.mark is None:
        return "no price for what is held; no new risk"
    return (
        f"equity {watched.mark.equity:.2f}, breakers {'fine' if watched.is_ok else 'wait for fresh prices'}"
    )
