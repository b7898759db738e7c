"""Doubts about the fills: stops inside bars, candles that are missing, trading for nothing, orders larger than the market."""

from collections.abc import Iterator

import numpy as np

from trading.backtest.report.doubts import Case
from trading.backtest.report.refusals import in_words
from trading.backtest.report.values import Flag, Level

# A bar is one price in, one out: what happens inside it is not known. Below this many of its ranges a stop lives inside bars.
LEAST_STOP_RANGES = 3.0
MOST_MISSING = 0.01
LARGEST_VOLUME_SHARE = 0.1
OFTEN = 0.05


def _tight_stops(case: Case) -> Iterator[Flag]:
    trades = case.run.trades
    for number, bars in enumerate(case.markets):
        mine = trades[trades["instrument"] == number]
        if not mine.size or not len(bars):
            continue
        usual = float(np.median((bars.high - bars.low) / bars.open))
        stop = _stop_distance(case, number)
        if stop is None or not 0 < stop < LEAST_STOP_RANGES * usual:
            continue
        inside, both = int(mine["is_entry_bar"].sum()), int(mine["is_both_hit"].sum())
        yield Flag(
            key="tight_stops",
            level=Level.FATAL if stop < usual else Level.WARNING,
            title="Stops tighter than the bars",
            words=f"{bars.symbol}: stops lie {stop:.3%} away, {stop / usual:.1f} × the median {bars.timeframe} bar's range of {usual:.3%}"
            f" (at least {LEAST_STOP_RANGES:.0f} × is wanted). {inside} of {mine.size} trades ended on the bar they began in, and {both} met"
            " stop and target in one bar, where the stop is assumed. Test on a shorter timeframe.",
            numbers={
                "symbol": bars.symbol,
                "median_stop_ratio": stop,
                "median_bar_range_ratio": usual,
                "trades": int(mine.size),
                "entry_bar_exits": inside,
                "both_hit_exits": both,
            },
        )


def _stop_distance(case: Case, number: int) -> float | None:
    """The tighter of the stops its trades had and the trailing distance its signals asked for, the medians."""
    trades = case.run.trades
    mine = trades[trades["instrument"] == number]
    known = np.abs(mine["entry_price"] - mine["stop_price"]) / mine["entry_price"]
    found = [known[~np.isnan(known)]]
    if number < len(case.signals):
        trailing = case.signals[number].trailing_ratio
        found.append(trailing[~np.isnan(trailing)])
    return min((float(np.median(values)) for values in found if values.size), default=None)


def _data(case: Case) -> Iterator[Flag]:
    for data in case.report.datasets:
        if not data.missing_bars:
            continue
        share = data.missing_bars / (data.bars + data.missing_bars)
        yield Flag(
            key="gaps",
            level=Level.WARNING if share > MOST_MISSING else Level.NOTE,
            title="Candles are missing",
            words=f"{data.symbol}: {data.missing_bars:,} of {data.bars + data.missing_bars:,} {data.timeframe} candles ({share:.2%}) are"
            " missing; nothing could be traded or stopped there. See `neuratrade candles gaps`.",
            numbers={"symbol": data.symbol, "missing_bars": data.missing_bars, "missing_ratio": share},
        )


def _costs(case: Case) -> Iterator[Flag]:
    free = [terms.symbol for terms in case.run.terms if terms.taker_fee_ratio <= 0]
    if free:
        yield Flag(
            key="no_fees",
            level=Level.WARNING,
            title="Trading was free",
            words=f"No taker fee was charged on {', '.join(free)}.",
            numbers={"instruments": len(free)},
        )
    exact = [terms.symbol for terms in case.run.terms if terms.slippage_bps <= 0]
    if exact:
        yield Flag(
            key="no_slippage",
            level=Level.NOTE,
            title="No slippage",
            words=f"Orders on {', '.join(exact)} filled at exactly the bar's price.",
            numbers={"instruments": len(exact)},
        )


def _liquidity(case: Case) -> Iterator[Flag]:
    """Trades larger than the market they were made in."""
    trades = case.run.trades
    for number, bars in enumerate(case.markets):
        mine = trades[trades["instrument"] == number]
        if not mine.size or not len(bars):
            continue
        at = np.clip(np.searchsorted(bars.open_time_ms, mine["entry_time_ms"]), 0, len(bars) - 1)
        volume = bars.volume_base[at]
        large = int((mine["size_base"] > LARGEST_VOLUME_SHARE * volume).sum())
        if large > OFTEN * mine.size:
            yield Flag(
                key="thin_market",
                level=Level.WARNING,
                title="Orders too large for the market",
                words=f"{bars.symbol}: {large} of {mine.size} entries were more than {LARGEST_VOLUME_SHARE:.0%} of all that traded in"
                " their bar; such orders move the price against themselves.",
                numbers={"symbol": bars.symbol, "large_entries": large, "trades": int(mine.size)},
            )


def _refused(case: Case) -> Iterator[Flag]:
    refused = sum(case.run.refusals.values())
    if len(case.trips) and refused > len(case.trips):
        reasons = sorted(case.run.refusals.items(), key=lambda item: -item[1])
        yield Flag(
            key="many_refused",
            level=Level.NOTE,
            title="Most entries were refused",
            words=f"{refused} entries were refused and {len(case.trips)} made; refused for: "
            + ", ".join(f"{in_words(reason)} ({count})" for reason, count in reasons if count)
            + ".",
            numbers={"refused_entries": refused, "trades": len(case.trips)},
        )


CHECKS = (_tight_stops, _data, _costs, _liquidity, _refused)
