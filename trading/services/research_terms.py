"""What trading costs in a backtest: the desk's own books first, else the fees ccxt knows for the venue, else what the operator says.

ccxt's table is part of its code, so nothing is asked over the network. Importing ccxt costs about a second; what was read is
kept in the home, under the name of ccxt's version.
"""

import difflib
import json
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from django.conf import settings

from trading.errors import ConfigurationError
from trading.models import Instrument, Venue
from trading.types.research import MarketTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """The terms of one instrument and, for the report, where its fees come from."""

    terms: MarketTerms
    source: str


def costs_of(*, venue: str, symbol: str, slippage_bps: float, fee_ratio: float | None = None) -> Costs:
    """Fees and steps of one instrument; `fee_ratio` overrides both fees. ConfigurationError when no fee is known."""
    known = Instrument.objects.filter(venue__name=venue, symbol=symbol).select_related("venue").first()
    terms = _from_books(known, slippage_bps=slippage_bps) if known else None
    source = "the desk's instrument" if terms else ""
    if terms is None:
        maker, taker = (fee_ratio, fee_ratio) if fee_ratio is not None else _ccxt_fees(venue, symbol)
        source = f"ccxt {_ccxt_version()}; steps and least sizes are not known"
        terms = MarketTerms(
            venue=venue,
            symbol=symbol,
            maker_fee_ratio=maker,
            taker_fee_ratio=taker,
            slippage_bps=slippage_bps,
        )
    if fee_ratio is None:
        return Costs(terms=terms, source=source)
    return Costs(
        terms=_with_fee(terms, fee_ratio), source="--fee" + ("" if known else "; steps are not known")
    )


def _from_books(instrument: Instrument, *, slippage_bps: float) -> MarketTerms:
    from trading.backtest.capital import terms_of

    return terms_of(instrument.spec, slippage_bps=slippage_bps)


def _with_fee(terms: MarketTerms, fee_ratio: float) -> MarketTerms:
    from dataclasses import replace

    return replace(terms, maker_fee_ratio=fee_ratio, taker_fee_ratio=fee_ratio)


def _ccxt_fees(venue: str, symbol: str) -> tuple[float, float]:
    """Maker and taker as ratios, of the market's kind where ccxt tells them apart."""
    client = Venue.objects.filter(name=venue).values_list("client", flat=True).first() or venue
    kind = "linear" if ":" in symbol else "trading"
    table = _fee_table(client)
    maker, taker = table.get(kind) or table.get("trading") or (None, None)
    if maker is None or taker is None:
        raise ConfigurationError(
            f"no fees are known for {venue}; give them, as in --fee 0.001 (a ratio: 0.001 is 0.1 %)"
        )
    return maker, taker


@cache
def _ccxt_version() -> str:
    return version("ccxt")


def _fee_table(client: str) -> dict[str, tuple[float | None, float | None]]:
    path = Path(settings.HOME) / "history" / f"fees-ccxt-{_ccxt_version()}.json"
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        kept = {}
    if client not in kept:
        kept[client] = _read_ccxt(client)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(kept), encoding="utf-8")
        draft.replace(path)
    return {kind: (fees[0], fees[1]) for kind, fees in kept[client].items()}


def _read_ccxt(client: str) -> dict[str, tuple[float | None, float | None]]:
    import ccxt

    if client not in ccxt.exchanges:
        known = sorted({*ccxt.exchanges, *Venue.objects.values_list("name", flat=True)})
        close = difflib.get_close_matches(client, known, n=3, cutoff=0.6)
        hint = f"did you mean {' or '.join(close)}?" if close else "ccxt does not know it"
        raise ConfigurationError(f"venue {client!r} is unknown: {hint} Otherwise give its fees: --fee 0.001")
    fees = getattr(ccxt, client)().fees
    return {
        kind: (found.get("maker"), found.get("taker"))
        for kind, found in (("trading", fees.get("trading") or {}), ("linear", _linear(fees)))
        if found
    }


def _linear(fees: dict[str, dict[str, dict[str, float]]]) -> dict[str, float]:
    return (fees.get("linear") or {}).get("trading") or {}
