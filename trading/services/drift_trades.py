"""The round trips of the desk, read from its books, and those of a backtest, as values that can be compared."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext

import numpy as np

from neuratrade.lib.clock import from_epoch_ms, to_epoch_ms
from trading.accounting.drift import Trade
from trading.accounting.fifo import EXACT, product, total
from trading.models import Decision, Fill, Instrument, Lot, LotClosure, Order
from trading.risk.approval import decode
from trading.services import replanning
from trading.types import ZERO, Purpose, Side
from trading.types.research import BacktestRun, Bars, ExitKind

_QUANTUM = Decimal("1e-18")


@dataclass(frozen=True, slots=True)
class Marks:
    """The market's prices over time, as the bars know them."""

    bars: Bars

    def index(self, at: datetime) -> int:
        """Which bar holds `at`, or the last before it; the first bar for what lies before all."""
        return max(int(np.searchsorted(self.bars.open_time_ms, to_epoch_ms(at), side="right")) - 1, 0)

    def open_at(self, at: datetime) -> Decimal:
        return number(self.bars.open[self.index(at)])

    def opened(self, at: datetime) -> datetime:
        return from_epoch_ms(int(self.bars.open_time_ms[self.index(at)]))

    @property
    def last_close(self) -> Decimal:
        return number(self.bars.close[-1])

    @property
    def last_opened(self) -> datetime:
        return from_epoch_ms(int(self.bars.open_time_ms[-1]))


def number(value: float) -> Decimal:
    """A float as the Decimal of its shortest spelling."""
    return Decimal(str(float(value)))


def of_backtest(run: BacktestRun, markets: Sequence[Bars]) -> list[Trade]:
    """The trades of a run over `markets`, in the order of entry."""
    trades = []
    for position, row in enumerate(run.trades):
        bars = markets[int(row["instrument"])]
        entry, leave = (
            int(np.searchsorted(bars.open_time_ms, row[name])) for name in ("entry_time_ms", "exit_time_ms")
        )
        signal_ms = int(bars.open_time_ms[max(entry - 1, 0)]) + bars.step_ms
        trades.append(
            Trade(
                id=f"backtest {position + 1}",
                instrument=f"{bars.venue} {bars.symbol}",
                side=int(row["side"]),
                signal_at=from_epoch_ms(signal_ms),
                entry_at=from_epoch_ms(int(row["entry_time_ms"])),
                exit_at=from_epoch_ms(int(row["exit_time_ms"])),
                entry_price=number(row["entry_price"]),
                exit_price=number(row["exit_price"]),
                entry_mark=number(bars.open[entry]),
                exit_mark=number(bars.open[leave]),
                ordered_base=number(row["size_base"]),
                size_base=number(row["size_base"]),
                fees=number(row["entry_fee"]) + number(row["exit_fee"]),
                exit_kind=ExitKind(int(row["exit_kind"])).name,
            )
        )
    return sorted(trades, key=lambda trade: trade.entry_at)


def of_desk(
    *, instrument: Instrument, strategy: str, mode: str, since: datetime, until: datetime, bars: Bars
) -> list[Trade]:
    """What the desk bought for `strategy` from `since` to before `until` and how it ended, in the order of entry.

    Each trade is one decision's entry with the pieces of its lots that were sold; what is still held counts at the last close of
    `bars`, a rest too small to sell counts for nothing.
    """
    bought = Fill.objects.filter(
        instrument=instrument,
        order__purpose=Purpose.ENTRY,
        executed_at__gte=since,
        executed_at__lt=until,
    )
    entries = (
        Order.objects.filter(pk__in=bought.values("order"), mode=mode, decision__skill_name=strategy)
        .select_related("decision", "instrument__venue")
        .order_by("created_at")
    )
    marks = Marks(bars)
    return [_trade(entry, marks=marks, until=until) for entry in entries]


def _trade(entry: Order, *, marks: Marks, until: datetime) -> Trade:
    assert entry.decision is not None, "entries are chosen by their decision"
    with localcontext(EXACT):
        fills = list(entry.fills.order_by("executed_at", "id"))
        size = total(fill.size_base for fill in fills)
        entry_price = total(product(fill.size_base, fill.price) for fill in fills) / size
        end = _end(entry, marks=marks, until=until)
        entry_price, exit_price = entry_price.quantize(_QUANTUM), end.price.quantize(_QUANTUM)
        side = 1 if entry.side == Side.BUY else -1
        fees = side * size * (exit_price - entry_price) - end.pnl
    return Trade(
        id=str(entry.decision_id),
        instrument=str(entry.instrument),
        side=side,
        signal_at=signal_at(entry.decision),
        entry_at=fills[0].executed_at,
        exit_at=end.at,
        entry_price=entry_price,
        exit_price=exit_price,
        entry_mark=_entry_mark(entry, at=fills[0].executed_at, marks=marks),
        exit_mark=marks.open_at(end.at),
        ordered_base=entry.size_base,
        size_base=size,
        fees=fees,
        exit_kind=end.kind,
    )


def signal_at(decision: Decision) -> datetime:
    """The close a decision acted on: the one its scan wrote down, else when it was opened."""
    closed_at = decision.market.get("signal", {}).get("closed_at")
    return datetime.fromisoformat(closed_at) if closed_at else decision.opened_at


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """How an entry's lots ended: average price, result after all fees, when, and the kind of the exit that took most of them."""

    price: Decimal
    pnl: Decimal
    at: datetime
    kind: str


def _end(entry: Order, *, marks: Marks, until: datetime) -> _End:
    closures = list(
        LotClosure.objects.filter(lot__fill__order=entry, closed_at__lt=until).select_related("fill__order")
    )
    lots = list(Lot.objects.filter(fill__order=entry))
    sold = total(item.size_base for item in closures)
    rest = total(abs(lot.size_base) for lot in lots) - sold
    pnl = total(item.pnl for item in closures)
    # A rest too small to sell goes with a later trade's exit: its result counts here, its price and time do not.
    own = [item for item in closures if _is_own(item, entry=entry)] or closures
    value, priced = total(product(c.size_base, c.fill.price) for c in own), total(c.size_base for c in own)
    if rest >= entry.instrument.dust_base or not closures:
        cost = total(product(abs(lot.size_base), lot.unit_cost) for lot in lots)
        cost -= total(item.cost for item in closures)
        pnl += rest * marks.last_close - cost
        value, priced = value + rest * marks.last_close, priced + rest
        if not closures:
            return _End(price=marks.last_close, pnl=pnl, at=marks.last_opened, kind=ExitKind.END.name)
    way_out = _main_exit(own)
    at = max(item.closed_at for item in own if item.fill.order_id == way_out.pk)
    return _End(price=value / priced, pnl=pnl, at=at, kind=exit_kind(way_out, entry=entry))


def _is_own(closure: LotClosure, *, entry: Order) -> bool:
    order = closure.fill.order
    return order is not None and order.decision_id == entry.decision_id


def _main_exit(closures: Iterable[LotClosure]) -> Order:
    """The order that sold the most."""
    sizes: dict[Order, Decimal] = {}
    for item in closures:
        order = item.fill.order
        assert order is not None, "only fills of our orders move lots"
        sizes[order] = sizes.get(order, ZERO) + item.size_base
    return max(sizes, key=lambda order: sizes[order])


def exit_kind(order: Order, *, entry: Order) -> str:
    """A name of ExitKind for what a backtest knows too; else the desk's own word for it."""
    if order.purpose == Purpose.PROTECT:
        moved = order.stop_price is not None and order.stop_price != entry.stop_price
        return ExitKind.TRAILING.name if moved else ExitKind.STOP.name
    if order.purpose == Purpose.LIQUIDATE:
        return "LIQUIDATED"
    for beginning, kind in _REASONS.items():
        if order.reason.startswith(beginning):
            was_moved = (
                kind == ExitKind.STOP.name
                and entry.decision_id is not None
                and replanning.was_stop_moved(entry.decision_id)
            )
            return ExitKind.TRAILING.name if was_moved else kind
    return order.reason.upper() or "EXIT"


# The reasons of `trading.risk.protection.exit_reason`, by their beginnings.
_REASONS = {
    "target ": ExitKind.TARGET.name,
    "held as long as planned": ExitKind.TIME.name,
    replanning.STRATEGY_LEAVES: ExitKind.SIGNAL.name,
    "price ": ExitKind.STOP.name,
    "the stop at ": ExitKind.STOP.name,
    "no stop could be placed": "UNPROTECTED",
}


def _entry_mark(entry: Order, *, at: datetime, marks: Marks) -> Decimal:
    """The last price known before the fill: what the gate saw when it signed, or the open of the bar of the fill."""
    approval = entry.approvals.filter(use__isnull=False).first()
    if approval is not None and marks.opened(at) <= approval.issued_at <= at + timedelta(seconds=1):
        reference = decode(bytes(approval.payload)).reference_price
        if reference:
            return Decimal(reference)
    return marks.open_at(at)
