"""History from elsewhere in the database: looked at, taken in once, listed, taken back. For taxes only; the ledger never sees it."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import IntegrityError, models, transaction
from django.db.models import QuerySet

from trading.accounting.taxes import readers
from trading.accounting.taxes.events import Event, Kind
from trading.errors import InvalidValueError
from trading.models import Operator, PastImport, PastTrade

MAX_BYTES = 500_000_000
_CHUNK = 2_000
_NOTE = 300
_TWO_AT_ONCE = "another import ran at the same time; nothing was imported, do it again"
FIELDS = Event._fields
_KINDS = {kind.value: kind for kind in Kind}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A file as it would be taken in. `new` are the events that are not here yet, `repeated` counts the others."""

    path: Path
    layout: str
    digest: str
    new: Sequence[Event]
    repeated: int

    @property
    def kinds(self) -> Counter[str]:
        return Counter(event.kind.value for event in self.new)

    @property
    def wallets(self) -> list[str]:
        return sorted({event.wallet for event in self.new} | {e.to_wallet for e in self.new if e.to_wallet})


def the_operator(name: str = "") -> Operator:
    """Whose books: the only operator, or the one named. Raises InvalidValueError."""
    known = list(Operator.objects.order_by("pk"))
    found = [operator for operator in known if name in {"", operator.name}]
    if len(found) == 1:
        return found[0]
    if not known:
        raise InvalidValueError("there is no operator yet; run `neuratrade prepare`")
    names = ", ".join(operator.name for operator in known)
    raise InvalidValueError(
        f"there is no operator {name!r}; there are: {names}" if name else f"name the --operator: {names}"
    )


def preview(path: Path, *, operator: Operator, layout: str = "auto", wallet: str = "") -> Preview:
    """Reads the whole file and changes nothing. `layout` is auto or one of readers.READERS; `wallet` for rows that name none.

    Raises InvalidValueError in one line: file and row, what is wrong, what to do.
    """
    raw = _bytes(path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidValueError(
            f"{path.name} is no UTF-8 text (byte {error.start}); save it as CSV or JSON in UTF-8"
        ) from error
    try:
        known_layout = readers.detect(text) if layout == "auto" else layout
        found = readers.read(text, layout=known_layout, wallet=wallet)
        _check_lengths(found)
    except InvalidValueError as error:
        raise InvalidValueError(f"{path.name}: {error}; nothing was imported") from error
    here = _known([event.id for event in found], operator=operator)
    new = [event for event in found if event.id not in here]
    digest = hashlib.sha256(raw).hexdigest()
    return Preview(path=path, layout=known_layout, digest=digest, new=new, repeated=len(found) - len(new))


def store(
    seen: Preview, *, operator: Operator, at: datetime, on_progress: Callable[[int], None] | None = None
) -> PastImport | None:
    """Takes the new rows of a preview in, all or none; None when there are none. `on_progress` hears how many are written.

    Many short transactions, because a running desk must be able to write between them; the rows count once the last is in.
    """
    if not seen.new:
        return None
    times = [event.at for event in seen.new]
    _sweep(operator)
    batch = PastImport.objects.create(
        operator=operator,
        file_name=seen.path.name[:200],
        digest=seen.digest,
        layout=seen.layout,
        added=len(seen.new),
        repeated=seen.repeated,
        first_at=min(times),
        last_at=max(times),
        imported_at=at,
    )
    try:
        for start in range(0, len(seen.new), _CHUNK):
            part = seen.new[start : start + _CHUNK]
            with transaction.atomic():
                PastTrade.objects.bulk_create([_row(event, batch=batch, operator=operator) for event in part])
            if on_progress is not None:
                on_progress(start + len(part))
        if PastImport.objects.filter(pk=batch.pk).update(is_complete=True) != 1:
            raise InvalidValueError(_TWO_AT_ONCE)
    except BaseException as error:
        _sweep(operator)
        if isinstance(error, IntegrityError):
            raise InvalidValueError(_TWO_AT_ONCE) from error
        raise
    batch.refresh_from_db()
    return batch


def remove(number: int, *, operator: Operator, at: datetime) -> PastImport:
    """Takes the rows of one import back; the import itself stays, marked. Raises InvalidValueError when there is none to take."""
    batch = PastImport.objects.filter(pk=number, operator=operator, is_complete=True).first()
    if batch is None:
        raise InvalidValueError(f"there is no import {number}; `neuratrade trades list` shows them")
    claimed = PastImport.objects.filter(pk=number, removed_at=None).update(removed_at=at)
    if not claimed:
        raise InvalidValueError(f"import {number} ({batch.file_name}) was removed already")
    _sweep(operator)
    batch.refresh_from_db()
    return batch


def imports(*, operator: Operator) -> list[PastImport]:
    """All imports, the newest first, removed ones too."""
    return list(PastImport.objects.filter(operator=operator, is_complete=True))


def stored(*, operator: Operator, batch: int | None = None) -> Iterator[Event]:
    """The imported events (of one import), oldest first."""
    rows = _counting(operator)
    if batch is not None:
        rows = rows.filter(batch_id=batch)
    columns = ["source_id" if name == "id" else name for name in FIELDS if name != "fee_total"]
    kind, fee_total = FIELDS.index("kind"), FIELDS.index("fee_total")
    for row in rows.values_list(*columns).iterator(chunk_size=_CHUNK):
        cells = [*row[:fee_total], None, *row[fee_total:]]
        cells[kind] = _KINDS[cells[kind]]
        yield Event(*cells)


def count(*, operator: Operator) -> int:
    """How many rows `stored` gives."""
    return _counting(operator).count()


def _counting(operator: Operator) -> "QuerySet[PastTrade]":
    """The rows of imports that are complete and were not taken back."""
    return PastTrade.objects.filter(operator=operator, batch__is_complete=True, batch__removed_at=None)


def _sweep(operator: Operator) -> None:
    """Deletes, a few at a time, what does not count: rows taken back, and those of an import that was cut off."""
    dead = PastTrade.objects.filter(operator=operator).filter(
        models.Q(batch__is_complete=False) | models.Q(batch__removed_at__isnull=False)
    )
    while ids := list(dead.values_list("pk", flat=True)[:_CHUNK]):
        PastTrade.objects.filter(pk__in=ids).delete()
    PastImport.objects.filter(operator=operator, is_complete=False).delete()


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidValueError(f"{path.name} is larger than {MAX_BYTES // 1_000_000} MB; split it")
        return path.read_bytes()
    except OSError as error:
        raise InvalidValueError(f"{path} cannot be read: {error.strerror or error}") from error


def _known(ids: Sequence[str], *, operator: Operator) -> set[str]:
    found: set[str] = set()
    rows = _counting(operator)
    for start in range(0, len(ids), _CHUNK):
        part = rows.filter(source_id__in=ids[start : start + _CHUNK])
        found.update(part.values_list("source_id", flat=True))
    return found


def _check_lengths(found: Sequence[Event]) -> None:
    """SQLite would store anything; PostgreSQL refuses, without naming the row."""
    limits = [
        ("id", "source_id"),
        *((name, name) for name in FIELDS if name not in {"id", "note", "fee_total"}),
    ]
    widths = []
    for name, column in limits:
        field = PastTrade._meta.get_field(column)
        if isinstance(field, models.CharField) and field.max_length is not None:
            widths.append((FIELDS.index(name), name, field.max_length))
    for number, event in enumerate(found, 1):
        for index, name, width in widths:
            if len(str(event[index])) > width:
                raise InvalidValueError(f"entry {number}: {name} is longer than {width} characters")


def _row(event: Event, *, batch: PastImport, operator: Operator) -> PastTrade:
    given = event._asdict()
    given.pop("fee_total")
    given["source_id"] = given.pop("id")
    given["note"] = event.note[:_NOTE]
    return PastTrade(batch_id=batch.pk, operator_id=operator.pk, **given)
