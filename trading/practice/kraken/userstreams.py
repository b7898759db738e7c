"""Kraken's private websocket channels: executions and balances (docs, "Executions", "Balances")."""

from __future__ import annotations

from decimal import Decimal

from trading.practice.clock import Clock
from trading.practice.engine.exchange import Exchange
from trading.practice.engine.types import ZERO, Fill, Order, Status
from trading.practice.kraken import formats, names
from trading.practice.kraken.formats import bare, dump, moment
from trading.practice.wire.streams import Connection, Hub

SNAPSHOT_TRADES = 50
_STATUS = {
    Status.NEW: "new",
    Status.PARTIALLY_FILLED: "partially_filled",
    Status.FILLED: "filled",
    Status.CANCELED: "canceled",
    Status.EXPIRED: "expired",
}


class UserStreams:
    """Tells accounts of their orders, fills and balances."""

    def __init__(self, hub: Hub, *, exchange: Exchange, clock: Clock) -> None:
        self._hub = hub
        self._exchange = exchange
        self._clock = clock
        self._totals: dict[tuple[str, str], Decimal] = {}

    def executions_snapshot(
        self, connection: Connection, account: str, *, with_orders: bool, with_trades: bool
    ) -> str:
        """Open orders, and perhaps the last fifty fills, as a subscription begins with."""
        rows: list[dict[str, object]] = []
        if with_orders:
            rows += [self._order_row(order, kind="new") for order in self._exchange.orders_of(account)]
        if with_trades:
            ledger = self._exchange.ledger
            fills = [fill for fill in ledger.fills if fill.account == account][-SNAPSHOT_TRADES:]
            rows += [self._trade_row(ledger.orders[fill.order_id], fill) for fill in fills]
        return self._text(connection, channel="executions", kind="snapshot", rows=rows)

    def balances_snapshot(self, connection: Connection, account: str) -> str:
        """Every balance, as a subscription begins with."""
        rows: list[dict[str, object]] = []
        for code, balance in self._exchange.accounts[account].balances.items():
            total = bare(balance.total, decimals=8)
            rows.append(
                {
                    "asset": code,
                    "asset_class": "currency",
                    "balance": total,
                    "wallets": [{"type": "spot", "id": "main", "balance": total}],
                }
            )
        return self._text(connection, channel="balances", kind="snapshot", rows=rows)

    def on_order(self, order: Order, *, event: str, fill: Fill | None) -> None:
        """An order changed. A fill is followed by a message of its own when it was the last one."""
        if not self._hub.listeners(f"executions:{order.account}"):
            return
        if event == "new":
            pending = {**self._order_row(order, kind="pending_new"), "order_status": "pending_new"}
            self._publish(order.account, pending)
            self._publish(order.account, {**self._order_row(order, kind="new"), "order_status": "new"})
        elif event == "triggered":
            self._publish(order.account, {**self._order_row(order, kind="status"), "order_status": "new"})
        elif fill is not None:
            self._publish(order.account, self._trade_row(order, fill))
            if order.status is Status.FILLED:
                self._publish(order.account, {**self._end_row(order, kind="filled"), "symbol": order.symbol})
        else:
            self._publish(order.account, self._end_row(order, kind=event))

    def on_balance(self, account: str, *, assets: tuple[str, ...], cause: str) -> None:
        """Balances changed; Kraken tells of totals only, not of what orders hold."""
        balances = self._exchange.accounts[account].balances
        for asset in assets:
            total = balances[asset].total if asset in balances else ZERO
            before = self._totals.get((account, asset))
            self._totals[account, asset] = total
            if before == total:
                continue
            row: dict[str, object] = {
                "ledger_id": names.trade_id(self._exchange.next_trade_id).replace("T", "L", 1),
                "ref_id": names.trade_id(self._exchange.next_trade_id - 1),
                "timestamp": moment(self._clock.now_ms()),
                "type": "deposit" if cause == "deposit" else "trade",
                "asset": asset,
                "asset_class": "currency",
                "category": "deposit" if cause == "deposit" else "trade",
                "wallet_type": "spot",
                "wallet_id": "main",
                "amount": bare(total - (before or ZERO), decimals=8),
                "fee": bare(ZERO, decimals=8),
                "balance": bare(total, decimals=8),
            }
            self._publish(account, row, channel="balances")

    def _publish(self, account: str, row: dict[str, object], *, channel: str = "executions") -> None:
        self._hub.publish(
            f"{channel}:{account}",
            lambda connection: self._text(connection, channel=channel, kind="update", rows=[row]),
        )

    def _text(self, connection: Connection, *, channel: str, kind: str, rows: list[dict[str, object]]) -> str:
        return dump(
            {"channel": channel, "type": kind, "data": rows, "sequence": connection.next_sequence(channel)}
        )

    def _order_row(self, order: Order, *, kind: str) -> dict[str, object]:
        digits = self._exchange.markets[order.symbol].instrument.price_decimals
        row: dict[str, object] = {
            **_names(order),
            "symbol": order.symbol,
            "order_qty": bare(order.size_base, decimals=8),
            "cum_qty": bare(order.filled_base, decimals=8),
            "cum_cost": bare(order.filled_quote, decimals=8),
            "time_in_force": order.time_in_force.value,
            "exec_type": kind,
            "side": order.side.value,
            "order_type": formats.order_type(order),
            "limit_price_type": "static",
            "order_status": _STATUS[order.status],
            "fee_usd_equiv": bare(order.fee, decimals=8),
            "fee_ccy_pref": "fciq",
            "timestamp": moment(order.updated_ms),
        }
        if order.price is not None:
            row["limit_price"] = bare(order.price, decimals=digits)
        if order.trigger_price is not None:
            row["stop_price"] = bare(order.trigger_price, decimals=digits)
        if order.post_only:
            row["post_only"] = True
        return row

    def _trade_row(self, order: Order, fill: Fill) -> dict[str, object]:
        digits = self._exchange.markets[order.symbol].instrument.price_decimals
        return {
            **_names(order),
            "exec_id": names.trade_id(fill.trade_id),
            "exec_type": "trade",
            "trade_id": fill.trade_id,
            "symbol": fill.symbol,
            "side": fill.side.value,
            "last_qty": bare(fill.size_base, decimals=8),
            "last_price": bare(fill.price, decimals=digits),
            "liquidity_ind": "m" if fill.is_maker else "t",
            "cost": bare(fill.notional_quote, decimals=8),
            "order_status": "partially_filled",
            "order_type": formats.order_type(order),
            "cum_qty": bare(order.filled_base, decimals=8),
            "cum_cost": bare(order.filled_quote, decimals=8),
            "timestamp": moment(fill.at_ms),
            "fee_usd_equiv": bare(fill.fee, decimals=8),
            "fees": [{"asset": fill.fee_asset, "qty": bare(fill.fee, decimals=8)}],
        }

    def _end_row(self, order: Order, *, kind: str) -> dict[str, object]:
        average = order.filled_quote / order.filled_base if order.filled_base else ZERO
        row: dict[str, object] = {
            "timestamp": moment(order.updated_ms),
            "order_status": _STATUS[order.status],
            "exec_type": kind,
            **_names(order),
            "cum_qty": bare(order.filled_base, decimals=8),
            "cum_cost": bare(order.filled_quote, decimals=8),
            "fee_usd_equiv": bare(order.fee, decimals=8),
            "avg_price": bare(average, decimals=8),
        }
        if kind == "canceled":
            row |= {"cancel_reason": order.reason, "reason": order.reason}
        return row


def _names(order: Order) -> dict[str, object]:
    """The ids an execution row carries."""
    return {
        "order_id": names.order_id(order.id),
        "order_userref": order.reference or 0,
        **({"cl_ord_id": order.client_id} if order.client_id else {}),
    }
