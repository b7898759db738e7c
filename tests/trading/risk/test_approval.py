"""The signed bytes themselves: one spelling, nothing else accepted."""

import json
from dataclasses import fields, replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from trading.errors import ApprovalError
from trading.risk import approval
from trading.risk.approval import OrderTerms, Terms, decode, differences, encode, key_id_of, sign, verify

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key()
KEY_ID = key_id_of(PUBLIC)
TERMS = Terms(
    order_id="11111111-1111-4111-8111-111111111111",
    client_order_id="22222222-2222-5222-8222-222222222222",
    decision_id="33333333-3333-4333-8333-333333333333",
    leg=0,
    purpose="entry",
    mode="paper",
    account_id=7,
    venue="binance",
    symbol="BTC/USDT",
    side="buy",
    type="market",
    time_in_force="ioc",
    size_base="0.05",
    price_bound="50150",
    stop_price="49400",
    target_price="51800",
    close_by_ms=1_795_000_000_000,
    reduce_only=0,
    approval_id="44444444-4444-4444-8444-444444444444",
    installation_id="a" * 32,
    breaker_epoch=3,
    policy_hash="b" * 64,
    snapshot_hash="c" * 64,
    snapshot_at_ms=1_794_000_000_000,
    skill_hash="d" * 64,
    reference_price="50000",
    max_deviation_bps=90,
    max_quote_age_ms=5000,
    notional_cap_quote="2507.5",
    exposure_cap_quote="16000",
    issued_at_ms=1_794_000_000_000,
    expires_at_ms=1_794_000_015_000,
)
PAYLOAD = encode(TERMS)
SIGNATURE = sign(PAYLOAD, key=KEY)


def check(payload: bytes, *, signature: bytes = SIGNATURE, key_id: str = KEY_ID) -> Terms:
    return verify(payload, signature=signature, key_id=key_id, key=PUBLIC)


def resigned(payload: bytes) -> Terms:
    """What a thief of the key could get past the parser: nothing that is not canonical."""
    return check(payload, signature=sign(payload, key=KEY))


def test_what_was_signed_comes_back():
    assert check(PAYLOAD) == TERMS
    assert PAYLOAD.strip().decode("ascii").encode() == PAYLOAD
    assert list(json.loads(PAYLOAD)) == sorted(json.loads(PAYLOAD))


@settings(max_examples=1000, deadline=None)
@given(st.integers(0, len(PAYLOAD) * 8 - 1))
def test_no_flipped_bit_passes(position):
    flipped = bytearray(PAYLOAD)
    flipped[position // 8] ^= 1 << (position % 8)
    with pytest.raises(ApprovalError):
        check(bytes(flipped))


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=200)
    | st.integers(0, 511).map(
        lambda bit: bytes(b ^ (1 << bit % 8 if i == bit // 8 else 0) for i, b in enumerate(SIGNATURE))
    )
)
def test_no_other_signature_passes(signature):
    with pytest.raises(ApprovalError):
        check(PAYLOAD, signature=signature)


def test_signed_with_an_unknown_or_confused_key():
    other = Ed25519PrivateKey.generate()
    forged = sign(PAYLOAD, key=other)
    for key_id in (KEY_ID, key_id_of(other.public_key()), "", KEY_ID.upper(), "none"):
        with pytest.raises(ApprovalError):
            check(PAYLOAD, signature=forged, key_id=key_id)
    with pytest.raises(ApprovalError):
        check(PAYLOAD, key_id="")


def test_the_bare_payload_signature_is_not_enough():
    """Version and key id are part of what is signed, so a signature made for another purpose is none."""
    with pytest.raises(ApprovalError):
        check(PAYLOAD, signature=KEY.sign(PAYLOAD))
    with pytest.raises(ApprovalError):
        check(PAYLOAD, signature=KEY.sign(approval.VERSION.encode() + KEY_ID.encode() + PAYLOAD))


def text(**changes: object) -> bytes:
    data = {**json.loads(PAYLOAD), **changes}
    return json.dumps(data, sort_keys=True, separators=(",", ":")).encode()


NOT_CANONICAL = {
    "a duplicate key": PAYLOAD.replace(b'"leg":0', b'"leg":0,"leg":0'),
    "an unknown field": text(extra="1"),
    "a missing field": json.dumps(
        {k: v for k, v in json.loads(PAYLOAD).items() if k != "mode"}, sort_keys=True, separators=(",", ":")
    ).encode(),
    "another version": text(version="neuratrade.approval.v2"),
    "no version": PAYLOAD.replace(b',"version":"neuratrade.approval.v1"', b""),
    "blanks": PAYLOAD.replace(b":", b": ", 1),
    "a trailing newline": PAYLOAD + b"\n",
    "unsorted keys": json.dumps(dict(reversed(json.loads(PAYLOAD).items())), separators=(",", ":")).encode(),
    "an escaped letter": PAYLOAD.replace(b"binance", b"\\u0062inance"),
    "a look-alike letter": PAYLOAD.replace(b"binance", "bin\u0430nce".encode()),
    "a byte order mark": b"\xef\xbb\xbf" + PAYLOAD,
    "a float": PAYLOAD.replace(b'"leg":0', b'"leg":0.0'),
    "an exponent": PAYLOAD.replace(b'"leg":0', b'"leg":0e3'),
    "NaN": PAYLOAD.replace(b'"leg":0', b'"leg":NaN'),
    "infinity": PAYLOAD.replace(b'"leg":0', b'"leg":Infinity'),
    "minus zero": PAYLOAD.replace(b'"leg":0', b'"leg":-0'),
    "a leading zero": PAYLOAD.replace(b'"leg":0', b'"leg":00'),
    "true for one": PAYLOAD.replace(b'"reduce_only":0', b'"reduce_only":false'),
    "null": PAYLOAD.replace(b'"decision_id":"', b'"decision_id":null,"x":"'),
    "a number for text": text(size_base=0.05),
    "text for a number": text(account_id="7"),
    "a list": b"[" + PAYLOAD + b"]",
    "nesting": b"[" * 3000 + b"]" * 3000,
    "nothing": b"",
    "an oversize payload": text(skill_hash="d" * 5000),
    "a decimal with an exponent": text(size_base="5e-2"),
    "a decimal with leading zeros": text(size_base="00.05"),
    "a decimal with trailing zeros": text(size_base="0.050"),
    "a signed decimal": text(size_base="+0.05"),
    "a negative size": text(size_base="-0.05"),
    "a zero size": text(size_base="0"),
    "a size of NaN": text(size_base="NaN"),
    "a size with a comma": text(size_base="0,05"),
    "arabic digits": text(size_base="\u0660.\u0665"),
    "no size": text(size_base=""),
    "an unknown purpose": text(purpose="open"),
    "an unknown side": text(side="BUY"),
    "an unknown mode": text(mode="Live"),
    "liquidation that adds": text(purpose="liquidate"),
    "an entry that calls itself reduce-only": text(reduce_only=1),
    "an entry without a stop": text(stop_price=""),
    "an entry without a bound": text(price_bound=""),
    "an entry without an exposure cap": text(exposure_cap_quote=""),
    "a life of 16 s": text(expires_at_ms=TERMS.issued_at_ms + 15_001),
    "no life at all": text(expires_at_ms=TERMS.issued_at_ms),
    "a negative time": text(issued_at_ms=-1, expires_at_ms=10),
    "a huge number": text(leg=2**53),
    "an upper-case order id": text(order_id=TERMS.order_id.replace("1", "A")),
    "a short installation id": text(installation_id="a" * 31),
}


@pytest.mark.parametrize("name", sorted(NOT_CANONICAL))
def test_even_rightly_signed_only_the_one_spelling_passes(name):
    with pytest.raises(ApprovalError):
        resigned(NOT_CANONICAL[name])


def test_signing_refuses_what_verification_would_not_take():
    with pytest.raises(ApprovalError, match="size_base"):
        encode(replace(TERMS, size_base="0.050"))


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=400))
def test_garbage_never_gets_out_of_the_parser(payload):
    with pytest.raises(ApprovalError):
        decode(payload)


@pytest.mark.parametrize("name", [item.name for item in fields(OrderTerms)])
def test_every_order_field_counts(name):
    value = getattr(TERMS, name)
    other = replace(TERMS, **{name: value + 1 if isinstance(value, int) else value + "x"})
    assert differences(TERMS, other) == (name,)
