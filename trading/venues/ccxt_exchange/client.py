"""Makes ccxt.pro clients that are safe for money; the only place that constructs one.

Numbers come back as text. Orders are never re-posted. Calls go through the shared token bucket, with `ratelimit.lane` for
priority. Nothing that moves funds off the venue can be sent: such a path is refused before it is signed.
"""

import asyncio
import hashlib
import logging
import re
from typing import Any, NoReturn, Protocol

from neuratrade.lib import ratelimit
from trading.errors import ConfigurationError, RateLimitedError
from trading.protocols import Credentials, VenueConfig
from trading.venues.ccxt_exchange.limits import VenueLimits, ban_seconds, budget_of, limits_of

log = logging.getLogger(__name__)

FORBIDDEN_PATH = re.compile(r"withdraw|transfer|move_?funds|payout|disburse|sendmoney", re.IGNORECASE)
FORBIDDEN_METHODS = ("withdraw", "withdraw_ws", "transfer", "transfer_out", "withdrawWs", "transferOut")
_OURS = {"apiKey", "secret", "password", "privateKey", "walletAddress", "token", "number", "enableRateLimit"}
_TIMEOUT_MS = 10_000
_CLOSE_S = 0.5


def make_client(config: VenueConfig, credentials: Credentials | None) -> Any:
    """A ccxt.pro exchange for `config`; its REST calls may raise RateLimitedError, which always means: not sent.

    Use `async with`, or await `close()`. Raises ConfigurationError when the exchange is unknown or the options cannot be used.
    """
    import ccxt.pro

    if config.client not in ccxt.pro.exchanges:
        raise ConfigurationError(
            f"venue {config.name}: ccxt knows no exchange {config.client!r} with websockets; correct the venue's client"
        )
    unusable = sorted(_OURS & set(config.options))
    if unusable:
        raise ConfigurationError(
            f"venue {config.name}: the options {', '.join(unusable)} do not belong there; keys go into the vault"
        )
    parameters: dict[str, Any] = {
        "timeout": _TIMEOUT_MS,
        **config.options,
        "number": str,
        "enableRateLimit": True,  # makes ccxt call throttle(), which is ours
        "options": _client_options(config),
    }
    if credentials is not None:
        parameters |= {"apiKey": credentials.key, "secret": credentials.secret}
        if credentials.passphrase:
            parameters["password"] = credentials.passphrase
    try:
        exchange = _safe_class(getattr(ccxt.pro, config.client))(parameters)
    except (TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(f"venue {config.name}: ccxt refuses the options ({error})") from error
    _guard(exchange, config)
    exchange.number = str  # ccxt reads it as a class; a Decimal here would silently skip rounding
    exchange.desk_limits = limits_of(config.client)
    exchange.desk_bucket = ratelimit.TokenBucket(
        name=_bucket_name(config, credentials=credentials, limits=exchange.desk_limits),
        budget=budget_of(config.client, rate_limit_ms=float(exchange.rateLimit)),
    )
    return exchange


def _client_options(config: VenueConfig) -> dict[str, Any]:
    """The venue's ccxt options with a retry count of 0 and room for bursts of trades (ccxt drops what exceeds it, silently)."""
    given = dict(config.options.get("options", {}))
    given["maxRetriesOnFailure"] = 0
    given.setdefault("tradesLimit", 100_000)
    return given


def _guard(exchange: Any, config: VenueConfig) -> None:
    """Refuses a client that would post an order twice: the option may also hide per path."""
    retrying = [
        path
        for path, value in exchange.options.items()
        if isinstance(value, dict) and value.get("maxRetriesOnFailure")
    ]
    if exchange.options.get("maxRetriesOnFailure") != 0 or retrying:
        raise ConfigurationError(
            f"venue {config.name}: maxRetriesOnFailure is set ({', '.join(retrying) or 'globally'}); remove it, "
            "a retried order is a second order"
        )


def _bucket_name(config: VenueConfig, *, credentials: Credentials | None, limits: VenueLimits) -> str:
    if credentials is None or not limits.is_per_key:
        return config.name
    return f"{config.name}:{hashlib.sha256(credentials.key.encode()).hexdigest()[:12]}"


class Tap(Protocol):
    """Listens to a client's websocket connections; set as `desk_tap` before the first subscription."""

    def attach(self, connection: Any) -> None:
        """A new connection is about to be dialled."""
        ...

    def after_message(self, connection: Any, message: Any) -> None:
        """ccxt has taken in one message."""
        ...

    def on_disconnect(self) -> None:
        """A connection ended; ccxt tells nobody who is not waiting at that moment."""
        ...


class _Safeguards:
    """Laid over a ccxt exchange: our throttle, our reading of "too much", and no way to move funds away."""

    id: str
    clients: dict[str, Any] | None
    desk_tap: Tap | None = None
    desk_limits: VenueLimits
    desk_bucket: ratelimit.TokenBucket
    _ban_s = 0.0
    _tokens_left: float | None = None

    def client(self, url: str) -> Any:
        """ccxt's connection to `url`; ccxt would space subscriptions by its REST rate, venues count them apart."""
        is_new = url not in (self.clients or {})
        connection = _ccxt(super()).client(url)
        if is_new:
            connection.throttle.config["refillRate"] = self.desk_limits.subscribe_per_s / 1000
            if self.desk_tap is not None:
                self.desk_tap.attach(connection)
        return connection

    def handle_message(self, connection: Any, message: Any) -> None:
        try:
            _ccxt(super()).handle_message(connection, message)
            if self.desk_tap is not None:
                self.desk_tap.after_message(connection, message)
        except Exception as error:  # noqa: BLE001 - an error here would end ccxt's reading of the socket, silently
            import ccxt

            log.warning("%s: a message could not be read (%r); renewing the connection", self.id, error)
            connection.on_error(ccxt.NetworkError(f"unreadable message: {error!r}"))

    def on_error(self, connection: Any, error: Any) -> None:
        _ccxt(super()).on_error(connection, error)
        if self.desk_tap is not None:
            self.desk_tap.on_disconnect()

    def on_close(self, connection: Any, code: Any) -> None:
        _ccxt(super()).on_close(connection, code)
        if self.desk_tap is not None:
            self.desk_tap.on_disconnect()

    async def throttle(self, cost: float | None = None) -> None:
        try:
            await self.desk_bucket.acquire(1.0 if cost is None else float(cost))
        except ratelimit.RateLimitError as error:
            raise RateLimitedError(str(error), retry_after_s=error.retry_after_s) from error

    def on_rest_response(
        self, code: int, reason: str, url: str, method: str, headers: Any, *bodies: Any
    ) -> Any:
        self._read_limits(status=code, headers=headers, body=bodies[0])
        return _ccxt(super()).on_rest_response(code, reason, url, method, headers, *bodies)

    async def fetch(self, *arguments: Any, **named: Any) -> Any:
        try:
            return await _ccxt(super()).fetch(*arguments, **named)
        finally:
            await self._share_limits()

    def sign(self, path: Any, *arguments: Any, **named: Any) -> Any:
        if FORBIDDEN_PATH.search(str(path)):
            _refuse(path)
        return _ccxt(super()).sign(path, *arguments, **named)

    async def close(self, *arguments: Any, **named: Any) -> None:
        """Ends within about a second, also when a peer no longer answers the closing handshake."""
        connections = list((self.clients or {}).values())
        closing = [asyncio.wait_for(connection.close(), _CLOSE_S) for connection in connections]
        await asyncio.gather(*closing, return_exceptions=True)
        self.clients = {}
        await _ccxt(super()).close(*arguments, **named)
        await self.desk_bucket.aclose()

    def _read_limits(self, *, status: int, headers: Any, body: str) -> None:
        lower = {str(name).lower(): str(value) for name, value in headers.items()}
        asked_s = ban_seconds(self.id, status=status, retry_after=lower.get("retry-after", ""), body=body)
        self._ban_s = max(self._ban_s, asked_s)
        limits = self.desk_limits
        used = lower.get(limits.used_header, "")
        if used.isdigit():
            self._tokens_left = (limits.used_limit - float(used)) / limits.used_per_cost

    async def _share_limits(self) -> None:
        ban_s, left = self._ban_s, self._tokens_left
        self._ban_s, self._tokens_left = 0.0, None
        if ban_s:
            await self.desk_bucket.ban(seconds=ban_s)
        if left is not None and left < self.desk_bucket.budget.capacity:
            await self.desk_bucket.cap(tokens=left)


def _ccxt(parent: Any) -> Any:
    """The exchange under the safeguards, whose type ccxt does not declare."""
    return parent


def _safe_class(base: Any) -> Any:
    async def refused(_self: Any, *_arguments: Any, **_named: Any) -> NoReturn:
        _refuse("withdraw and transfer")

    return type(base.__name__, (_Safeguards, base), dict.fromkeys(FORBIDDEN_METHODS, refused))


def _refuse(path: object) -> NoReturn:
    raise ConfigurationError(f"{path}: the desk never moves funds off a venue; this call is blocked")
