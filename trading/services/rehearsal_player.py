"""The play itself: what the desk does at each bar's open, at each level the market touches, and when a time is up.

What a strategy says at a close reaches the gate at the next bar's open, as an idea, a plan and a review of fixed typed values. While
the desk works on something the market stands still; `delay_s` is how long the market moves before a decision is judged, as it does
during a debate.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import numpy as np

from trading.encoding import encode
from trading.errors import InvalidValueError, TradingError
from trading.models import Decision, Event, Position
from trading.services import decisions, gate, liquidation, replanning, state
from trading.services.execution import in_db
from trading.services.rehearsal_desk import RehearsalDesk, Setting
from trading.services.rehearsal_ideas import REVIEW, propose, said
from trading.types import Mode, TradingState
from trading.types.research import BoolArray, FloatArray, IntArray, Signals

# A desk that has not come to rest after so many rounds of a second never will.
_MOST_ROUNDS = 90
_ROUND_S = 1.0
# While something is held, equity is marked at least whenever its worth moved by this part of the start balance.
_MARK_RATIO = 0.005
_BLOCK = 4096
_PROGRESS_EVERY_S = 0.2

Status = Decision.Status


class RehearsalError(TradingError):
    """The desk did not come to rest; the message says when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Veto:
    """An entry said at the close of bar `bar` that did not come about, and why."""

    bar: int
    at: datetime
    reason: str


@dataclass(slots=True)
class Player:
    desk: RehearsalDesk
    signals: Signals
    setting: Setting
    strategy: str
    skill_hash: str
    looked_at: int = 0
    entries: int = 0
    vetoes: list[Veto] = field(default_factory=list)
    _held: Position | None = None
    _trailing_ratio: float = float("nan")
    _highest: float = 0.0
    _marked_price: float = 0.0

    async def run(self, on_progress: Callable[[int], None]) -> None:
        size, bar, told_s = len(self.desk.bars), 0, time.monotonic()
        wanted = np.flatnonzero(self.signals.enter & ~self.signals.exit).astype(np.int64)
        try:
            self.desk.market.show()
            await self._settle()  # the account's opening balances come into the books
            while (bar := self._next(bar, wanted=wanted)) < size:
                await self._play(bar)
                self.looked_at += 1
                if time.monotonic() - told_s > _PROGRESS_EVERY_S:
                    told_s = time.monotonic()
                    on_progress(bar)
            on_progress(size)
        finally:
            await self.desk.close()

    # --- which bar is worth a look ------------------------------------------------------------------------------------

    def _next(self, bar: int, *, wanted: IntArray) -> int:
        """The next bar in which something can happen; the number of bars when there is none."""
        size = len(self.desk.bars)
        if self._held is None:
            place = int(np.searchsorted(wanted, bar))
            return int(wanted[place]) + 1 if place < wanted.size else size
        for first in range(bar + 1, size, _BLOCK):
            found = np.flatnonzero(self._is_eventful(first, min(first + _BLOCK, size), held=self._held))
            if found.size:
                return first + int(found[0])
        return size

    def _is_eventful(self, first: int, last: int, *, held: Position) -> BoolArray:
        bars = self.desk.bars
        low, high, close = bars.low[first:last], bars.high[first:last], bars.close[first:last]
        found: BoolArray = self.signals.exit[first - 1 : last - 1].copy()
        if held.stop_price is not None:
            found |= low <= float(held.stop_price)
        if held.target_price is not None:
            found |= high >= float(held.target_price)
        if held.close_by is not None:
            found |= bars.open_time_ms[first:last] + bars.step_ms > held.close_by.timestamp() * 1000
        if not np.isnan(self._trailing_ratio):
            found |= bars.high[first - 1 : last - 1] > self._highest
        return found | self._has_moved(held, close)

    def _has_moved(self, held: Position, close: FloatArray) -> BoolArray:
        """Where the position's worth changed enough since the last mark to be marked again."""
        moved = np.abs(close - self._marked_price) * float(held.size_base)
        is_far: BoolArray = moved >= _MARK_RATIO * float(self.setting.start_quote)
        return is_far

    # --- one bar ------------------------------------------------------------------------------------------------------

    async def _play(self, bar: int) -> None:
        market = self.desk.market
        market.open_bar(bar)
        await in_db(self._begin)()
        if self._held is not None:
            if await in_db(self._replan)(bar, self._held) or self._is_due(self._held):
                await self._settle()
        elif self.signals.enter[bar - 1] and not self.signals.exit[bar - 1]:
            await self._enter(bar)
        while self._held is not None:
            close_by = self._held.close_by
            if not market.seek(
                stop_price=self._held.stop_price,
                target_price=self._held.target_price,
                until=close_by if close_by is not None and close_by > market.clock() else None,
            ):
                break
            if not await self._settle():  # a level that moves nobody is passed
                market.seek(stop_price=None, target_price=None, until=None)
                break
        if self._held is not None and self._has_moved(self._held, np.array([float(market.price)])).any():
            market.show()
            await self._mark()

    def _is_due(self, held: Position) -> bool:
        """Whether the open alone makes the desk act: beyond a level, or its time is up."""
        market = self.desk.market
        is_late = held.close_by is not None and held.close_by <= market.clock()
        is_stopped = held.stop_price is not None and market.price <= held.stop_price
        is_there = held.target_price is not None and market.newest.bid >= held.target_price
        return is_late or is_stopped or is_there

    def _begin(self) -> None:
        """Renews what ran out while bars were skipped; on a new day the operator resumes a desk that stepped down, where so set."""
        self.desk.renew()
        at, operator = self.desk.market.clock(), self.desk.account.operator
        desk = state.current(operator=operator, mode=Mode.PAPER)
        is_due = desk.state != TradingState.ACTIVE and desk.changed_at.astimezone(UTC).date() < at.date()
        if self.setting.resumes_daily and is_due and self._held is None and not desk.is_liquidating:
            state.resume(operator=operator, mode=Mode.PAPER, cause="a new day, in rehearsal", at=at)

    def _replan(self, bar: int, held: Position) -> bool:
        """What the strategy says about the position at the close before `bar`; True when that changed its plan."""
        at, before = self.desk.market.clock(), bar - 1
        if self.signals.exit[before]:
            return replanning.leave(position=held, reason=replanning.STRATEGY_LEAVES, at=at)
        if not np.isnan(self._trailing_ratio) and self.desk.bars.high[before] > self._highest:
            self._highest = float(self.desk.bars.high[before])
            return self._trail(held, at=at)
        return False

    def _trail(self, held: Position, *, at: datetime) -> bool:
        level = Decimal(str(self._highest * (1.0 - self._trailing_ratio)))
        return replanning.tighten_stop(position=held, stop_price=level, at=at)

    # --- a new decision -----------------------------------------------------------------------------------------------

    async def _enter(self, bar: int) -> None:
        desk, market = self.desk, self.desk.market
        said_at = market.opened_at(bar - 1) + timedelta(milliseconds=desk.bars.step_ms)
        decision_id = await in_db(self._open)(said_at)
        if self.setting.delay_s > 0:
            until = market.clock() + timedelta(seconds=self.setting.delay_s)
            if not market.seek(stop_price=None, target_price=None, until=until):
                market.show()
        await self._mark()
        if await in_db(self._judge)(decision_id, bar - 1):
            await self._settle()
        reason = await in_db(_why_nothing)(decision_id)
        if reason:
            self.vetoes.append(Veto(bar=bar - 1, at=said_at, reason=reason))
            return
        self.entries += 1
        if self._held is not None:
            await self._begin_trailing(bar - 1, self._held)

    def _open(self, said_at: datetime) -> UUID:
        decision = decisions.open_decision(
            account=self.desk.account,
            instrument=self.desk.instrument,
            source=f"rehearsal:{self.strategy}",
            market={"signal": {"timeframe": self.desk.bars.timeframe, "closed_at": said_at.isoformat()}},
            at=said_at,
            skill_name=self.strategy,
            skill_hash=self.skill_hash,
        )
        return decision.pk

    def _judge(self, decision_id: UUID, bar: int) -> bool:
        """Gives the gate the strategy's numbers at the close of `bar` as typed values; True when it approved them."""
        at, desk = self.desk.market.clock(), self.desk
        try:
            idea, plan = propose(
                self.signals,
                bar=bar,
                step_ms=desk.bars.step_ms,
                spec=desk.market.spec,
                quote=desk.market.newest,
                atr=desk.atr(),
            )
        except InvalidValueError as error:
            decisions.end(decision_id=decision_id, status=Status.FAILED, reason=str(error), at=at)
            return False
        decisions.advance(
            decision_id=decision_id,
            from_status=Status.OPENED,
            to_status=Status.REVIEWED,
            at=at,
            idea=encode(idea),
            plan=encode(plan),
            review=encode(REVIEW),
        )
        verdict = gate.check_decision(decision_id=decision_id, at=at)
        return verdict is not None and verdict.is_approved

    async def _begin_trailing(self, bar: int, held: Position) -> None:
        self._trailing_ratio = said(self.signals.trailing_ratio, bar)
        if np.isnan(self._trailing_ratio):
            return
        self._highest = float(await in_db(_entry_price)(held))
        if await in_db(self._trail)(held, at=self.desk.market.clock()):
            await self._settle()

    # --- the desk at work ---------------------------------------------------------------------------------------------

    async def _mark(self) -> None:
        """The guard's round: it signs what waits, marks equity and looks at the breakers."""
        await in_db(self.desk.guard.step)(at=self.desk.market.clock())
        self._marked_price = float(self.desk.market.price)

    async def _settle(self) -> bool:
        """Venue, executor and guard do their rounds, the market standing still, until nothing is left to do; True when anything was."""
        desk = self.desk
        before = await in_db(_last_event)()
        for _ in range(_MOST_ROUNDS):
            await desk.paper.match()
            desk.runner.hint()
            await desk.runner.tick()
            await in_db(self._guard)()
            is_at_rest, self._held = await in_db(desk.standing)()
            if is_at_rest:
                return await in_db(_last_event)() != before
            desk.market.wait(_ROUND_S)
        raise RehearsalError(
            f"the desk did not come to rest within {_MOST_ROUNDS} s at {desk.market.clock():%Y-%m-%d %H:%M}; "
            "`neuratrade why --last` in the rehearsal's home shows its orders"
        )

    def _guard(self) -> None:
        at, epoch = self.desk.market.clock(), self.desk.runner.verified_epoch
        self.desk.guard.step(at=at)
        if epoch is not None:
            liquidation.finish_where_closed(mode=Mode.PAPER, verified={(self.desk.account.pk, epoch)}, at=at)


def _last_event() -> int:
    """Grows with every change of a decision, an order, a fill or a position."""
    return Event.objects.order_by("-id").values_list("id", flat=True).first() or 0


def _why_nothing(decision_id: UUID) -> str:
    """Why a decision bought nothing; empty when it bought something."""
    decision = Decision.objects.get(pk=decision_id)
    return "" if decision.status == Status.EXECUTED else decision.reason or f"it ended as {decision.status}"


def _entry_price(held: Position) -> Decimal:
    fill = (
        held.decision.orders.get(purpose="entry").fills.order_by("executed_at", "id").first()
        if held.decision
        else None
    )
    return held.average_cost if fill is None else fill.price
