"""A pair in plain Python, written from the rules: what the pair's compiled loop is held against."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from trading.backtest.reference_desk import TradeRow, kelly
from trading.types.research import Bars, Capital, ExitKind, FloatArray, MarketTerms, Signals


@dataclass(slots=True, kw_only=True)
class Leg:
    """One side of the pair; `side` is 1 for long, -1 for short."""

    bars: Bars
    terms: MarketTerms
    side: int
    index_of: dict[int, int]
    last: float = math.nan
    entry: float = math.nan
    entry_fee: float = 0.0
    worst: float = 0.0
    best: float = 0.0

    def fill(self, bar: int, *, is_buy: bool) -> float:
        slip = self.terms.slippage_bps / 10_000.0
        return float(self.bars.open[bar]) * (1.0 + slip if is_buy else 1.0 - slip)

    def gain(self, price: float) -> float:
        """What one unit has won at `price`."""
        return self.side * (price - self.entry)

    def close_bar(self, bar: int, *, is_held: bool) -> None:
        self.last = float(self.bars.close[bar])
        if is_held:
            for price in (float(self.bars.high[bar]), float(self.bars.low[bar])):
                self.worst, self.best = min(self.worst, self.gain(price)), max(self.best, self.gain(price))


@dataclass(slots=True, kw_only=True)
class Open:
    """The open pair: both legs' size, what ends it, what it has done so far."""

    size: float
    equity: float
    index: int
    stop: float
    target: float
    trailing: float
    best: float = 0.0
    funding: float = 0.0
    bars_held: int = 0


@dataclass(slots=True, kw_only=True)
class PairDesk:
    long: Leg
    short: Leg
    signals: Signals
    capital: Capital
    cash: float
    open: Open | None = None
    wanted: int | None = None
    leaving: ExitKind | None = None
    trades: list[TradeRow] = field(default_factory=list)
    refusals: dict[str, int] = field(default_factory=dict)

    @property
    def value(self) -> float:
        if self.open is None:
            return self.cash
        return self.cash + self.open.size * (self.long.last + self.short.gain(self.short.last))

    def said(self, name: str, *, bar: int) -> float:
        column: FloatArray = getattr(self.signals, name)
        return float(column[0] if column.size == 1 else column[bar])


def walk(
    long: Bars,
    short: Bars,
    signals: Signals,
    *,
    terms: Sequence[MarketTerms],
    capital: Capital,
    funding: FloatArray | None,
) -> tuple[list[int], list[float], PairDesk]:
    """The times, the equity at each, and the desk at the end."""
    desk = PairDesk(
        long=_leg(long, terms=terms[0], side=1),
        short=_leg(short, terms=terms[1], side=-1),
        signals=signals,
        capital=capital,
        cash=float(capital.start_equity),
    )
    times = sorted({*desk.long.index_of, *desk.short.index_of})
    rates = np.zeros(len(short)) if funding is None else np.nan_to_num(funding)
    equity = []
    for index, time in enumerate(times):
        bars = desk.long.index_of.get(time), desk.short.index_of.get(time)
        _open_of_bar(desk, bars=bars, index=index, rates=rates)
        _close_of_bar(desk, bars=bars)
        equity.append(desk.value)
    if desk.open is not None:
        _record(
            desk,
            desk.open,
            kind=ExitKind.END,
            index=len(times) - 1,
            prices=(desk.long.last, desk.short.last),
            fees=(0.0, 0.0),
        )
    return times, equity, desk


def _leg(bars: Bars, *, terms: MarketTerms, side: int) -> Leg:
    return Leg(
        bars=bars, terms=terms, side=side, index_of={int(time): i for i, time in enumerate(bars.open_time_ms)}
    )


def _open_of_bar(
    desk: PairDesk, *, bars: tuple[int | None, int | None], index: int, rates: FloatArray
) -> None:
    of_long, of_short = bars
    if desk.open is not None and of_short is not None:
        received = float(rates[of_short]) * desk.open.size * float(desk.short.bars.open[of_short])
        desk.cash += received
        desk.open.funding += received
    if of_long is None or of_short is None:
        return
    if desk.open is not None and desk.leaving is not None:
        _leave(desk, desk.open, of_long=of_long, of_short=of_short, index=index)
    elif desk.open is None and desk.wanted is not None:
        _enter(desk, said=desk.wanted, of_long=of_long, of_short=of_short, index=index)
        desk.wanted = None


def _close_of_bar(desk: PairDesk, *, bars: tuple[int | None, int | None]) -> None:
    for leg, bar in zip((desk.long, desk.short), bars, strict=True):
        if bar is not None:
            leg.close_bar(bar, is_held=desk.open is not None)
    of_long = bars[0]
    if desk.open is not None:
        desk.open.bars_held += of_long is not None
        verdict = _verdict(desk, desk.open, of_long=of_long)
        desk.leaving = desk.leaving if desk.leaving is not None else verdict
    elif of_long is not None:
        if desk.signals.exit[of_long]:
            desk.wanted = None
        elif desk.signals.enter[of_long]:
            desk.wanted = of_long


def _verdict(desk: PairDesk, held: Open, *, of_long: int | None) -> ExitKind | None:
    moved = desk.long.last - desk.long.entry + desk.short.entry - desk.short.last
    result = moved / desk.long.entry
    if desk.leaving is None:
        held.best = max(held.best, result)
    if of_long is not None and desk.signals.exit[of_long]:
        return ExitKind.SIGNAL
    if desk.signals.max_hold_bars and held.bars_held >= desk.signals.max_hold_bars:
        return ExitKind.TIME
    if not math.isnan(held.trailing) and held.best - held.trailing > -held.stop:
        if result <= held.best - held.trailing:
            return ExitKind.TRAILING
    elif result <= -held.stop:
        return ExitKind.STOP
    return ExitKind.TARGET if result >= held.target else None


def _enter(desk: PairDesk, *, said: int, of_long: int, of_short: int, index: int) -> None:
    stop, target = desk.said("stop_ratio", bar=said), desk.said("target_ratio", bar=said)
    trailing, claim = desk.said("trailing_ratio", bar=said), desk.said("confidence_ratio", bar=said)
    if not 0 < stop < 1 or not (math.isnan(trailing) or 0 < trailing < 1):
        return _refuse(desk, "no_stop")
    if target <= 0:
        return _refuse(desk, "bad_target")
    prices = float(desk.long.bars.open[of_long]), float(desk.short.bars.open[of_short])
    size, reason = _size(desk, prices=prices, stop=stop, target=target, claim=claim)
    if reason:
        return _refuse(desk, reason)
    desk.open = Open(
        size=size, equity=desk.cash, index=index, stop=stop,
        target=math.inf if math.isnan(target) else target, trailing=trailing,
    )  # fmt: skip
    for leg, bar in ((desk.long, of_long), (desk.short, of_short)):
        leg.entry = leg.fill(bar, is_buy=leg.side == 1)
        leg.entry_fee = size * leg.entry * leg.terms.taker_fee_ratio
        leg.worst = leg.best = 0.0
        desk.cash -= leg.entry_fee
    desk.cash -= size * desk.long.entry


def _leave(desk: PairDesk, held: Open, *, of_long: int, of_short: int, index: int) -> None:
    assert desk.leaving is not None
    prices = desk.long.fill(of_long, is_buy=False), desk.short.fill(of_short, is_buy=True)
    fees = (
        held.size * prices[0] * desk.long.terms.taker_fee_ratio,
        held.size * prices[1] * desk.short.terms.taker_fee_ratio,
    )
    desk.cash += held.size * prices[0] - fees[0]
    desk.cash += held.size * desk.short.gain(prices[1]) - fees[1]
    _record(desk, held, kind=desk.leaving, index=index, prices=prices, fees=fees)
    desk.open = desk.leaving = None


def _record(
    desk: PairDesk,
    held: Open,
    *,
    kind: ExitKind,
    index: int,
    prices: tuple[float, float],
    fees: tuple[float, float],
) -> None:
    for number, leg in enumerate((desk.long, desk.short)):
        won = leg.gain(prices[number])
        funding = held.funding if leg.side == -1 else 0.0
        desk.trades.append(
            {
                "instrument": number,
                "side": leg.side,
                "exit_kind": int(kind),
                "entry_bar": held.index,
                "exit_bar": index,
                "entry_price": leg.entry,
                "exit_price": prices[number],
                "stop_price": math.nan,
                "size_base": held.size,
                "entry_fee": leg.entry_fee,
                "exit_fee": fees[number],
                "pnl": held.size * won - leg.entry_fee - fees[number] + funding,
                "entry_equity": held.equity,
                "mae_ratio": -min(leg.worst, won, 0.0) / leg.entry,
                "mfe_ratio": max(leg.best, won, 0.0) / leg.entry,
            }
        )


def _refuse(desk: PairDesk, reason: str) -> None:
    desk.refusals[reason] = desk.refusals.get(reason, 0) + 1


def _size(
    desk: PairDesk, *, prices: tuple[float, float], stop: float, target: float, claim: float
) -> tuple[float, str]:
    """Base size of each leg, or why none. Both legs' notional counts everywhere; fees and worst slippage of all four fills too."""
    capital, terms = desk.capital, (desk.long.terms, desk.short.terms)
    equity, slip = desk.cash, capital.max_slippage_bps / 10_000.0
    if equity <= 0:
        return 0.0, "no_equity"
    bound = prices[0] * (1.0 + slip)
    gross = bound + prices[1]
    fees = 2.0 * bound * terms[0].taker_fee_ratio + 2.0 * prices[1] * terms[1].taker_fee_ratio
    loss = stop * prices[0] + fees + 2.0 * slip * sum(prices)
    gain = target * prices[0] - fees - slip * sum(prices)
    is_one_venue = terms[0].venue == terms[1].venue
    caps = {
        "max_notional": min(capital.max_order_notional_ratio * equity, capital.max_order_notional_quote)
        / max(bound, prices[1]),
        "leverage": capital.max_leverage_ratio * equity / gross,
        "exposure_asset": capital.max_asset_exposure_ratio * equity / gross,
        "exposure_venue": capital.max_venue_exposure_ratio
        * equity
        / (gross if is_one_venue else max(bound, prices[1])),
        "balance": equity
        / (bound * (1.0 + terms[0].taker_fee_ratio) + prices[1] * (1.0 + terms[1].taker_fee_ratio)),
        "risk_per_trade": capital.risk_per_trade_ratio * equity / loss,
    }
    if not math.isnan(target) and math.isfinite(capital.kelly_fraction_ratio):
        part = kelly(
            chance_fair=(stop, target),
            claim=claim,
            weight=capital.confidence_weight_ratio,
            loss=loss,
            gain=gain,
        )
        caps["kelly"] = part * capital.kelly_fraction_ratio * equity / loss
    binding = min(caps, key=lambda name: caps[name])
    step = max(item.size_step for item in terms)
    size = math.floor(caps[binding] / step + 1e-9) * step if step else caps[binding]
    if size <= 0:
        return 0.0, binding
    least = max(item.min_size for item in terms)
    if size < least and not math.isclose(size, least, rel_tol=1e-9):
        return 0.0, "min_size"
    if any(size * price < item.min_notional for price, item in zip(prices, terms, strict=True)):
        return 0.0, "min_notional"
    return size, ""
