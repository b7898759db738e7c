"""The tools of one session over the live world: what a role is offered, and what a call of it gives."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import cast

from django.core.exceptions import ObjectDoesNotExist

from agents import skilltool
from agents.errors import ToolError
from agents.protocols import AnyTool, ToolContext, ToolOutput
from agents.skillbook import Skill
from agents.skilltool import SkillTool
from agents.types import Effect, Role, ToolCall, ToolSpec
from neuratrade.lib.plugins import discover
from trading import encoding
from trading.errors import TradingError
from trading.models import Decision, Instrument
from trading.risk.limits import RiskLimits, for_profile
from trading.services import ledger, market, snapshot
from trading.types import Candle, InstrumentSpec, OrderBook, Quote, Snapshot, TradeIdea

log = logging.getLogger(__name__)


@cache
def tools() -> dict[str, AnyTool]:
    """Name -> tool, of every plug-in."""
    found = cast(dict[str, AnyTool], discover("agents.tools", "TOOL"))
    return {tool.spec.name: tool for tool in found.values()}


def tools_of(role: Role) -> dict[str, AnyTool]:
    return {name: tool for name, tool in sorted(tools().items()) if role in tool.roles}


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveContext:
    """The world at `at`, for one decision (agents.protocols.ToolContext)."""

    at: datetime
    decision: Decision

    @property
    def instrument(self) -> InstrumentSpec:
        return self.decision.instrument.spec

    @property
    def idea(self) -> TradeIdea | None:
        return encoding.decode(TradeIdea, self.decision.idea) if self.decision.idea else None

    @property
    def risk_limits(self) -> RiskLimits:
        return for_profile(self.decision.operator.risk_profile)

    def instruments(self) -> Sequence[InstrumentSpec]:
        watched = Instrument.objects.filter(is_watched=True, is_active=True, venue__is_enabled=True)
        return [row.spec for row in watched.select_related("venue")]

    def quote(self, instrument: InstrumentSpec) -> Quote | None:
        quote = market.latest_quote(venue=instrument.venue, symbol=instrument.symbol)
        return quote if quote and quote.age_s(at=self.at) <= market.FRESH_S else None

    def book(self, instrument: InstrumentSpec) -> OrderBook | None:
        book = market.latest_book(venue=instrument.venue, symbol=instrument.symbol)
        return book if book and book.age_s(at=self.at) <= market.FRESH_S else None

    def candles(self, instrument: InstrumentSpec, *, timeframe: str, limit: int) -> Sequence[Candle]:
        row = Instrument.objects.get(venue__name=instrument.venue, symbol=instrument.symbol)
        return market.candles(instrument=row, timeframe=timeframe, before=self.at, limit=limit)

    def snapshot(self) -> Snapshot:
        return snapshot.take(account=self.decision.account, instrument=self.decision.instrument, at=self.at)

    def balances(self) -> Mapping[str, Decimal]:
        return ledger.balances(account=self.decision.account)


class Toolbox:
    """What one session may call: its role's tools, and `activate_skill` over the skills pinned for it."""

    def __init__(
        self, *, role: Role, decision: Decision, book: Mapping[str, Skill], pinned: Mapping[str, str]
    ) -> None:
        self._decision = decision
        self._tools = tools_of(role)
        if pinned:
            self._tools[skilltool.NAME] = SkillTool(book=book, pinned=pinned)

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """Sorted by name, so that the same toolbox is always the same prompt."""
        return tuple(self._tools[name].spec for name in sorted(self._tools))

    def effect(self, name: str) -> Effect:
        """An unknown tool counts as CAPITAL: it is never repeated either."""
        tool = self._tools.get(name)
        return tool.effect if tool else Effect.CAPITAL

    def run(self, call: ToolCall, *, at: datetime) -> ToolOutput | str:
        """The output, or one line for the model saying why there is none."""
        tool = self._tools.get(call.tool)
        if tool is None:
            return f"there is no tool {call.tool[:60]!r} for this role; there are: {', '.join(sorted(self._tools))}"
        context: ToolContext = LiveContext(at=at, decision=self._decision)
        try:
            return tool.call(call.arguments, context=context)
        except (ToolError, TradingError) as error:
            return str(error)
        except ObjectDoesNotExist:
            log.exception("tool=%s decision=%s found a row missing", call.tool, self._decision.pk)
            return "the desk's records for this are missing"
