"""Random markets, signals, costs and capital from one number, small and nasty: gaps, missing bars, prices that meet a stop exactly."""

from dataclasses import dataclass, replace

import numpy as np

from trading.backtest.capital import from_limits, unlimited
from trading.risk.limits import PROFILES
from trading.types.research import Bars, Capital, MarketTerms, Signals

STOPS = {"wide": (0.02, 0.04), "scalping": (0.001, 0.003), "tightest": (0.0005, 0.001)}
PLACES = (("alpha", "BTC/USDT"), ("beta", "BTC/USDT"), ("alpha", "ETH/USDT"))
START_MS = 1_700_000_000_000 // 60_000 * 60_000
NONE = np.array([np.nan])


@dataclass(frozen=True, kw_only=True)
class World:
    markets: list[Bars]
    signals: list[Signals]
    terms: list[MarketTerms]
    capital: Capital

    def run(self, engine):
        return engine(self.markets, self.signals, terms=self.terms, capital=self.capital)


def world(seed: int, *, stops: str) -> World:
    rng = np.random.default_rng(seed)
    count, length = int(rng.integers(1, 4)), int(rng.integers(2, 90))
    missing = float(rng.choice([0.0, 0.0, 0.3]))
    stop, target = STOPS[stops]
    markets = [bars(rng, place=PLACES[k], length=length, missing=missing, width=stop) for k in range(count)]
    terms = [costs(rng, place=PLACES[k]) for k in range(count)]
    return World(
        markets=markets,
        signals=[signals(rng, length=len(market), stop=stop, target=target) for market in markets],
        terms=terms,
        capital=capital(rng),
    )


def bars(rng, *, place=PLACES[0], length: int, missing: float = 0.0, width: float = 0.02) -> Bars:
    """A walk whose bars are now narrower, now wider than `width`; on a grid, so that prices equal a stop at times."""
    calm = width * rng.choice([0.1, 0.5, 2.0])
    digits = int(rng.choice([2, 3, 8]))
    steps = rng.standard_normal((length, 4)) * calm
    steps[:, 0] *= rng.choice([0.0, 1.0])  # a gap before the open, or none
    path = 100.0 * np.exp(np.cumsum(steps.ravel())).reshape(length, 4)
    path = np.maximum(np.round(path, digits), 0.01)
    keep = rng.random(length) >= missing
    keep[0] = True
    return Bars(
        venue=place[0],
        symbol=place[1],
        timeframe="1m",
        open_time_ms=(START_MS + np.arange(length) * 60_000)[keep],
        open=path[keep, 0],
        high=path[keep].max(axis=1),
        low=path[keep].min(axis=1),
        close=path[keep, 3],
        volume_base=np.ones(int(keep.sum())),
    )


def signals(rng, *, length: int, stop: float, target: float) -> Signals:
    often = float(rng.choice([0.05, 0.3, 0.9]))

    def column(value: float):
        many = value * rng.uniform(0.5, 1.5, length)
        return many if rng.random() < 0.3 and length > 1 else np.array([value])

    odd = rng.random(length) < 0.1
    stops = column(stop)
    if stops.size == length:
        stops = np.where(odd, rng.choice([np.nan, 0.0, 1.0, -0.1], length), stops)
    return Signals(
        enter=rng.random(length) < often,
        exit=rng.random(length) < float(rng.choice([0.0, 0.05, 0.3])),
        stop_ratio=stops,
        target_ratio=NONE if rng.random() < 0.2 else column(target),
        trailing_ratio=column(stop * float(rng.choice([0.5, 1.5]))) if rng.random() < 0.4 else NONE,
        confidence_ratio=column(float(rng.choice([0.5, 0.66]))),
        max_hold_bars=int(rng.choice([0, 0, 1, 5])),
    )


def costs(rng, *, place=PLACES[0]) -> MarketTerms:
    return MarketTerms(
        venue=place[0],
        symbol=place[1],
        maker_fee_ratio=0.0,
        taker_fee_ratio=float(rng.choice([0.0, 0.0002, 0.001])),
        slippage_bps=float(rng.choice([0.0, 2.0, 8.0])),
        price_tick=0.01,
        size_step=float(rng.choice([0.0, 1e-5, 0.25])),
        min_size=float(rng.choice([0.0, 0.5])),
        min_notional=float(rng.choice([0.0, 30.0])),
    )


def capital(rng) -> Capital:
    chosen = rng.random()
    if chosen < 0.3:
        return unlimited(start_equity=1000.0, max_slippage_bps=8.0)
    if chosen < 0.5:
        return from_limits(
            PROFILES["aggressive"], start_equity=20_000.0, max_open_positions=int(rng.integers(3))
        )
    return replace(
        unlimited(start_equity=5000.0, max_slippage_bps=float(rng.choice([8.0, 30.0]))),
        risk_per_trade_ratio=float(rng.choice([0.0005, 0.01, 0.02])),
        kelly_fraction_ratio=float(rng.choice([0.5, np.inf])),
        confidence_weight_ratio=0.5,
        max_order_notional_ratio=float(rng.choice([0.1, 0.5, np.inf])),
        max_order_notional_quote=float(rng.choice([700.0, 1e6])),
        max_asset_exposure_ratio=float(rng.choice([0.3, 1.0])),
        max_venue_exposure_ratio=float(rng.choice([0.5, 1.0])),
        max_leverage_ratio=float(rng.choice([0.6, 1.0])),
    )


@dataclass(frozen=True, kw_only=True)
class PairWorld:
    long: Bars
    short: Bars
    signals: Signals
    terms: list[MarketTerms]
    capital: Capital
    funding: np.ndarray | None

    def run(self, engine):
        return engine(
            self.long,
            self.short,
            self.signals,
            terms=self.terms,
            capital=self.capital,
            funding=self.funding,
        )


def pair_world(seed: int, *, stops: str) -> PairWorld:
    """Two legs of one coin whose prices follow each other loosely; now and then a bar of one of them is missing."""
    rng = np.random.default_rng(seed)
    places = PLACES[0], (str(rng.choice(["alpha", "beta"])), "BTC/USDT:USDT")
    stop, target = STOPS[stops]
    length, missing = int(rng.integers(2, 90)), float(rng.choice([0.0, 0.3]))
    legs = [bars(rng, place=place, length=length, missing=missing, width=stop) for place in places]
    funding = np.where(rng.random(len(legs[1])) < 0.2, rng.normal(0, 0.001, len(legs[1])), np.nan)
    return PairWorld(
        long=legs[0],
        short=legs[1],
        signals=signals(rng, length=len(legs[0]), stop=stop, target=target),
        terms=[costs(rng, place=place) for place in places],
        capital=capital(rng),
        funding=None if rng.random() < 0.3 else funding,
    )
