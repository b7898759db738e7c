"""The paper venue's own books in a SQLite file, so that a killed desk finds its venue as it left it.

Every change is one transaction: an order, its fills and the balances they move are stored together or not at all.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import ROUND_UP, Decimal
from pathlib import Path

from trading.errors import VenueRejectedError
from trading.types import ZERO, Balance, InstrumentSpec, OrderRequest, Side, VenueFill, VenueOrderStatus
from trading.venues.paper.matching import Execution
from trading.venues.paper.records import PaperOrder, fill_of, order_of, stamp, text

_FEE_STEP = Decimal("0.00000001")
_ROUNDING_ROOM = Decimal("0.000001")  # a hundred fills may each round their fee up by one step
_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
  id INTEGER PRIMARY KEY AUTOINCREMENT, client_order_id TEXT NOT NULL UNIQUE, symbol TEXT NOT NULL, side TEXT NOT NULL,
  type TEXT NOT NULL, time_in_force TEXT NOT NULL, size TEXT NOT NULL, filled TEXT NOT NULL, cost TEXT NOT NULL,
  price TEXT, stop_price TEXT, status TEXT NOT NULL, queue_ahead TEXT NOT NULL, is_triggered INTEGER NOT NULL,
  locked TEXT NOT NULL, accepted_at TEXT NOT NULL, changed_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS orders_by_status ON orders (status);
CREATE TABLE IF NOT EXISTS fills (
  id INTEGER PRIMARY KEY AUTOINCREMENT, order_id INTEGER NOT NULL REFERENCES orders (id), price TEXT NOT NULL,
  size TEXT NOT NULL, fee TEXT NOT NULL, fee_asset TEXT NOT NULL, is_maker INTEGER NOT NULL, executed_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS balances (asset TEXT PRIMARY KEY, free TEXT NOT NULL, locked TEXT NOT NULL);
"""


class PaperLedger:
    """`fee_in_received`: a buyer pays the fee in what it buys (Binance); otherwise always in quote (Kraken)."""

    def __init__(self, path: Path, *, start_balances: Mapping[str, Decimal], fee_in_received: bool) -> None:
        import pysqlite3

        path.parent.mkdir(parents=True, exist_ok=True)
        self._fee_in_received = fee_in_received
        self._db = pysqlite3.connect(str(path), isolation_level=None, timeout=30)
        self._db.row_factory = pysqlite3.Row
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + _SCHEMA)
        with self._transaction():
            if self._db.execute("SELECT 1 FROM balances").fetchone() is None:
                for asset, amount in start_balances.items():
                    self._put_balance(Balance(asset=asset, free=amount, locked=ZERO))

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # --- reading ------------------------------------------------------------------------------------------------------

    def order(self, client_order_id: str) -> PaperOrder | None:
        row = self._db.execute(
            "SELECT * FROM orders WHERE client_order_id = ?", (client_order_id,)
        ).fetchone()
        return order_of(row) if row else None

    def open_orders(self) -> list[PaperOrder]:
        """Oldest first: that is their priority."""
        rows = self._db.execute(
            "SELECT * FROM orders WHERE status = ? ORDER BY id", (VenueOrderStatus.OPEN.value,)
        )
        return [order_of(row) for row in rows]

    def fills(self, *, symbol: str, since: datetime) -> list[VenueFill]:
        rows = self._db.execute(
            "SELECT f.*, o.client_order_id, o.symbol, o.side FROM fills f JOIN orders o ON o.id = f.order_id "
            "WHERE o.symbol = ? AND f.executed_at >= ? ORDER BY f.id",
            (symbol, stamp(since)),
        )
        return [fill_of(row) for row in rows]

    def balances(self) -> dict[str, Balance]:
        rows = self._db.execute("SELECT * FROM balances ORDER BY asset")
        return {
            row["asset"]: Balance(
                asset=row["asset"], free=Decimal(row["free"]), locked=Decimal(row["locked"])
            )
            for row in rows
        }

    # --- changing -----------------------------------------------------------------------------------------------------

    def accept(self, request: OrderRequest, *, spec: InstrumentSpec, at: datetime) -> PaperOrder:
        """Books a new order and locks what it may cost; raises VenueRejectedError when that is not there."""
        asset, locked = self._cost_to_lock(request, spec=spec)
        with self._transaction():
            if self.order(request.client_order_id) is not None:
                raise VenueRejectedError(
                    "paper venue: this client order id was used before", code="DUPLICATE_ID"
                )
            balance = self._balance(asset)
            if balance.free < locked:
                raise VenueRejectedError(
                    f"paper venue: {locked} {asset} needed, {balance.free} free", code="INSUFFICIENT_BALANCE"
                )
            self._put_balance(
                Balance(asset=asset, free=balance.free - locked, locked=balance.locked + locked)
            )
            self._db.execute(
                "INSERT INTO orders (client_order_id, symbol, side, type, time_in_force, size, filled, cost, price, "
                "stop_price, status, queue_ahead, is_triggered, locked, accepted_at, changed_at) "
                "VALUES (?, ?, ?, ?, ?, ?, '0', '0', ?, ?, ?, '0', 0, ?, ?, ?)",
                (
                    *(request.client_order_id, request.symbol, request.side.value, request.type.value),
                    *(request.time_in_force.value, str(request.size_base)),
                    *(text(request.price_bound), text(request.stop_price), VenueOrderStatus.OPEN.value),
                    *(str(locked), stamp(at), stamp(at)),
                ),
            )
            order = self.order(request.client_order_id)
        assert order is not None
        return order

    def settle(
        self,
        order: PaperOrder,
        executions: list[Execution],
        *,
        spec: InstrumentSpec,
        at: datetime,
        end: VenueOrderStatus | None = None,
    ) -> None:
        """Books executions, and ends the order as `end` or as FILLED when nothing remains; releases what stays locked."""
        with self._transaction():
            for execution in executions:
                self._book(order, execution, spec=spec, at=at)
            order.status = VenueOrderStatus.FILLED if order.remaining <= 0 else (end or order.status)
            if order.status is not VenueOrderStatus.OPEN and order.locked:
                asset = spec.quote if order.side is Side.BUY else spec.base
                balance = self._balance(asset)
                self._put_balance(
                    Balance(
                        asset=asset, free=balance.free + order.locked, locked=balance.locked - order.locked
                    )
                )
                order.locked = ZERO
            order.changed_at = at
            self._put_order(order)

    def _book(self, order: PaperOrder, execution: Execution, *, spec: InstrumentSpec, at: datetime) -> None:
        size, cost = execution.size_base, execution.size_base * execution.price
        ratio = spec.maker_fee_ratio if execution.is_maker else spec.taker_fee_ratio
        in_base = order.side is Side.BUY and self._fee_in_received
        fee = ((size if in_base else cost) * ratio).quantize(_FEE_STEP, rounding=ROUND_UP)
        base, quote = self._balance(spec.base), self._balance(spec.quote)
        if order.side is Side.BUY:
            received, spent = size - (fee if in_base else ZERO), cost + (ZERO if in_base else fee)
            order.locked -= spent
            base = Balance(asset=base.asset, free=base.free + received, locked=base.locked)
            quote = Balance(asset=quote.asset, free=quote.free, locked=quote.locked - spent)
        else:
            order.locked -= size
            base = Balance(asset=base.asset, free=base.free, locked=base.locked - size)
            quote = Balance(asset=quote.asset, free=quote.free + cost - fee, locked=quote.locked)
        self._put_balance(base)
        self._put_balance(quote)
        order.filled += size
        order.cost += cost
        self._db.execute(
            "INSERT INTO fills (order_id, price, size, fee, fee_asset, is_maker, executed_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                *(order.id, str(execution.price), str(size), str(fee)),
                *(spec.base if in_base else spec.quote, int(execution.is_maker), stamp(at)),
            ),
        )

    def _cost_to_lock(self, request: OrderRequest, *, spec: InstrumentSpec) -> tuple[str, Decimal]:
        if request.side is Side.SELL:
            return spec.base, request.size_base
        assert (
            request.price_bound is not None
        )  # OrderRequest: only stops lack a bound, and filters refuse buy stops
        cost = request.size_base * request.price_bound
        if self._fee_in_received:
            return spec.quote, cost
        fee = cost * max(spec.taker_fee_ratio, spec.maker_fee_ratio)
        return spec.quote, cost + fee.quantize(_FEE_STEP, rounding=ROUND_UP) + _ROUNDING_ROOM

    def _balance(self, asset: str) -> Balance:
        row = self._db.execute("SELECT * FROM balances WHERE asset = ?", (asset,)).fetchone()
        if row is None:
            return Balance(asset=asset, free=ZERO, locked=ZERO)
        return Balance(asset=asset, free=Decimal(row["free"]), locked=Decimal(row["locked"]))

    def _put_balance(self, balance: Balance) -> None:
        self._db.execute(
            "INSERT INTO balances VALUES (?, ?, ?) ON CONFLICT (asset) DO UPDATE SET free = excluded.free, "
            "locked = excluded.locked",
            (balance.asset, str(balance.free), str(balance.locked)),
        )

    def _put_order(self, order: PaperOrder) -> None:
        self._db.execute(
            "UPDATE orders SET filled = ?, cost = ?, status = ?, queue_ahead = ?, is_triggered = ?, locked = ?, "
            "changed_at = ? WHERE id = ?",
            (
                *(str(order.filled), str(order.cost), order.status.value, str(order.queue_ahead)),
                *(int(order.is_triggered), str(order.locked), stamp(order.changed_at), order.id),
            ),
        )
