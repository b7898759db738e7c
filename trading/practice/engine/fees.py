"""Fees and what must be held back for an order. Pure arithmetic on exact decimals.

Binance takes commission in the asset received (Spot API docs, "commissionAsset" of a fill); Kraken by default in
the quote currency (order flag ``fciq``). The house, that is the simulated other flow, pays no fee.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from trading.practice.engine.types import FeeAsset, Rules, Side
from trading.practice.instruments import Instrument

FEE_GRID = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one side of a trade pays and receives. ``received`` is already without the fee when that is its asset."""

    paid_asset: str
    paid: Decimal
    received_asset: str
    received: Decimal
    fee_asset: str
    fee: Decimal


def settle(
    instrument: Instrument,
    *,
    side: Side,
    price: Decimal,
    size_base: Decimal,
    fee_ratio: Decimal,
    rules: Rules,
) -> Settlement:
    """The money one side of a trade moves. Fees are cut at eight decimals, in the client's favour."""
    notional = price * size_base
    if side is Side.BUY:
        paid_asset, paid, received_asset, received = instrument.quote, notional, instrument.base, size_base
    else:
        paid_asset, paid, received_asset, received = instrument.base, size_base, instrument.quote, notional
    if rules.fee_asset is FeeAsset.RECEIVED:
        fee_asset, fee_of = received_asset, received
    else:
        fee_asset, fee_of = instrument.quote, notional
    fee = (fee_of * fee_ratio).quantize(FEE_GRID, rounding=ROUND_DOWN)
    if fee_asset == received_asset:
        received -= fee
    else:
        paid += fee
    return Settlement(paid_asset, paid, received_asset, received, fee_asset, fee)


def lock_amount(
    *, side: Side, price: Decimal, size_base: Decimal, fee_ratio: Decimal, rules: Rules
) -> Decimal:
    """What an order of ``size_base`` at ``price`` holds back: base for a sale, quote (with its fee) for a purchase."""
    if side is Side.SELL:
        return size_base
    notional = price * size_base
    return notional if rules.fee_asset is FeeAsset.RECEIVED else notional * (1 + fee_ratio)
