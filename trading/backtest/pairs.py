"""The loop that trades a pair: long the first instrument, short the second in equal base size, entered and left together.

The short leg is a perpetual, or coins sold at the other venue; it is backed by its full notional in cash, so nothing is borrowed. Both
legs fill at the next open at which BOTH have a bar, as takers; what was said waits until then, an exit cancels an entry. Stop, target
and trailing look at the pair's combined price change as a part of the long leg's entry price, fees and funding not counted, and at
closes only: the order of two legs' prices inside a bar is unknown. So they too are carried out at an open.

A funding rate is paid at the open of its bar by whoever held the position before that open; a positive rate goes to the short leg.
"""

import numpy as np

from neuratrade.lib.jit import compiled
from trading.backtest.layout import REASONS, TRADE_COLUMNS, Costs, Market, Outcome, Said, Stakes
from trading.types.research import Bars, ExitKind, FloatArray, IntArray

_CAPS = 7
_MIN_SIZE, _MIN_NOTIONAL, _NO_STOP, _BAD_TARGET, _, _NO_EQUITY = range(_CAPS, len(REASONS))
_WIDTH = len(TRADE_COLUMNS)
_FIRST_ROOM = 256
_BY_SIGNAL, _BY_STOP, _BY_TARGET = int(ExitKind.SIGNAL), int(ExitKind.STOP), int(ExitKind.TARGET)
_BY_TRAILING, _BY_TIME, _BY_END = int(ExitKind.TRAILING), int(ExitKind.TIME), int(ExitKind.END)
_NOT = -1
_WHOLE = 1e-9

# The open pair, in one row: what both legs share, then what each has.
_SIZE, _STOP, _TARGET, _TRAILING, _BEST, _HELD, _BAR, _EQUITY, _FUNDING = range(9)
_ENTRY, _FEE, _HIGHEST, _LOWEST, _LAST = range(5)


def funding_flows(time_ms: IntArray, ratio: FloatArray, bars: Bars) -> FloatArray:
    """Funding payments as the pair's loop takes them: per bar, the rates that fell due after the bar before opened and until this one
    opened; 0 elsewhere. `time_ms` are the times of payment, in order; rates outside the bars are left out."""
    flows = np.zeros(len(bars))
    at = np.searchsorted(bars.open_time_ms, time_ms)  # the first bar that opens at or after the payment
    inside = (at < len(bars)) & (at > 0)
    np.add.at(flows, at[inside], ratio[inside])
    return flows


@compiled
def _sized(
    open_long: float,
    open_short: float,
    stop: float,
    target: float,
    claim: float,
    cash: float,
    costs: Costs,
    stakes: Stakes,
) -> tuple[float, int]:
    """The base size of each leg, and -1; or 0 and why not. Both legs count, for the exposures as for the loss at the stop."""
    if cash <= 0.0:
        return 0.0, _NO_EQUITY
    slip, both, long_fee, short_fee = stakes.max_slip, open_long + open_short, costs.fee[0], costs.fee[1]
    bound = open_long * (1.0 + slip)
    fees = 2.0 * (bound * long_fee + open_short * short_fee)
    loss = stop * open_long + 2.0 * slip * both + fees
    gain = target * open_long - slip * both - fees
    at_venue = bound + open_short if costs.venue[0] == costs.venue[1] else max(bound, open_short)
    caps = np.empty(_CAPS)
    caps[0] = min(stakes.notional_ratio * cash, stakes.notional_quote) / max(bound, open_short)
    caps[1] = stakes.leverage * cash / (bound + open_short)
    caps[2] = stakes.asset * cash / (bound + open_short)
    caps[3] = stakes.venue * cash / at_venue
    caps[4] = cash / (bound * (1.0 + long_fee) + open_short * (1.0 + short_fee))
    caps[5] = stakes.risk * cash / loss
    caps[6] = np.inf
    if target < np.inf and stakes.kelly < np.inf:
        fair = stop / (stop + target)
        chance = fair + stakes.confidence_weight * (claim - fair)
        is_hopeless = gain <= 0.0 or not 0.0 <= claim <= 1.0
        caps[6] = (
            -1.0 if is_hopeless else (chance - (1.0 - chance) * loss / gain) * stakes.kelly * cash / loss
        )
    binding = 0
    for cap in range(1, _CAPS):
        if caps[cap] < caps[binding]:
            binding = cap
    size, step = caps[binding], max(costs.size_step[0], costs.size_step[1])
    if step > 0.0:
        size = np.floor(size / step + _WHOLE) * step
    if not size > 0.0:
        return 0.0, binding
    if size < max(costs.min_size[0], costs.min_size[1]) * (1.0 - _WHOLE):
        return 0.0, _MIN_SIZE
    if size * open_long < costs.min_notional[0] or size * open_short < costs.min_notional[1]:
        return 0.0, _MIN_NOTIONAL
    return size, _NOT


@compiled
def _enter(
    t: int,
    bar: int,
    opens: tuple[float, float],
    cash: float,
    pair: FloatArray,
    legs: FloatArray,
    said: Said,
    costs: Costs,
    stakes: Stakes,
) -> int:
    """Opens both legs at their opens with what was said at the long leg's `bar`; -1, or why not."""
    stop, target = said.stop[said.step[0, 0] * bar], said.target[said.step[1, 0] * bar]
    trailing, claim = said.trailing[said.step[2, 0] * bar], said.confidence[said.step[3, 0] * bar]
    if not 0.0 < stop < 1.0 or trailing <= 0.0 or trailing >= 1.0:
        return _NO_STOP
    if target <= 0.0:
        return _BAD_TARGET
    target = np.inf if np.isnan(target) else target
    size, reason = _sized(opens[0], opens[1], stop, target, claim, cash, costs, stakes)
    if reason != _NOT:
        return reason
    pair[_SIZE], pair[_STOP], pair[_TARGET] = size, stop, target
    pair[_TRAILING] = np.inf if np.isnan(trailing) else trailing
    pair[_BEST], pair[_HELD], pair[_BAR], pair[_EQUITY], pair[_FUNDING] = 0.0, 0.0, t, cash, 0.0
    for leg in range(2):
        fill = opens[leg] * (1.0 + costs.slip[leg] if leg == 0 else 1.0 - costs.slip[leg])
        legs[leg, _ENTRY], legs[leg, _HIGHEST], legs[leg, _LOWEST] = fill, fill, fill
        legs[leg, _FEE] = size * fill * costs.fee[leg]
    return _NOT


@compiled
def _why_leave(pair: FloatArray, legs: FloatArray, is_said: int, max_hold: int) -> int:
    """What the closes say about an open pair; -1: stay. The best result so far moves the trailing stop."""
    change = legs[0, _LAST] - legs[0, _ENTRY] + legs[1, _ENTRY] - legs[1, _LAST]
    ratio = change / legs[0, _ENTRY]
    pair[_BEST] = max(pair[_BEST], ratio)
    if is_said:
        return _BY_SIGNAL
    if 0 < max_hold <= pair[_HELD]:
        return _BY_TIME
    trail = pair[_BEST] - pair[_TRAILING]
    if ratio <= max(-pair[_STOP], trail):
        return _BY_TRAILING if trail > -pair[_STOP] else _BY_STOP
    return _BY_TARGET if ratio >= pair[_TARGET] else _NOT


@compiled
def _record(
    trades: FloatArray,
    count: int,
    t: int,
    kind: int,
    prices: tuple[float, float],
    fees: tuple[float, float],
    pair: FloatArray,
    legs: FloatArray,
) -> None:
    """Two rows, the long leg first; funding is the short leg's."""
    for leg in range(2):
        row, entry, price = trades[count + leg], legs[leg, _ENTRY], prices[leg]
        change = price - entry if leg == 0 else entry - price
        against = entry - legs[leg, _LOWEST] if leg == 0 else legs[leg, _HIGHEST] - entry
        in_favour = legs[leg, _HIGHEST] - entry if leg == 0 else entry - legs[leg, _LOWEST]
        row[0], row[1], row[2], row[3] = leg, kind, pair[_BAR], t
        row[4], row[5], row[6], row[7] = entry, price, np.nan, pair[_SIZE]
        row[8], row[9] = legs[leg, _FEE], fees[leg]
        row[10] = pair[_SIZE] * change - legs[leg, _FEE] - fees[leg] + (pair[_FUNDING] if leg == 1 else 0.0)
        row[11] = pair[_EQUITY]
        row[12], row[13] = max(0.0, against, -change) / entry, max(0.0, in_favour, change) / entry
        row[14], row[15] = 0.0, 0.0


@compiled
def _leave(
    trades: FloatArray,
    count: int,
    t: int,
    kind: int,
    opens: tuple[float, float],
    pair: FloatArray,
    legs: FloatArray,
    costs: Costs,
) -> float:
    """Sells the long leg and buys the short one back; the cash both bring."""
    sold, bought = opens[0] * (1.0 - costs.slip[0]), opens[1] * (1.0 + costs.slip[1])
    fees = (pair[_SIZE] * sold * costs.fee[0], pair[_SIZE] * bought * costs.fee[1])
    _record(trades, count, t, kind, (sold, bought), fees, pair, legs)
    cash: float = pair[_SIZE] * (sold + legs[1, _ENTRY] - bought) - fees[0] - fees[1]
    pair[_SIZE] = 0.0
    return cash


@compiled
def _with_room(trades: FloatArray, count: int) -> FloatArray:
    """The table, twice as long when two more pairs would not fit."""
    if count + 4 <= trades.shape[0]:
        return trades
    room = np.empty((trades.shape[0] * 2, _WIDTH))
    for row in range(count):
        for column in range(_WIDTH):
            room[row, column] = trades[row, column]
    return room


@compiled
def simulate(  # noqa: C901, PLR0915 - one loop, so that the order of events can be read
    market: Market, said: Said, funding: FloatArray, costs: Costs, stakes: Stakes, equity: FloatArray
) -> Outcome:
    """Trades the pair and fills `equity`. `funding` has one rate per bar of the short leg, NaN or 0 where none is due."""
    pair, legs, rows, cursor = (
        np.zeros(9),
        np.zeros((2, 5)),
        np.empty(2, np.int64),
        np.array([market.first[0], market.first[1]]),
    )
    trades, refusals = np.empty((_FIRST_ROOM, _WIDTH)), np.zeros(len(REASONS), np.int64)
    count, cash, wanted, leaving = 0, stakes.start, _NOT, _NOT
    for t in range(market.timeline.size):
        trades = _with_room(trades, count)
        for leg in range(2):
            row, rows[leg] = cursor[leg], _NOT
            if market.is_aligned or (
                row < market.first[leg + 1] and market.time_ms[row] == market.timeline[t]
            ):
                low, high = market.low[row], market.high[row]
                body = (market.open[row], market.close[row])
                if not (0.0 < low <= min(body) and max(body) <= high < np.inf):
                    return Outcome(trades, 0, refusals, row)
                rows[leg], cursor[leg] = row, row + 1
        if rows[1] >= 0 and pair[_SIZE] > 0.0:
            rate = funding[rows[1] - market.first[1]]
            paid = 0.0 if np.isnan(rate) else rate * pair[_SIZE] * market.open[rows[1]]
            cash += paid
            pair[_FUNDING] += paid
        if rows[0] >= 0 and rows[1] >= 0:
            opens = (market.open[rows[0]], market.open[rows[1]])
            if leaving != _NOT:
                cash += _leave(trades, count, t, leaving, opens, pair, legs, costs)
                count, leaving = count + 2, _NOT
            elif wanted != _NOT:
                reason = _enter(t, wanted, opens, cash, pair, legs, said, costs, stakes)
                wanted = _NOT
                if reason != _NOT:
                    refusals[reason] += 1
                else:
                    cash -= pair[_SIZE] * legs[0, _ENTRY] + legs[0, _FEE] + legs[1, _FEE]
        for leg in range(2):
            if rows[leg] >= 0:
                legs[leg, _LAST] = market.close[rows[leg]]
                legs[leg, _HIGHEST] = max(legs[leg, _HIGHEST], market.high[rows[leg]])
                legs[leg, _LOWEST] = min(legs[leg, _LOWEST], market.low[rows[leg]])
        bar = rows[0]
        if pair[_SIZE] > 0.0:
            pair[_HELD] += 1.0 if bar >= 0 else 0.0
            if leaving == _NOT:
                leaving = _why_leave(pair, legs, bar >= 0 and said.exit[bar], said.max_hold[0])
        elif bar >= 0:
            wanted = _NOT if said.exit[bar] else (bar if said.enter[bar] else wanted)
        equity[t] = cash + pair[_SIZE] * (legs[0, _LAST] + legs[1, _ENTRY] - legs[1, _LAST])
    if pair[_SIZE] > 0.0:
        lasts = (legs[0, _LAST], legs[1, _LAST])
        _record(trades, count, market.timeline.size - 1, _BY_END, lasts, (0.0, 0.0), pair, legs)
        count += 2
    return Outcome(trades, count, refusals, -1)
