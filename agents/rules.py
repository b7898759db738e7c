"""The built-in desk's judgement: plain rules over the same evidence a model gets. Pure; every word is labelled.

Longs only: with a short-term trend (EMA 9 above EMA 21, RSI 40 to 70) or on a rebound (RSI under 32), where spread and fees leave
room. Where a strategy asked for the decision, its plan is followed as it stands, or not at all: so the desk does what a backtest of
the strategy does. The rules are simple on purpose and promise no profit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from agents.evidence import look_up

LABEL = "rules, no model"
D = Decimal

MAX_SPREAD_BPS = D(10)
MARKET_SPREAD_BPS = D(3)
TREND_RSI = (D(40), D(70))
REBOUND_RSI = D(32)
STOP_ATR = D(2)
TARGETS_ATR = (D(3), D(5), D(8), D(12))
MIN_HOLD_S, MAX_HOLD_S = 900, 1800
VETO_SPREAD_BPS = D(20)
MIN_DEPTH_QUOTE = D(2_000)
CALM_ATR_RATIO = D("0.003")
SMALLEST_SCALE = D("0.25")
MAX_USED_RATIO = D("0.8")
# What a plan may ask for (agents/answers.py), and a target for a strategy that has none: the farthest.
STOPS_ATR = (D("0.5"), D(10))
LONGEST_TARGET_ATR = D(20)
PLANNED_HOLD_S = (60, 86_400)

Answer = dict[str, Any]


class UnknownFactError(Exception):
    """A number the rules need is not known: the answer is no."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One tool's newest result: what it said, and the id to cite. `data` None: the tool had nothing."""

    evidence_id: str
    data: Mapping[str, Any] | None

    def number(self, path: str) -> Decimal:
        """The number at `path`; UnknownFactError when there is none."""
        return D(self.text(path))

    def text(self, path: str) -> str:
        found = look_up(self.data, path) if self.data else None
        if found is None:
            raise UnknownFactError(f"{path.rpartition('.')[2]} is not known")
        return found

    def claim(self, path: str) -> dict[str, str]:
        return {"evidence_id": self.evidence_id, "field": path, "value": self.text(path)}


Facts = Mapping[str, Fact]


@dataclass(frozen=True, slots=True)
class Signal:
    """Why to buy, how sure, for how long, and the fields it rests on."""

    words: str
    confidence_ratio: Decimal
    horizon_s: int
    fields: Sequence[str]


def analyse(brief: Mapping[str, Any], facts: Facts) -> Answer:
    """The analyst's answer from `get_price` and the "1m" and "5m" candles."""
    if proposed_by_strategy(brief):
        return _follow(brief, facts)
    symbol = brief["instrument"]["symbol"]
    quote, fast, slow = facts["get_price"], facts["1m"], facts["5m"]
    spread, atr_ratio = quote.number("spread_bps"), slow.number("indicators.atr_ratio")
    signal = find_signal(fast)
    if signal is None:
        return no_trade(
            symbol, f"neither trend nor rebound, RSI {fast.text('indicators.rsi_14')} on 1m candles"
        )
    if spread > MAX_SPREAD_BPS:
        return no_trade(symbol, f"the spread of {spread} bps is above {MAX_SPREAD_BPS} bps")
    costs = 2 * D(brief["instrument"]["taker_fee_ratio"]) + spread / 10_000
    room = TARGETS_ATR[-1] * atr_ratio
    if room < 2 * costs:
        return no_trade(
            symbol, f"too calm: {TARGETS_ATR[-1]} ATR are {room:.3%}, the costs alone {costs:.3%}"
        )
    return {
        "action": "buy",
        "symbol": symbol,
        "confidence_ratio": str(signal.confidence_ratio),
        "horizon_s": signal.horizon_s,
        "thesis": f"{LABEL}: {signal.words}; spread {spread} bps, ATR {atr_ratio:.3%}, costs {costs:.3%}",
        "claims": [
            quote.claim("spread_bps"),
            *(fast.claim(field) for field in signal.fields),
            slow.claim("indicators.atr_ratio"),
        ],
    }


def proposed_by_strategy(brief: Mapping[str, Any]) -> Mapping[str, Any]:
    """The stop, target, time and confidence that a strategy proposes; empty when none asked for the decision."""
    proposal: Mapping[str, Any] = brief.get("market", {}).get("proposal", {})
    return proposal if "stop_ratio" in proposal else {}


def _follow(brief: Mapping[str, Any], facts: Facts) -> Answer:
    """The analyst's answer to a strategy's signal: yes, unless the spread or its own numbers make it impossible."""
    symbol, proposal = brief["instrument"]["symbol"], proposed_by_strategy(brief)
    quote, slow = facts["get_price"], facts["5m"]
    spread, atr_ratio = quote.number("spread_bps"), slow.number("indicators.atr_ratio")
    if spread > MAX_SPREAD_BPS:
        return no_trade(symbol, f"the spread of {spread} bps is above {MAX_SPREAD_BPS} bps")
    stop, target = distances_atr(proposal, facts)
    if not STOPS_ATR[0] <= stop <= STOPS_ATR[1]:
        return no_trade(
            symbol,
            f"the strategy's stop is {stop} ATR of 5m candles; the desk takes {STOPS_ATR[0]} to {STOPS_ATR[1]}",
        )
    if not STOPS_ATR[0] <= target <= LONGEST_TARGET_ATR:
        return no_trade(
            symbol,
            f"the strategy's target is {target} ATR of 5m candles; the desk takes {STOPS_ATR[0]} to {LONGEST_TARGET_ATR}",
        )
    return {
        "action": "buy",
        "symbol": symbol,
        "confidence_ratio": str(D(str(proposal["confidence_ratio"]))),
        "horizon_s": hold_s(proposal),
        "thesis": f"{LABEL}: the strategy's signal; stop {stop} ATR, target {target} ATR, spread {spread} bps, ATR {atr_ratio:.3%}",
        "claims": [quote.claim("spread_bps"), quote.claim("ask"), slow.claim("indicators.atr_14")],
    }


def distances_atr(proposal: Mapping[str, Any], facts: Facts) -> tuple[Decimal, Decimal]:
    """A strategy's stop and target, parts of the price, as distances in ATRs of 5m candles at the price to be paid."""
    atr_per_price = facts["5m"].number("indicators.atr_14") / facts["get_price"].number("ask")
    if atr_per_price <= 0:
        raise UnknownFactError("the market does not move, so a distance in ATRs")

    def distance(name: str) -> Decimal:
        return D(format(round(D(str(proposal[name])) / atr_per_price, 4).normalize(), "f"))

    return distance("stop_ratio"), distance(
        "target_ratio"
    ) if "target_ratio" in proposal else LONGEST_TARGET_ATR


def hold_s(proposal: Mapping[str, Any]) -> int:
    """How long the strategy holds at most, within what a plan may ask for."""
    return min(max(int(proposal["max_hold_s"]), PLANNED_HOLD_S[0]), PLANNED_HOLD_S[1])


def find_signal(fast: Fact) -> Signal | None:
    """The buy signal in the indicators of 1m candles; None when there is none."""
    rsi = fast.number("indicators.rsi_14")
    if rsi < REBOUND_RSI:
        return Signal(f"oversold rebound, RSI {rsi}", D("0.6"), MIN_HOLD_S, ("indicators.rsi_14",))
    rises = fast.number("indicators.ema_9") > fast.number("indicators.ema_21")
    if rises and TREND_RSI[0] <= rsi <= TREND_RSI[1]:
        fields = ("indicators.ema_9", "indicators.ema_21", "indicators.rsi_14")
        return Signal(f"EMA 9 above EMA 21, RSI {rsi}", D("0.65"), MAX_HOLD_S, fields)
    return None


def next_proposal(brief: Mapping[str, Any], facts: Facts, *, tried: int) -> dict[str, Any] | None:
    """The arguments of the next `propose_order`: a farther target each time; None when all were tried. A strategy's plan is the only one."""
    if proposal := proposed_by_strategy(brief):
        return _propose(brief, proposal, facts) if tried == 0 else None
    if tried >= len(TARGETS_ATR):
        return None
    spread = facts["get_price"].number("spread_bps")
    return {
        "symbol": brief["instrument"]["symbol"],
        "order_type": "market" if spread <= MARKET_SPREAD_BPS else "limit",
        "stop_distance_atr": str(STOP_ATR),
        "target_distance_atr": str(TARGETS_ATR[tried]),
        "max_hold_s": min(max(brief["idea"]["horizon_s"], MIN_HOLD_S), MAX_HOLD_S),
        "size_scale_ratio": "1",
    }


def _propose(brief: Mapping[str, Any], proposal: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """Bought at once, as in a backtest, where an entry is carried out at the next open."""
    stop, target = distances_atr(proposal, facts)
    return {
        "symbol": brief["instrument"]["symbol"],
        "order_type": "market",
        "stop_distance_atr": str(stop),
        "target_distance_atr": str(target),
        "max_hold_s": hold_s(proposal),
        "size_scale_ratio": "1",
    }


def has_edge(proposal: Fact) -> bool:
    """True when the risk desk's own arithmetic finds an edge in the proposal after fees and slippage."""
    return proposal.data is not None and look_up(proposal.data, "appraisal.has_edge") == "true"


def plan(facts: Facts, proposal: Mapping[str, Any]) -> Answer:
    """The trader's answer: the proposal that has an edge."""
    quote, slow, appraised = facts["get_price"], facts["5m"], facts["propose_order"]
    words = (
        f"{LABEL}: {proposal['order_type']} order at a spread of {quote.text('spread_bps')} bps, stop "
        f"{proposal['stop_distance_atr']} ATR, target {proposal['target_distance_atr']} ATR: an edge is left after fees"
    )
    claims = [
        quote.claim("spread_bps"),
        slow.claim("indicators.atr_14"),
        appraised.claim("appraisal.kelly_ratio"),
    ]
    return {"action": "plan", **proposal, "rationale": words, "claims": claims}


def review(brief: Mapping[str, Any], facts: Facts) -> Answer:
    """The risk manager's answer: a veto, or a size that shrinks with volatility."""
    symbol = brief["instrument"]["symbol"]
    book, slow = facts["get_order_book"], facts["5m"]
    exposure, limits = facts["portfolio_exposure_snapshot"], facts["check_risk_limits"]
    objection = find_objection(book, exposure, limits)
    if objection:
        return veto(symbol, objection)
    atr_ratio = slow.number("indicators.atr_ratio")
    if atr_ratio <= 0:
        return veto(symbol, "the market does not move, so risk cannot be measured")
    scale = max(SMALLEST_SCALE, min(D(1), round(CALM_ATR_RATIO / atr_ratio, 2)))
    size = "full size" if scale == 1 else f"size times {scale}"
    return {
        "verdict": "accept",
        "symbol": symbol,
        "size_scale_ratio": str(scale),
        "reasons": [
            f"{LABEL}: spread, depth and exposure are fine; ATR {atr_ratio:.3%} of a 5m candle: {size}"
        ],
        "claims": [
            book.claim("spread_bps"),
            book.claim("ask_depth_10bps_quote"),
            slow.claim("indicators.atr_ratio"),
            exposure.claim("asset_exposure_ratio"),
            limits.claim("limits.max_asset_exposure_ratio"),
        ],
    }


def find_objection(book: Fact, exposure: Fact, limits: Fact) -> str:
    """Why the plan must not happen; empty when nothing speaks against it."""
    spread = book.number("spread_bps")
    depth = min(book.number("ask_depth_10bps_quote"), book.number("bid_depth_10bps_quote"))
    used, allowed = exposure.number("asset_exposure_ratio"), limits.number("limits.max_asset_exposure_ratio")
    drawdown, deepest = limits.number("used.drawdown_ratio"), limits.number("limits.max_drawdown_ratio")
    if spread > VETO_SPREAD_BPS:
        return f"the spread of {spread} bps is too wide"
    if depth < MIN_DEPTH_QUOTE:
        return f"the book is thin, {depth:.0f} within 10 bps"
    if used >= allowed * MAX_USED_RATIO:
        return f"{used:.1%} of equity is in this asset already, the limit is {allowed:.1%}"
    if drawdown >= deepest * MAX_USED_RATIO:
        return f"the drawdown of {drawdown:.2%} is near the limit of {deepest:.2%}"
    return ""


def no_trade(symbol: str, why: str, *, key: str = "thesis") -> Answer:
    return {"action": "no_trade", "symbol": symbol, key: f"{LABEL}: {why}"}


def veto(symbol: str, why: str) -> Answer:
    return {"verdict": "veto", "symbol": symbol, "reasons": [f"{LABEL}: {why}"]}
