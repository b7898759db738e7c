"""The control port: what a test or an operator does to the practice venues, and reads from them.

It stands for everything outside the trading protocol: the weather on the line, the venue's staff, and the venue's
own books, which tests take for the truth. HTTP with JSON on loopback; the same calls work in process.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal, InvalidOperation

from aiohttp import web

from trading.practice.errors import PracticeError, Refusal
from trading.practice.keys import DEMO_ACCOUNT, ApiKey
from trading.practice.prices.world import World
from trading.practice.wire.faults import fault_from
from trading.practice.wire.venue import Mode, Venue

Body = dict[str, object]
Operation = Callable[[Venue, Body], object]


class Control:
    """Every control operation, by method and path: ``/<venue>/<what>`` or ``/<what>``."""

    def __init__(self, venues: dict[str, Venue], *, world: World) -> None:
        self._venues = venues
        self._world = world
        self._operations: dict[tuple[str, str], Operation] = {
            ("GET", "requests"): _requests,
            ("DELETE", "requests"): _forget_requests,
            ("GET", "orders"): _orders,
            ("GET", "fills"): _fills,
            ("GET", "balances"): _balances,
            ("GET", "ledger"): lambda venue, _: venue.exchange.ledger.records,
            ("GET", "faults"): lambda venue, _: [asdict(fault) for fault in venue.faults.faults],
            ("POST", "faults"): _add_fault,
            ("DELETE", "faults"): _clear_faults,
            ("POST", "streams"): _disturb,
            ("GET", "streams"): _streams,
            ("GET", "mode"): lambda venue, _: {"mode": venue.mode},
            ("POST", "mode"): _set_mode,
            ("POST", "clock"): _set_clock,
            ("GET", "keys"): lambda venue, _: [asdict(key) for key in venue.keys.all()],
            ("POST", "keys"): _set_key,
            ("GET", "limits"): lambda venue, _: venue.limits(),
            ("POST", "limits"): _set_limits,
            ("POST", "deposit"): _deposit,
            ("POST", "price"): self._set_price,
        }

    def call(self, method: str, path: str, body: Body | None = None) -> object:
        """The result of an operation, ready for JSON; PracticeError with one line when it makes no sense."""
        values = dict(body or {})
        parts = path.strip("/").split("/")
        if len(parts) == 2 and parts[0] in self._venues:
            operation = self._operations.get((method, parts[1]))
            if operation is not None:
                return plain(operation(self._venues[parts[0]], values))
        if parts == [""] and method == "GET":
            return self._help()
        if method == "POST" and parts == ["price"]:
            return plain(self._set_price(None, values))
        if method == "POST" and parts == ["flow"]:
            self._world.is_flowing = bool(values.get("running", True))
            return {"running": self._world.is_flowing}
        raise PracticeError(f"no control operation {method} {path}; GET / lists them")

    def routes(self, app: web.Application) -> None:
        """Serve the operations."""
        app.router.add_route("*", "/{path:.*}", self._handle)

    async def _handle(self, request: web.Request) -> web.Response:
        try:
            body: Body = dict(request.query)
            text = await request.text()
            if text:
                loaded = json.loads(text)
                if not isinstance(loaded, dict):
                    raise PracticeError("the body must be a JSON object")
                body |= loaded
            result = self.call(request.method, request.path, body)
        except json.JSONDecodeError as error:
            return web.json_response({"error": f"the body is not JSON: {error}"}, status=400)
        except (PracticeError, ValueError, KeyError, InvalidOperation) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(result)

    def _help(self) -> Body:
        operations = [f"{method} /<venue>/{name}" for method, name in self._operations]
        return {"venues": list(self._venues), "operations": [*operations, "POST /price", "POST /flow"]}

    def _set_price(self, venue: Venue | None, body: Body) -> object:
        """``symbol`` with ``price`` or ``move_percent``; ``hold`` keeps it there; at one venue or at all."""
        symbol = str(body["symbol"])
        name = None if venue is None else venue.name
        exchange = next(iter(self._venues.values())).exchange if venue is None else venue.exchange
        if symbol not in exchange.markets:
            raise PracticeError(f"{symbol} is not listed; listed are {', '.join(exchange.markets)}")
        last = exchange.markets[symbol].last_price
        move = body.get("move_percent")
        price = last * (1 + _decimal(move) / 100) if move is not None else _decimal(body.get("price"))
        if price <= 0:
            raise PracticeError(f"a price must be above zero, not {price}")
        self._world.set_price(symbol, price=price, venue=name, is_held=bool(body.get("hold")))
        return {
            one.name: one.exchange.markets[symbol].last_price
            for one in self._venues.values()
            if venue is None or one is venue
        }


def plain(value: object) -> object:
    """``value`` with decimals and enumerations as text, for JSON."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, str):
        return str(value)
    return value


def _decimal(value: object) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise PracticeError(f"{value!r} is not a number") from error
    if not number.is_finite():
        raise PracticeError(f"{value!r} is not a number")
    return number


def _requests(venue: Venue, body: Body) -> object:
    path, method = body.get("path"), body.get("method")
    return [
        asdict(entry)
        for entry in venue.front.requests
        if (path is None or entry.path == path) and (method is None or entry.method == method)
    ]


def _forget_requests(venue: Venue, _: Body) -> object:
    venue.front.requests.clear()
    return {}


def _orders(venue: Venue, body: Body) -> object:
    account, client_id = body.get("account"), body.get("client_id")
    return [
        {**asdict(order), "venue_id": venue.order_name(order)}
        for order in venue.exchange.ledger.orders.values()
        if (account is None or order.account == account)
        and (client_id is None or order.client_id == client_id)
    ]


def _fills(venue: Venue, body: Body) -> object:
    account = body.get("account")
    fills = venue.exchange.ledger.fills
    return [asdict(fill) for fill in fills if account is None or fill.account == account]


def _balances(venue: Venue, body: Body) -> object:
    wanted = body.get("account")
    return {
        name: {
            asset: {"free": balance.free, "locked": balance.locked}
            for asset, balance in account.balances.items()
        }
        for name, account in venue.exchange.accounts.items()
        if not account.is_house and (wanted is None or name == wanted)
    }


def _add_fault(venue: Venue, body: Body) -> object:
    fault = fault_from(body)
    venue.faults.add(fault)
    return asdict(fault)


def _clear_faults(venue: Venue, _: Body) -> object:
    venue.faults.clear()
    venue.hub.disturb(action="clear", topic="*", count=0)
    return {}


def _disturb(venue: Venue, body: Body) -> object:
    action, topic = str(body.get("action")), str(body.get("topic", "*"))
    return {"hit": venue.hub.disturb(action=action, topic=topic, count=int(str(body.get("count", 1))))}


def _streams(venue: Venue, _: Body) -> object:
    connections = [
        {"kind": one.kind, "topics": sorted(one.topics), "frozen": one.is_frozen}
        for one in venue.hub.connections
    ]
    return {"sent": venue.hub.sent, "connections": connections}


def _set_mode(venue: Venue, body: Body) -> object:
    try:
        venue.mode = Mode(str(body.get("mode")))
    except ValueError as error:
        raise PracticeError(f"mode must be one of {', '.join(Mode)}") from error
    return {"mode": venue.mode}


def _set_clock(venue: Venue, body: Body) -> object:
    venue.clock.skew_ms = int(str(body.get("skew_ms", 0)))
    return {"skew_ms": venue.clock.skew_ms, "now_ms": venue.clock.now_ms()}


def _set_key(venue: Venue, body: Body) -> object:
    """Change rights of ``api_key`` (default: the first key), or issue it when ``secret`` comes along."""
    name = str(body.pop("api_key", venue.keys.all()[0].api_key))
    if "secret" in body:
        venue.keys.add(ApiKey(name, str(body.pop("secret")), account=str(body.pop("account", DEMO_ACCOUNT))))
    key = venue.keys.get(name)
    venue.exchange.open_account(key.account)
    for right, value in body.items():
        if right not in {"can_read", "can_trade", "can_withdraw", "ip_restricted", "revoked"}:
            raise PracticeError(f"a key has no right {right!r}")
        setattr(key, right, bool(value))
    return asdict(key)


def _set_limits(venue: Venue, body: Body) -> object:
    for name, value in body.items():
        try:
            venue.set_limit(name, int(str(value)))
        except KeyError as error:
            raise PracticeError(f"no limit {name!r}; there are {', '.join(venue.limits())}") from error
    return venue.limits()


def _deposit(venue: Venue, body: Body) -> object:
    account, asset = str(body.get("account", DEMO_ACCOUNT)), str(body["asset"])
    try:
        venue.exchange.deposit(account, asset=asset, amount=_decimal(body.get("amount")))
    except Refusal as refusal:
        raise PracticeError(f"deposit: {refusal}") from refusal
    balance = venue.exchange.accounts[account].balance(asset)
    return {"account": account, "asset": asset, "free": balance.free, "locked": balance.locked}
