"""Runs made by hand: bars from closes, trades from bar numbers, equity by marking each position at each close."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trading.types.research import (
    TIMEFRAME_S,
    TRADE_DTYPE,
    BacktestRun,
    Bars,
    Capital,
    ExitKind,
    FloatArray,
    MarketTerms,
)

MONDAY_MS = 1_704_067_200_000  # 2024-01-01, a Monday
START = 10_000.0


@dataclass(frozen=True)
class Deal:
    """Bought at the close of bar `entry`, sold at the close of bar `exit`; `fee` of the notional each way."""

    entry: int
    exit: int
    size: float = 1.0
    kind: ExitKind = ExitKind.SIGNAL
    instrument: int = 0
    side: int = 1
    fee: float = 0.0
    stop_ratio: float = 0.02
    both_hit: bool = False


def bars(
    closes: Sequence[float] | FloatArray,
    *,
    timeframe: str = "1h",
    symbol: str = "BTC/USDT",
    range_ratio: float = 0.002,
    **changes: Any,
) -> Bars:
    close = np.asarray(closes, dtype=np.float64)
    fields: dict[str, Any] = {
        "venue": "binance",
        "symbol": symbol,
        "timeframe": timeframe,
        "open_time_ms": MONDAY_MS + np.arange(close.size) * TIMEFRAME_S[timeframe] * 1000,
        "open": close.copy(),
        "high": close * (1 + range_ratio / 2),
        "low": close * (1 - range_ratio / 2),
        "close": close,
        "volume_base": np.full(close.size, 1e9),
    }
    return Bars(**(fields | changes))


def terms(symbol: str = "BTC/USDT", *, fee: float = 0.001, slippage_bps: float = 1.0) -> MarketTerms:
    return MarketTerms(
        venue="binance", symbol=symbol, maker_fee_ratio=fee, taker_fee_ratio=fee, slippage_bps=slippage_bps
    )


def capital(*, start: float = START, most: int = 0) -> Capital:
    return Capital(
        start_equity=start,
        risk_per_trade_ratio=0.01,
        kelly_fraction_ratio=0.5,
        confidence_weight_ratio=1.0,
        max_order_notional_ratio=1.0,
        max_order_notional_quote=1e12,
        max_asset_exposure_ratio=1.0,
        max_venue_exposure_ratio=1.0,
        max_leverage_ratio=1.0,
        max_slippage_bps=50.0,
        max_open_positions=most,
    )


def run(
    markets: Sequence[Bars],
    deals: Sequence[Deal] = (),
    *,
    start: float = START,
    refusals: dict[str, int] | None = None,
) -> BacktestRun:
    """The markets must share their times."""
    equity = np.full(len(markets[0]), start)
    rows = []
    for deal in sorted(deals, key=lambda item: (item.exit, item.entry)):
        market = markets[deal.instrument]
        entry, exit_ = float(market.close[deal.entry]), float(market.close[deal.exit])
        fees = entry * deal.size * deal.fee, exit_ * deal.size * deal.fee
        pnl = deal.side * (exit_ - entry) * deal.size - sum(fees)
        held = deal.side * (market.close[deal.entry : deal.exit] - entry) * deal.size - fees[0]
        equity[deal.entry : deal.exit] += held
        equity[deal.exit :] += pnl
        rows.append((deal, entry, exit_, fees, pnl))
    trades = np.zeros(len(rows), dtype=TRADE_DTYPE)
    for record, (deal, entry, exit_, fees, pnl) in zip(trades, rows, strict=True):
        times = markets[deal.instrument].open_time_ms
        record["instrument"], record["side"], record["exit_kind"] = deal.instrument, deal.side, deal.kind
        record["entry_bar"], record["exit_bar"] = deal.entry, deal.exit
        record["entry_time_ms"], record["exit_time_ms"] = times[deal.entry], times[deal.exit]
        record["entry_price"], record["exit_price"] = entry, exit_
        record["stop_price"] = entry * (1 - deal.side * deal.stop_ratio) if deal.stop_ratio else math.nan
        record["size_base"], record["entry_fee"], record["exit_fee"] = deal.size, *fees
        record["pnl"], record["return_ratio"], record["entry_equity"] = pnl, pnl / (entry * deal.size), start
        record["is_entry_bar"], record["is_both_hit"] = deal.entry == deal.exit, deal.both_hit
    return BacktestRun(
        time_ms=markets[0].open_time_ms,
        equity=equity,
        trades=trades,
        terms=tuple(terms(market.symbol) for market in markets),
        capital=capital(start=start),
        timeframe=markets[0].timeframe,
        refusals=refusals or {},
    )
