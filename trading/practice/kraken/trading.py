"""Kraken's private REST endpoints that place, change and end orders."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

from trading.practice.engine.exchange import Exchange
from trading.practice.engine.types import Kind, NewOrder, Order, Side, TimeInForce, Trigger
from trading.practice.errors import Refusal
from trading.practice.instruments import Instrument
from trading.practice.keys import ApiKey
from trading.practice.kraken import formats, names
from trading.practice.kraken.errors import KrakenError, from_refusal, invalid
from trading.practice.kraken.limits import RateCounters
from trading.practice.kraken.market import PublicApi
from trading.practice.kraken.params import Params
from trading.practice.wire.venue import Mode

ORDER_TYPES = ("market", "limit", "stop-loss", "stop-loss-limit", "take-profit", "take-profit-limit")
LONGEST_CLIENT_ID = 36


class OrderApi:
    """AddOrder, the cancels, and the dead man's switch."""

    def __init__(
        self, exchange: Exchange, *, public: PublicApi, counters: RateCounters, now_ms: Callable[[], int]
    ) -> None:
        self._exchange = exchange
        self._public = public
        self._counters = counters
        self._now_ms = now_ms
        self._switches: dict[str, int] = {}

    def add(self, params: Params, key: ApiKey, *, mode: Mode) -> object:
        """AddOrder."""
        request = self._request(params)
        self._check_mode(request, mode=mode)
        self._check_deadline(params)
        self._counters.order(key.api_key, request.symbol, at_ms=self._now_ms())
        instrument = self._exchange.markets[request.symbol].instrument
        try:
            if params.flag("validate"):
                self._exchange.check(key.account, request)
                draft = self._exchange.draft(key.account, request)
                return {"descr": {"order": formats.sentence(draft, instrument=instrument)}}
            order = self._exchange.place(key.account, request)
        except Refusal as refusal:
            raise from_refusal(refusal) from refusal
        return {
            "descr": {"order": formats.sentence(order, instrument=instrument)},
            "txid": [names.order_id(order.id)],
            **({"cl_ord_id": order.client_id} if order.client_id else {}),
        }

    def cancel(self, params: Params, key: ApiKey) -> object:
        """CancelOrder by txid, userref or cl_ord_id; an error when nothing open matches."""
        orders = self._matching(params, key)
        if not orders:
            raise KrakenError("EOrder:Unknown order")
        for order in orders:
            self._cancel(order, key)
        return {"count": len(orders)}

    def cancel_all(self, _: Params, key: ApiKey) -> object:
        """CancelAll."""
        orders = self._exchange.orders_of(key.account)
        for order in orders:
            self._cancel(order, key)
        return {"count": len(orders)}

    def cancel_all_after(self, params: Params, key: ApiKey) -> object:
        """CancelAllOrdersAfter: a switch that cancels everything unless it is set again in time; 0 disarms it."""
        timeout_s, now_ms = params.integer("timeout"), self._now_ms()
        if timeout_s is None or not 0 <= timeout_s <= 86_400:
            raise invalid("timeout")
        current = datetime.fromtimestamp(now_ms / 1000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if timeout_s == 0:
            self._switches.pop(key.account, None)
            return {"currentTime": current, "triggerTime": "0"}
        self._switches[key.account] = now_ms + timeout_s * 1000
        trigger = datetime.fromtimestamp(self._switches[key.account] / 1000, tz=UTC)
        return {"currentTime": current, "triggerTime": trigger.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def fire_switches(self) -> None:
        """Cancel the orders of every account whose switch ran out."""
        now_ms = self._now_ms()
        for account in [name for name, due_ms in self._switches.items() if now_ms >= due_ms]:
            del self._switches[account]
            for order in self._exchange.orders_of(account):
                self._exchange.cancel(order, reason="Cancel all orders after timeout")

    def _cancel(self, order: Order, key: ApiKey) -> None:
        age_s = (self._now_ms() - order.created_ms) / 1000
        self._counters.cancel(key.api_key, order.symbol, age_s=age_s, at_ms=self._now_ms())
        self._exchange.cancel(order)

    def _matching(self, params: Params, key: ApiKey) -> list[Order]:
        client_id = params.get("cl_ord_id")
        open_orders = self._exchange.orders_of(key.account)
        if client_id is not None:
            return [order for order in open_orders if order.client_id == client_id]
        wanted = params.require("txid")
        number = names.number_of(wanted, prefix="O")
        if number is not None:
            return [order for order in open_orders if order.id == number]
        if not wanted.lstrip("-").isdigit():
            raise KrakenError("EOrder:Invalid order")
        return [order for order in open_orders if order.reference == int(wanted)]

    def _request(self, params: Params) -> NewOrder:
        instrument = self._public.market(params.require("pair")).instrument
        kind, side = params.require("ordertype"), params.require("type")
        if kind not in ORDER_TYPES:
            raise invalid("ordertype")
        if side not in {"buy", "sell"}:
            raise invalid("type")
        is_limit, is_conditional = kind.endswith("limit"), kind.startswith(("stop", "take"))
        flags = (params.get("oflags") or "").split(",")
        volume, first = params.decimal("volume"), _price(params, "price", instrument=instrument)
        if volume is None or volume <= 0:
            raise invalid("volume")
        if first is None and kind != "market":
            raise invalid("price")
        second = _price(params, "price2", instrument=instrument)
        is_quote_sized = "viqc" in flags and kind == "market"
        return NewOrder(
            symbol=instrument.symbol,
            side=Side(side),
            kind=Kind.LIMIT if is_limit else Kind.MARKET,
            size_base=None if is_quote_sized else volume,
            size_quote=volume if is_quote_sized else None,
            price=(second if is_conditional else first) if is_limit else None,
            time_in_force=_time_in_force(params),
            post_only="post" in flags and kind == "limit",
            trigger=_trigger(kind) if is_conditional else None,
            trigger_price=first if is_conditional else None,
            client_id=_client_id(params),
            reference=params.integer("userref"),
        )

    def _check_mode(self, request: NewOrder, *, mode: Mode) -> None:
        if mode is Mode.CANCEL_ONLY:
            raise KrakenError("EService:Market in cancel_only mode")
        if mode is Mode.POST_ONLY and not request.post_only:
            raise KrakenError("EService:Market in post_only mode")

    def _check_deadline(self, params: Params) -> None:
        deadline = params.get("deadline")
        if deadline is None:
            return
        try:
            until = datetime.fromisoformat(deadline.replace("Z", "+00:00"))
        except ValueError as error:
            raise invalid("deadline") from error
        if until.tzinfo is None or until.timestamp() * 1000 <= self._now_ms():
            raise KrakenError("EService:Deadline elapsed")


def _price(params: Params, name: str, *, instrument: Instrument) -> Decimal | None:
    price = params.decimal(name)
    if price is not None and price != round(price, instrument.price_decimals):
        raise KrakenError(
            f"EOrder:Invalid price:{names.pair_ws_name(instrument.symbol)} price can only be specified up to "
            f"{instrument.price_decimals} decimals."
        )
    return price


def _trigger(kind: str) -> Trigger:
    return Trigger.STOP_LOSS if kind.startswith("stop") else Trigger.TAKE_PROFIT


def _time_in_force(params: Params) -> TimeInForce:
    try:
        return TimeInForce((params.get("timeinforce") or "GTC").upper())
    except ValueError as error:
        raise invalid("timeinforce") from error


def _client_id(params: Params) -> str:
    client_id = params.get("cl_ord_id") or ""
    if len(client_id) > LONGEST_CLIENT_ID or (client_id and params.get("userref")):
        raise invalid("cl_ord_id")
    return client_id
