"""The other traders at one venue's market: a market maker around the fair price, and takers."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from decimal import Decimal

from trading.practice.engine.exchange import Exchange
from trading.practice.engine.types import Kind, NewOrder, Order, Side

MAKER_ACCOUNT = "house-maker"
TAKER_ACCOUNT = "house-taker"
BREATHING_LEVELS = 8
HOUSE_BASE = Decimal(10) ** 13
HOUSE_QUOTE = Decimal(10) ** 14


@dataclass(frozen=True)
class FlowSettings:
    """How busy the others are, per market of a venue."""

    levels: int = 20
    spare_levels: int = 8
    grid_ratio: float = 0.0001
    level_notional_quote: float = 6_000.0
    takers_per_s: float = 0.8
    taker_notional_quote: float = 600.0


class Flow:
    """Keeps one book alive. Quotes stand on a price grid, so a small move changes only the edge of the book."""

    def __init__(self, exchange: Exchange, symbol: str, *, seed: int, settings: FlowSettings) -> None:
        self._exchange = exchange
        self._market = exchange.markets[symbol]
        self._symbol = symbol
        self._settings = settings
        self._random = random.Random(f"{seed}:{exchange.name}:{symbol}:flow")
        instrument = self._market.instrument
        wanted = instrument.start_price * Decimal(repr(settings.grid_ratio))
        self._grid = instrument.round_price(wanted)
        self._grid_float = float(self._grid)
        self._quotes: dict[Side, dict[int, Order]] = {Side.BUY: {}, Side.SELL: {}}
        self._tops = {Side.BUY: 0, Side.SELL: 0}
        for account in (MAKER_ACCOUNT, TAKER_ACCOUNT):
            exchange.open_account(account, is_house=True)
            exchange.deposit(account, asset=instrument.base, amount=HOUSE_BASE)
            exchange.deposit(account, asset=instrument.quote, amount=HOUSE_QUOTE)

    def quote(self, fair: float) -> None:
        """Put the market maker's ladder around ``fair``: stale quotes go first, so the maker never meets itself."""
        tops = {
            Side.BUY: math.floor(fair / self._grid_float - 0.3),
            Side.SELL: math.ceil(fair / self._grid_float + 0.3),
        }
        self._tops = tops
        for side, top in tops.items():
            self._cancel_stale(side, top=top)
        for side, top in tops.items():
            self._fill_up(side, top=top)

    def take(self, *, dt_s: float, activity: float, lean: float) -> None:
        """Let takers trade for ``dt_s`` seconds; ``lean`` above zero favours buyers (-1 to 1)."""
        expected = self._settings.takers_per_s * activity * dt_s
        while expected > 0:
            if self._random.random() < min(1.0, expected):
                side = Side.BUY if self._random.random() < 0.5 + 0.35 * lean else Side.SELL
                self._take_once(
                    side, notional=self._settings.taker_notional_quote * self._random.lognormvariate(0, 1)
                )
            expected -= 1.0

    def print_trade(self, side: Side) -> None:
        """One small trade now, so that the last price is at the book."""
        self._take_once(side, notional=self._settings.taker_notional_quote / 10)

    def breathe(self) -> None:
        """Change the size of one quote near the top."""
        side, sign = (Side.BUY, -1) if self._random.random() < 0.5 else (Side.SELL, 1)
        index = self._tops[side] + sign * self._random.randrange(BREATHING_LEVELS)
        order = self._quotes[side].get(index)
        if order is not None and order.is_open:
            self._exchange.resize_house(order, size_base=self._size(index, top=index))

    def _cancel_stale(self, side: Side, *, top: int) -> None:
        reach = self._settings.levels + self._settings.spare_levels
        quotes = self._quotes[side]
        for index in list(quotes):
            depth = top - index if side is Side.BUY else index - top
            order = quotes[index]
            if not order.is_open:
                del quotes[index]
            elif depth < 0 or depth >= reach:
                self._exchange.cancel(quotes.pop(index))

    def _fill_up(self, side: Side, *, top: int) -> None:
        quotes = self._quotes[side]
        sign = -1 if side is Side.BUY else 1
        for depth in range(self._settings.levels):
            index = top + sign * depth
            if index in quotes or index < 1:
                continue
            request = NewOrder(
                symbol=self._symbol,
                side=side,
                kind=Kind.LIMIT,
                size_base=self._size(index, top=top),
                price=index * self._grid,
            )
            order = self._exchange.place(MAKER_ACCOUNT, request)
            if order.is_open:
                quotes[index] = order

    def _size(self, index: int, *, top: int) -> Decimal:
        scale = (1 + 0.3 * abs(index - top)) * self._random.uniform(0.4, 1.6)
        return self._to_base(self._settings.level_notional_quote * scale, price=index * self._grid_float)

    def _take_once(self, side: Side, *, notional: float) -> None:
        size = self._to_base(notional, price=float(self._market.last_price))
        self._exchange.place(
            TAKER_ACCOUNT, NewOrder(symbol=self._symbol, side=side, kind=Kind.MARKET, size_base=size)
        )

    def _to_base(self, notional: float, *, price: float) -> Decimal:
        instrument = self._market.instrument
        size = instrument.floor_size(Decimal(repr(round(notional / price, 8))))
        return max(size, instrument.min_size_base)
