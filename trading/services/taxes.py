"""A tax year of an operator: the desk's own fills and the imported history, across venues and wallets, written to a file."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import partial
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.db import transaction

from trading.accounting.fifo import product
from trading.accounting.taxes import formats
from trading.accounting.taxes.engine import compute, undisturbed
from trading.accounting.taxes.events import Event, Kind
from trading.accounting.taxes.formats.header import Header
from trading.accounting.taxes.lots import Method
from trading.accounting.taxes.readers import prices as price_files
from trading.accounting.taxes.readers.ccxt import trade_id
from trading.accounting.taxes.stock import Options
from trading.accounting.taxes.valuation import FIAT, PriceSource, PriceTable, Valuer
from trading.accounting.taxes.year import TaxYear, day_in, tax_year
from trading.errors import InvalidValueError
from trading.models import Account, Fill, Operator, Posting, TaxExport
from trading.services import past_trades
from trading.services.booking import OPENING
from trading.services.tax_prices import HistoryPrices
from trading.types import Mode

FIRST_YEAR = 2009  # of the first coin
LAST_YEAR = 2199
_CHUNK = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`zone` is the tax payer's; `prices` a price list; `mode` whose fills of the desk count beside the imports."""

    year: int
    method: Method = Method.FIFO
    is_universal: bool = False
    currency: str = "USD"
    mode: Mode = Mode.LIVE
    zone: tzinfo = UTC
    zone_name: str = "UTC"
    prices: Path | None = None

    @property
    def lots(self) -> str:
        return "universal" if self.is_universal else "per-wallet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The year, how it came about, and what the operator should hear before trusting it."""

    request: Request
    year: TaxYear
    header: Header
    warnings: tuple[str, ...]


def report(
    request: Request,
    *,
    operator: Operator,
    at: datetime,
    on_progress: Callable[[int], None] | None = None,
) -> Report:
    """Computes the year; stores and writes nothing. Raises InvalidValueError: a bad year, an empty one (with those that are not)."""
    _check(request, at=at)
    valuer = Valuer(currency=request.currency, stable=settings.STABLE_ASSETS, sources=_sources(request))
    with undisturbed():
        events = gather(operator=operator, mode=request.mode, on_progress=on_progress)
        options = Options(method=request.method, is_universal=request.is_universal)
        tell = None if on_progress is None else partial(_tell_second_half, on_progress)
        history = compute(events, options=options, valuer=valuer, on_progress=tell)
        year = tax_year(history, year=request.year, zone=request.zone)
    if year.is_empty:
        raise InvalidValueError(_nothing(request, events=events, at=at))
    header = Header(
        year=request.year,
        method=request.method.value,
        lots=request.lots,
        currency=request.currency,
        mode=request.mode.value,
        zone=request.zone_name,
        stable=tuple(sorted(settings.STABLE_ASSETS)),
        generated_at=at,
    )
    warnings = (*_about_rules(request, at=at), *_about_past(request, operator=operator))
    return Report(request=request, year=year, header=header, warnings=warnings)


def write(found: Report, *, path: Path, layout: str, operator: Operator) -> int:
    """Writes the file and notes by which rules; the number of its lines. Raises InvalidValueError when it cannot be written."""
    beside = path.with_name(path.name + ".part")
    try:
        with beside.open("w", encoding="utf-8", newline="") as file:
            lines = formats.write(file, found.year, header=found.header, name=layout)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise InvalidValueError(f"{path} cannot be written: {error.strerror or error}") from error
    request, year = found.request, found.year
    with transaction.atomic():
        TaxExport.objects.create(
            operator=operator,
            year=request.year,
            layout=layout,
            method=request.method.value,
            lots=request.lots,
            currency=request.currency,
            zone=request.zone_name,
            mode=request.mode.value,
            disposals=len(year.rows),
            gain=year.gain,
            flagged=sum(1 for row in year.rows if row.flags),
            generated_at=found.header.generated_at,
        )
    return lines


def work(*, operator: Operator, mode: Mode) -> int:
    """How far a report's progress counts: every event is read, then booked."""
    fills = Fill.objects.filter(account__operator=operator, account__mode=mode.value).count()
    return 2 * (fills + (0 if mode is Mode.PAPER else past_trades.count(operator=operator)))


def gather(
    *, operator: Operator, mode: Mode, on_progress: Callable[[int], None] | None = None
) -> list[Event]:
    """All that ever happened: what the desk booked in `mode` first, so that the same trade imported again does not count.

    Practice stands alone: a paper sale must not use up a real purchase.
    """
    found: list[Event] = []
    sources = [_fills(operator, mode), _cash(operator, mode)]
    if mode is not Mode.PAPER:
        sources.append(past_trades.stored(operator=operator))
    for source in sources:
        while part := list(islice(source, _CHUNK)):
            found += part
            if on_progress is not None:
                on_progress(len(found))
    return found


def _tell_second_half(on_progress: Callable[[int], None], done: int, total: int) -> None:
    on_progress(total + done)


def _fills(operator: Operator, mode: Mode) -> Iterator[Event]:
    names = _names(operator, mode)
    rows = (
        Fill.objects.filter(account__in=names)
        .order_by()
        .values_list(
            *(
                "account_id",
                "instrument__symbol",
                "instrument__base",
                "instrument__quote",
                "trade_id",
                "side",
            ),
            *("price", "size_base", "fee", "fee_asset", "fee_quote", "executed_at"),
        )
    )
    for row in rows.iterator(chunk_size=_CHUNK):
        account, symbol, base, quote, trade, side, price, size, fee, fee_asset, fee_quote, at = row
        wallet = names[account]
        yield Event(
            trade_id(wallet=wallet, symbol=symbol, trade=trade),
            at,
            Kind.BUY if side == "buy" else Kind.SELL,
            wallet,
            base,
            size,
            quote,
            product(size, price),
            fee,
            fee_asset if fee else "",
            fee_quote,
        )


def _cash(operator: Operator, mode: Mode) -> Iterator[Event]:
    """Deposits and withdrawals that the desk booked; what it found on its first day is an opening balance."""
    names = _names(operator, mode)
    kinds = (Posting.Kind.DEPOSIT, Posting.Kind.WITHDRAWAL)
    rows = Posting.objects.filter(account__in=names, kind__in=kinds).order_by()
    columns = ("pk", "account_id", "asset", "amount", "kind", "reference", "at")
    for number, account, asset, amount, kind, reference, at in rows.values_list(*columns).iterator():
        booked = Kind.OPENING if reference == OPENING else Kind(kind)
        yield Event(
            f"posting:{number}",
            at,
            booked,
            names[account],
            asset,
            abs(amount),
            link="" if booked is Kind.OPENING else reference,
        )


def _names(operator: Operator, mode: Mode) -> dict[int, str]:
    """Account -> the name of its wallet, which is the venue's, as an import would name it."""
    rows = Account.objects.filter(operator=operator, mode=mode.value).select_related("venue")
    return {account.pk: account.venue.name for account in rows}


def _sources(request: Request) -> Sequence[PriceSource]:
    """A list given by the operator is asked before the stored history."""
    stored = HistoryPrices()
    if request.prices is None:
        return (stored,)
    try:
        text = request.prices.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidValueError(f"{request.prices} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InvalidValueError(f"{request.prices} is no UTF-8 text") from error
    try:
        return (PriceTable(price_files.read(text)), stored)
    except InvalidValueError as error:
        raise InvalidValueError(f"{request.prices.name}: {error}") from error


def _check(request: Request, *, at: datetime) -> None:
    if not FIRST_YEAR <= request.year <= LAST_YEAR:
        raise InvalidValueError(f"{request.year} is no tax year; give one like {at.year - 1}")
    if request.currency not in FIAT:
        raise InvalidValueError(
            f"{request.currency} is no tax currency; give one of: {', '.join(sorted(FIAT))}"
        )


def _nothing(request: Request, *, events: Sequence[Event], at: datetime) -> str:
    day = day_in(request.zone)
    years = sorted({day(event.at).year for event in events})
    whose = "paper" if request.mode is Mode.PAPER else "live or imported"
    if not years:
        hint = (
            ""
            if request.mode is Mode.PAPER
            else "; `neuratrade trades import FILE` takes in history from elsewhere, --mode paper shows practice"
        )
        return f"there are no {whose} trades at all{hint}"
    listed = ", ".join(str(year) for year in years)
    when = (
        f"{request.year} lies in the future"
        if request.year > at.astimezone(request.zone).year
        else f"nothing happened in {request.year}"
    )
    return f"{when}; there are {whose} trades in {listed}"


def _about_rules(request: Request, *, at: datetime) -> Iterator[str]:
    if request.year > at.astimezone(request.zone).year:
        yield f"{request.year} lies in the future"
    elif request.year == at.astimezone(request.zone).year:
        yield f"{request.year} is not over: these numbers will change"
    if request.is_universal and request.currency == "USD" and request.year >= 2025:
        yield "since 2025 US rules ask for lots per wallet (26 CFR 1.1012-1(j), Rev. Proc. 2024-28); you chose universal"
    if request.method is not Method.FIFO and request.currency == "USD":
        yield f"{request.method} asks for records that named the lots no later than each sale (26 CFR 1.1012-1(j)(2))"


def _about_past(request: Request, *, operator: Operator) -> Iterator[str]:
    exports = TaxExport.objects.filter(operator=operator, mode=request.mode.value)
    rules = (request.method.value, request.lots, request.currency)
    for year, when in ((request.year, "this year"), (request.year - 1, "the year before")):
        last = exports.filter(year=year).first()
        if last is not None and (last.method, last.lots, last.currency) != rules:
            yield f"{when} was exported with {last.method}, {last.lots}, {last.currency} on {last.generated_at:%Y-%m-%d}"
