"""Which instruments the practice venues list, at which start price, with which filters."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from trading.practice.errors import PracticeError

QUOTE = "USDT"

# Start prices in USDT; the first six are the demo's, the rest serve benchmarks with many instruments.
START_PRICES: dict[str, str] = {
    "BTC": "97000", "ETH": "3400", "SOL": "190", "XRP": "2.3", "ADA": "0.9", "DOGE": "0.32",
    "LTC": "105", "LINK": "22", "DOT": "6.8", "AVAX": "37", "BCH": "440", "UNI": "13", "ATOM": "6.5",
    "XLM": "0.42", "ETC": "26", "FIL": "5.1", "TRX": "0.25", "ALGO": "0.36", "AAVE": "310", "NEAR": "5.2",
    "APT": "9.1", "ARB": "0.74", "OP": "1.8", "INJ": "21", "SUI": "4.3", "SEI": "0.41", "TIA": "4.9",
    "MKR": "1500", "SNX": "2.1", "CRV": "0.9", "COMP": "78", "GRT": "0.21", "SAND": "0.56", "MANA": "0.47",
    "AXS": "6.3", "CHZ": "0.083", "ENJ": "0.22", "BAT": "0.24", "ZEC": "55", "DASH": "38", "XMR": "200",
    "KSM": "33", "FLOW": "0.72", "ICP": "10.4", "IMX": "1.3", "LDO": "1.9", "RUNE": "4.6", "STX": "1.6",
    "GALA": "0.036", "PEPE": "0.00002",
}  # fmt: skip
DEMO_BASES = ("BTC", "ETH", "SOL", "XRP", "ADA", "DOGE")


@dataclass(frozen=True)
class Instrument:
    """A spot instrument as one venue lists it: its filters and its start price, all exact."""

    symbol: str
    base: str
    quote: str
    tick: Decimal
    step_base: Decimal
    min_size_base: Decimal
    max_size_base: Decimal
    min_notional_quote: Decimal
    max_notional_quote: Decimal
    start_price: Decimal

    def __post_init__(self) -> None:
        if self.tick <= 0 or self.step_base <= 0 or self.start_price <= 0:
            raise PracticeError(f"instrument {self.symbol}: tick, step and start price must be above zero")

    @property
    def price_decimals(self) -> int:
        """Digits after the point in a price."""
        return max(0, -int(self.tick.normalize().as_tuple().exponent))

    @property
    def size_decimals(self) -> int:
        """Digits after the point in a size."""
        return max(0, -int(self.step_base.normalize().as_tuple().exponent))

    def round_price(self, price: Decimal) -> Decimal:
        """``price`` on the tick grid, at least one tick."""
        return max(self.tick, (price / self.tick).to_integral_value() * self.tick)

    def floor_size(self, size_base: Decimal) -> Decimal:
        """``size_base`` down to the step grid."""
        return size_base // self.step_base * self.step_base


def start_prices(*, count: int, overrides: dict[str, Decimal]) -> dict[str, Decimal]:
    """Start price by base asset for the first ``count`` instruments; ``overrides`` (by base) also adds new ones."""
    if not 1 <= count <= len(START_PRICES):
        raise PracticeError(f"the practice venues list 1 to {len(START_PRICES)} instruments, not {count}")
    prices = {base: Decimal(text) for base, text in list(START_PRICES.items())[:count]}
    return {**prices, **overrides}


def binance_instrument(base: str, *, start_price: Decimal) -> Instrument:
    """The instrument with Binance-like filters: about seven significant digits in a price."""
    magnitude = start_price.adjusted()
    tick = Decimal(1).scaleb(max(-8, min(-2, magnitude - 4)))
    step = Decimal(1).scaleb(-max(0, min(5, magnitude + 1)))
    return Instrument(
        symbol=f"{base}/{QUOTE}",
        base=base,
        quote=QUOTE,
        tick=tick,
        step_base=step,
        min_size_base=step,
        max_size_base=Decimal(9_000_000_000) if magnitude < -2 else Decimal(9_000_000),
        min_notional_quote=Decimal(5),
        max_notional_quote=Decimal(9_000_000),
        start_price=start_price,
    )


def kraken_instrument(base: str, *, start_price: Decimal) -> Instrument:
    """The instrument with Kraken-like filters: six significant digits in a price, eight decimals in a size."""
    magnitude = start_price.adjusted()
    return Instrument(
        symbol=f"{base}/{QUOTE}",
        base=base,
        quote=QUOTE,
        tick=Decimal(1).scaleb(max(-10, min(-1, magnitude - 5))),
        step_base=Decimal("0.00000001"),
        min_size_base=Decimal(f"{Decimal(5) / start_price:.1e}"),
        max_size_base=Decimal(10_000_000_000),
        min_notional_quote=Decimal("0.5"),
        max_notional_quote=Decimal(100_000_000),
        start_price=start_price,
    )
