"""The signed permission for exactly one order (reliability.md section 5).

Bytes are signed, stored, and verified as they are; only then are they parsed, strictly. Ed25519: whoever checks holds nothing
that could sign. The signed text is ASCII JSON, keys sorted, strings and whole numbers only; decimals are strings in one spelling.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from trading.errors import ApprovalError
from trading.risk.digest import number
from trading.types import Mode, OrderType, Purpose, Side, TimeInForce

VERSION = "neuratrade.approval.v1"
LARGEST_PAYLOAD = 4096
ENTRY_LIFETIME = timedelta(seconds=15)
PROTECTIVE_LIFETIME = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTerms:
    """The order, as the approval spells it: text and whole numbers. Empty text: it has no such price, or no decision.

    Decimals are in venue units, times in epoch milliseconds. `leg` counts an intent's orders.
    """

    order_id: str
    client_order_id: str
    decision_id: str
    leg: int
    purpose: str
    mode: str
    account_id: int
    venue: str
    symbol: str
    side: str
    type: str
    time_in_force: str
    size_base: str
    price_bound: str
    stop_price: str
    target_price: str
    close_by_ms: int
    reduce_only: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms(OrderTerms):
    """What one approval permits: the order, byte for byte, and the world it was judged in.

    `exposure_cap_quote` bounds the desk's gross exposure with this order filled; empty for what only reduces.
    """

    approval_id: str
    installation_id: str
    breaker_epoch: int
    policy_hash: str
    snapshot_hash: str
    snapshot_at_ms: int
    skill_hash: str
    reference_price: str
    max_deviation_bps: int
    max_quote_age_ms: int
    notional_cap_quote: str
    exposure_cap_quote: str
    issued_at_ms: int
    expires_at_ms: int


ORDER_FIELDS = tuple(item.name for item in fields(OrderTerms))
REDUCE_PURPOSES = frozenset({Purpose.EXIT.value, Purpose.PROTECT.value, Purpose.LIQUIDATE.value})


def key_id_of(public_key: Ed25519PublicKey) -> str:
    """The name of a key: the first 32 hex digits of the SHA-256 of its raw bytes."""
    return sha256(public_key.public_bytes_raw()).hexdigest()[:32]


def encode(terms: Terms) -> bytes:
    """The bytes to sign; raises ApprovalError when a field has no valid spelling."""
    _check(terms)
    return _canonical({item.name: getattr(terms, item.name) for item in fields(terms)})


def sign(payload: bytes, *, key: Ed25519PrivateKey) -> bytes:
    """The signature over length-prefixed version, key id and payload, so that no part can pose as another."""
    return key.sign(_preimage(key_id_of(key.public_key()), payload))


def verify(payload: bytes, *, signature: bytes, key_id: str, key: Ed25519PublicKey) -> Terms:
    """What the approval permits. Raises ApprovalError for another key, a bad signature, or bytes that are not exactly canonical."""
    if key_id != key_id_of(key):
        raise ApprovalError("the approval was signed with a key this desk does not know")
    if len(payload) > LARGEST_PAYLOAD:
        raise ApprovalError("the approval is too large")
    try:
        key.verify(signature, _preimage(key_id, payload))
    except InvalidSignature as error:
        raise ApprovalError("the approval's signature does not match its bytes") from error
    return decode(payload)


def decode(payload: bytes) -> Terms:
    """Strict: exactly the known fields, each once, in canonical bytes; raises ApprovalError otherwise."""
    try:
        data = json.loads(
            payload.decode("ascii"),
            object_pairs_hook=_no_duplicates,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ApprovalError(f"the approval is not strict JSON: {error}") from error
    names = {item.name for item in fields(Terms)}
    if not isinstance(data, dict) or set(data) != names | {"version"} or data.pop("version") != VERSION:
        raise ApprovalError("the approval does not have exactly the fields of its version")
    terms = Terms(**data)
    _check(terms)
    if encode(terms) != payload:
        raise ApprovalError("the approval is not in canonical form")
    return terms


def differences(permitted: Terms, actual: OrderTerms) -> tuple[str, ...]:
    """The order fields in which `actual` is not byte for byte what is permitted."""
    return tuple(name for name in ORDER_FIELDS if getattr(permitted, name) != getattr(actual, name))


def decimal_text(value: Decimal | None) -> str:
    """The signed spelling of a price or size; empty for none."""
    return "" if value is None else number(value)


def _canonical(data: dict[str, Any]) -> bytes:
    whole = {**data, "version": VERSION}
    return json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def _preimage(key_id: str, payload: bytes) -> bytes:
    parts = (VERSION.encode("ascii"), key_id.encode("utf-8"), payload)
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a field appears twice")
    return data


def _refuse_number(text: str) -> None:
    raise ValueError(f"{text[:20]} is not a whole number")


def _matches(pattern: str) -> Callable[[object], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


def _one_of(*allowed: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and value in allowed


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


_POSITIVE = r"(?!0$)(0|[1-9][0-9]{0,30})(\.[0-9]{0,29}[1-9])?"
_uuid = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_VALID: dict[str, Callable[[object], bool]] = {
    "order_id": _matches(_uuid),
    "client_order_id": _matches(r"[0-9A-Za-z_-]{8,36}"),
    "decision_id": _matches(f"({_uuid})?"),
    "purpose": _one_of(*(item.value for item in Purpose)),
    "mode": _one_of(*(item.value for item in Mode)),
    "venue": _matches(r"[0-9A-Za-z_.-]{1,40}"),
    "symbol": _matches(r"[0-9A-Za-z_./:-]{3,40}"),
    "side": _one_of(*(item.value for item in Side)),
    "type": _one_of(*(item.value for item in OrderType)),
    "time_in_force": _one_of(*(item.value for item in TimeInForce)),
    "size_base": _matches(_POSITIVE),
    "price_bound": _matches(f"({_POSITIVE})?"),
    "stop_price": _matches(f"({_POSITIVE})?"),
    "target_price": _matches(f"({_POSITIVE})?"),
    "approval_id": _matches(_uuid),
    "installation_id": _matches(r"[0-9a-f]{32}"),
    "policy_hash": _matches(r"[0-9a-f]{64}"),
    "snapshot_hash": _matches(r"[0-9a-f]{64}"),
    "skill_hash": _matches(r"[0-9A-Za-z:_-]{0,80}"),
    "reference_price": _matches(f"({_POSITIVE})?"),
    "notional_cap_quote": _matches(_POSITIVE),
    "exposure_cap_quote": _matches(f"({_POSITIVE})?"),
}


def _check(terms: Terms) -> None:
    for item in fields(terms):
        if not _VALID.get(item.name, _whole)(getattr(terms, item.name)):
            raise ApprovalError(f"the approval's {item.name} is not valid")
    if terms.reduce_only != int(terms.purpose in REDUCE_PURPOSES):
        raise ApprovalError("only an entry may add to a position, and an entry is not reduce-only")
    if terms.reduce_only == 0 and not (terms.price_bound and terms.stop_price and terms.exposure_cap_quote):
        raise ApprovalError("an entry needs a price bound, a stop and an exposure cap")
    lifetime = ENTRY_LIFETIME if terms.purpose == Purpose.ENTRY.value else PROTECTIVE_LIFETIME
    if not 0 < terms.expires_at_ms - terms.issued_at_ms <= lifetime.total_seconds() * 1000:
        raise ApprovalError("the approval lives longer than its class may")
