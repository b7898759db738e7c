"""The desk of a rehearsal: one operator, one paper account, one instrument, in a database that holds nothing else.

All parts are the desk's own: the gate with its rules and key, the executor's lane, the guard, the paper venue with its own ledger.
Only the market and the clock are simulated.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from trading.errors import ConfigurationError, InvalidValueError
from trading.models import Account, CandleRow, Decision, Instrument, Operator, Order, Position, Venue
from trading.protocols import VenueConfig
from trading.services import approvals, keys, leases, market, protection, state
from trading.services.execution import Lane, in_db
from trading.services.guard import Guard
from trading.services.lanes import LaneRunner
from trading.services.market_store import row_of
from trading.services.rehearsal_candles import FIVE_MS, five_minutes
from trading.services.rehearsal_market import Depth, SimulatedMarket
from trading.types import InstrumentSpec, Mode, OrderState, Purpose
from trading.types.research import Bars
from trading.venues.paper.account import PaperAccount, PaperOptions

OWNER = "rehearsal"
OPERATOR = "operator"
# Venues that take a buyer's fee out of what was bought; as in services.accounts.paper_options.
FEE_IN_RECEIVED = frozenset({"binance"})
_LEASE_S = 3600.0
_ATR_CANDLES_MS = 110 * FIVE_MS
_ENDED = [item.value for item in OrderState if item.is_terminal]
_WORKING = frozenset({OrderState.ACKED.value, OrderState.PARTIAL.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where a rehearsal happens. `client` is the venue's ccxt id, which decides how fees are taken; `start_quote` is all the money.

    `delay_s`: from a bar's open until the decision is judged. `resumes_daily`: the operator resumes a desk that stepped down, each
    morning at 00:00 UTC; without it a desk that lost its day's limit trades no more.
    """

    spec: InstrumentSpec
    client: str
    depth: Depth
    start_quote: Decimal
    risk_profile: str
    delay_s: float = 0.0
    resumes_daily: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.start_quote < Decimal("1e15"):
            raise InvalidValueError(f"the start balance must be a positive amount, not {self.start_quote}")


@dataclass(slots=True, kw_only=True)
class RehearsalDesk:
    """What plays together. `guard` and `lane` do their rounds when told to."""

    account: Account
    instrument: Instrument
    bars: Bars
    market: SimulatedMarket
    paper: PaperAccount
    runner: LaneRunner
    guard: Guard
    lease: tuple[str, str, int]
    candles_until_ms: int = field(default=0)

    # --- reads and writes of the database; called in its thread -------------------------------------------------------------------

    def renew(self) -> None:
        """The lease of the account, over the time that was skipped."""
        name, owner, epoch = self.lease
        leases.renew(name=name, owner=owner, epoch=epoch, ttl_s=_LEASE_S, at=self.market.clock())

    def position(self) -> Position | None:
        """What is held; None when nothing is, or only a rest too small to sell."""
        row = (
            Position.objects.filter(account=self.account, instrument=self.instrument)
            .exclude(opened_at=None)
            .select_related("instrument__venue", "decision", "account__venue", "account__operator")
            .first()
        )
        return None if row is None or protection.is_left_over(row) else row

    def standing(self) -> tuple[bool, Position | None]:
        """Whether nothing waits for guard, executor or venue (flat without an order, or held under a working stop alone); what is held."""
        open_orders = list(
            Order.objects.filter(account=self.account)
            .exclude(state__in=_ENDED)
            .values_list("purpose", "state", "cancel_requested_at")
        )
        held = self.position()
        if held is None:
            return not open_orders, None
        if held.unprotected_since is not None or len(open_orders) != 1:
            return False, held
        purpose, order_state, cancel_requested_at = open_orders[0]
        is_working = purpose == Purpose.PROTECT and order_state in _WORKING and cancel_requested_at is None
        return is_working, held

    def atr(self) -> Decimal | None:
        """The desk's volatility now, from candles that are closed now."""
        at = self.market.clock()
        until_ms = int(at.timestamp() * 1000)
        since_ms = max(self.candles_until_ms, until_ms - _ATR_CANDLES_MS)
        fresh = five_minutes(self.bars, since_ms=since_ms, until_ms=until_ms)
        CandleRow.objects.bulk_create(
            row_of(candle, instrument_id=self.instrument.pk, timeframe="5m") for candle in fresh
        )
        if fresh:
            self.candles_until_ms = int(fresh[-1].open_time.timestamp() * 1000) + FIVE_MS
        return market.atr(instrument=self.instrument, at=at)

    async def close(self) -> None:
        await self.paper.close()


async def build(bars: Bars, *, setting: Setting, folder: Path) -> RehearsalDesk:
    """A new desk at the first bar; `folder` takes the paper venue's ledger. Raises ConfigurationError in a database with accounts."""
    market_ = SimulatedMarket(bars, spec=setting.spec, depth=setting.depth)
    account, instrument, lease = await in_db(_rows)(setting, at=market_.clock())
    paper = PaperAccount(
        VenueConfig(name=setting.spec.venue, client=setting.client, symbols=(setting.spec.symbol,)),
        options=PaperOptions(
            path=folder / "paper.sqlite3",
            instruments={setting.spec.symbol: setting.spec},
            books=market_,
            start_balances={setting.spec.quote: setting.start_quote},
            fee_in_received=setting.client in FEE_IN_RECEIVED,
            latency_ms=0.0,
            is_self_matching=False,
            clock=market_.clock,
        ),
    )
    lane = Lane(account=account, client=paper, books=market_, lease=lease, clock=market_.clock)
    return RehearsalDesk(
        account=account,
        instrument=instrument,
        bars=bars,
        market=market_,
        paper=paper,
        runner=LaneRunner(lane),
        guard=Guard(),
        lease=lease,
    )


def _rows(setting: Setting, *, at: datetime) -> tuple[Account, Instrument, tuple[str, str, int]]:
    if Account.objects.exists() or Decision.objects.exists():
        raise ConfigurationError(
            "a rehearsal needs a home of its own, and this one has accounts; use `neuratrade rehearse`, which makes one"
        )
    keys.create_if_absent()
    spec = setting.spec
    operator, _ = Operator.objects.get_or_create(name=OPERATOR, defaults={"created_at": at})
    Operator.objects.filter(pk=operator.pk).update(risk_profile=setting.risk_profile)
    operator.refresh_from_db()
    venue, _ = Venue.objects.get_or_create(name=spec.venue, defaults={"client": setting.client})
    instrument = Instrument.objects.create(
        venue=venue,
        **{
            name: getattr(spec, name)
            for name in (
                *(
                    "symbol",
                    "base",
                    "quote",
                    "price_tick",
                    "size_step",
                    "min_size",
                    "max_size",
                    "min_notional",
                ),
                *("maker_fee_ratio", "taker_fee_ratio", "is_active"),
            )
        },
    )
    account = Account.objects.create(operator=operator, venue=venue, mode=Mode.PAPER)
    state.current(operator=operator, mode=Mode.PAPER)
    name = approvals.lease_name(account.pk)
    epoch = leases.acquire(name=name, owner=OWNER, ttl_s=_LEASE_S, at=at)
    assert epoch is not None, "nobody else knows this account"
    account = Account.objects.select_related("operator", "venue").get(pk=account.pk)
    return account, instrument, (name, OWNER, epoch)
