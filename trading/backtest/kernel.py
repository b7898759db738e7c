"""The loop that trades bars: several instruments, one capital, the paper venue's rules. Compiled; all its code is in this file,
because the disk cache looks at this file alone (`layout.py` has no code, only what the columns mean).

Within one bar, in this order: what is due at the open (an exit the strategy or the time stop asked for; a gap through stop or
target) fills at the open; entries fill at the open; then a low at the stop fills at the stop, before a high at the target fills
at the target. What is said at a close is done at the instrument's next open. Every fill is a taker's, with fee and slippage.
Stop and target count from the entry's fill price and work on the entry bar too. A trailing stop moves when a bar has closed.

A target is reached when the price less slippage is: the desk sells at its target once the bid is there. A gap above it fills better.

Sizes follow `trading/risk/sizing.py` with the entry's fill as the ask. Left out, because bars do not know it: the depth of the book. Without a
target there is no payoff, so no Kelly cap either (the live desk always sets a target).
Prices are not cut to the tick; that moves a stop by less than one tick.
"""

import numpy as np

from neuratrade.lib.jit import compiled
from trading.backtest.layout import REASONS, TRADE_COLUMNS, Costs, Market, Outcome, Said, Stakes
from trading.types.research import BoolArray, ExitKind, FloatArray, IntArray

_CAPS = 7
_MIN_SIZE, _MIN_NOTIONAL, _NO_STOP, _BAD_TARGET, _OPEN_POSITIONS, _NO_EQUITY = range(_CAPS, len(REASONS))

# What is known of an open position: one row of `book` per instrument, of size zero when flat.
_SIZE, _ENTRY, _STOP, _LEVEL, _TARGET, _TRAILING, _HIGHEST, _LOWEST, _FEE, _EQUITY, _BAR, _HELD, _LAST = (
    range(13)
)
_STATE = 13

# What trading an instrument costs and allows: one row of `cost` each.
_RATE, _SLIP, _STEP, _LEAST, _LEAST_NOTIONAL = range(5)

_WIDTH = len(TRADE_COLUMNS)
_IS_BOTH = _WIDTH - 1
_FIRST_ROOM = 1024

_BY_SIGNAL, _BY_STOP, _BY_TARGET = int(ExitKind.SIGNAL), int(ExitKind.STOP), int(ExitKind.TARGET)
_BY_TRAILING, _BY_TIME, _BY_END = int(ExitKind.TRAILING), int(ExitKind.TIME), int(ExitKind.END)
_NOT = -1

# Added before a size is cut to whole steps: a quotient that is whole but for rounding stays whole.
_WHOLE = 1e-9


@compiled
def _is_bar(open_: float, high: float, low: float, close: float) -> bool:
    """False for NaN, infinity, nothing, and for an open or close outside low..high."""
    return 0.0 < low <= min(open_, close) and max(open_, close) <= high < np.inf


@compiled
def _due(held: FloatArray, open_: float, is_said: int, max_hold: int) -> int:
    """Why the position must be left at this open; -1 when it need not."""
    if is_said:
        return _BY_SIGNAL
    if 0 < max_hold <= held[_HELD]:
        return _BY_TIME
    if open_ <= held[_LEVEL]:
        return _BY_TRAILING if held[_LEVEL] > held[_STOP] else _BY_STOP
    return _BY_TARGET if open_ >= held[_TARGET] else _NOT


@compiled
def _hit(held: FloatArray, high: float, low: float) -> int:
    if low <= held[_LEVEL]:
        return _BY_TRAILING if held[_LEVEL] > held[_STOP] else _BY_STOP
    return _BY_TARGET if high >= held[_TARGET] else _NOT


@compiled
def _inside(held: FloatArray, kind: int, open_: float, high: float) -> tuple[float, bool]:
    """Where a stop or target inside the bar fills, and whether the bar held both."""
    if kind == _BY_TARGET:
        return held[_TARGET], False
    # An open below the stop: only after an entry that slipped further than its stop is away.
    return min(held[_LEVEL], open_), bool(open_ > held[_LEVEL] and high >= held[_TARGET])


@compiled
def _close_bar(held: FloatArray, high: float, low: float, close: float) -> None:
    """The bar is over and the position is still there."""
    held[_HELD] += 1.0
    held[_LAST] = close
    held[_LOWEST] = min(held[_LOWEST], low)
    if high > held[_HIGHEST]:
        held[_HIGHEST] = high
        held[_LEVEL] = max(held[_LEVEL], high * (1.0 - held[_TRAILING]))


@compiled
def _record(row: FloatArray, held: FloatArray, k: int, t: int, kind: int, price: float, fee: float) -> None:
    entry, size = held[_ENTRY], held[_SIZE]
    row[0], row[1], row[2], row[3] = k, kind, held[_BAR], t
    row[4], row[5], row[6], row[7] = entry, price, held[_STOP], size
    row[8], row[9] = held[_FEE], fee
    row[10] = size * (price - entry) - held[_FEE] - fee
    row[11] = held[_EQUITY]
    row[12] = max(0.0, entry - held[_LOWEST]) / entry
    row[13] = max(0.0, held[_HIGHEST] - entry) / entry
    row[14], row[15] = kind != _BY_END and held[_BAR] == t, 0.0


@compiled
def _leave(
    row: FloatArray, held: FloatArray, k: int, t: int, kind: int, level: float, cost: FloatArray
) -> float:
    """Sells at `level` less slippage; the cash it brings. Of its last bar the excursions count the exit alone: the rest is unknown."""
    price = level * (1.0 - cost[_SLIP])
    fee = held[_SIZE] * price * cost[_RATE]
    held[_LOWEST] = min(held[_LOWEST], price)
    held[_HIGHEST] = max(held[_HIGHEST], price)
    _record(row, held, k, t, kind, price, fee)
    cash: float = held[_SIZE] * price - fee
    held[_SIZE] = 0.0
    return cash


@compiled
def _kelly(
    bound: float, stop: float, target: float, loss: float, fee: float, claim: float, weight: float
) -> float:
    """`trading.risk.economics.kelly_ratio` as floats; -1 also for a claim that is no chance."""
    gain = target - bound - (bound + target) * fee
    if gain <= 0.0 or not 0.0 <= claim <= 1.0:
        return -1.0
    risked, hoped = abs(bound - stop), abs(target - bound)
    fair = risked / (risked + hoped)
    chance = fair + weight * (claim - fair)
    return chance - (1.0 - chance) * loss / gain


@compiled
def _exposure(
    k: int, rows: IntArray, opens: FloatArray, book: FloatArray, asset: IntArray, venue: IntArray
) -> tuple[float, float, float, int]:
    """Held now, at the opens known now (else the last close): in all, in the asset, at the venue; and how many positions."""
    total, of_asset, of_venue, count = 0.0, 0.0, 0.0, 0
    for j in range(rows.size):
        size, row = book[j, _SIZE], rows[j]
        if size > 0.0:
            notional = size * (opens[row] if row >= 0 else book[j, _LAST])
            total += notional
            count += 1
            of_asset += notional if asset[j] == asset[k] else 0.0
            of_venue += notional if venue[j] == venue[k] else 0.0
    return total, of_asset, of_venue, count


@compiled
def _size(
    open_: float,
    stop: float,
    target: float,
    claim: float,
    cash: float,
    exposure: tuple[float, float, float, int],
    cost: FloatArray,
    stakes: Stakes,
) -> tuple[float, int]:
    """The size every cap allows, on the venue's step, and -1; or 0 and why not. `target` infinite: none, and no Kelly cap."""
    total, of_asset, of_venue, count = exposure
    equity, fee = cash + total, cost[_RATE]
    if equity <= 0.0:
        return 0.0, _NO_EQUITY
    if 0 < stakes.max_open <= count:
        return 0.0, _OPEN_POSITIONS
    bound, worst, kelly = open_ * (1.0 + stakes.max_slip), stop * (1.0 - stakes.max_slip), np.inf
    loss = bound - worst + (bound + worst) * fee
    if target < np.inf and stakes.kelly < np.inf:
        kelly = _kelly(bound, stop, target, loss, fee, claim, stakes.confidence_weight)
        kelly *= stakes.kelly * equity / loss
    caps = (
        min(stakes.notional_ratio * equity, stakes.notional_quote) / bound,
        (stakes.leverage * equity - total) / bound,
        (stakes.asset * equity - of_asset) / bound,
        (stakes.venue * equity - of_venue) / bound,
        cash / (1.0 + fee) / bound,
        stakes.risk * equity / loss,
        kelly,
    )
    binding = 0
    for cap in range(1, _CAPS):
        if caps[cap] < caps[binding]:
            binding = cap
    size = caps[binding]
    if cost[_STEP] > 0.0:
        size = np.floor(size / cost[_STEP] + _WHOLE) * cost[_STEP]
    if not size > 0.0:
        return 0.0, binding
    if size < cost[_LEAST] * (1.0 - _WHOLE):
        return 0.0, _MIN_SIZE
    # What is left after a fee in base must still be sellable at the stop: `trading/risk/rules/min_notional.py`.
    if size * min(bound, (1.0 - fee) * stop) < cost[_LEAST_NOTIONAL]:
        return 0.0, _MIN_NOTIONAL
    return size, _NOT


@compiled
def _enter(
    held: FloatArray,
    t: int,
    open_: float,
    ratios: tuple[float, float, float, float],
    cash: float,
    exposure: tuple[float, float, float, int],
    cost: FloatArray,
    stakes: Stakes,
) -> int:
    """Opens a position at the open; -1, or why not. `ratios`: stop, target, trailing, confidence."""
    stop_ratio, target_ratio, trailing, claim = ratios
    if not 0.0 < stop_ratio < 1.0 or trailing <= 0.0 or trailing >= 1.0:
        return _NO_STOP
    if target_ratio <= 0.0:
        return _BAD_TARGET
    fill = open_ * (1.0 + cost[_SLIP])
    stop = fill * (1.0 - stop_ratio)
    target = np.inf if np.isnan(target_ratio) else fill * (1.0 + target_ratio)
    size, reason = _size(fill, stop, target, claim, cash, exposure, cost, stakes)
    if reason != _NOT:
        return reason
    held[_SIZE], held[_ENTRY], held[_STOP] = size, fill, stop
    held[_TARGET] = target / (1.0 - cost[_SLIP])
    held[_TRAILING] = 1.0 if np.isnan(trailing) else trailing
    held[_LEVEL] = max(stop, fill * (1.0 - held[_TRAILING]))
    held[_HIGHEST], held[_LOWEST], held[_LAST] = fill, fill, open_
    held[_FEE], held[_EQUITY], held[_BAR] = size * fill * cost[_RATE], cash + exposure[0], t
    held[_HELD] = 0.0
    return _NOT


@compiled
def _with_room(trades: FloatArray, count: int, more: int) -> FloatArray:
    """The table, twice as long when `more` rows would not fit."""
    if count + more <= trades.shape[0]:
        return trades
    room = np.empty((trades.shape[0] * 2, _WIDTH))
    for row in range(count):  # element by element: a slice would triple the time to compile
        for column in range(_WIDTH):
            room[row, column] = trades[row, column]
    return room


@compiled
def _pass_flat(
    t: int,
    cash: float,
    opens: FloatArray,
    highs: FloatArray,
    lows: FloatArray,
    closes: FloatArray,
    enter: BoolArray,
    equity: FloatArray,
) -> int:
    """Passes the bars from `t` on in which the only instrument stays flat; the first bar at which it may be entered."""
    while t < equity.size and not enter[t - 1] and _is_bar(opens[t], highs[t], lows[t], closes[t]):
        equity[t] = cash
        t += 1
    return t


@compiled
def _pass_held(
    t: int,
    cash: float,
    held: FloatArray,
    opens: FloatArray,
    highs: FloatArray,
    lows: FloatArray,
    closes: FloatArray,
    leave: BoolArray,
    max_hold: int,
    equity: FloatArray,
) -> int:
    """Passes the bars from `t` on in which the only instrument is held and nothing ends it; the first bar in which something may."""
    begun, level, target, size = t, held[_LEVEL], held[_TARGET], held[_SIZE]
    highest, lowest, fall = held[_HIGHEST], held[_LOWEST], 1.0 - held[_TRAILING]
    until = min(equity.size, t + max_hold - int(held[_HELD])) if max_hold > 0 else equity.size
    while t < until and not leave[t - 1] and lows[t] > level and highs[t] < target:
        if not _is_bar(opens[t], highs[t], lows[t], closes[t]):
            break
        lowest = min(lowest, lows[t])
        if highs[t] > highest:
            highest = highs[t]
            level = max(level, highest * fall)
        equity[t] = cash + size * closes[t]
        t += 1
    if t > begun:
        held[_HIGHEST], held[_LOWEST], held[_LEVEL], held[_LAST] = highest, lowest, level, closes[t - 1]
        held[_HELD] += t - begun
    return t


@compiled
def simulate(market: Market, said: Said, costs: Costs, stakes: Stakes, equity: FloatArray) -> Outcome:  # noqa: C901, PLR0915
    """Trades the bars and fills `equity`, one value per time; the last open positions are recorded at their last close, unsold.

    One long loop: the order of events is the rule, and arrays handed to a function at every bar would make it ten times slower.
    """
    opens, highs, lows, closes, enter, leave = (
        market.open,
        market.high,
        market.low,
        market.close,
        said.enter,
        said.exit,
    )
    n, times, first, count, cash, is_any_wanted = (
        costs.fee.size,
        equity.size,
        market.first,
        0,
        stakes.start,
        False,
    )
    book, cost, trades = np.zeros((n, _STATE)), np.empty((n, 5)), np.empty((_FIRST_ROOM + n, _WIDTH))
    rows, cursor, wanted = np.empty(n, np.int64), np.empty(n, np.int64), np.zeros(n, np.bool_)
    refusals, t = np.zeros(len(REASONS), np.int64), -1
    for k in range(n):
        cursor[k] = first[k]
        cost[k, _RATE], cost[k, _SLIP], cost[k, _STEP] = costs.fee[k], costs.slip[k], costs.size_step[k]
        cost[k, _LEAST], cost[k, _LEAST_NOTIONAL] = costs.min_size[k], costs.min_notional[k]
    while t < times - 1:
        t += 1
        if n == 1 and t > 0:
            if book[0, _SIZE] > 0.0:
                t = _pass_held(t, cash, book[0], opens, highs, lows, closes, leave, said.max_hold[0], equity)
            else:
                t = _pass_flat(t, cash, opens, highs, lows, closes, enter, equity)
            cursor[0] = t
            if t == times:
                break
        if count + n > trades.shape[0]:
            trades = _with_room(trades, count, n)
        for k in range(n):
            row, rows[k] = cursor[k], -1
            if not market.is_aligned and (row == first[k + 1] or market.time_ms[row] != market.timeline[t]):
                continue
            if not _is_bar(opens[row], highs[row], lows[row], closes[row]):
                return Outcome(trades, 0, refusals, row)
            rows[k], cursor[k] = row, row + 1
            if book[k, _SIZE] > 0.0:
                kind = _due(book[k], opens[row], leave[row - 1], said.max_hold[k])
                if kind != _NOT:
                    cash += _leave(trades[count], book[k], k, t, kind, opens[row], cost[k])
                    count += 1
            elif row > first[k] and enter[row - 1] and not leave[row - 1]:
                wanted[k], is_any_wanted = True, True
        if is_any_wanted:
            is_any_wanted = False
            for k in range(n):
                if wanted[k]:
                    wanted[k], bar = False, rows[k] - 1 - first[k]
                    ratios = (
                        said.stop[said.start[0, k] + said.step[0, k] * bar],
                        said.target[said.start[1, k] + said.step[1, k] * bar],
                        said.trailing[said.start[2, k] + said.step[2, k] * bar],
                        said.confidence[said.start[3, k] + said.step[3, k] * bar],
                    )
                    exposure = _exposure(k, rows, opens, book, costs.asset, costs.venue)
                    reason = _enter(book[k], t, opens[rows[k]], ratios, cash, exposure, cost[k], stakes)
                    if reason == _NOT:
                        cash -= book[k, _SIZE] * book[k, _ENTRY] + book[k, _FEE]
                    else:
                        refusals[reason] += 1
        marked = 0.0
        for k in range(n):
            if book[k, _SIZE] > 0.0:
                row = rows[k]
                kind = _hit(book[k], highs[row], lows[row]) if row >= 0 else _NOT
                if kind != _NOT:
                    level, is_both = _inside(book[k], kind, opens[row], highs[row])
                    cash += _leave(trades[count], book[k], k, t, kind, level, cost[k])
                    trades[count, _IS_BOTH] = is_both
                    count += 1
                    continue
                if row >= 0:
                    _close_bar(book[k], highs[row], lows[row], closes[row])
                marked += book[k, _SIZE] * book[k, _LAST]
        equity[t] = cash + marked
    trades = _with_room(trades, count, n)
    for k in range(n):
        if book[k, _SIZE] > 0.0:
            _record(trades[count], book[k], k, times - 1, _BY_END, book[k, _LAST], 0.0)
            count += 1
    return Outcome(trades, count, refusals, -1)
