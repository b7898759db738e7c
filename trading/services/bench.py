"""One backtest set up: the strategy, its bars with their features, what trading costs, and the capital. Loading is here, counting is not.

Bars before the period are loaded too, as many as the strategy's warm-up needs where history has them: signals are computed on
all, the run begins at the period's first bar. Walk-forward windows are cut the same way, so a window never starts cold.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np

from trading.backtest.capital import from_limits
from trading.errors import ConfigurationError, InvalidValueError
from trading.playbook import Play
from trading.protocols import IndicatorProvider, Strategy
from trading.risk.limits import for_profile
from trading.services import research_data, strategies
from trading.services.research_terms import Costs, costs_of
from trading.types.research import TIMEFRAME_S, BacktestRun, Bars, Capital, FloatArray, MarketTerms, Signals


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One instrument of a backtest."""

    venue: str
    symbol: str

    def __str__(self) -> str:
        return f"{self.venue} {self.symbol}"

    @property
    def quote(self) -> str:
        return self.symbol.partition("/")[2].partition(":")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRequest:
    """What the operator asks for. `parameters` override the strategy's page; a pair's legs are long, then short."""

    strategy: str
    legs: tuple[Leg, ...]
    timeframe: str
    since: datetime | None = None
    until: datetime | None = None
    parameters: Mapping[str, float]
    start_equity: float = 10_000.0
    profile: str = "balanced"
    slippage_bps: float = 2.0
    fee_ratio: float | None = None
    max_open_positions: int = 0

    def __post_init__(self) -> None:
        if not self.legs:
            raise InvalidValueError(
                "give at least one instrument, as in --venue binance --instrument BTC/USDT"
            )
        if len(set(self.legs)) < len(self.legs):
            raise InvalidValueError("an instrument is given twice")
        quotes = sorted({leg.quote for leg in self.legs})
        if len(quotes) > 1:
            raise InvalidValueError(
                f"the instruments share one capital, so they must have one quote asset, not {' and '.join(quotes)}"
            )
        if self.timeframe not in TIMEFRAME_S:
            raise InvalidValueError(
                f"timeframe {self.timeframe!r} is unknown; give one of: {', '.join(TIMEFRAME_S)}"
            )

    def as_json(self) -> dict[str, Any]:
        """Plain values, from which `from_json` makes the same request."""
        return {
            "strategy": self.strategy,
            "legs": [[leg.venue, leg.symbol] for leg in self.legs],
            "timeframe": self.timeframe,
            "since": self.since.isoformat() if self.since else None,
            "until": self.until.isoformat() if self.until else None,
            "parameters": dict(self.parameters),
            "start_equity": self.start_equity,
            "profile": self.profile,
            "slippage_bps": self.slippage_bps,
            "fee_ratio": self.fee_ratio,
            "max_open_positions": self.max_open_positions,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "BacktestRequest":
        ends = {
            name: datetime.fromisoformat(stored[name]) if stored[name] else None
            for name in ("since", "until")
        }
        legs = tuple(Leg(venue=venue, symbol=symbol) for venue, symbol in stored["legs"])
        return cls(**{**stored, **ends, "legs": legs})


@dataclass(frozen=True, kw_only=True, eq=False)
class Bench:
    """Everything one backtest needs, in memory. `markets` reach back before the period; `period_ms` is its first and past-last time."""

    request: BacktestRequest
    strategy: Strategy
    play: Play
    markets: tuple[Bars, ...]
    costs: tuple[Costs, ...]
    capital: Capital
    period_ms: tuple[int, int]
    indicators: IndicatorProvider

    @cached_property
    def data_digest(self) -> str:
        """SHA-256 over every number of every instrument, and the period."""
        return sha256("\n".join((*self.digests, str(self.period_ms))).encode()).hexdigest()

    @cached_property
    def digests(self) -> tuple[str, ...]:
        """Per instrument, the bars of the warm-up included."""
        return tuple(bars.digest for bars in self.markets)

    @property
    def _terms(self) -> tuple[MarketTerms, ...]:
        return tuple(cost.terms for cost in self.costs)

    def values(self, parameters: Mapping[str, float]) -> Mapping[str, float]:
        """Every parameter of one point: the page's, the request's over them, `parameters` over both."""
        return self.play.values({**self.request.parameters, **parameters})

    def signals(self, parameters: Mapping[str, float]) -> tuple[Signals, ...]:
        """What the strategy says on all bars, per instrument; one for both legs of a pair. Nothing is entered during its warm-up."""
        values = self.values(parameters)
        warmup = self.strategy.warmup_bars(values)
        spoken = self.markets[:1] if self.strategy.is_pair else self.markets
        return tuple(
            _warmed(self.strategy.signals(bars, parameters=values, indicators=self.indicators), bars=warmup)
            for bars in spoken
        )

    def objection(self, parameters: Mapping[str, float]) -> str:
        """Why the strategy does not run with these parameters on these costs; empty when it does."""
        return self.strategy.objection(self.values(parameters), terms=self._terms)

    def refuse(self, parameters: Mapping[str, float]) -> None:
        """ConfigurationError with the strategy's objection, if it has one."""
        if objection := self.objection(parameters):
            raise ConfigurationError(f"{self.request.strategy} does not run here: {objection}")

    def remarks(self, parameters: Mapping[str, float]) -> tuple[str, ...]:
        """What a reader of the results must know."""
        features = frozenset(self.markets[0].features)
        said = self.strategy.remarks(self.values(parameters), terms=self._terms, features=features)
        sold = self.markets[-1]
        if self.strategy.is_pair and ":" in sold.symbol and research_data.PAID not in sold.features:
            said += (f"no funding of {sold.venue} {sold.symbol} is stored, so none is counted",)
        return said

    def within(self, since_ms: int, until_ms: int) -> tuple[tuple[int, int], ...]:
        """First and past-last bar of each instrument in a stretch of time."""
        return tuple(
            (int(first), int(last))
            for first, last in (
                np.searchsorted(bars.open_time_ms, (since_ms, until_ms)) for bars in self.markets
            )
        )

    def cut(
        self, signals: tuple[Signals, ...], *, since_ms: int, until_ms: int
    ) -> tuple[tuple[Bars, ...], tuple[Signals, ...]]:
        """Bars and signals of a stretch of time, as views."""
        ranges = self.within(since_ms, until_ms)
        bars = tuple(market.part(*span) for market, span in zip(self.markets, ranges, strict=True))
        return bars, tuple(
            part_of(spoken, first=first, last=last)
            for spoken, (first, last) in zip(signals, ranges, strict=False)
        )

    def run(
        self, markets: tuple[Bars, ...], signals: tuple[Signals, ...], *, start_equity: float | None = None
    ) -> BacktestRun:
        """The kernel over these bars and signals."""
        from trading.backtest import run as kernel

        capital = self.capital if start_equity is None else replace(self.capital, start_equity=start_equity)
        if not self.strategy.is_pair:
            return kernel.run(markets, signals, terms=self._terms, capital=capital)
        funding = markets[1].features.get(research_data.PAID)
        return kernel.run_pair(
            markets[0], markets[1], signals[0], terms=self._terms, capital=capital, funding=funding
        )


def _warmed(signals: Signals, *, bars: int) -> Signals:
    if bars == 0 or not bool(signals.enter[:bars].any()):
        return signals
    enter = signals.enter.copy()
    enter[:bars] = False
    return replace(signals, enter=enter)


def part_of(signals: Signals, *, first: int, last: int) -> Signals:
    """Signals at bars `first` to before `last`; single values hold for all and stay."""

    def part(column: FloatArray) -> FloatArray:
        return column if column.size == 1 else column[first:last]

    return Signals(
        enter=signals.enter[first:last],
        exit=signals.exit[first:last],
        stop_ratio=part(signals.stop_ratio),
        target_ratio=part(signals.target_ratio),
        trailing_ratio=part(signals.trailing_ratio),
        confidence_ratio=part(signals.confidence_ratio),
        max_hold_bars=signals.max_hold_bars,
    )


def open_bench(
    request: BacktestRequest, *, points: Iterable[Mapping[str, float]] = ({},), is_sweep: bool = False
) -> Bench:
    """Loads what `request` asks for; `points` are the parameters that will be tried on it, all checked here.

    Raises TradingError in one line: unknown strategy, parameter, timeframe, venue or instrument, missing or too few candles, no fees.
    """
    from trading import indicators
    from trading.indicators import lean

    lean.load_talib()
    strategy, play = strategies.find(request.strategy)
    play.require_timeframe(request.timeframe)
    _check_legs(request, strategy)
    warmup = max(strategy.warmup_bars(play.values({**request.parameters, **point})) for point in points)
    markets = research_data.load(strategy, request=request, since=_before(request, bars=warmup))
    period_ms = _period(request, markets, warmup=warmup)
    costs = tuple(
        costs_of(
            venue=leg.venue,
            symbol=leg.symbol,
            slippage_bps=request.slippage_bps,
            fee_ratio=request.fee_ratio,
        )
        for leg in request.legs
    )
    return Bench(
        request=request,
        strategy=strategy,
        play=play,
        markets=markets,
        costs=costs,
        capital=from_limits(
            for_profile(request.profile),
            start_equity=request.start_equity,
            max_open_positions=request.max_open_positions,
        ),
        period_ms=period_ms,
        indicators=indicators.cached(indicators.provider()) if is_sweep else indicators.provider(),
    )


def _check_legs(request: BacktestRequest, strategy: Strategy) -> None:
    if strategy.is_pair and len(request.legs) != 2:
        raise InvalidValueError(
            f"{request.strategy} trades a pair: give two instruments, the long leg first, "
            "as in --instrument binance:BTC/USDT --instrument kraken:BTC/USDT"
        )


def _before(request: BacktestRequest, *, bars: int) -> datetime | None:
    if request.since is None:
        return None
    return request.since - timedelta(seconds=bars * TIMEFRAME_S[request.timeframe])


def _period(request: BacktestRequest, markets: tuple[Bars, ...], *, warmup: int) -> tuple[int, int]:
    """The first bar's time and the time after the last, over all instruments; refuses what has no bar beyond the warm-up."""
    since_ms = int(request.since.timestamp() * 1000) if request.since else 0
    for bars in markets:
        inside = len(bars) - int(np.searchsorted(bars.open_time_ms, since_ms))
        if inside == 0 or len(bars) <= warmup:
            raise InvalidValueError(_too_few(bars, inside=inside, warmup=warmup))
    first = min(int(bars.open_time_ms[np.searchsorted(bars.open_time_ms, since_ms)]) for bars in markets)
    return first, max(int(bars.open_time_ms[-1]) for bars in markets) + markets[0].step_ms


def _too_few(bars: Bars, *, inside: int, warmup: int) -> str:
    what = f"{bars.venue} {bars.symbol} {bars.timeframe}"
    if inside == 0:
        return f"{what} has no candles in that period; `neuratrade candles list` shows what there is"
    span = " to ".join(f"{at(ms):%Y-%m-%d %H:%M}" for ms in (bars.open_time_ms[0], bars.open_time_ms[-1]))
    return (
        f"{what} has {len(bars):,} candles there ({span}), and the strategy needs more than {warmup:,} to warm up; "
        "give a longer period"
    )


def at(time_ms: float) -> datetime:
    """An array's time as an aware one."""
    return datetime.fromtimestamp(int(time_ms) / 1000, UTC)
