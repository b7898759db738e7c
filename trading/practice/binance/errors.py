"""Binance's error bodies: ``{"code": -1013, "msg": "..."}`` (Spot API docs, "Errors")."""

from __future__ import annotations

from trading.practice.errors import PracticeError, Refusal


class BinanceError(PracticeError):
    """An error as Binance words it."""

    def __init__(
        self, code: int, message: str, *, status: int = 400, retry_after_s: int | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.retry_after_s = retry_after_s

    def body(self) -> dict[str, object]:
        """The JSON body."""
        return {"code": self.code, "msg": self.message}


_REFUSALS: dict[str, tuple[int, str]] = {
    "unknown_symbol": (-1121, "Invalid symbol."),
    "insufficient_funds": (-2010, "Account has insufficient balance for requested action."),
    "duplicate_client_id": (-2010, "Duplicate order sent."),
    "would_take": (-2010, "Order would immediately match and take."),
    "would_trigger": (-2010, "Stop price would trigger immediately."),
    "price_tick": (-1013, "Filter failure: PRICE_FILTER"),
    "price_range": (-1013, "Filter failure: PRICE_FILTER"),
    "size_step": (-1013, "Filter failure: LOT_SIZE"),
    "size_range": (-1013, "Filter failure: LOT_SIZE"),
    "notional": (-1013, "Filter failure: NOTIONAL"),
    "market_closed": (-1013, "Market is closed."),
    "no_liquidity": (-2010, "Order book liquidity is less than LOT_SIZE filter minimum quantity."),
    "too_many_orders": (-1013, "Filter failure: MAX_NUM_ORDERS"),
    "unknown_order": (-2011, "Unknown order sent."),
}


def from_refusal(refusal: Refusal) -> BinanceError:
    """The engine's refusal in Binance's words."""
    code, message = _REFUSALS[refusal.reason]
    return BinanceError(code, message)


def missing(name: str) -> BinanceError:
    """A mandatory parameter is missing or malformed."""
    return BinanceError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
