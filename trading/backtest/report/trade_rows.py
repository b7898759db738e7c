"""The rows about trades, days and the setting."""

import numpy as np

from trading.backtest.report import ratios
from trading.backtest.report.facts import Facts, Rows, mean, middle
from trading.backtest.report.slices import by_instrument, moment
from trading.backtest.report.values import Row, Section, Unit
from trading.types.research import FloatArray

_NO_TRADE = "no trade was made"


def rows(facts: Facts) -> tuple[Row, ...]:
    """Trades, days and the setting."""
    return (
        *_counts(facts),
        *_sides(facts),
        *_sizes(facts),
        *_extremes(facts),
        *_durations(facts),
        *_refused(facts),
        *_days(facts),
        *_setting(facts),
    )


def _counts(facts: Facts) -> tuple[Row, ...]:
    row, trips = Rows(section=Section.TRADES), facts.trips
    count, won = len(trips), int((trips.pnl > 0).sum())
    return (
        row("trades", "Trades", count, unit=Unit.COUNT,
            definition="round trips, those still open at the end included; a pair's two legs are one"),
        row("trades_per_day", "Trades per day", ratios.part(count, facts.curve.days), unit=Unit.NUMBER,
            definition="trades / days", reason="no bars", freqtrade=facts.freqtrade.trades_per_day,
            theirs="over whole days, rounded"),
        row("wins", "Winning trades", won, unit=Unit.COUNT, definition="profit above zero after fees"),
        row("draws", "Draws", int((trips.pnl == 0).sum()), unit=Unit.COUNT, definition="profit exactly zero"),
        row("losses", "Losing trades", int((trips.pnl < 0).sum()), unit=Unit.COUNT, definition="profit below zero after fees"),
        row("win_rate_ratio", "Win rate", ratios.part(won, count), unit=Unit.RATIO,
            definition="winning trades / trades", reason=_NO_TRADE),
        row("open_at_end", "Left open", int(trips.is_open.sum()), unit=Unit.COUNT,
            definition="still open at the last bar, valued at its close"),
        row("entry_bar_exits", "Stopped on the entry bar", int(trips.is_entry_bar.sum()), unit=Unit.COUNT,
            definition="trades that ended within the bar they began in: what happened first inside it is an assumption"),
        row("both_hit_exits", "Stop and target in one bar", int(trips.is_both_hit.sum()), unit=Unit.COUNT,
            definition="trades whose last bar held the stop and the target; the stop was taken"),
    )  # fmt: skip


def _sides(facts: Facts) -> tuple[Row, ...]:
    row, trades = Rows(section=Section.TRADES), facts.run.trades
    rows: list[Row] = []
    for name, sign in (("long", 1), ("short", -1)):
        mine = trades["side"] == sign
        profit = float(trades["pnl"][mine].sum())
        rows += (
            row(f"{name}_trades", f"{name.title()} trades", int(mine.sum()), unit=Unit.COUNT,
                definition=f"{name} positions; a pair has one of each"),
            row(f"{name}_profit_quote", f"Profit {name}", profit, unit=Unit.QUOTE, definition=f"sum of profits of {name} positions"),
            row(f"{name}_return_ratio", f"Profit {name}, of start", profit / facts.start, unit=Unit.RATIO,
                definition=f"sum of profits of {name} positions / start equity"),
        )  # fmt: skip
    return tuple(rows)


def _sizes(facts: Facts) -> tuple[Row, ...]:
    row, trips = Rows(section=Section.TRADES), facts.trips
    return (
        row("avg_return_ratio", "Average trade", mean(trips.return_ratio), unit=Unit.RATIO,
            definition="mean of profit / stake over the trades", reason=_NO_TRADE),
        row("median_return_ratio", "Median trade", middle(trips.return_ratio), unit=Unit.RATIO,
            definition="median of profit / stake over the trades", reason=_NO_TRADE),
        row("avg_stake_quote", "Average stake", mean(trips.stake_quote), unit=Unit.QUOTE,
            definition="mean of entry price × size", reason=_NO_TRADE),
        row("volume_quote", "Total trade volume", float(trips.turnover_quote.sum()), unit=Unit.QUOTE,
            definition="sum of price × size over entries and exits"),
    )  # fmt: skip


def _extremes(facts: Facts) -> tuple[Row, ...]:
    row, returns = Rows(section=Section.TRADES), facts.trips.return_ratio
    lines = [
        line for line in by_instrument(facts.trips, symbols=facts.symbols, start=facts.start) if line.trades
    ]
    rows: list[Row] = []
    for name, place in (("best", 0), ("worst", -1)):
        line = lines[place] if lines else None
        trade = None if not returns.size else float(returns.max() if name == "best" else returns.min())
        rows += (
            row(f"{name}_instrument", f"{name.title()} instrument", line.name if line else None, unit=Unit.TEXT,
                definition="by sum of profits", reason=_NO_TRADE),
            row(f"{name}_instrument_return_ratio", f"{name.title()} instrument's profit", line.return_ratio if line else None,
                unit=Unit.RATIO, definition="its sum of profits / start equity", reason=_NO_TRADE),
            row(f"{name}_trade_return_ratio", f"{name.title()} trade", trade, unit=Unit.RATIO,
                definition="profit / stake", reason=_NO_TRADE),
        )  # fmt: skip
    return tuple(rows)


def _durations(facts: Facts) -> tuple[Row, ...]:
    row, pnl, lasted = Rows(section=Section.TRADES), facts.trips.pnl, facts.trips.duration_s
    return (
        row("avg_duration_s", "Average duration", mean(lasted), unit=Unit.SECONDS,
            definition="mean time from the open of the entry bar to the open of the exit bar; a trade within one bar lasts 0", reason=_NO_TRADE),
        row("avg_win_duration_s", "Average duration, winners", mean(lasted[pnl > 0]), unit=Unit.SECONDS,
            definition="the same for winning trades", reason="no trade won"),
        row("avg_loss_duration_s", "Average duration, losers", mean(lasted[pnl < 0]), unit=Unit.SECONDS,
            definition="the same for losing trades", reason="no trade lost"),
        row("max_consecutive_wins", "Most wins in a row", ratios.longest_run(pnl > 0), unit=Unit.COUNT,
            definition="in order of exit; a draw ends the row"),
        row("max_consecutive_losses", "Most losses in a row", ratios.longest_run(pnl < 0), unit=Unit.COUNT,
            definition="in order of exit; a draw ends the row", freqtrade=ratios.longest_run(pnl <= 0),
            theirs="a draw counts as a loss"),
    )  # fmt: skip


def _refused(facts: Facts) -> tuple[Row, ...]:
    row = Rows(section=Section.TRADES)
    return (
        row("rejected_entries", "Rejected entries", sum(facts.run.refusals.values()), unit=Unit.COUNT,
            definition="entries the strategy asked for and limits, cash or least sizes did not allow"),
        row("order_timeouts", "Order time-outs", 0, unit=Unit.COUNT,
            definition="timed-out, cancelled and replaced orders: always none, as every order here is a market order and fills at once"),
    )  # fmt: skip


def _days(facts: Facts) -> tuple[Row, ...]:
    row, theirs, change = Rows(section=Section.DAYS), facts.freqtrade, facts.curve.day_change
    daily = facts.curve.day_return
    rows = [
        row("days", "Days", facts.curve.days, unit=Unit.NUMBER, definition="from the first bar's open to the last bar's close"),
        row("avg_daily_profit_quote", "Average daily profit", ratios.part(facts.curve.final - facts.start, facts.curve.days),
            unit=Unit.QUOTE, definition="profit / days", reason="no bars"),
    ]  # fmt: skip
    for name, pick in (("best", np.max), ("worst", np.min)):
        rows += (
            row(f"{name}_day_quote", f"{name.title()} day", float(pick(change)) if change.size else None, unit=Unit.QUOTE,
                definition="change of equity over one UTC day, open positions included", reason="no bars",
                freqtrade=getattr(theirs, f"{name}_day_quote"), theirs="profit of the trades closed that day"),
            row(f"{name}_day_ratio", f"{name.title()} day, of equity", _picked(daily, largest=name == "best"),
                unit=Unit.RATIO, definition="the same as a part of the equity that day began with",
                reason="no bars, or equity was zero or less"),
        )  # fmt: skip
    for key, label, count, other in (
        ("days_won", "Days won", (change > 0).sum(), theirs.winning_days),
        ("days_drawn", "Days without change", (change == 0).sum(), theirs.draw_days),
        ("days_lost", "Days lost", (change < 0).sum(), theirs.losing_days),
    ):
        rows.append(
            row(key, label, int(count), unit=Unit.COUNT, definition="by change of equity, open positions included",
                freqtrade=other, theirs="by profit of closed trades, between the first and the last exit")
        )  # fmt: skip
    return tuple(rows)


def _picked(daily: FloatArray | None, *, largest: bool) -> float | None:
    if daily is None or not daily.size:
        return None
    return float(daily.max() if largest else daily.min())


def _setting(facts: Facts) -> tuple[Row, ...]:
    row, closes = Rows(section=Section.SETTING), facts.curve.close_ms
    most = facts.run.capital.max_open_positions
    return (
        row("from", "From", moment(facts.curve.start_ms) if closes.size else None, unit=Unit.TIME,
            definition="open of the first bar", reason="no bars"),
        row("to", "To", moment(int(closes[-1])) if closes.size else None, unit=Unit.TIME,
            definition="close of the last bar", reason="no bars"),
        row("timeframe", "Timeframe", facts.run.timeframe, unit=Unit.TEXT, definition="length of a bar"),
        row("instruments", "Instruments", ", ".join(facts.symbols), unit=Unit.TEXT, definition="sharing one capital"),
        row("trading_mode", "Trading mode", "pair: long one, short the other" if facts.trips.is_pair else "spot, long only",
            unit=Unit.TEXT, definition="what the positions are"),
        row("max_open_trades", "Max open trades", most or "no limit of its own", unit=Unit.TEXT if not most else Unit.COUNT,
            definition="positions open at once; exposure limits hold besides"),
    )  # fmt: skip
