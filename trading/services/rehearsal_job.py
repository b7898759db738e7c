"""What a rehearsal needs, gathered in the operator's home: bars, signals, and the instrument as its venue defines it."""

from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from trading.errors import ConfigurationError
from trading.models import Instrument
from trading.services.bench import BacktestRequest, open_bench
from trading.services.rehearsal import check
from trading.services.rehearsal_desk import Setting
from trading.services.rehearsal_market import Depth
from trading.types import ZERO, InstrumentSpec
from trading.types.research import PRICES, Bars, MarketTerms, Signals

# For an instrument that the desk does not know: finer than any venue's, so that it decides nothing.
_SIZE_STEP = Decimal("0.00000001")
_MOST_DECIMALS = 10
# A float that is whole but for rounding.
_WHOLE_RATIO = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """`history` reaches back before `bars`, as far as the strategy's warm-up; `notes` are what a reader must know."""

    history: Bars
    bars: Bars
    signals: Signals
    setting: Setting
    strategy: str
    skill_hash: str
    notes: tuple[str, ...]


def gather(
    request: BacktestRequest, *, depth: Depth, start_quote: Decimal, delay_s: float, resumes_daily: bool
) -> Job:
    """Raises TradingError in one line: unknown strategy, parameter or instrument, missing candles, a strategy that may not run."""
    bench = open_bench(request)
    if bench.strategy.is_pair:
        raise ConfigurationError(
            f"{request.strategy} trades a pair with a short leg; the desk cannot, and so neither can a rehearsal"
        )
    bench.refuse({})
    since_ms, until_ms = bench.period_ms
    markets, signals = bench.cut(bench.signals({}), since_ms=since_ms, until_ms=until_ms)
    spec, client, notes = _spec(bench.markets[0], terms=bench.costs[0].terms)
    setting = Setting(
        spec=spec,
        client=client,
        depth=depth,
        start_quote=start_quote,
        risk_profile=request.profile,
        delay_s=delay_s,
        resumes_daily=resumes_daily,
    )
    check(markets[0], signals[0], setting=setting)
    return Job(
        history=bench.markets[0],
        bars=markets[0],
        signals=signals[0],
        setting=setting,
        strategy=request.strategy,
        skill_hash=bench.play.digest,
        notes=(*bench.remarks({}), *notes),
    )


def _spec(bars: Bars, *, terms: MarketTerms) -> tuple[InstrumentSpec, str, tuple[str, ...]]:
    """The instrument and its venue's ccxt id: as the desk knows them, else steps as fine as the prices and the venue's own name."""
    known = (
        Instrument.objects.filter(venue__name=bars.venue, symbol=bars.symbol).select_related("venue").first()
    )
    base, _, quote = bars.symbol.partition(":")[0].partition("/")
    maker, taker = Decimal(str(terms.maker_fee_ratio)), Decimal(str(terms.taker_fee_ratio))
    if known is not None:
        return replace(known.spec, maker_fee_ratio=maker, taker_fee_ratio=taker), known.venue.client, ()
    spec = InstrumentSpec(
        venue=bars.venue,
        symbol=bars.symbol,
        base=base,
        quote=quote,
        price_tick=price_tick(bars),
        size_step=_SIZE_STEP,
        min_size=_SIZE_STEP,
        min_notional=ZERO,
        maker_fee_ratio=maker,
        taker_fee_ratio=taker,
    )
    note = f"{bars.venue} {bars.symbol} is not in the desk's books: its tick is taken from the prices, its least sizes are not known"
    return spec, bars.venue, (note,)


def price_tick(bars: Bars) -> Decimal:
    """The coarsest power of ten that all prices are multiples of, at most 1; the finest looked at is 1e-10."""
    prices = np.concatenate([getattr(bars, name) for name in PRICES])
    for decimals in range(_MOST_DECIMALS):
        scaled = prices * 10.0**decimals
        if bool(np.all(np.abs(scaled - np.round(scaled)) <= _WHOLE_RATIO * scaled)):
            return Decimal(1).scaleb(-decimals)
    return Decimal(1).scaleb(-_MOST_DECIMALS)
