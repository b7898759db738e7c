"""What each ccxt exchange grants, in the cost units ccxt gives its endpoints, and how it says "too much".

ccxt's own limiter counts per object and ignores Retry-After; ours is shared and does not (neuratrade.lib.ratelimit).
"""

from dataclasses import dataclass, field

from neuratrade.lib.ratelimit import Budget

_BURST_S = 10
_RESERVE_RATIO = 0.2
_DEFAULT_BAN_S = {429: 10.0, 418: 120.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueLimits:
    """`is_per_key`: private calls are counted per API key, not per address. `burst_s`: how many seconds of budget may go at once.

    `ban_phrases`: words in a body that mean "stay away", with seconds. `used_header`: the header with the weight used in
    `used_limit`, in units of `used_per_cost` per ccxt cost. `subscribe_per_s`: websocket requests a second.
    """

    is_per_key: bool = False
    burst_s: float = _BURST_S
    ban_phrases: dict[str, float] = field(default_factory=dict)
    used_header: str = ""
    used_limit: float = 0.0
    used_per_cost: float = 1.0
    subscribe_per_s: float = 4.0


LIMITS: dict[str, VenueLimits] = {
    # developers.binance.com, "Limits": 6000 weight a minute per address, 5 websocket requests a second
    "binance": VenueLimits(
        used_header="x-mbx-used-weight-1m", used_limit=6000, used_per_cost=5, subscribe_per_s=4
    ),
    # docs.kraken.com, "Rate limits": a counter of 15 per key that falls by 0.33 a second (ccxt: cost 3 a call, 1 a second)
    "kraken": VenueLimits(
        is_per_key=True,
        burst_s=30,
        ban_phrases={
            "EAPI:Rate limit exceeded": 15,
            "EGeneral:Too many requests": 15,
            "EGeneral:Temporary lockout": 900,
        },
        subscribe_per_s=20,
    ),
}


def limits_of(client_id: str) -> VenueLimits:
    """The table's entry, or careful defaults for any other exchange."""
    return LIMITS.get(client_id, VenueLimits())


def budget_of(client_id: str, *, rate_limit_ms: float) -> Budget:
    """The budget from ccxt's `rateLimit` (milliseconds per unit of cost), a fifth of it kept for cancels."""
    refill_per_s = 1000 / rate_limit_ms
    capacity = max(refill_per_s * limits_of(client_id).burst_s, 5.0)
    return Budget(capacity=capacity, refill_per_s=refill_per_s, cancel_reserve=capacity * _RESERVE_RATIO)


def ban_seconds(client_id: str, *, status: int, retry_after: str, body: str) -> float:
    """How long this reply asks us to stay away; 0 when it does not."""
    if status in _DEFAULT_BAN_S:
        try:
            return max(float(retry_after), 1.0)
        except ValueError:
            return _DEFAULT_BAN_S[status]
    for phrase, seconds in limits_of(client_id).ban_phrases.items():
        if phrase in body[:2000]:
            return seconds
    return 0.0
