"""The kill switch: writes the order to close everything into SQL, then makes sure that somebody carries it out.

The desk's own processes do the work. When the risk guard or the executor gives no sign of life, the same code runs here instead:
the leases and the signing key are the operator's too. Redis is needed by none of it.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from neuratrade.lib.clock import now
from trading.models import DeskState, Heartbeat, Operator
from trading.services import accounts, guard, liquidation, state
from trading.services.execution import in_db
from trading.services.executor import Executor
from trading.types import Mode, TradingState

GUARD, EXECUTOR = "guard_risk", "execute_orders"
SILENT_AFTER = timedelta(seconds=10)
_GUARD_EVERY_S = 0.25
_LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the liquidation is. `open` names orders and positions that are left; `silent` the processes without a sign of life."""

    is_closed: bool
    open: tuple[str, ...]
    silent: tuple[str, ...]

    def line(self) -> str:
        if self.is_closed:
            return "closed and verified at the venues; the desk is halted"
        return (
            f"still open: {'; '.join(self.open)}"
            if self.open
            else "all closed in the books; verifying at the venues"
        )


def account_mode() -> Mode:
    """Which accounts this desk works with: shadow looks at the live ones."""
    return Mode.PAPER if settings.MODE == Mode.PAPER else Mode.LIVE


def operators() -> list[Operator]:
    """Whoever has an account in this desk's mode that is enabled or still holds something."""
    ids = {account.operator_id for account in accounts.working_accounts(account_mode())}
    return list(Operator.objects.filter(pk__in=ids).order_by("pk"))


def begin(*, cause: str, at: datetime) -> dict[int, int]:
    """Orders the liquidation of every desk in this mode; returns their rows with the epoch each had before it halts."""
    rows = [
        state.begin_liquidation(operator=operator, mode=account_mode(), cause=cause, at=at)
        for operator in operators()
    ]
    return {row.pk: row.breaker_epoch for row in rows}


def progress(*, begun: dict[int, int], at: datetime) -> Progress:
    """Closed means: the executor saw at the venues that nothing is left, and halted the desk after `begun`."""
    rows = list(DeskState.objects.filter(pk__in=begun))
    is_closed = all(
        row.state == TradingState.HALTED and not row.is_liquidating and row.breaker_epoch > begun[row.pk]
        for row in rows
    )
    working = accounts.working_accounts(account_mode())
    left = [item for account in working for item in liquidation.remaining(account=account)]
    return Progress(is_closed=is_closed and bool(rows), open=tuple(left), silent=_silent(at=at))


async def carry_out(
    *, begun: dict[int, int], on_progress: Callable[[str], None], stop: asyncio.Event
) -> Progress:
    """Waits until all is closed, doing the work of every process that is silent. Ends early when `stop` is set."""
    helpers: dict[str, asyncio.Task[None]] = {}
    last = ""
    try:
        while True:
            seen = await in_db(progress)(begun=begun, at=now())
            if seen.line() != last:
                last = seen.line()
                on_progress(last)
            if seen.is_closed or stop.is_set():
                return seen
            for name in seen.silent:
                if name not in helpers:
                    on_progress(
                        f"{name} gave no sign of life for {SILENT_AFTER.total_seconds():.0f} s; doing its work here"
                    )
                    work = (
                        _guard(stop) if name == GUARD else Executor(mode=Mode(settings.MODE)).run(stop=stop)
                    )
                    helpers[name] = asyncio.create_task(work)
            _raise_failures(helpers)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), timeout=_LOOK_EVERY_S)
    finally:
        stop.set()
        await asyncio.gather(*helpers.values(), return_exceptions=True)


async def _guard(stop: asyncio.Event) -> None:
    while not stop.is_set():
        await in_db(guard.sign_pending)(at=now())
        await asyncio.sleep(_GUARD_EVERY_S)


def _raise_failures(helpers: dict[str, asyncio.Task[None]]) -> None:
    for task in helpers.values():
        if task.done():
            task.result()


def _silent(*, at: datetime) -> tuple[str, ...]:
    alive = set(
        Heartbeat.objects.filter(process__in=(GUARD, EXECUTOR), beat_at__gt=at - SILENT_AFTER).values_list(
            "process", flat=True
        )
    )
    return tuple(name for name in (GUARD, EXECUTOR) if name not in alive)
