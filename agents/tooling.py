"""What several tools share: naming an instrument, and for how long facts may be cited. Pure."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from agents.errors import ToolError
from agents.protocols import ToolContext
from agents.types import Role
from trading.types import InstrumentSpec

EVERY_ROLE = frozenset(Role)

# A debate of three roles takes minutes with a large model. The gate asks for a quote of a few seconds anyway.
MARKET_VALID_S = 150.0
ACCOUNT_VALID_S = 150.0

BPS = Decimal(10_000)


class NoArguments(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InstrumentArguments(BaseModel):
    """Both may be left out: then it is the decision's own instrument."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    venue: Annotated[str | None, Field(max_length=40)] = None
    symbol: Annotated[str | None, Field(max_length=40)] = None


def find_instrument(arguments: InstrumentArguments, context: ToolContext) -> InstrumentSpec:
    """The watched instrument that is meant; ToolError lists what there is."""
    venue = arguments.venue or context.instrument.venue
    symbol = arguments.symbol or context.instrument.symbol
    watched = context.instruments()
    for spec in watched:
        if (spec.venue, spec.symbol) == (venue, symbol):
            return spec
    known = ", ".join(f"{spec.symbol} on {spec.venue}" for spec in watched[:20])
    raise ToolError(f"the desk does not watch {symbol!r} on {venue!r}; it watches {known}")
