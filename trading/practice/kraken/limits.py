"""Kraken's rate counters, per key: one for REST calls, one per pair for orders (docs, "Rate limits").

Figures of the Pro tier: REST counter to 20, falling by 1 a second, history calls cost 2; order counter to 180,
falling by 3.75 a second, a cancel costs more the younger the order.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from trading.practice.kraken.errors import KrakenError

ORDER_DECAY_PER_S = 3.75
CANCEL_COSTS = ((5, 8), (10, 6), (15, 5), (45, 4), (90, 2), (300, 1))


@dataclass(slots=True)
class _Counter:
    value: float = 0.0
    at_ms: int = 0


@dataclass(slots=True)
class RateCounters:
    """Every key's counters. ``call_limit`` and ``order_limit`` can be changed for tests."""

    call_limit: int = 20
    call_decay_per_s: int = 1
    order_limit: int = 180
    _calls: dict[str, _Counter] = field(default_factory=dict)
    _orders: dict[tuple[str, str], _Counter] = field(default_factory=dict)

    def call(self, api_key: str, *, cost: int, at_ms: int) -> None:
        """Count a REST call."""
        counter = self._calls.setdefault(api_key, _Counter(at_ms=at_ms))
        if not _add(counter, cost, limit=self.call_limit, decay_per_s=self.call_decay_per_s, at_ms=at_ms):
            raise KrakenError("EAPI:Rate limit exceeded")

    def order(self, api_key: str, pair: str, *, at_ms: int) -> None:
        """Count a new order."""
        counter = self._orders.setdefault((api_key, pair), _Counter(at_ms=at_ms))
        if not _add(counter, 1, limit=self.order_limit, decay_per_s=ORDER_DECAY_PER_S, at_ms=at_ms):
            raise KrakenError("EOrder:Rate limit exceeded")

    def cancel(self, api_key: str, pair: str, *, age_s: float, at_ms: int) -> None:
        """Count a cancel; it is never refused, but it fills the counter for orders."""
        cost = next((cost for limit_s, cost in CANCEL_COSTS if age_s < limit_s), 0)
        counter = self._orders.setdefault((api_key, pair), _Counter(at_ms=at_ms))
        _add(counter, cost, limit=10**9, decay_per_s=ORDER_DECAY_PER_S, at_ms=at_ms)


def _add(counter: _Counter, cost: float, *, limit: float, decay_per_s: float, at_ms: int) -> bool:
    counter.value = max(0.0, counter.value - decay_per_s * max(0, at_ms - counter.at_ms) / 1000)
    counter.at_ms = at_ms
    if counter.value + cost > limit:
        return False
    counter.value += cost
    return True
