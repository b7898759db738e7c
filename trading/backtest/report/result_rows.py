"""The rows about money made and risk taken."""

import math

import numpy as np

from trading.backtest.report import benchmark, drawdowns, ratios, student
from trading.backtest.report.facts import Facts, Rows, mean, middle
from trading.backtest.report.slices import moment
from trading.backtest.report.values import Row, Section, Unit
from trading.types.research import FloatArray

_NO_TRADE = "no trade was made"
_FEW_DAYS = "needs two days with different returns and equity above zero"
_NO_DRAWDOWN = "equity never fell below an earlier peak"


def rows(facts: Facts) -> tuple[Row, ...]:
    """Result, risk and the deepest drawdown."""
    return (
        *_money(facts),
        *_quality(facts),
        *_market(facts),
        *_risk(facts),
        *_costs(facts),
        *_deepest(facts),
    )


def _money(facts: Facts) -> tuple[Row, ...]:
    row, curve, theirs = Rows(section=Section.RESULT), facts.curve, facts.freqtrade
    return (
        row("total_return_ratio", "Total profit", curve.final / facts.start - 1, unit=Unit.RATIO,
            definition="(final equity - start equity) / start equity, after all fees and slippage"),
        row("profit_quote", "Absolute profit", curve.final - facts.start, unit=Unit.QUOTE,
            definition="final equity - start equity"),
        row("start_equity_quote", "Starting balance", facts.start, unit=Unit.QUOTE,
            definition="what the test began with"),
        row("final_equity_quote", "Final balance", curve.final, unit=Unit.QUOTE,
            definition="equity at the last close; what is still open counts at that close"),
        row("cagr_ratio", "CAGR", _cagr(facts), unit=Unit.RATIO,
            definition="(final / start)^(365 / days) - 1, days counted to the minute",
            reason="equity ended below zero, or the span is too short to be stretched to a year",
            freqtrade=theirs.cagr, theirs="the same over whole days; 0 when equity ended below zero"),
    )  # fmt: skip


def _quality(facts: Facts) -> tuple[Row, ...]:
    row, theirs, pnl = Rows(section=Section.RESULT), facts.freqtrade, facts.trips.pnl
    daily = facts.curve.day_return
    lost, won = -float(pnl[pnl < 0].sum()), float(pnl[pnl > 0].sum())
    return (
        row("sharpe", "Sharpe", None if daily is None else ratios.sharpe(daily), unit=Unit.NUMBER,
            definition="mean / standard deviation of daily returns on equity, open positions included, × √365",
            reason=_FEW_DAYS, freqtrade=theirs.sharpe,
            theirs="(sum of trade profits / start / days) / standard deviation per trade × √365"),
        row("sortino", "Sortino", None if daily is None else ratios.sortino(daily), unit=Unit.NUMBER,
            definition="mean daily return / root mean square of losing days (over all days) × √365",
            reason="needs two days, one of them losing, and equity above zero", freqtrade=theirs.sortino,
            theirs="(sum of trade profits / start / days) / standard deviation of losing trades × √365"),
        row("calmar", "Calmar", _calmar(facts), unit=Unit.NUMBER,
            definition="CAGR / maximum drawdown", reason=f"{_NO_DRAWDOWN}, or CAGR cannot be told",
            freqtrade=theirs.calmar,
            theirs="(total profit / days × 100) / drawdown (account) × √365"),
        row("sqn", "SQN", ratios.quality(_multiples(facts)), unit=Unit.NUMBER,
            definition="√trades × mean / standard deviation of the trades' profits in multiples of what their stop risked (Tharp)",
            reason="needs two trades with a stop and different results", freqtrade=theirs.sqn,
            theirs="√trades × mean / standard deviation of trade profit / start equity"),
        row("profit_factor", "Profit factor", ratios.part(won, lost), unit=Unit.NUMBER,
            definition="sum of winning trades / sum of losing trades",
            reason="no trade lost" if pnl.size else _NO_TRADE, freqtrade=theirs.profit_factor,
            theirs="the same; 0 when no trade lost"),
        *_expectancy(facts),
        row("p_value", "P-value", student.p_value(facts.trips.return_ratio), unit=Unit.NUMBER,
            definition="chance of a mean trade return at least this far from zero if it really were zero: two-sided one-sample t-test",
            reason="needs two trades with different returns"),
    )  # fmt: skip


def _expectancy(facts: Facts) -> tuple[Row, ...]:
    row, pnl = Rows(section=Section.RESULT), facts.trips.pnl
    losses = pnl[pnl < 0]
    expected = mean(pnl)
    relative = None if expected is None or not losses.size else expected / -float(losses.mean())
    return (
        row("expectancy_quote", "Expectancy", expected, unit=Unit.QUOTE, reason=_NO_TRADE,
            definition="win rate × average win - loss rate × average loss: what one trade brings on average"),
        row("expectancy_ratio", "Expectancy ratio", relative, unit=Unit.NUMBER,
            definition="expectancy / average loss", reason="no trade lost" if pnl.size else _NO_TRADE,
            freqtrade=facts.freqtrade.expectancy_ratio,
            theirs="(1 + average win / average loss) × win rate - 1, which takes a draw for a loss; 100 when no trade lost"),
    )  # fmt: skip


def _market(facts: Facts) -> tuple[Row, ...]:
    row, held = Rows(section=Section.RESULT), facts.held
    kept = None if held is None else held.final / facts.start - 1
    return (
        row("market_change_ratio", "Market change", benchmark.market_change(facts.markets), unit=Unit.RATIO,
            definition="mean over the instruments of (last close - first close) / first close", reason="no bars"),
        row("benchmark_return_ratio", "Buy and hold", kept, unit=Unit.RATIO, reason="no bars",
            definition="the same instruments in equal parts, bought at their first close with fee and slippage, held"),
        row("excess_return_ratio", "Over buy and hold", None if kept is None else facts.curve.final / facts.start - 1 - kept,
            unit=Unit.RATIO, definition="total profit - buy and hold", reason="no bars"),
        row("benchmark_max_drawdown_ratio", "Buy and hold's drawdown",
            None if held is None or not held.drawdown.size else float(held.drawdown.max()), unit=Unit.RATIO,
            definition="its deepest fall below an earlier peak", reason="no bars"),
    )  # fmt: skip


def _risk(facts: Facts) -> tuple[Row, ...]:
    row, curve, theirs = Rows(section=Section.RISK), facts.curve, facts.freqtrade
    daily = curve.day_return
    equity = np.append(curve.equity, facts.start)
    return (
        row("max_drawdown_ratio", "Max drawdown", _max_drawdown(facts), unit=Unit.RATIO,
            definition="deepest fall of equity at a close, open positions included, below an earlier peak, as a part of that peak",
            freqtrade=theirs.max_relative_drawdown, theirs="'max % of account underwater': closed trades only"),
        row("longest_underwater_s", "Longest under water", drawdowns.longest_s(curve), unit=Unit.SECONDS,
            definition="longest time from a peak until it was reached again, or until the end"),
        row("volatility_ratio", "Volatility", None if daily is None else ratios.volatility(daily), unit=Unit.RATIO,
            definition="standard deviation of daily returns × √365", reason=_FEW_DAYS),
        row("min_equity_quote", "Min balance", float(equity.min()), unit=Unit.QUOTE,
            definition="lowest equity at any close, the start included", freqtrade=theirs.csum_min,
            theirs="lowest balance after a closed trade"),
        row("max_equity_quote", "Max balance", float(equity.max()), unit=Unit.QUOTE,
            definition="highest equity at any close, the start included", freqtrade=theirs.csum_max,
            theirs="highest balance after a closed trade"),
        row("exposure_time_ratio", "Time in the market", _exposure(facts), unit=Unit.RATIO,
            definition="part of the span with at least one open position", reason="no bars"),
    )  # fmt: skip


def _costs(facts: Facts) -> tuple[Row, ...]:
    row, trips = Rows(section=Section.RISK), facts.trips
    stops = np.divide(
        trips.risk_quote, trips.stake_quote, out=np.full(len(trips), math.nan), where=trips.stake_quote > 0
    )
    return (
        row("fees_quote", "Fees", float(trips.fees_quote.sum()), unit=Unit.QUOTE,
            definition="fees of all entries and exits, already taken off every profit here"),
        row("median_stop_ratio", "Median stop distance", middle(stops), unit=Unit.RATIO,
            definition="distance from entry price to stop, as a part of the entry price",
            reason="no trade had a stop" if len(trips) else _NO_TRADE),
        row("median_bar_range_ratio", "Median bar range", median_range(facts), unit=Unit.RATIO,
            definition="(high - low) / open of a bar, the median; the smallest over the instruments", reason="no bars"),
    )  # fmt: skip


def _deepest(facts: Facts) -> tuple[Row, ...]:
    row, theirs = Rows(section=Section.DRAWDOWN), facts.freqtrade
    fall, why = drawdowns.widest(facts.curve), _NO_DRAWDOWN
    depth = fall.peak_quote - fall.low_quote if fall else 0.0
    none = theirs.drawdown_start_ms is None
    return (
        row("drawdown_quote", "Absolute drawdown", depth, unit=Unit.QUOTE,
            definition="deepest fall of equity at a close below an earlier peak, in money",
            freqtrade=theirs.max_drawdown_abs, theirs="closed trades only"),
        row("drawdown_account_ratio", "Absolute drawdown (account)", depth / fall.peak_quote if fall else 0.0, unit=Unit.RATIO,
            definition="the absolute drawdown as a part of equity at its peak",
            freqtrade=theirs.max_drawdown_account, theirs="closed trades only"),
        row("drawdown_high_quote", "Profit at its peak", fall.peak_quote - facts.start if fall else None, unit=Unit.QUOTE, reason=why,
            definition="equity at the peak - start equity", freqtrade=theirs.max_drawdown_high, theirs="closed trades only"),
        row("drawdown_low_quote", "Profit at its low", fall.low_quote - facts.start if fall else None, unit=Unit.QUOTE, reason=why,
            definition="equity at the low - start equity", freqtrade=theirs.max_drawdown_low, theirs="closed trades only"),
        row("drawdown_start", "Drawdown start", moment(fall.start_ms) if fall else None, unit=Unit.TIME, reason=why,
            definition="when the peak was", theirs="" if none else "closed trades only",
            freqtrade=None if theirs.drawdown_start_ms is None else moment(theirs.drawdown_start_ms)),
        row("drawdown_low", "Drawdown low", moment(fall.low_ms) if fall else None, unit=Unit.TIME, reason=why,
            definition="when it was deepest (freqtrade calls this the end)", theirs="" if none else "closed trades only",
            freqtrade=None if theirs.drawdown_end_ms is None else moment(theirs.drawdown_end_ms)),
        row("drawdown_end", "Drawdown recovered", moment(fall.end_ms) if fall and fall.end_ms is not None else None, unit=Unit.TIME,
            definition="when the peak was reached again", reason="not recovered by the last bar" if fall else why),
    )  # fmt: skip


def median_range(facts: Facts) -> float | None:
    """The smallest over the instruments of their median bar range, as a part of the open."""
    known = [middle((bars.high - bars.low) / bars.open) for bars in facts.markets if len(bars)]
    return min((value for value in known if value is not None), default=None)


def _cagr(facts: Facts) -> float | None:
    return ratios.cagr(facts.start, facts.curve.final, days=facts.curve.days)


def _max_drawdown(facts: Facts) -> float:
    return float(facts.curve.drawdown.max()) if facts.curve.drawdown.size else 0.0


def _calmar(facts: Facts) -> float | None:
    growth, depth = _cagr(facts), _max_drawdown(facts)
    return None if growth is None or depth <= 0 else ratios.finite(growth / depth)


def _multiples(facts: Facts) -> FloatArray:
    """Profits as multiples of the money at risk, for the trips that had a stop."""
    risk = facts.trips.risk_quote
    known = risk > 0
    return facts.trips.pnl[known] / risk[known]


def _exposure(facts: Facts) -> float | None:
    span_ms = facts.curve.days * 86_400_000
    return ratios.part(ratios.covered_ms(facts.trips.entry_ms, facts.trips.exit_ms), span_ms)
