"""Errors of the practice venues."""

from __future__ import annotations


class PracticeError(Exception):
    """The practice venues cannot do what they were told; the message is one line for the operator."""


class CandleFileError(PracticeError):
    """A recorded candle file cannot be used; the message says what is wrong and what to do."""


class JournalError(PracticeError):
    """The state file cannot be read or written."""


class Refusal(PracticeError):
    """The engine refuses a request. ``reason`` is a key of `REASONS`; each venue words it in its own way."""

    REASONS = frozenset(
        {
            "unknown_symbol",
            "insufficient_funds",
            "duplicate_client_id",
            "would_take",
            "would_trigger",
            "price_tick",
            "price_range",
            "size_step",
            "size_range",
            "notional",
            "market_closed",
            "no_liquidity",
            "too_many_orders",
            "unknown_order",
        }
    )

    def __init__(self, reason: str, *, detail: str = "") -> None:
        if reason not in self.REASONS:
            raise ValueError(f"unknown refusal reason {reason!r}")
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
