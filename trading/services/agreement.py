"""Whether a backtest is worth believing: the same bars through the kernel and through the desk (`rehearsal.py`), trade by trade.

Entries that the desk's gate refused for reasons bars do not know (losses in a row, the day's loss, volatility) are taken out of the
backtest first and listed; everything else must agree within bounds that are stated, or it is a breach.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from neuratrade.lib.clock import from_epoch_ms
from trading.accounting import drift
from trading.accounting.drift import Difference, Drift, Trade
from trading.models import Instrument, RiskCheck
from trading.risk.limits import for_profile
from trading.services import drift_trades
from trading.services.rehearsal import Rehearsal
from trading.services.rehearsal_desk import FEE_IN_RECEIVED, Setting
from trading.services.rehearsal_player import Veto
from trading.types import ZERO, Mode
from trading.types.research import BacktestRun, Bars, Signals

BPS = Decimal(10_000)
# A fill is on the tick; a level that was cut to the tick first may lie two away.
ENTRY_TICKS, EXIT_TICKS = 1, 2
# The paper venue rounds each fee up to 1e-8 of its asset.
_ROUNDING_QUOTE = Decimal("0.001")
# Caps that divide a risk by the loss per unit, or weigh a small edge: what a tick changes in them is no small part.
_STEEP = frozenset({"kelly", "risk_per_trade"})
_STEEP_RATIO = Decimal("0.05")
# How far the price moves until a rest too small to sell goes with a later exit.
_LARGEST_MOVE_RATIO = Decimal("0.2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """`explained` are deviations the rules of desk and kernel foresee; `breaches` are those that nothing explains."""

    drift: Drift
    agreed: int
    vetoes: tuple[Veto, ...]
    explained: tuple[str, ...]
    breaches: tuple[str, ...]


def check(bars: Bars, signals: Signals, *, played: Rehearsal, setting: Setting, strategy: str) -> Agreement:
    """Compares what `rehearsal.play` left in the books with the kernel's run over the same bars."""
    run = backtest(bars, signals, vetoes=played.vetoes, setting=setting)
    instrument = Instrument.objects.select_related("venue").get(pk=played.instrument_id)
    step = timedelta(milliseconds=bars.step_ms)
    mine = drift_trades.of_desk(
        instrument=instrument,
        strategy=strategy,
        mode=Mode.PAPER,
        since=from_epoch_ms(int(bars.open_time_ms[0])),
        until=from_epoch_ms(int(bars.open_time_ms[-1])) + 2 * step,
        bars=bars,
    )
    found = drift.compare(desk=mine, backtest=drift_trades.of_backtest(run, [bars]), step=step)
    explained: list[str] = []
    breaches: list[str] = []
    agreed, theirs, ours = 0, setting.start_quote, setting.start_quote
    for item in found.differences:
        wrong, foreseen = _judge(item, setting=setting, step=step, equities=(ours, theirs))
        breaches += wrong
        explained += foreseen
        agreed += not wrong
        ours += item.desk.pnl if item.desk else ZERO
        theirs += item.backtest.pnl if item.backtest else ZERO
    return Agreement(
        drift=found,
        agreed=agreed,
        vetoes=played.vetoes,
        explained=tuple(explained),
        breaches=tuple(breaches),
    )


def backtest(bars: Bars, signals: Signals, *, vetoes: Sequence[Veto], setting: Setting) -> BacktestRun:
    """The kernel's run of the entries that were not refused, with half the spread as its slippage."""
    from trading.backtest.capital import from_limits, terms_of
    from trading.backtest.run import run

    enter = signals.enter.copy()
    enter[[veto.bar for veto in vetoes]] = False
    half_ratio = setting.depth.half_ratio
    capital = from_limits(for_profile(setting.risk_profile), start_equity=float(setting.start_quote))
    return run(
        [bars],
        [replace(signals, enter=enter)],
        terms=[terms_of(setting.spec, slippage_bps=float(half_ratio * BPS))],
        capital=capital,
    )


def _judge(
    item: Difference, *, setting: Setting, step: timedelta, equities: tuple[Decimal, Decimal]
) -> tuple[list[str], list[str]]:
    """(what nothing explains, what the rules foresee) about one pair. `equities`: of desk and backtest at the entry."""
    mine, theirs = item.desk, item.backtest
    if mine is None or theirs is None:
        lone = mine or theirs
        assert lone is not None, "a difference is about at least one trade"
        who = "the desk alone" if mine else "the backtest alone"
        return [f"{lone.entry_at:%Y-%m-%d %H:%M}: {who} made this trade"], []
    wrong, foreseen = _exits(mine, theirs, step=step)
    tick, scaled_fees = setting.spec.price_tick, theirs.fees * mine.size_base / theirs.size_base
    for name, ours, kernel, bound in (
        ("entry price", mine.entry_price, theirs.entry_price, ENTRY_TICKS * tick),
        ("exit price", mine.exit_price, theirs.exit_price, EXIT_TICKS * tick),
        ("size", mine.ordered_base, theirs.size_base, size_bound(theirs, setting=setting, equities=equities)),
        ("fees", mine.fees, scaled_fees, fee_bound(mine, setting=setting)),
    ):
        if abs(ours - kernel) <= bound:
            continue
        told = f"{mine.entry_at:%Y-%m-%d %H:%M}: {name} {ours:.8f} at the desk, {kernel:.8f} in the backtest"
        cap = _binding(mine.id) if name == "size" else ""
        if cap in _STEEP and abs(ours - kernel) <= _STEEP_RATIO * kernel:
            foreseen.append(f"{told}: {cap} decides, and a tick moves what it allows")
        else:
            wrong.append(f"{told}, {bound:.8f} apart would do")
    if mine.size_base != mine.ordered_base:
        wrong.append(f"{mine.entry_at:%Y-%m-%d %H:%M}: {mine.size_base} filled of {mine.ordered_base}")
    return wrong, foreseen


def _binding(decision_id: str) -> str:
    """Which cap decided the size at the desk, by the gate's own record."""
    sizing = RiskCheck.objects.filter(decision_id=UUID(decision_id), rule="sizing").first()
    return str(sizing.numbers.get("binding", "")) if sizing else ""


def _exits(mine: Trade, theirs: Trade, *, step: timedelta) -> tuple[list[str], list[str]]:
    at = f"{mine.entry_at:%Y-%m-%d %H:%M}"
    if not (theirs.entry_at <= mine.entry_at < theirs.entry_at + step):
        return [f"{at}: entered in another bar than the backtest, {theirs.entry_at:%H:%M}"], []
    if not (theirs.exit_at <= mine.exit_at < theirs.exit_at + step):
        return [
            f"{at}: left as {mine.exit_kind} at {mine.exit_at:%H:%M}, the backtest as {theirs.exit_kind} at {theirs.exit_at:%H:%M}"
        ], []
    if mine.exit_kind == theirs.exit_kind:
        return [], []
    if mine.exit_kind in {"STOP", "TRAILING"} and theirs.exit_kind in {"SIGNAL", "TIME"}:
        return [], [
            f"{at}: the open was beyond the stop when an exit by {theirs.exit_kind} was due: the stop that rests at the venue was first"
        ]
    return [f"{at}: left as {mine.exit_kind}, the backtest as {theirs.exit_kind}"], []


def size_bound(trade: Trade, *, setting: Setting, equities: tuple[Decimal, Decimal]) -> Decimal:
    """One step; of the size, two ticks (the desk's prices lie on the grid) and the part by which the equities differ."""
    price_ratio = 2 * setting.spec.price_tick / trade.entry_price
    equity_ratio = abs(equities[0] - equities[1]) / min(equities)
    return setting.spec.size_step + trade.size_base * ((1 + price_ratio) * (1 + equity_ratio) - 1)


def fee_bound(trade: Trade, *, setting: Setting) -> Decimal:
    """The venue's rounding. Where the fee is taken in what was bought, also what that coin gained or lost until the exit, the fee of the sale
    that it was no part of, and two steps that were too small to sell with it."""
    if setting.client not in FEE_IN_RECEIVED:
        return _ROUNDING_QUOTE
    move = abs(trade.exit_price - trade.entry_price) + trade.exit_price * setting.spec.taker_fee_ratio
    coins = trade.size_base * setting.spec.taker_fee_ratio + 2 * setting.spec.size_step
    return (
        _ROUNDING_QUOTE + coins * move + 2 * setting.spec.size_step * trade.exit_price * _LARGEST_MOVE_RATIO
    )
