"""The world: deterministic, correlated, with a past that joins, gaps between venues, and books that live."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from tests.trading.practice.prices.test_recorded import frame
from trading.practice.build import build
from trading.practice.clock import VirtualClock
from trading.practice.engine.types import Side
from trading.practice.errors import PracticeError
from trading.practice.prices.drivers import Generated
from trading.practice.prices.fair import FairPrices
from trading.practice.prices.world import World
from trading.practice.settings import PracticeSettings

BTC = "BTC/USDT"


def run(seconds: int, **changes: object) -> World:
    """A world after some seconds of virtual time."""
    clock = VirtualClock()
    settings = PracticeSettings(**{"instruments": 3, "history_minutes": 60, **changes})  # type: ignore[arg-type]
    world = build(settings, clock=clock).world
    for _ in range(seconds * 4):
        clock.advance(by_ms=250)
        world.step()
    return world


def tapes(world: World) -> dict[tuple[str, str], list[object]]:
    """Every public trade."""
    return {
        (name, symbol): list(market.tape)
        for name, exchange in world.exchanges.items()
        for symbol, market in exchange.markets.items()
    }


def test_one_seed_one_tape_and_another_seed_another():
    first, second, other = run(60), run(60), run(60, seed=8)
    assert tapes(first) == tapes(second)
    assert tapes(first) != tapes(other)
    assert all(len(tape) > 5 for tape in tapes(first).values())


def test_books_stay_alive_and_uncrossed():
    world = run(90, volatility=5.0, gap_every_s=20.0)
    for exchange in world.exchanges.values():
        for market in exchange.markets.values():
            bid, ask = market.book.best_price(Side.BUY), market.book.best_price(Side.SELL)
            assert bid is not None
            assert ask is not None
            assert bid < ask
            assert (ask - bid) / bid < Decimal("0.001")
            assert len(market.book.levels(Side.BUY, limit=100)) >= 20


def test_the_past_joins_the_present():
    world = run(0)
    for exchange in world.exchanges.values():
        for market in exchange.markets.values():
            past = list(market.candles.closed)
            assert len(past) == 60
            assert past[-1].close == market.instrument.start_price
            assert past[-1].open_ms + 60_000 == market.candles.current.open_ms
            assert all(a.close == b.open for a, b in zip(past, past[1:], strict=False))
            assert all(one.low <= min(one.open, one.close) for one in past)
            assert all(one.high >= max(one.open, one.close) for one in past)
            assert all(one.volume_base > 0 for one in past)
            bid = market.book.best_price(Side.BUY) or Decimal(0)
            assert abs(bid / market.instrument.start_price - 1) < Decimal("0.001")


def test_generated_returns_are_correlated_and_cluster():
    driver = Generated([BTC, "ETH/USDT"], seed=3)
    rows = np.array([list(driver.returns(dt_s=1.0).values()) for _ in range(20_000)])
    assert np.corrcoef(rows.T)[0, 1] > 0.7
    size = np.abs(rows[:, 0])
    assert np.corrcoef(size[:-60], size[60:])[0, 1] > 0.03


def test_gaps_between_venues_come_and_go():
    fair = FairPrices(
        {BTC: 100.0}, driver=Generated([BTC], seed=1), venues=("a", "b"), seed=1, gap_every_s=100
    )
    spreads = []
    for _ in range(4_000):
        fair.advance(dt_s=0.5)
        spreads.append(abs(fair.fair("a", BTC) / fair.fair("b", BTC) - 1))
    wide = np.array(spreads) > 0.0025
    assert 0.01 < wide.mean() < 0.5
    starts = int((wide[1:] & ~wide[:-1]).sum())
    assert starts >= 5


def test_recorded_candles_are_played_at_their_prices_and_speed(tmp_path):
    frame(400).to_csv(tmp_path / "c.csv", index=False)
    changes = {"candles": {BTC: tmp_path / "c.csv"}, "gap_every_s": 0.0, "history_minutes": 60}
    world = run(30, speed=60.0, **changes)
    start = 100 + 60
    expected = start + 30
    for name in ("binance", "kraken"):
        market = world.exchanges[name].markets[BTC]
        assert float(list(market.candles.closed)[-1].close) == pytest.approx(start, abs=0.5)
        assert world.fair.fair(name, BTC) == pytest.approx(expected, rel=0.01)
    past = [float(one.close) for one in list(world.exchanges["binance"].markets[BTC].candles.closed)[-60:]]
    assert past == pytest.approx([101.0 + minute for minute in range(60)], abs=0.02)


def test_candles_for_an_unlisted_symbol_are_refused(tmp_path):
    frame().to_csv(tmp_path / "c.csv", index=False)
    with pytest.raises(PracticeError, match="FOO/USDT, which is not listed"):
        run(0, candles={"FOO/USDT": tmp_path / "c.csv"})


def test_set_price_moves_the_book_and_the_last_trade_and_fills_what_is_in_the_way():
    world = run(0, is_flowing=False)
    world.set_price(BTC, price=Decimal(98_000), venue="binance", is_held=True)
    market = world.exchanges["binance"].markets[BTC]
    assert abs(market.last_price / 98_000 - 1) < Decimal("0.0005")
    assert abs(world.exchanges["kraken"].markets[BTC].last_price / 97_000 - 1) < Decimal("0.0005")
    world.set_price(BTC, price=Decimal(90_000))
    for exchange in world.exchanges.values():
        assert abs(exchange.markets[BTC].last_price / 90_000 - 1) < Decimal("0.0005")


def test_quiet_minutes_leave_flat_candles():
    world = run(0, is_flowing=False)
    market = world.exchanges["binance"].markets[BTC]
    closed = market.candles.roll(market.candles.current.open_ms + 3 * 60_000)
    assert len(closed) == 3
    assert closed[-1].volume_base == 0
    assert closed[-1].open == closed[-1].close == market.last_price


def test_a_restart_goes_on_from_the_last_prices_with_the_same_filters(tmp_path):
    clock = VirtualClock()
    settings = PracticeSettings(
        instruments=3,
        history_minutes=60,
        start_prices={"ADA": Decimal("0.9995")},
        state_file=tmp_path / "practice.jsonl",
    )
    before = build(settings, clock=clock).world
    before.set_price("ADA/USDT", price=Decimal("1.05"))
    for exchange in before.exchanges.values():
        exchange.ledger.note_world(before.state())
        exchange.ledger.close()
    after = build(settings, clock=clock).world
    for name, exchange in after.exchanges.items():
        exchange.ledger.close()
        market, old = exchange.markets["ADA/USDT"], before.exchanges[name].markets["ADA/USDT"]
        assert float(market.last_price) == pytest.approx(1.05, rel=0.001)
        assert market.instrument.tick == old.instrument.tick
        assert list(market.candles.closed)[-1].close == market.instrument.start_price
        assert exchange.next_order_id > before.exchanges[name].next_order_id
