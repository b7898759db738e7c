"""Lots in the database: what the FIFO rule decides about booked fills, stored so that late fills can still be put right."""

from dataclasses import dataclass, replace
from decimal import Decimal

from django.db.models import QuerySet

from trading.accounting import fifo
from trading.models import Account, Fill, Instrument, Lot, LotClosure
from trading.types import ZERO, Side

_Key = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The position after a booking. `opened_by` is the fill that opened it, where this booking decided that; else None."""

    size_base: Decimal
    average_cost: Decimal
    realised_pnl: Decimal
    opened_by: int | None


def book(fill: Fill) -> Outcome:
    """Lots and closures after `fill`, which must be stored and belong to an order; call it once, in the fill's transaction."""
    change = movement_of(fill)
    if _is_newest(fill, change=change):
        state = _append(change, account=fill.account, instrument=fill.instrument)
    else:
        state = _rebuild(account=fill.account, instrument=fill.instrument)
    return Outcome(
        size_base=state.size_base,
        average_cost=state.average_cost,
        realised_pnl=fifo.total(_closures(fill.account, fill.instrument).values_list("pnl", flat=True)),
        opened_by=state.opened_by,
    )


def replayed(*, account: Account, instrument: Instrument) -> fifo.Book:
    """The book that all own fills give, computed from nothing else."""
    fills = Fill.objects.filter(account=account, instrument=instrument, order__isnull=False)
    return fifo.replay(
        [movement_of(fill) for fill in fills.select_related("instrument")], dust_base=instrument.dust_base
    )


def movement_of(fill: Fill) -> fifo.Movement:
    """A booked fill as the lots see it."""
    return fifo.movement(
        fill_id=fill.pk,
        trade_id=fill.trade_id,
        side=Side(fill.side),
        price=fill.price,
        size_base=fill.size_base,
        fee=fill.fee,
        fee_asset=fill.fee_asset,
        fee_quote=fill.fee_quote,
        base=fill.instrument.base,
        quote=fill.instrument.quote,
        at=fill.executed_at,
    )


def _is_newest(fill: Fill, *, change: fifo.Movement) -> bool:
    later = Fill.objects.filter(
        account=fill.account,
        instrument=fill.instrument,
        order__isnull=False,
        executed_at__gte=fill.executed_at,
    ).exclude(pk=fill.pk)
    return all(movement_of(other).order_key < change.order_key for other in later)


def _append(change: fifo.Movement, *, account: Account, instrument: Instrument) -> fifo.Book:
    """The usual way: a fill newer than all others meets the open lots."""
    open_lots = Lot.objects.filter(account=account, instrument=instrument).exclude(remaining_base=ZERO)
    rows = {lot.fill_id: lot for lot in open_lots.select_related("fill__instrument")}
    ordered = sorted(rows.values(), key=lambda lot: movement_of(lot.fill).order_key)
    before = fifo.Book(lots=tuple(_as_open_lot(lot) for lot in ordered))
    state = fifo.book(before, change, dust_base=instrument.dust_base)
    _store_lots(state.lots, rows=rows, account=account, instrument=instrument)
    _store_closures({(c.lot_fill_id, c.fill_id): c for c in state.closures})
    return state


def _rebuild(*, account: Account, instrument: Instrument) -> fifo.Book:
    """The late way: replay every fill, then write what differs from what was stored."""
    state = replayed(account=account, instrument=instrument)
    rows = {lot.fill_id: lot for lot in Lot.objects.filter(account=account, instrument=instrument)}
    for fill_id in rows.keys() - {lot.fill_id for lot in state.lots}:
        # What looked like an opening fill was a closing one; its row stays, because closures point at it.
        Lot.objects.filter(fill_id=fill_id).update(
            size_base=ZERO, remaining_base=ZERO, unit_cost=ZERO, remaining_cost=ZERO
        )
    _store_lots(state.lots, rows=rows, account=account, instrument=instrument)
    wanted = {(c.lot_fill_id, c.fill_id): c for c in state.closures}
    stored = net_closures(account=account, instrument=instrument)
    both = wanted.keys() | stored.keys()
    differences = {key: _minus(wanted.get(key), stored.get(key)) for key in both}
    _store_closures({key: found for key, found in differences.items() if found.size_base or found.pnl})
    return state


def net_closures(*, account: Account, instrument: Instrument) -> dict[_Key, fifo.Closure]:
    """(fill of the lot, closing fill) -> the sum of the stored entries; pairs that were corrected to nothing are left out."""
    found: dict[_Key, fifo.Closure] = {}
    for row in _closures(account, instrument).select_related("lot"):
        entry = fifo.Closure(
            lot_fill_id=row.lot.fill_id,
            fill_id=row.fill_id,
            size_base=row.size_base,
            proceeds=row.proceeds,
            cost=row.cost,
            closed_at=row.closed_at,
        )
        key = (entry.lot_fill_id, entry.fill_id)
        found[key] = _plus(found[key], entry) if key in found else entry
    return {key: entry for key, entry in found.items() if entry.size_base or entry.pnl}


def _closures(account: Account, instrument: Instrument) -> "QuerySet[LotClosure]":
    return LotClosure.objects.filter(lot__account=account, lot__instrument=instrument).order_by("id")


def _plus(one: fifo.Closure, other: fifo.Closure) -> fifo.Closure:
    return replace(
        one,
        size_base=fifo.total([one.size_base, other.size_base]),
        proceeds=fifo.total([one.proceeds, other.proceeds]),
        cost=fifo.total([one.cost, other.cost]),
    )


def _minus(wanted: fifo.Closure | None, stored: fifo.Closure | None) -> fifo.Closure:
    if stored is None:
        assert wanted is not None
        return wanted
    undone = replace(stored, size_base=-stored.size_base, proceeds=-stored.proceeds, cost=-stored.cost)
    return undone if wanted is None else _plus(wanted, undone)


def _as_open_lot(lot: Lot) -> fifo.OpenLot:
    return fifo.OpenLot(
        fill_id=lot.fill_id,
        acquired_at=lot.acquired_at,
        size_base=lot.size_base,
        unit_cost=lot.unit_cost,
        remaining_base=lot.remaining_base,
        remaining_cost=lot.remaining_cost,
    )


def _store_lots(
    lots: tuple[fifo.OpenLot, ...], *, rows: dict[int, Lot], account: Account, instrument: Instrument
) -> None:
    for lot in lots:
        row = rows.get(lot.fill_id) or Lot(account=account, instrument=instrument, fill_id=lot.fill_id)
        row.size_base, row.unit_cost, row.acquired_at = lot.size_base, lot.unit_cost, lot.acquired_at
        # Zero has many spellings (0, 0.00); as text in SQLite only one of them is found by a query.
        row.remaining_base, row.remaining_cost = lot.remaining_base or ZERO, lot.remaining_cost or ZERO
        row.save()


def _store_closures(closures: dict[_Key, fifo.Closure]) -> None:
    lot_ids = dict(Lot.objects.filter(fill_id__in={key[0] for key in closures}).values_list("fill_id", "pk"))
    LotClosure.objects.bulk_create(
        LotClosure(
            lot_id=lot_ids[lot_fill],
            fill_id=fill,
            size_base=closure.size_base,
            proceeds=closure.proceeds,
            cost=closure.cost,
            pnl=closure.pnl,
            closed_at=closure.closed_at,
        )
        for (lot_fill, fill), closure in sorted(closures.items())
    )
