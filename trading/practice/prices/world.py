"""The world both venues live in: time passes, fair prices move, the others trade."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import cycle

from trading.practice.clock import Clock
from trading.practice.engine.exchange import Exchange
from trading.practice.engine.types import Side
from trading.practice.prices.fair import FairPrices
from trading.practice.prices.flow import Flow, FlowSettings

LONGEST_STEP_MS = 5_000
LEAN_SCALE = 4_000.0


class World:
    """Drives every venue's markets from one set of fair prices. ``step`` is synchronous and deterministic."""

    def __init__(
        self,
        exchanges: list[Exchange],
        *,
        fair: FairPrices,
        clock: Clock,
        seed: int,
        settings: FlowSettings,
        is_flowing: bool = True,
    ) -> None:
        self.exchanges = {exchange.name: exchange for exchange in exchanges}
        self.fair = fair
        self.is_flowing = is_flowing
        self._clock = clock
        self._flows = {
            (exchange.name, symbol): Flow(exchange, symbol, seed=seed, settings=settings)
            for exchange in exchanges
            for symbol in exchange.markets
        }
        self._turns = cycle(self._flows.values())
        self._last_fair = {key: fair.fair(*key) for key in self._flows}
        self._last_ms = clock.now_ms()
        self.on_candle_closed: list[Callable[[str, str], None]] = []

    def open(self) -> None:
        """Quote every market for the first time and print one trade in each."""
        for key, flow in self._flows.items():
            flow.quote(self._last_fair[key])
            flow.print_trade(Side.BUY)

    def step(self) -> None:
        """Bring the world to the clock's present."""
        now_ms = self._clock.now_ms()
        dt_s = min(LONGEST_STEP_MS, max(0, now_ms - self._last_ms)) / 1000
        self._last_ms = now_ms
        self._roll_candles(now_ms)
        if not self.is_flowing or dt_s <= 0:
            return
        self.fair.advance(dt_s=dt_s)
        for (venue, symbol), flow in self._flows.items():
            self._trade(venue, symbol, flow=flow, dt_s=dt_s)

    def breathe(self, *, count: int) -> None:
        """Change one quote's size in ``count`` markets, in turn: the cheap high-rate mode."""
        for _ in range(count):
            next(self._turns).breathe()

    def set_price(
        self, symbol: str, *, price: Decimal, venue: str | None = None, is_held: bool = False
    ) -> None:
        """Move the market to ``price`` at once, at one venue or everywhere: quotes follow and one trade prints there."""
        if venue is None:
            self.fair.put_everywhere(symbol, price=float(price))
        for name in [venue] if venue else list(self.exchanges):
            if venue is not None or is_held:
                self.fair.put(name, symbol, price=float(price), is_held=is_held)
            before = self.exchanges[name].markets[symbol].last_price
            self._flows[name, symbol].quote(self.fair.fair(name, symbol))
            self._last_fair[name, symbol] = self.fair.fair(name, symbol)
            self._flows[name, symbol].print_trade(Side.BUY if price >= before else Side.SELL)

    def state(self) -> dict[str, object]:
        """What a restart needs: prices and position."""
        return {"prices": self.fair.common(), "position_s": self.fair.driver.position_s()}

    def _trade(self, venue: str, symbol: str, *, flow: Flow, dt_s: float) -> None:
        fair = self.fair.fair(venue, symbol)
        change = fair / self._last_fair[venue, symbol] - 1
        self._last_fair[venue, symbol] = fair
        flow.quote(fair)
        flow.breathe()
        lean = max(-1.0, min(1.0, change * LEAN_SCALE))
        flow.take(dt_s=dt_s, activity=self.fair.driver.activity(symbol), lean=lean)

    def _roll_candles(self, now_ms: int) -> None:
        for exchange in self.exchanges.values():
            for symbol, market in exchange.markets.items():
                if market.candles.roll(now_ms):
                    for listener in self.on_candle_closed:
                        listener(exchange.name, symbol)
