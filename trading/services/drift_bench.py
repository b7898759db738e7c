"""The backtest of a period the desk traded in: history's candles where there are any, else those the desk stored itself."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from trading import indicators
from trading.backtest.capital import from_limits
from trading.history.errors import MissingHistoryError
from trading.models import CandleRow, Instrument
from trading.playbook import Play
from trading.protocols import Strategy
from trading.risk.limits import for_profile
from trading.services import bench as benches
from trading.services import live_strategies, strategies
from trading.services.bench import BacktestRequest, Bench, Leg
from trading.services.market import candle_of
from trading.services.market_bars import TIMEFRAMES
from trading.services.research_terms import costs_of
from trading.types.research import TIMEFRAME_S, Bars


def open_bench(
    strategy: str,
    *,
    instruments: Sequence[Instrument],
    timeframe: str,
    since: datetime,
    until: datetime,
    start_equity: float,
    profile: str,
    slippage_bps: float,
) -> Bench:
    """Everything the backtest needs; its first bar is the one that closes at `since`, whose signal is the period's first.

    `timeframe` empty: the page's first. Raises TradingError in one line for what is missing.
    """
    engine, play = strategies.find(strategy)
    timeframe = timeframe or play.timeframes[0]
    request = BacktestRequest(
        strategy=strategy,
        legs=tuple(Leg(venue=item.venue.name, symbol=item.symbol) for item in instruments),
        timeframe=timeframe,
        since=since - timedelta(seconds=TIMEFRAME_S[timeframe]),
        until=until,
        parameters={},
        start_equity=start_equity,
        profile=profile,
        slippage_bps=slippage_bps,
        max_open_positions=int(play.values().get("max_open_positions", 0)),
    )
    try:
        return benches.open_bench(request)
    except MissingHistoryError:
        warmup = engine.warmup_bars(play.values()) + 1
        markets = _desk_candles(instruments, request=request, warmup=warmup)
        if markets is None:
            raise
    return _on_desk_candles(request, markets=markets, engine=engine, play=play)


def _on_desk_candles(
    request: BacktestRequest, *, markets: tuple[Bars, ...], engine: Strategy, play: Play
) -> Bench:
    assert request.since is not None, "a drift has a period"
    return Bench(
        request=request,
        strategy=engine,
        play=play,
        markets=markets,
        costs=tuple(
            costs_of(venue=leg.venue, symbol=leg.symbol, slippage_bps=request.slippage_bps)
            for leg in request.legs
        ),
        capital=from_limits(
            for_profile(request.profile),
            start_equity=request.start_equity,
            max_open_positions=request.max_open_positions,
        ),
        period_ms=_period(markets, since=request.since),
        indicators=indicators.provider(),
    )


def _desk_candles(
    instruments: Sequence[Instrument], *, request: BacktestRequest, warmup: int
) -> tuple[Bars, ...] | None:
    """The candles that `watch_market` stored, with the warm-up before the period; None when any instrument has none in it."""
    if request.timeframe not in TIMEFRAMES or request.since is None:
        return None
    begin = request.since - timedelta(seconds=warmup * TIMEFRAME_S[request.timeframe])
    found = []
    for instrument in instruments:
        rows = CandleRow.objects.filter(
            instrument=instrument,
            timeframe=request.timeframe,
            open_time__gte=begin,
            open_time__lt=request.until,
        ).order_by("open_time")
        candles = [candle_of(row) for row in rows]
        if not candles or candles[-1].open_time < request.since:
            return None
        bars = live_strategies.bars_of(candles, instrument=instrument, timeframe=request.timeframe)
        found.append(bars)
    return tuple(found)


def _period(markets: Sequence[Bars], *, since: datetime) -> tuple[int, int]:
    first = min(int(bars.open_time_ms[0]) for bars in markets)
    last = max(int(bars.open_time_ms[-1]) for bars in markets)
    return max(first, int(since.timestamp() * 1000)), last + markets[0].step_ms
