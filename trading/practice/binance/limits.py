"""Binance's request weight: counted per IP and minute, answered with 429, then 418 for longer and longer.

Spot API docs, "Limits": 6,000 weight a minute; a client that goes on after a 429 is banned for two minutes, growing
to three days. Order count: 100 in ten seconds, 200,000 a day.
"""

from __future__ import annotations

from trading.practice.binance.errors import BinanceError

MINUTE_MS = 60_000
FIRST_BAN_S = 120
LONGEST_BAN_S = 3 * 86_400


class WeightLimiter:
    """One IP address's use of the venue."""

    def __init__(self) -> None:
        self.weight_per_minute = 6_000
        self.orders_per_10s = 100
        self.ban_after_refusals = 5
        self.used = 0
        self.orders = 0
        self._minute = -1
        self._ten_seconds = -1
        self._refused = 0
        self._banned_until_ms = 0
        self._next_ban_s = FIRST_BAN_S

    def spend(self, *, weight: int, at_ms: int) -> None:
        """Count a request; BinanceError 429 over the limit, 418 while banned."""
        self._turn(at_ms)
        if at_ms < self._banned_until_ms:
            raise self._ban_error(at_ms)
        self.used += weight
        if self.used <= self.weight_per_minute:
            return
        self._refused += 1
        if self._refused > self.ban_after_refusals:
            self._banned_until_ms = at_ms + self._next_ban_s * 1000
            self._next_ban_s = min(LONGEST_BAN_S, self._next_ban_s * 2)
            self._refused = 0
            raise self._ban_error(at_ms)
        raise BinanceError(
            -1003,
            f"Too much request weight used; current limit is {self.weight_per_minute} request weight per 1 MINUTE. "
            "Please use WebSocket Streams for live updates to avoid polling the API.",
            status=429,
            retry_after_s=max(1, (MINUTE_MS - at_ms % MINUTE_MS) // 1000),
        )

    def count_order(self, *, at_ms: int) -> None:
        """Count a new order; BinanceError -1015 over the limit."""
        self._turn(at_ms)
        self.orders += 1
        if self.orders > self.orders_per_10s:
            raise BinanceError(
                -1015,
                f"Too many new orders; current limit is {self.orders_per_10s} orders per 10 SECOND.",
                status=429,
                retry_after_s=max(1, (10_000 - at_ms % 10_000) // 1000),
            )

    def headers(self) -> dict[str, str]:
        """The usage headers of every answer."""
        return {
            "x-mbx-used-weight": str(self.used),
            "x-mbx-used-weight-1m": str(self.used),
            "x-mbx-order-count-10s": str(self.orders),
        }

    def _turn(self, at_ms: int) -> None:
        if at_ms // MINUTE_MS != self._minute:
            self._minute, self.used, self._refused = at_ms // MINUTE_MS, 0, 0
        if at_ms // 10_000 != self._ten_seconds:
            self._ten_seconds, self.orders = at_ms // 10_000, 0

    def _ban_error(self, at_ms: int) -> BinanceError:
        return BinanceError(
            -1003,
            f"Way too much request weight used; IP banned until {self._banned_until_ms}. "
            "Please use WebSocket Streams for live updates to avoid bans.",
            status=418,
            retry_after_s=max(1, (self._banned_until_ms - at_ms) // 1000),
        )
