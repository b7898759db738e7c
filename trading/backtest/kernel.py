"""The loop that trades bars: several instruments, one capital, the paper venue's rules. Compiled; everything it needs is in this file,
because the disk cache looks at this file alone.

Within one bar, in this order: what is due at the open (an exit the strategy or the time stop asked for; a gap through stop or
target) fills at the open; entries fill at the open; then a low at the stop fills at the stop, before a high at the target fills
at the target. What is said at a close is done at the instrument's next open. Every fill is a taker's, with fee and slippage.
Stop and target count from the entry's fill price and work on the entry bar too. A trailing stop moves when a bar has closed.

Sizes follow `trading/risk/sizing.py` with the open as the ask. Left out, because bars do not know it: the depth of the book.
Prices are not cut to the tick; that moves a stop by less than one tick.
"""

import numpy as np

from neuratrade.lib.jit import compiled
from trading.backtest.layout import REASONS, TRADE_COLUMNS, Costs, Desk, Market, Outcome, Said, Stakes
from trading.types.research import ExitKind, FloatArray

_CAPS = 7
_MIN_SIZE, _MIN_NOTIONAL, _NO_STOP, _BAD_TARGET, _OPEN_POSITIONS, _NO_EQUITY = range(_CAPS, len(REASONS))

# What is known of an open position: one row of `book` per instrument, all zero when flat.
_SIZE, _ENTRY, _STOP, _LEVEL, _TARGET, _TRAILING, _HIGHEST, _LOWEST, _FEE, _EQUITY, _BAR, _HELD, _LAST = (
    range(13)
)
_STATE = 13

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
def _leave(row: FloatArray, held: FloatArray, k: int, t: int, kind: int, level: float, costs: Costs) -> float:
    """Sells at `level` less slippage; the cash it brings. Of its last bar the excursions count the exit alone: the rest is unknown."""
    price = level * (1.0 - costs.slip[k])
    fee = held[_SIZE] * price * costs.fee[k]
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
def _exposure(k: int, desk: Desk, market: Market, costs: Costs) -> tuple[float, float, float, int]:
    """Held now, at the opens known now (else the last close): in all, in the asset, at the venue; and how many positions."""
    total, asset, venue, count = 0.0, 0.0, 0.0, 0
    for j in range(desk.rows.size):
        held, row = desk.book[j], desk.rows[j]
        if held[_SIZE] > 0.0:
            notional = held[_SIZE] * (market.open[row] if row >= 0 else held[_LAST])
            total += notional
            count += 1
            if costs.asset[j] == costs.asset[k]:
                asset += notional
            if costs.venue[j] == costs.venue[k]:
                venue += notional
    return total, asset, venue, count


@compiled
def _size(
    k: int,
    open_: float,
    stop: float,
    target: float,
    claim: float,
    cash: float,
    exposure: tuple[float, float, float, int],
    costs: Costs,
    stakes: Stakes,
) -> tuple[float, int]:
    """The size every cap allows, on the venue's step, and -1; or 0 and why not. `target` infinite: none, and no Kelly cap."""
    total, asset, venue, count = exposure
    equity, fee = cash + total, costs.fee[k]
    if equity <= 0.0:
        return 0.0, _NO_EQUITY
    if 0 < stakes.max_open <= count:
        return 0.0, _OPEN_POSITIONS
    bound, worst = open_ * (1.0 + stakes.max_slip), stop * (1.0 - stakes.max_slip)
    loss = bound - worst + (bound + worst) * fee
    caps = np.empty(_CAPS)
    caps[0] = min(stakes.notional_ratio * equity, stakes.notional_quote) / bound
    caps[1] = (stakes.leverage * equity - total) / bound
    caps[2] = (stakes.asset * equity - asset) / bound
    caps[3] = (stakes.venue * equity - venue) / bound
    caps[4] = cash / (1.0 + fee) / bound
    caps[5] = stakes.risk * equity / loss
    caps[6] = np.inf
    if target < np.inf and stakes.kelly < np.inf:
        caps[6] = _kelly(bound, stop, target, loss, fee, claim, stakes.confidence_weight)
        caps[6] *= stakes.kelly * equity / loss
    binding = 0
    for cap in range(1, _CAPS):
        if caps[cap] < caps[binding]:
            binding = cap
    size = caps[binding]
    if costs.size_step[k] > 0.0:
        size = np.floor(size / costs.size_step[k] + _WHOLE) * costs.size_step[k]
    if not size > 0.0:
        return 0.0, binding
    if size < costs.min_size[k] * (1.0 - _WHOLE):
        return 0.0, _MIN_SIZE
    # What is left after a fee in base must still be sellable at the stop: `trading/risk/rules/min_notional.py`.
    if size * min(bound, (1.0 - fee) * stop) < costs.min_notional[k]:
        return 0.0, _MIN_NOTIONAL
    return size, _NOT


@compiled
def _enter(k: int, t: int, desk: Desk, market: Market, said: Said, costs: Costs, stakes: Stakes) -> int:
    """Opens a position at the open; -1, or why not."""
    bar = desk.rows[k] - 1 - market.first[k]
    stop_ratio = said.stop[said.start[0, k] + said.step[0, k] * bar]
    target_ratio = said.target[said.start[1, k] + said.step[1, k] * bar]
    trailing = said.trailing[said.start[2, k] + said.step[2, k] * bar]
    claim = said.confidence[said.start[3, k] + said.step[3, k] * bar]
    if not 0.0 < stop_ratio < 1.0 or trailing <= 0.0 or trailing >= 1.0:
        return _NO_STOP
    if target_ratio <= 0.0:
        return _BAD_TARGET
    open_, cash = market.open[desk.rows[k]], desk.cash[0]
    fill = open_ * (1.0 + costs.slip[k])
    stop = fill * (1.0 - stop_ratio)
    target = np.inf if np.isnan(target_ratio) else fill * (1.0 + target_ratio)
    exposure = _exposure(k, desk, market, costs)
    size, reason = _size(k, open_, stop, target, claim, cash, exposure, costs, stakes)
    if reason != _NOT:
        return reason
    held, fee = desk.book[k], size * fill * costs.fee[k]
    held[_SIZE], held[_ENTRY], held[_STOP], held[_TARGET] = size, fill, stop, target
    held[_TRAILING] = 1.0 if np.isnan(trailing) else trailing
    held[_LEVEL] = max(stop, fill * (1.0 - held[_TRAILING]))
    held[_HIGHEST], held[_LOWEST], held[_LAST] = fill, fill, open_
    held[_FEE], held[_EQUITY], held[_BAR], held[_HELD] = fee, cash + exposure[0], t, 0.0
    desk.cash[0] -= size * fill + fee
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
def _pass_quiet(t: int, cash: float, held: FloatArray, market: Market, said: Said, equity: FloatArray) -> int:
    """Passes the bars from `t` on in which nothing happens to the only instrument; the first bar in which something may."""
    opens, highs, lows, closes, exit_ = market.open, market.high, market.low, market.close, said.exit
    times, level, target, size = equity.size, held[_LEVEL], held[_TARGET], held[_SIZE]
    if size == 0.0:
        while t < times and not said.enter[t - 1] and _is_bar(opens[t], highs[t], lows[t], closes[t]):
            equity[t] = cash
            t += 1
        return t
    highest, lowest, fall, begun = held[_HIGHEST], held[_LOWEST], 1.0 - held[_TRAILING], t
    until = min(times, t + said.max_hold[0] - int(held[_HELD])) if said.max_hold[0] > 0 else times
    while t < until and not exit_[t - 1] and lows[t] > level and highs[t] < target:
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
    n, times, count, is_any_wanted = costs.fee.size, market.timeline.size, 0, False
    opens, highs, lows, closes, aligned = (
        market.open,
        market.high,
        market.low,
        market.close,
        market.is_aligned,
    )
    timeline, time_ms, first, enter, exit_ = (
        market.timeline,
        market.time_ms,
        market.first,
        said.enter,
        said.exit,
    )
    book, rows, cursor, wanted = (
        np.zeros((n, _STATE)),
        np.empty(n, np.int64),
        np.empty(n, np.int64),
        np.zeros(n, np.bool_),
    )
    cash, refusals = np.full(1, stakes.start), np.zeros(len(REASONS), np.int64)
    desk = Desk(book, rows, cash)
    trades = np.empty((_FIRST_ROOM + n, _WIDTH))
    for k in range(n):
        cursor[k] = first[k]
    t = -1
    while t < times - 1:
        t += 1
        if n == 1 and t > 0:
            t = _pass_quiet(t, cash[0], book[0], market, said, equity)
            cursor[0] = t
            if t == times:
                break
        trades = _with_room(trades, count, n) if count + n > trades.shape[0] else trades
        for k in range(n):
            row = cursor[k]
            rows[k] = -1
            if not aligned and (row == first[k + 1] or time_ms[row] != timeline[t]):
                continue
            if not _is_bar(opens[row], highs[row], lows[row], closes[row]):
                return Outcome(trades, 0, refusals, row)
            rows[k], cursor[k] = row, row + 1
            if book[k, _SIZE] > 0.0:
                kind = _due(book[k], opens[row], exit_[row - 1], said.max_hold[k])
                if kind != _NOT:
                    cash[0] += _leave(trades[count], book[k], k, t, kind, opens[row], costs)
                    count += 1
            elif row > first[k] and enter[row - 1] and not exit_[row - 1]:
                wanted[k], is_any_wanted = True, True
        if is_any_wanted:
            is_any_wanted = False
            for k in range(n):
                reason = _enter(k, t, desk, market, said, costs, stakes) if wanted[k] else _NOT
                wanted[k] = False
                if reason != _NOT:
                    refusals[reason] += 1
        marked = 0.0
        for k in range(n):
            if book[k, _SIZE] > 0.0:
                row = rows[k]
                kind = _hit(book[k], highs[row], lows[row]) if row >= 0 else _NOT
                if kind != _NOT:
                    level, is_both = _inside(book[k], kind, opens[row], highs[row])
                    cash[0] += _leave(trades[count], book[k], k, t, kind, level, costs)
                    trades[count, _IS_BOTH] = is_both
                    count += 1
                    continue
                if row >= 0:
                    _close_bar(book[k], highs[row], lows[row], closes[row])
                marked += book[k, _SIZE] * book[k, _LAST]
        equity[t] = cash[0] + marked
    trades = _with_room(trades, count, n)
    for k in range(n):
        if book[k, _SIZE] > 0.0:
            _record(trades[count], book[k], k, times - 1, _BY_END, book[k, _LAST], 0.0)
            count += 1
    return Outcome(trades, count, refusals, -1)
