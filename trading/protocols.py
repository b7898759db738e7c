"""What a plug-in of the trading package must provide.

| folder | object in each module | what it is |
|---|---|---|
| `trading/venues/` | `VENUE: VenueDriver` | opens market data and account clients of one kind of exchange |
| `trading/risk/rules/` | `RULE: Rule` | one question about one order |
| `trading/strategies/` | `STRATEGY: Strategy` | one engine: bars in, signals out; its skill of the same name holds its parameters |
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from trading.types import (
    Balance,
    Candle,
    InstrumentSpec,
    OrderBook,
    OrderRequest,
    ProposedOrder,
    PublicTrade,
    Quote,
    RuleResult,
    Snapshot,
    VenueFill,
    VenueOrder,
)
from trading.types.research import Bars, FloatArray, MarketTerms, Signals


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueConfig:
    """How to reach one venue. `options` go to the client as they are (addresses, proxy, narrowing); never a secret."""

    name: str
    client: str
    symbols: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """An account's keys in memory, at the moment of use. Its repr shows nothing."""

    key: str
    secret: str
    passphrase: str = ""

    def __repr__(self) -> str:
        return "Credentials([redacted])"


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueCapabilities:
    """What decides how an order may be sent and how doubt is resolved.

    `lateness_bound_s`: how long after the send an unanswered order can still appear at the venue.
    """

    has_stop_orders: bool
    has_client_order_id: bool
    lateness_bound_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStats:
    """How one instrument's data arrives. `source` is websocket, rest or none; the counters only grow.

    `losses` grows whenever trades may have been missed; until `has_all_trades` is true again, they still may be.
    """

    source: str
    messages: int
    resyncs: int
    losses: int
    has_all_trades: bool


class MarketData(Protocol):
    """Public data of one venue. Stream methods run until cancelled and reconnect by themselves;
    a gap in a book ends in a fresh snapshot, never in a wrong book."""

    async def instruments(self) -> Sequence[InstrumentSpec]: ...

    def quotes(self, symbol: str) -> AsyncIterator[Quote]: ...

    def books(self, symbol: str) -> AsyncIterator[OrderBook]: ...

    def trades(self, symbol: str) -> AsyncIterator[Sequence[PublicTrade]]: ...

    async def fetch_book(self, symbol: str) -> OrderBook: ...

    async def fetch_candles(
        self, symbol: str, *, timeframe: str, since: datetime | None, limit: int
    ) -> Sequence[Candle]:
        """Closed bars, oldest first. Raises ConfigurationError for a timeframe that the venue does not have."""
        ...

    async def symbols(self) -> Sequence[str]:
        """Every instrument that the venue lists, traded by the desk or not."""
        ...

    async def status(self) -> str:
        """ok, maintenance, or unknown where the venue does not say."""
        ...

    def stats(self, symbol: str) -> StreamStats: ...

    async def close(self) -> None: ...


class AccountClient(Protocol):
    """One venue account. Exactly one process holds it: nonces, limits and order identity live here."""

    capabilities: VenueCapabilities

    async def place_order(self, request: OrderRequest) -> VenueOrder:
        """One call. Raises VenueRejectedError for the venue's own definite no, OutcomeUnknownError for all doubt,
        VenueUnavailableError (RateLimitedError) only when nothing left this machine."""
        ...

    async def cancel_order(self, *, symbol: str, client_order_id: str, venue_order_id: str | None) -> None:
        """Asks for a cancel. Returning means asked, not canceled: only a terminal state read from the venue is proof."""
        ...

    async def find_order(
        self, *, symbol: str, client_order_id: str, venue_order_id: str | None, since: datetime
    ) -> VenueOrder | None:
        """The order by its ids in open orders, closed orders and trades; None only when all three were read and lack it."""
        ...

    async def open_orders(self) -> Sequence[VenueOrder]: ...

    async def fills(self, *, symbol: str, since: datetime) -> Sequence[VenueFill]: ...

    async def balances(self) -> Mapping[str, Balance]: ...

    async def server_time(self) -> datetime: ...

    def changes(self) -> AsyncIterator[None]:
        """Yields whenever something about the account may have changed, and after every reconnect. A hint: read over REST."""
        ...

    async def close(self) -> None: ...


class BookSource(Protocol):
    """Where the paper venue looks at the live market."""

    async def book(self, symbol: str) -> OrderBook | None: ...

    async def trades_since(self, symbol: str, *, since: datetime) -> Sequence[PublicTrade]: ...


class QuoteSource(Protocol):
    """Where the executor looks at the live market."""

    async def quote(self, symbol: str) -> Quote | None:
        """The newest best prices, fresh or not; None when there are none."""
        ...


class VenueDriver(Protocol):
    """The one object a venue plug-in offers."""

    def market_data(self, config: VenueConfig) -> MarketData: ...

    def account(self, config: VenueConfig, *, credentials: Credentials) -> AccountClient: ...


class Rule(Protocol):
    """One risk rule: pure, total, and no wider for being alone. A rule that raises is a veto."""

    name: str

    def check(self, order: ProposedOrder, snapshot: Snapshot, limits: Any) -> RuleResult: ...


class IndicatorProvider(Protocol):
    """Indicators over float64 arrays, oldest first; TA-Lib's definitions, NaN while not warmed up. Every result has the input's length."""

    name: str

    def sma(self, values: FloatArray, *, period: int) -> FloatArray: ...

    def ema(self, values: FloatArray, *, period: int) -> FloatArray: ...

    def rsi(self, values: FloatArray, *, period: int = 14) -> FloatArray: ...

    def macd(
        self, values: FloatArray, *, fast: int = 12, slow: int = 26, signal: int = 9
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """MACD line, signal line, histogram."""
        ...

    def atr(
        self, high: FloatArray, low: FloatArray, close: FloatArray, *, period: int = 14
    ) -> FloatArray: ...

    def bollinger(
        self, values: FloatArray, *, period: int = 20, deviations: float = 2.0
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Upper, middle, lower band."""
        ...

    def stochastic(
        self,
        high: FloatArray,
        low: FloatArray,
        close: FloatArray,
        *,
        period: int = 14,
        slow_k: int = 3,
        slow_d: int = 3,
    ) -> tuple[FloatArray, FloatArray]:
        """Slow %K and %D, 0 to 100."""
        ...

    def obv(self, close: FloatArray, volume: FloatArray) -> FloatArray: ...

    def adx(
        self, high: FloatArray, low: FloatArray, close: FloatArray, *, period: int = 14
    ) -> FloatArray: ...

    def ichimoku(
        self,
        high: FloatArray,
        low: FloatArray,
        *,
        conversion: int = 9,
        base: int = 26,
        span_b: int = 52,
        displacement: int = 26,
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Conversion line, base line, and the two spans as they stand over the current bar (computed `displacement` bars ago)."""
        ...

    def supertrend(
        self,
        high: FloatArray,
        low: FloatArray,
        close: FloatArray,
        *,
        period: int = 10,
        multiplier: float = 3.0,
    ) -> tuple[FloatArray, FloatArray]:
        """The line, and its direction: 1 up, -1 down."""
        ...


class Strategy(Protocol):
    """A pure engine. The value at bar i may depend on bars 0 to i only; the same call serves backtest and live."""

    name: str
    # Extra columns of Bars.features it reads; a run without one of them refuses to start.
    features: tuple[str, ...]
    # Columns it uses where they are there, and does without where they are not; `remarks` says what that means.
    optional_features: tuple[str, ...]
    # Two legs, long the first instrument and short the second; entered and left together. Features then hold the other leg's prices.
    is_pair: bool

    def warmup_bars(self, parameters: Mapping[str, float]) -> int:
        """How many bars must lie before the first signal that can be trusted; live looks at no fewer."""
        ...

    def signals(
        self, bars: Bars, *, parameters: Mapping[str, float], indicators: IndicatorProvider
    ) -> Signals: ...

    def objection(self, parameters: Mapping[str, float], *, terms: Sequence[MarketTerms]) -> str:
        """Why it cannot win, or may not run, on these terms (one per leg); empty when it may."""
        ...

    def remarks(
        self, parameters: Mapping[str, float], *, terms: Sequence[MarketTerms], features: Collection[str]
    ) -> tuple[str, ...]:
        """What a reader of its results must know, a line each: the win rate its costs demand, the checks that these features leave out."""
        ...
