"""Why the desk and a backtest of the same time earned different money: every difference in named parts that add up to it. Pure.

A pair of trades that came from one signal is taken apart step by step, from the backtest's trade to the desk's: first the size, then
the prices, then the fees. Each step counts once, so the parts of a pair sum to the difference of its results to the last digit.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from enum import StrEnum
from types import MappingProxyType

from trading.accounting.fifo import EXACT, total
from trading.errors import InvalidValueError
from trading.types import ZERO, aware, positive
from trading.types.research import ExitKind

_QUANTUM = Decimal("1e-18")
# What was meant to happen at an open: the same kind of exit at another time is the same exit, late.
_AT_AN_OPEN = frozenset({ExitKind.SIGNAL.name, ExitKind.TIME.name})


class Part(StrEnum):
    """A reason why two results differ; the value is what a table prints."""

    MISSED = "missed"  # the backtest traded, the desk did not
    EXTRA = "extra"  # the desk traded, the backtest did not
    SIZE = "size"  # the desk ordered another size
    FILL = "fill"  # the desk's order was not filled in full
    LATENCY = "latency"  # the market moved between the signal and the desk's fill
    PRICE = "price"  # better or worse than the market of that moment: spread, slippage, depth
    EXIT = "exit"  # the desk left for another reason, or in another bar
    FEE = "fee"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One round trip of the desk or of a backtest. `side` 1 is long, -1 short; money is in the quote asset.

    `entry_mark` and `exit_mark` are the market's prices just before the fills, before spread and slippage; `signal_at` is the close at
    which it was decided. `ordered_base` is what was ordered, `size_base` what was filled. `exit_kind` is a name of ExitKind, or
    another word for an exit no backtest knows. A trade that is still open counts as left at the last price, as kind END.
    """

    id: str
    instrument: str
    side: int
    signal_at: datetime
    entry_at: datetime
    exit_at: datetime
    entry_price: Decimal
    exit_price: Decimal
    entry_mark: Decimal
    exit_mark: Decimal
    ordered_base: Decimal
    size_base: Decimal
    fees: Decimal
    exit_kind: str

    def __post_init__(self) -> None:
        if self.side not in {1, -1}:
            raise InvalidValueError(f"trade {self.id}: a side is 1 or -1, not {self.side}")
        for name in ("entry_price", "exit_price", "ordered_base", "size_base"):
            positive(f"trade {self.id}: {name}", getattr(self, name))
        for name in ("signal_at", "entry_at", "exit_at"):
            aware(f"trade {self.id}: {name}", getattr(self, name))

    @property
    def pnl(self) -> Decimal:
        """After fees."""
        with localcontext(EXACT):
            return self.side * self.size_base * (self.exit_price - self.entry_price) - self.fees


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A pair, or a trade that one side alone made. `parts` leaves out what is zero; `reason` is for people."""

    desk: Trade | None
    backtest: Trade | None
    parts: Mapping[Part, Decimal]
    reason: str = ""

    @property
    def amount(self) -> Decimal:
        """The desk's result less the backtest's: the sum of the parts."""
        return total(self.parts.values())

    @property
    def delay(self) -> timedelta | None:
        """How much later than the backtest the desk entered; None without a pair."""
        if self.desk is None or self.backtest is None:
            return None
        return self.desk.entry_at - self.backtest.entry_at

    @property
    def at(self) -> datetime:
        trade = self.backtest or self.desk
        assert trade is not None, "a difference is about at least one trade"
        return trade.entry_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """All differences, oldest first. Every trade of either side is in exactly one of them."""

    differences: tuple[Difference, ...]
    parts: Mapping[Part, Decimal] = field(init=False)

    def __post_init__(self) -> None:
        sums = {part: total(item.parts.get(part, ZERO) for item in self.differences) for part in Part}
        object.__setattr__(self, "parts", sums)

    @property
    def desk_pnl(self) -> Decimal:
        return total(item.desk.pnl for item in self.differences if item.desk)

    @property
    def backtest_pnl(self) -> Decimal:
        return total(item.backtest.pnl for item in self.differences if item.backtest)

    @property
    def amount(self) -> Decimal:
        return total(self.parts.values())


def compare(
    *,
    desk: Sequence[Trade],
    backtest: Sequence[Trade],
    step: timedelta,
    reasons: Mapping[str, str] = MappingProxyType({}),
) -> Drift:
    """Pairs the trades and explains each pair and each single one. `step` is the length of a bar; `reasons` say, by id, why a trade was
    missed or made alone. Raises InvalidValueError when an id appears twice.
    """
    ids = [trade.id for trade in (*desk, *backtest)]
    if len(set(ids)) != len(ids):
        raise InvalidValueError("a trade can be compared only once; the lists hold an id twice")
    partner = _pairs(desk, backtest, step=step)
    paired = {trade.id for trade in partner.values()}
    found = [
        Difference(desk=mine, backtest=theirs, parts=_taken_apart(mine, theirs, step=step))
        for theirs in backtest
        if (mine := partner.get(theirs.id)) is not None
    ]
    for trade in backtest:
        if trade.id not in partner:
            parts = _without_zeros({Part.MISSED: -trade.pnl})
            found.append(Difference(desk=None, backtest=trade, parts=parts, reason=reasons.get(trade.id, "")))
    for trade in desk:
        if trade.id not in paired:
            parts = _without_zeros({Part.EXTRA: trade.pnl})
            found.append(Difference(desk=trade, backtest=None, parts=parts, reason=reasons.get(trade.id, "")))
    return Drift(differences=tuple(sorted(found, key=lambda item: item.at)))


def _pairs(desk: Sequence[Trade], backtest: Sequence[Trade], *, step: timedelta) -> dict[str, Trade]:
    """Backtest trade's id -> the desk's trade of the same signal: decided less than a bar apart, the nearest first."""
    times = sorted(((mine.signal_at, mine.id, mine) for mine in desk), key=lambda item: item[:2])
    keys = [item[0] for item in times]
    near = sorted(
        (
            (abs(mine.signal_at - theirs.signal_at), mine.entry_at, mine.id, theirs.id, mine)
            for theirs in backtest
            for _, _, mine in times[
                bisect_right(keys, theirs.signal_at - step) : bisect_left(keys, theirs.signal_at + step)
            ]
            if (mine.instrument, mine.side) == (theirs.instrument, theirs.side)
        ),
        key=lambda item: item[:4],
    )
    partner: dict[str, Trade] = {}
    used: set[str] = set()
    for _, _, mine_id, theirs_id, mine in near:
        if theirs_id not in partner and mine_id not in used:
            partner[theirs_id] = mine
            used.add(mine_id)
    return partner


def _taken_apart(desk: Trade, backtest: Trade, *, step: timedelta) -> Mapping[Part, Decimal]:
    with localcontext(EXACT):
        gain = backtest.side * (backtest.exit_price - backtest.entry_price)
        ordered_fees = _scaled(backtest.fees, size=desk.ordered_base, whole=backtest.size_base)
        filled_fees = _scaled(backtest.fees, size=desk.size_base, whole=backtest.size_base)
        signed = desk.side * desk.size_base
        late_in = signed * (backtest.entry_mark - desk.entry_mark)
        into = signed * (backtest.entry_price - desk.entry_price)
        out = signed * (desk.exit_price - backtest.exit_price)
        late_out = signed * (desk.exit_mark - backtest.exit_mark)
        if not is_same_exit(desk, backtest, step=step):
            exit_part, late_out, out = out, ZERO, ZERO
        else:
            exit_part = ZERO
        return _without_zeros(
            {
                Part.SIZE: (desk.ordered_base - backtest.size_base) * gain - (ordered_fees - backtest.fees),
                Part.FILL: (desk.size_base - desk.ordered_base) * gain - (filled_fees - ordered_fees),
                Part.LATENCY: late_in + late_out,
                Part.PRICE: into - late_in + out - late_out,
                Part.EXIT: exit_part,
                Part.FEE: filled_fees - desk.fees,
            }
        )


def is_same_exit(desk: Trade, backtest: Trade, *, step: timedelta) -> bool:
    """True when both left for the same reason: in the same bar, or, for what is done at an open, whenever the desk got to it."""
    if desk.exit_kind != backtest.exit_kind:
        return False
    return desk.exit_kind in _AT_AN_OPEN or _bar(desk.exit_at, step) == _bar(backtest.exit_at, step)


def _bar(at: datetime, step: timedelta) -> int:
    """Which bar of this length, counted from 1970, holds `at`."""
    return int(at.timestamp() * 1000) // int(step.total_seconds() * 1000)


def _scaled(amount: Decimal, *, size: Decimal, whole: Decimal) -> Decimal:
    """The fees of a trade of `whole` for one of `size`; rounded here once, so that what uses it twice cancels."""
    return amount if size == whole else (amount * size / whole).quantize(_QUANTUM)


def _without_zeros(parts: Mapping[Part, Decimal]) -> Mapping[Part, Decimal]:
    return {part: amount for part, amount in parts.items() if amount}
