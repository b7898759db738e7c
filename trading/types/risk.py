"""What the gate looks at and what it says."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Self

from trading.types.market import InstrumentSpec, OrderBook, Quote
from trading.types.terms import ONE, ZERO, Mode, OrderType, Purpose, Side, TimeInForce, TradingState


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionView:
    """An open position at liquidation value: `mark_price` is the bid for a long."""

    venue: str
    symbol: str
    base: str
    size_base: Decimal
    average_cost: Decimal
    mark_price: Decimal
    strategy: str = ""

    @property
    def notional_quote(self) -> Decimal:
        return self.size_base * self.mark_price


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingOrder:
    """An entry that exists or may exist at a venue; it counts as filled until proved otherwise."""

    venue: str
    symbol: str
    base: str
    side: Side
    remaining_base: Decimal
    price: Decimal

    @property
    def notional_quote(self) -> Decimal:
        return self.remaining_base * self.price


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """The account book in the reporting currency at one instant. `daily_realised_pnl` is since 00:00 UTC.

    `last_loss_at` is when the last losing round trip closed; None: no loss yet.
    """

    equity: Decimal
    equity_peak_24h: Decimal
    daily_realised_pnl: Decimal
    consecutive_losses: int
    last_loss_at: datetime | None = None
    positions: tuple[PositionView, ...] = ()
    pending: tuple[PendingOrder, ...] = ()

    @property
    def gross_exposure(self) -> Decimal:
        return sum((p.notional_quote for p in self.positions), ZERO) + sum(
            (o.notional_quote for o in self.pending if o.side is Side.BUY), ZERO
        )

    @property
    def drawdown_ratio(self) -> Decimal:
        """How far equity stands below its 24 h peak; 0 when there is no peak yet."""
        if self.equity_peak_24h <= 0:
            return ZERO
        return max(ZERO, ONE - self.equity / self.equity_peak_24h)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything the rules may look at, frozen at one instant. None means not known, and not known means no trade."""

    at: datetime
    mode: Mode
    trading_state: TradingState
    breaker_epoch: int
    instrument: InstrumentSpec
    quote: Quote | None
    book: OrderBook | None
    atr: Decimal | None
    free_quote: Decimal
    free_base: Decimal
    portfolio: Portfolio
    watchdog_ok_until: datetime | None
    blacklist: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedOrder:
    """A sized order before the rules: what the verdict is about."""

    purpose: Purpose
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    size_base: Decimal
    price_bound: Decimal
    stop_price: Decimal | None
    target_price: Decimal | None
    confidence_ratio: Decimal
    strategy: str = ""

    @property
    def notional_quote(self) -> Decimal:
        return self.size_base * self.price_bound


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleResult:
    """One rule's answer. `numbers` holds what was compared, as text, so the verdict explains itself."""

    rule: str
    passed: bool
    message: str
    numbers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All rules' answers; approved only if every one passed."""

    results: tuple[RuleResult, ...]

    @property
    def is_approved(self) -> bool:
        return bool(self.results) and all(result.passed for result in self.results)

    @property
    def vetoes(self) -> tuple[RuleResult, ...]:
        return tuple(result for result in self.results if not result.passed)

    def plus(self, result: RuleResult) -> Self:
        return type(self)(results=(*self.results, result))
