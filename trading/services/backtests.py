"""Runs one backtest and keeps what came out; lists, reads back and finds what was kept."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from trading.backtest import packing
from trading.errors import InvalidValueError
from trading.models import Backtest, Sweep
from trading.services import bench as benches
from trading.services.bench import BacktestRequest, Bench
from trading.services.code_version import code_version
from trading.types.research import BacktestRun, Bars, Signals

if TYPE_CHECKING:
    from trading.backtest.report.values import Dataset, Report, WalkForward
    from trading.backtest.report.values import Sweep as SweepReport

Kind = Backtest.Kind
_ARRAYS = ("trades", "report")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """A stored run, with what it was made from: for showing it and for its report. `notes` are the strategy's own remarks."""

    row: Backtest
    run: BacktestRun
    markets: tuple[Bars, ...]
    report: "Report"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stretch:
    """One run's bars and what was said about them, cut to its period."""

    run: BacktestRun
    markets: tuple[Bars, ...]
    signals: tuple[Signals, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Origin:
    """Where a run comes from: by itself, or as the best of a sweep's combinations, or from a walk-forward's windows.

    `varied` names parameters that changed on the way, of which no single value is true.
    """

    kind: Kind = Kind.SINGLE
    sweep: Sweep | None = None
    tried: "SweepReport | None" = None
    walked: "WalkForward | None" = None
    varied: tuple[str, ...] = ()


ALONE = Origin()


def run(request: BacktestRequest, *, at: datetime) -> Outcome:
    """One backtest end to end, stored. TradingError in one line for whatever cannot be run; nothing is stored then."""
    started_s = time.perf_counter()
    bench = benches.open_bench(request)
    return run_on(bench, parameters={}, at=at, started_s=started_s)


def run_on(
    bench: Bench, *, parameters: Mapping[str, float], at: datetime, started_s: float, origin: Origin = ALONE
) -> Outcome:
    """One point on a loaded bench, in full, stored."""
    bench.refuse(parameters)
    since_ms, until_ms = bench.period_ms
    markets, signals = bench.cut(bench.signals(parameters), since_ms=since_ms, until_ms=until_ms)
    stretch = Stretch(run=bench.run(markets, signals), markets=markets, signals=signals)
    return keep(bench, stretch, parameters=parameters, at=at, started_s=started_s, origin=origin)


def keep(
    bench: Bench,
    stretch: Stretch,
    *,
    parameters: Mapping[str, float],
    at: datetime,
    started_s: float,
    origin: Origin = ALONE,
) -> Outcome:
    """Describes a run, stores it and gives it back."""
    from trading.backtest.report import document

    run = stretch.run
    told = {name: value for name, value in bench.values(parameters).items() if name not in origin.varied}
    report = _report(bench, stretch, parameters=told, at=at, origin=origin)
    answer = document.as_json(replace(report, trades=()))  # they are kept as an array
    row = Backtest.objects.create(
        kind=origin.kind,
        sweep=origin.sweep,
        strategy=bench.request.strategy,
        skill_digest=bench.play.digest,
        data_digest=bench.data_digest,
        code_version=code_version(),
        instruments=", ".join(map(str, bench.request.legs)),
        timeframe=bench.request.timeframe,
        since=benches.at(run.time_ms[0]),
        until=benches.at(run.time_ms[-1] + stretch.markets[0].step_ms),
        parameters=told,
        settings=_settings(bench),
        trade_count=run.trades.size,
        total_return_ratio=report.number("total_return_ratio") or 0.0,
        sharpe=report.number("sharpe"),
        max_drawdown_ratio=report.number("max_drawdown_ratio") or 0.0,
        metrics=answer["metrics"],
        flags=answer["flags"],
        trades=packing.pack(run.trades),
        report=document.pack(report),
        created_at=at,
        duration_s=round(time.perf_counter() - started_s, 4),
    )
    return Outcome(row=row, run=run, markets=stretch.markets, report=report, notes=bench.remarks(parameters))


def _report(
    bench: Bench, stretch: Stretch, *, parameters: Mapping[str, float], at: datetime, origin: Origin
) -> "Report":
    from trading.backtest.report.review import review
    from trading.backtest.report.values import Provenance

    provenance = Provenance(
        strategy=bench.request.strategy,
        strategy_digest=bench.play.digest,
        parameters=parameters,
        code_version=code_version(),
        made_at=at.isoformat(timespec="seconds"),
        settings=_shown_settings(bench),
    )
    return review(
        stretch.run,
        markets=stretch.markets,
        signals=stretch.signals,
        provenance=provenance,
        datasets=_datasets(bench, stretch),
        sweep=origin.tried,
        walk_forward=origin.walked,
        paths=0,  # simulated where it is shown: see `simulated`
    )


def simulated(outcome: Outcome) -> Outcome:
    """The same outcome with the Monte Carlo simulation in its report, which takes longer than the backtest itself."""
    from trading.backtest.report import montecarlo

    return replace(outcome, report=replace(outcome.report, montecarlo=montecarlo.simulate(outcome.run)))


def _datasets(bench: Bench, stretch: Stretch) -> tuple["Dataset", ...]:
    """The candles of the period; the digest covers those of the warm-up too, as they decide the first signals."""
    from trading.backtest.report.values import Dataset

    return tuple(
        Dataset(
            venue=bars.venue,
            symbol=bars.symbol,
            timeframe=bars.timeframe,
            first_ms=int(bars.open_time_ms[0]),
            last_ms=int(bars.open_time_ms[-1]),
            bars=len(bars),
            missing_bars=int(bars.open_time_ms[-1] - bars.open_time_ms[0]) // bars.step_ms + 1 - len(bars),
            digest=digest,
        )
        for bars, digest in zip(stretch.markets, bench.digests, strict=True)
        if len(bars)
    )


def _settings(bench: Bench) -> dict[str, Any]:
    """All that decided the result beside parameters, data and code; times and names as they were asked for."""
    return {
        **{name: value for name, value in bench.request.as_json().items() if name != "parameters"},
        "costs": [{**asdict(cost.terms), "source": cost.source} for cost in bench.costs],
        "capital": asdict(bench.capital),
    }


def _shown_settings(bench: Bench) -> dict[str, float | int | str | None]:
    """The settings in few words, for the report."""
    request = bench.request
    fees = [
        f"{cost.terms.venue} {cost.terms.symbol}: taker {cost.terms.taker_fee_ratio:.4%} ({cost.source})"
        for cost in bench.costs
    ]
    return {
        "profile": request.profile,
        "start_equity_quote": request.start_equity,
        "slippage_bps": request.slippage_bps,
        "max_open_positions": request.max_open_positions or "no limit",
        "fees": "; ".join(fees),
    }


def newest(count: int, *, strategy: str = "") -> list[Backtest]:
    """The newest runs without their arrays."""
    rows = Backtest.objects.defer(*_ARRAYS).select_related("sweep")
    return list(rows.filter(strategy=strategy)[:count] if strategy else rows[:count])


def find(numbers: Sequence[int]) -> list[Backtest]:
    """Stored runs in the order asked for; InvalidValueError naming the newest ones when one is not there."""
    found = Backtest.objects.in_bulk(numbers)
    missing = [number for number in numbers if number not in found]
    if missing:
        known = ", ".join(str(row.pk) for row in newest(5)) or "none"
        raise InvalidValueError(f"there is no stored backtest {missing[0]}; the newest are: {known}")
    return [found[number] for number in numbers]


def trades_of(row: Backtest) -> npt.NDArray[np.void]:
    """A stored run's trades, TRADE_DTYPE as it was then."""
    return packing.unpack(bytes(row.trades))


def report_of(row: Backtest) -> "Report":
    """A stored run's report as it was, with its trades; InvalidValueError for a run stored without one."""
    from trading.backtest.report import document, statistics

    return document.unpack(bytes(row.report), trades=statistics.listed(trades_of(row)))
