"""What the plain-Python backtest keeps: positions, instruments, the desk's cash; and how it sizes an entry."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from trading.backtest import inputs
from trading.types.research import Bars, Capital, ExitKind, FloatArray, MarketTerms, Signals

TradeRow = dict[str, float]


@dataclass(slots=True, kw_only=True)
class Position:
    """A long position and the prices that end it."""

    entry_index: int
    entry_price: float
    entry_fee: float
    entry_equity: float
    size: float
    stop: float
    target: float | None
    trailing_ratio: float | None
    highest: float
    lowest: float
    last: float
    bars_held: int = 0

    @property
    def stops(self) -> tuple[float, ExitKind]:
        """The price that ends it from below, and as what."""
        if self.trailing_ratio is not None:
            trail = self.highest * (1.0 - self.trailing_ratio)
            if trail > self.stop:
                return trail, ExitKind.TRAILING
        return self.stop, ExitKind.STOP

    def is_at_target(self, price: float) -> bool:
        return self.target is not None and price >= self.target


@dataclass(slots=True, kw_only=True)
class Book:
    """One instrument on its way through the run."""

    number: int
    bars: Bars
    signals: Signals
    terms: MarketTerms
    next_bar: int = 0
    position: Position | None = None

    def bar_at(self, time_ms: int) -> int | None:
        """The bar that opens at `time_ms`, taken; None when there is none."""
        if self.next_bar < len(self.bars) and int(self.bars.open_time_ms[self.next_bar]) == time_ms:
            self.next_bar += 1
            return self.next_bar - 1
        return None

    def said(self, name: str, *, bar: int) -> float:
        column: FloatArray = getattr(self.signals, name)
        return float(column[0] if column.size == 1 else column[bar])

    @property
    def slip(self) -> float:
        return self.terms.slippage_bps / 10_000.0


@dataclass(slots=True, kw_only=True)
class Desk:
    books: list[Book]
    capital: Capital
    cash: float
    trades: list[TradeRow] = field(default_factory=list)
    refusals: dict[str, int] = field(default_factory=dict)


def set_size(
    desk: Desk, book: Book, position: Position, *, price: float, claim: float, now: Mapping[int, int | None]
) -> str:
    """Sets size and equity of a new position; why it gets none, else nothing."""
    notionals = {other.number: _notional(other, now[other.number]) for other in desk.books if other.position}
    equity = position.entry_equity = desk.cash + sum(notionals.values())
    if equity <= 0:
        return "no_equity"
    if desk.capital.max_open_positions and len(notionals) >= desk.capital.max_open_positions:
        return "open_positions"
    caps = _caps(desk, book, position, price=price, claim=claim, notionals=notionals)
    binding = min(caps, key=lambda name: caps[name])
    size, terms = caps[binding], book.terms
    if terms.size_step:
        size = math.floor(size / terms.size_step + 1e-9) * terms.size_step
    if size <= 0:
        return binding
    if size < terms.min_size and not math.isclose(size, terms.min_size, rel_tol=1e-9):
        return "min_size"
    bound = price * (1.0 + desk.capital.max_slippage_bps / 10_000.0)
    if min(size * bound, size * (1.0 - terms.taker_fee_ratio) * position.stop) < terms.min_notional:
        return "min_notional"
    position.size = size
    return ""


def _notional(book: Book, bar: int | None) -> float:
    assert book.position is not None
    return book.position.size * (book.position.last if bar is None else float(book.bars.open[bar]))


def _caps(
    desk: Desk, book: Book, position: Position, *, price: float, claim: float, notionals: Mapping[int, float]
) -> dict[str, float]:
    """The largest size each limit allows, as `trading.risk.sizing` has them."""
    capital, fee, equity = desk.capital, book.terms.taker_fee_ratio, position.entry_equity
    slip = capital.max_slippage_bps / 10_000.0
    bound, worst_exit = price * (1.0 + slip), position.stop * (1.0 - slip)
    unit_loss = (bound - worst_exit) + fee * (bound + worst_exit)
    base = inputs.base_of(book.terms.symbol)
    of_asset = sum(n for k, n in notionals.items() if inputs.base_of(desk.books[k].terms.symbol) == base)
    of_venue = sum(n for k, n in notionals.items() if desk.books[k].terms.venue == book.terms.venue)
    quote = {
        "max_notional": min(capital.max_order_notional_ratio * equity, capital.max_order_notional_quote),
        "leverage": capital.max_leverage_ratio * equity - sum(notionals.values()),
        "exposure_asset": capital.max_asset_exposure_ratio * equity - of_asset,
        "exposure_venue": capital.max_venue_exposure_ratio * equity - of_venue,
        "balance": desk.cash / (1.0 + fee),
    }
    caps = {name: value / bound for name, value in quote.items()}
    caps["risk_per_trade"] = capital.risk_per_trade_ratio * equity / unit_loss
    if position.target is not None and math.isfinite(capital.kelly_fraction_ratio):
        reward = (position.target - bound) - fee * (position.target + bound)
        part = kelly(
            chance_fair=(bound - position.stop, abs(position.target - bound)),
            claim=claim,
            weight=capital.confidence_weight_ratio,
            loss=unit_loss,
            gain=reward,
        )
        caps["kelly"] = part * capital.kelly_fraction_ratio * equity / unit_loss
    return caps


def kelly(
    *, chance_fair: tuple[float, float], claim: float, weight: float, loss: float, gain: float
) -> float:
    """Full Kelly f* = p - (1 - p) / b; `chance_fair` are the distances to stop and target of a fair game. -1: nothing to win."""
    if gain <= 0 or not 0 <= claim <= 1:
        return -1.0
    to_stop, to_target = chance_fair
    fair = to_stop / (to_stop + to_target)
    chance = (1.0 - weight) * fair + weight * claim
    return chance - (1.0 - chance) / (gain / loss)
