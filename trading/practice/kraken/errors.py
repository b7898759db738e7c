"""Kraken's errors: always HTTP 200 with ``{"error": ["EOrder:Insufficient funds"]}``."""

from __future__ import annotations

from trading.practice.errors import PracticeError, Refusal


class KrakenError(PracticeError):
    """An error as Kraken words it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


_REFUSALS = {
    "unknown_symbol": "EQuery:Unknown asset pair",
    "insufficient_funds": "EOrder:Insufficient funds",
    "duplicate_client_id": "EOrder:Invalid order:cl_ord_id is already used by an open order",
    "would_take": "EOrder:Post only order",
    "would_trigger": "EOrder:Invalid price",
    "price_tick": "EOrder:Tick size check failed",
    "price_range": "EOrder:Invalid price",
    "size_step": "EGeneral:Invalid arguments:volume",
    "size_range": "EGeneral:Invalid arguments:volume minimum not met",
    "notional": "EOrder:Cost minimum not met",
    "market_closed": "EService:Market in cancel_only mode",
    "no_liquidity": "EOrder:Market order failed",
    "too_many_orders": "EOrder:Orders limit exceeded",
    "unknown_order": "EOrder:Unknown order",
}


def from_refusal(refusal: Refusal) -> KrakenError:
    """The engine's refusal in Kraken's words. The wording for a duplicate ``cl_ord_id`` is ours: it is undocumented."""
    return KrakenError(_REFUSALS[refusal.reason])


def invalid(name: str = "") -> KrakenError:
    """A missing or malformed argument."""
    return KrakenError(f"EGeneral:Invalid arguments:{name}" if name else "EGeneral:Invalid arguments")
