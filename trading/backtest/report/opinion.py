"""vectorbt's second opinion on a run, as plain values: whether its books agree with ours, its own statistics, and its own chart."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np

from trading.backtest import engine
from trading.backtest.report import ratios, thinning
from trading.backtest.report.document import plain
from trading.backtest.report.values import Report, Unit, Value
from trading.types.research import BacktestRun, Bars

Plain = dict[str, Any]

_CLOSED = "closed trades only, by leg"
_ROWS = "rows × bar length"
_PER_BAR = "bar returns, ours daily"


class _Meaning(NamedTuple):
    """What a row of vectorbt's table is here. `ours` is the key of our row; `differs` says why the two need not be equal."""

    key: str
    unit: Unit
    ours: str = ""
    differs: str = ""


_MEANINGS: Mapping[str, _Meaning] = {
    "Start": _Meaning("from", Unit.TIME, "from"),
    "End": _Meaning("to", Unit.TIME, "to", "the last bar's open, ours is its close"),
    "Period": _Meaning("period_s", Unit.SECONDS, "", _ROWS),
    "Start Value": _Meaning("start_equity_quote", Unit.QUOTE, "start_equity_quote"),
    "End Value": _Meaning("final_equity_quote", Unit.QUOTE, "final_equity_quote"),
    "Total Return [%]": _Meaning("total_return_ratio", Unit.RATIO, "total_return_ratio"),
    "Benchmark Return [%]": _Meaning("market_change_ratio", Unit.RATIO, "market_change_ratio"),
    "Max Gross Exposure [%]": _Meaning("max_gross_exposure_ratio", Unit.RATIO),
    "Total Fees Paid": _Meaning("fees_quote", Unit.QUOTE, "fees_quote", "funding counts as a fee"),
    "Max Drawdown [%]": _Meaning(
        "max_drawdown_ratio",
        Unit.RATIO,
        "max_drawdown_ratio",
        "opens too where a bar has several fills",
    ),
    "Max Drawdown Duration": _Meaning("longest_underwater_s", Unit.SECONDS, "longest_underwater_s", _ROWS),
    "Total Trades": _Meaning("trades", Unit.COUNT, "trades", "by leg of a pair"),
    "Total Closed Trades": _Meaning("closed_trades", Unit.COUNT),
    "Total Open Trades": _Meaning("open_at_end", Unit.COUNT, "open_at_end", "by leg of a pair"),
    "Open Trade PnL": _Meaning("open_trade_pnl_quote", Unit.QUOTE),
    "Win Rate [%]": _Meaning("win_rate_ratio", Unit.RATIO, "win_rate_ratio", _CLOSED),
    "Best Trade [%]": _Meaning("best_trade_return_ratio", Unit.RATIO, "best_trade_return_ratio", _CLOSED),
    "Worst Trade [%]": _Meaning("worst_trade_return_ratio", Unit.RATIO, "worst_trade_return_ratio", _CLOSED),
    "Avg Winning Trade [%]": _Meaning("avg_winning_return_ratio", Unit.RATIO),
    "Avg Losing Trade [%]": _Meaning("avg_losing_return_ratio", Unit.RATIO),
    "Avg Winning Trade Duration": _Meaning("avg_win_duration_s", Unit.SECONDS, "avg_win_duration_s", _ROWS),
    "Avg Losing Trade Duration": _Meaning("avg_loss_duration_s", Unit.SECONDS, "avg_loss_duration_s", _ROWS),
    "Profit Factor": _Meaning("profit_factor", Unit.NUMBER, "profit_factor", _CLOSED),
    "Expectancy": _Meaning("expectancy_quote", Unit.QUOTE, "expectancy_quote", _CLOSED),
    "Sharpe Ratio": _Meaning("sharpe", Unit.NUMBER, "sharpe", _PER_BAR),
    "Calmar Ratio": _Meaning("calmar", Unit.NUMBER, "calmar", "its year is counted in bars"),
    "Omega Ratio": _Meaning("omega", Unit.NUMBER),
    "Sortino Ratio": _Meaning("sortino", Unit.NUMBER, "sortino", _PER_BAR),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """One row of vectorbt's table; `ours` is None where we have none, `differs` is empty where both mean the same."""

    key: str
    label: str
    unit: Unit
    theirs: Value
    ours: Value
    has_ours: bool
    differs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondOpinion:
    """vectorbt on one run. `data` and `layout` are its Plotly chart of equity and the deepest drawdowns."""

    version: str
    figures: tuple[engine.Compared, ...]
    stats: tuple[Stat, ...]
    data: list[Plain]
    layout: Plain

    @property
    def agrees(self) -> bool:
        return all(figure.agrees for figure in self.figures)

    def as_json(self) -> Plain:
        """Plain numbers: what was compared, vectorbt's statistics under our names, and where those mean something else."""
        told: Plain = plain(
            {
                "version": self.version,
                "agrees": self.agrees,
                "compared": [asdict(figure) for figure in self.figures],
                "stats": {stat.key: stat.theirs for stat in self.stats},
                "differs": {stat.key: stat.differs for stat in self.stats if stat.differs},
            }
        )
        return told


def ask(run: BacktestRun, *, markets: Sequence[Bars], report: Report) -> SecondOpinion:
    """The fills of `run`, accounted for by vectorbt. ConfigurationError, one line, where it is not installed."""
    found = engine.second_opinion(run, markets=markets)
    data, layout = _chart(found.portfolio)
    return SecondOpinion(
        version=version("vectorbt"),
        figures=found.figures,
        stats=tuple(_stats(found.portfolio, report=report)),
        data=data,
        layout=layout,
    )


def _stats(portfolio: Any, *, report: Report) -> Iterator[Stat]:
    for label, value in portfolio.stats(silence_warnings=True).items():
        meaning = _MEANINGS[label]
        yield Stat(
            key=meaning.key,
            label=label.removesuffix(" [%]"),
            unit=meaning.unit,
            theirs=_value(value, unit=meaning.unit),
            ours=report.value(meaning.ours) if meaning.ours else None,
            has_ours=bool(meaning.ours),
            differs=meaning.differs,
        )


def _value(value: Any, *, unit: Unit) -> Value:
    if isinstance(value, datetime):  # pandas' own times are of these classes; its NaT is neither
        return value.isoformat() if value == value else None
    if isinstance(value, timedelta):
        return ratios.finite(value.total_seconds())
    number = ratios.finite(float(value))
    if number is None or unit is Unit.NUMBER or unit is Unit.QUOTE:
        return number
    return int(number) if unit is Unit.COUNT else number / 100


def _chart(portfolio: Any) -> tuple[list[Plain], Plain]:
    """vectorbt's chart of its own equity, thinned before it is drawn: drawing every bar of a year takes minutes."""
    import pandas

    value = portfolio.value()
    kept = thinning.line(value.index.as_unit("ms").asi8, value.to_numpy())
    index = pandas.to_datetime(kept.time_ms, unit="ms", utc=True)
    series: Any = pandas.Series(kept.values, index=index, name="Equity by vectorbt")
    drawn = series.vbt.drawdowns.plot()
    left_out = {"x", "y", "uid", "customdata", "hovertemplate"}
    data = [
        {
            **{name: item for name, item in trace.to_plotly_json().items() if name not in left_out},
            "x": [_ms(at) for at in trace.x],
            "y": np.asarray(trace.y, dtype=np.float64).tolist(),
        }
        for trace in drawn.data
    ]
    shapes = [shape.to_plotly_json() for shape in drawn.layout.shapes]
    spans = [{**shape, "x0": _ms(shape["x0"]), "x1": _ms(shape["x1"])} for shape in shapes]
    return data, {"xaxis": {"type": "date"}, "shapes": spans}


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
