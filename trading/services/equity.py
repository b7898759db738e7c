"""What the desk is worth if it were sold now, every few seconds, and how that compares with its last day.

Money at the bid less the taker fee (liquidation value). NAV per unit ignores deposits and withdrawals: they make or redeem units at
the NAV of the moment, as in a fund, so neither can trip a breaker nor hide a loss (reliability.md 6.1).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import FloatField
from django.db.models.functions import Cast

from trading.errors import StaleDataError
from trading.models import Account, EquityMark, Instrument, Operator, Position, Posting
from trading.risk.breakers import MAX_PRICE_JUMP_RATIO, WINDOW, NavPoint, peak_nav
from trading.risk.digest import number
from trading.risk.units import units_and_nav
from trading.services import ledger, market
from trading.types import ONE, ZERO, Quote

# A mark older than this says nothing about now.
MAX_STANDING_AGE = timedelta(seconds=60)
_JUMP_MEMORY = timedelta(minutes=10)
_RECENT = timedelta(minutes=5)
_FLOWS = (Posting.Kind.DEPOSIT, Posting.Kind.WITHDRAWAL)

Holdings = dict[str, dict[str, Decimal]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """`values` is the liquidation price by `venue asset`; `too_old` and `unknown` name what could not be trusted or found."""

    values: dict[str, Decimal]
    too_old: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A mark as written, with what the breakers want to know. `mark` None: something held has no price at all."""

    mark: EquityMark | None
    stale_what: tuple[str, ...] = ()
    unexplained_quote: Decimal = ZERO
    jumps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Equity now and its 24 h peak in today's units; both zero when no recent mark exists."""

    equity: Decimal
    equity_peak_24h: Decimal


def mark(*, operator: Operator, mode: str, max_age_s: float, at: datetime) -> Marked:
    """Values everything and writes an EquityMark; a price older than `max_age_s`, or one that jumped, makes it not fresh."""
    accounts = list(Account.objects.filter(operator=operator, mode=mode).select_related("venue"))
    last = EquityMark.objects.filter(operator=operator, mode=mode).order_by("-at", "-id").first()
    prices = _prices(accounts, last=last, max_age_s=max_age_s, at=at)
    if prices.unknown:
        return Marked(mark=None, stale_what=prices.unknown)
    jumps = _jumps(prices, last=last, at=at)
    with transaction.atomic():
        return _write(operator, mode, accounts=accounts, prices=prices, last=last, jumps=jumps, at=at)


def nav_points(*, operator: Operator, mode: str, since: datetime | None, at: datetime) -> list[NavPoint]:
    """What a drawdown is made of, oldest first: the highest fresh mark of the last 24 h, not before `since`, and all recent ones."""
    begin = max(at - WINDOW, since) if since else at - WINDOW
    rows = EquityMark.objects.filter(operator=operator, mode=mode, at__gte=begin, at__lte=at)
    recent = at - _RECENT
    # Text does not sort as a number. A float finds the row to the last digit but one; the value then used is the exact one.
    by_size = rows.filter(at__lt=recent, is_fresh=True).order_by(Cast("nav", FloatField()).desc(), "at")
    found = [*by_size[:1], *rows.filter(at__gte=recent).order_by("at", "id")]
    return [NavPoint(at=row.at, nav=row.nav, is_fresh=row.is_fresh) for row in found]


def standing(*, operator: Operator, mode: str, since: datetime | None, at: datetime) -> Standing:
    """Equity by the newest mark of the last minute, beside the peak of the window."""
    newest = (
        EquityMark.objects.filter(
            operator=operator, mode=mode, at__gte=at - MAX_STANDING_AGE, at__lte=at + MAX_STANDING_AGE
        )
        .order_by("-at", "-id")
        .first()
    )
    if newest is None:
        return Standing(equity=ZERO, equity_peak_24h=ZERO)
    peak = peak_nav(nav_points(operator=operator, mode=mode, since=since, at=at)) * newest.units
    return Standing(equity=newest.equity, equity_peak_24h=max(peak, newest.equity))


def _prices(accounts: list[Account], *, last: EquityMark | None, max_age_s: float, at: datetime) -> Prices:
    values: dict[str, Decimal] = {}
    too_old: list[str] = []
    unknown: list[str] = []
    for account in accounts:
        for instrument, held in _holdings(account, last=last):
            name = f"{account.venue.name} {instrument.base}"
            quote = _quote(instrument)
            if quote is None:
                if abs(held) >= instrument.min_size:
                    unknown.append(name)
                continue
            values[name] = quote.bid * (ONE - instrument.taker_fee_ratio)
            # What is too small to sell is too small to stop the desk for.
            if quote.age_s(at=at) > max_age_s and abs(held) * quote.bid >= instrument.min_notional:
                too_old.append(name)
    return Prices(values=values, too_old=tuple(too_old), unknown=tuple(unknown))


def _holdings(account: Account, *, last: EquityMark | None) -> list[tuple[Instrument, Decimal]]:
    """What is held, or moved since the last mark, with its market here. What the desk does not watch counts for nothing."""
    balances = ledger.balances(account=account)
    moved = Posting.objects.filter(account=account, id__gt=last.posting_id if last else 0)
    names = {*balances, *moved.values_list("asset", flat=True)} - settings.STABLE_ASSETS
    markets = ((_market_of(account, asset=name), balances.get(name, ZERO)) for name in sorted(names))
    return [(instrument, held) for instrument, held in markets if instrument is not None]


def _market_of(account: Account, *, asset: str) -> Instrument | None:
    """Where the asset would be sold: the instrument of an open position first, else a watched one."""
    rows = Instrument.objects.filter(
        venue=account.venue, base=asset, quote__in=sorted(settings.STABLE_ASSETS)
    ).select_related("venue")
    traded = Position.objects.filter(account=account, instrument__in=rows).exclude(size_base=ZERO)
    position = traded.select_related("instrument__venue").order_by("instrument__symbol").first()
    return position.instrument if position else rows.filter(is_watched=True).order_by("symbol").first()


def _quote(instrument: Instrument) -> Quote | None:
    try:
        return market.latest_quote(venue=instrument.venue.name, symbol=instrument.symbol)
    except StaleDataError:
        return None


def _jumps(prices: Prices, *, last: EquityMark | None, at: datetime) -> tuple[str, ...]:
    """Prices that moved by more than a fifth since the mark before: perhaps true, but not on one sample."""
    if last is None or at - last.at > _JUMP_MEMORY:
        return ()
    before = {name: Decimal(text) for name, text in last.basis.get("prices", {}).items()}
    return tuple(
        name
        for name, price in prices.values.items()
        if before.get(name) and abs(price / before[name] - ONE) > MAX_PRICE_JUMP_RATIO
    )


def _write(
    operator: Operator,
    mode: str,
    *,
    accounts: list[Account],
    prices: Prices,
    last: EquityMark | None,
    jumps: tuple[str, ...],
    at: datetime,
) -> Marked:
    holdings = {account.venue.name: ledger.balances(account=account) for account in accounts}
    fresh_postings = list(
        Posting.objects.filter(account__in=accounts, id__gt=last.posting_id if last else 0)
        .select_related("account__venue")
        .order_by("id")
    )
    flow = sum((_worth(item, prices) for item in fresh_postings if item.kind in _FLOWS), ZERO)
    equity = _value(holdings, prices=prices)
    units, nav = units_and_nav(
        equity, flow=flow, last_units=last.units if last else ZERO, last_nav=last.nav if last else ZERO
    )
    row = EquityMark.objects.create(
        operator=operator,
        mode=mode,
        at=at,
        equity=equity,
        cash=_value(holdings, prices=Prices(values={}, too_old=(), unknown=())),
        unrealised_pnl=_unrealised(accounts, prices=prices),
        units=units,
        nav=nav,
        is_fresh=not prices.too_old and not jumps,
        posting_id=fresh_postings[-1].id if fresh_postings else (last.posting_id if last else 0),
        basis={
            "prices": {name: number(price) for name, price in prices.values.items()},
            "holdings": {
                venue: {asset: number(amount) for asset, amount in assets.items()}
                for venue, assets in holdings.items()
            },
        },
    )
    return Marked(
        mark=row,
        stale_what=prices.too_old,
        unexplained_quote=_unexplained(holdings, fresh_postings, last=last, prices=prices),
        jumps=jumps,
    )


def _value(holdings: Holdings, *, prices: Prices) -> Decimal:
    total = ZERO
    for venue, assets in holdings.items():
        for asset, amount in assets.items():
            total += amount * _unit_price(venue, asset, prices)
    return total


def _worth(item: Posting, prices: Prices) -> Decimal:
    return item.amount * _unit_price(item.account.venue.name, item.asset, prices)


def _unit_price(venue: str, asset: str, prices: Prices) -> Decimal:
    return ONE if asset in settings.STABLE_ASSETS else prices.values.get(f"{venue} {asset}", ZERO)


def _unrealised(accounts: list[Account], *, prices: Prices) -> Decimal:
    rows = Position.objects.filter(account__in=accounts).select_related("instrument__venue")
    return sum(
        (
            row.size_base
            * (_unit_price(row.instrument.venue.name, row.instrument.base, prices) - row.average_cost)
            for row in rows
            if row.size_base
        ),
        ZERO,
    )


def _unexplained(
    holdings: Holdings, postings: list[Posting], *, last: EquityMark | None, prices: Prices
) -> Decimal:
    """What changed since the last mark that no fill, deposit or withdrawal accounts for, in the reporting currency."""
    if last is None:
        return ZERO
    expected: dict[tuple[str, str], Decimal] = {
        (venue, asset): Decimal(amount)
        for venue, assets in last.basis.get("holdings", {}).items()
        for asset, amount in assets.items()
    }
    for item in postings:
        if item.fill_id is not None or item.kind in _FLOWS:
            key = (item.account.venue.name, item.asset)
            expected[key] = expected.get(key, ZERO) + item.amount
    actual = {
        (venue, asset): amount for venue, assets in holdings.items() for asset, amount in assets.items()
    }
    return sum(
        (
            (actual.get(key, ZERO) - expected.get(key, ZERO)) * _unit_price(*key, prices)
            for key in expected.keys() | actual.keys()
        ),
        ZERO,
    )
