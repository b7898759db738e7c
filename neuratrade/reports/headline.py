"""What a report says first: the few figures people decide by, and whether they can be believed."""

from dataclasses import dataclass

from neuratrade.reports import words
from trading.backtest.report.values import Level, Report, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """One large figure. `note` stands small below it; `tone` is good, bad, warn or empty."""

    label: str
    text: str
    note: str
    tone: str


def headlines(report: Report) -> tuple[Headline, ...]:
    """Total profit, growth, Sharpe, drawdown, trades, profit factor: each with what puts it in its place."""
    asset, value = report.quote_asset, report.number
    profit, held = value("total_return_ratio"), value("benchmark_return_ratio")
    p_value, rate = value("p_value"), value("win_rate_ratio")
    return (
        Headline(
            label="Total profit",
            text=words.percent(profit),
            note=words.shown(value("profit_quote"), unit=Unit.QUOTE, asset=asset),
            tone=words.tone(profit),
        ),
        Headline(
            label="Buy and hold",
            text=words.percent(held),
            note="the same instruments, equal parts",
            tone=words.tone(held),
        ),
        Headline(
            label="Max drawdown",
            text=words.percent(value("max_drawdown_ratio")),
            note=f"buy and hold {words.percent(value('benchmark_max_drawdown_ratio'))}",
            tone="",
        ),
        Headline(
            label="Sharpe",
            text=words.number(value("sharpe")),
            note=f"Sortino {words.number(value('sortino'))}, CAGR {words.percent(value('cagr_ratio'))}",
            tone=words.tone(value("sharpe")),
        ),
        Headline(
            label="Profit factor",
            text=words.number(value("profit_factor")),
            note=f"win rate {words.percent(rate)}",
            tone=words.tone((value("profit_factor") or 1.0) - 1),
        ),
        Headline(
            label="Trades",
            text=words.shown(report.value("trades"), unit=Unit.COUNT),
            note="p-value " + words.number(p_value),
            tone="",
        ),
    )


def title(report: Report) -> str:
    """mean-reversion on BTC/USDT; the strategy's name is left out where nobody said it."""
    named = ", ".join(report.symbols)
    return f"{report.provenance.strategy} on {named}" if report.provenance else named


def subtitle(report: Report) -> str:
    """Venue, timeframe and span."""
    venues = ", ".join(dict.fromkeys(data.venue for data in report.datasets))
    first, last = report.value("from"), report.value("to")
    if first is None or last is None:
        return f"{venues} · {report.timeframe} · no bars"
    return f"{venues} · {report.timeframe} · {str(first)[:10]} to {str(last)[:10]} · {report.number('days') or 0:,.0f} days"


def verdict(report: Report) -> str:
    """One sentence over the flags."""
    fatal = sum(flag.level is Level.FATAL for flag in report.flags)
    doubts = len(report.flags) - fatal
    if fatal:
        return f"Not believable: {_counted(fatal, 'grave doubt')}" + (
            f" and {_counted(doubts, 'other')}." if doubts else "."
        )
    return (
        f"{_counted(doubts, 'doubt')} about this result.".capitalize()
        if doubts
        else "Nothing implausible was found."
    )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
