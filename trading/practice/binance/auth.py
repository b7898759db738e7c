"""Who is calling: API key, byte-exact HMAC, time window (Spot API docs, "Request security")."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from trading.practice.binance.errors import BinanceError, missing
from trading.practice.binance.params import Params
from trading.practice.keys import ApiKey, KeyRing

MOST_AHEAD_MS = 1_000
DEFAULT_WINDOW_MS = 5_000
LONGEST_WINDOW_MS = 60_000


def authenticate(
    keys: KeyRing, *, api_key: str, signed_text: str, params: Params, now_ms: int, needs_trade: bool
) -> ApiKey:
    """The caller's key. ``signed_text`` is query and body exactly as sent, with ``&signature=…`` last."""
    key = _known(keys, api_key)
    payload, separator, signature = signed_text.rpartition("signature=")
    if not separator:
        raise missing("signature")
    _check_signature(key, payload=payload.removesuffix("&"), signature=signature)
    _check_window(params, now_ms=now_ms)
    _check_rights(key, needs_trade=needs_trade)
    return key


def authenticate_socket(
    keys: KeyRing, values: Mapping[str, str | bool | None], *, now_ms: int, needs_trade: bool
) -> ApiKey:
    """The caller's key for a websocket API request: its parameters sorted by name are what is signed."""
    texts = {name: _text(value) for name, value in values.items() if value is not None}
    key = _known(keys, texts.get("apiKey", ""))
    signature = texts.pop("signature", None)
    if signature is None:
        raise missing("signature")
    payload = "&".join(f"{name}={texts[name]}" for name in sorted(texts))
    _check_signature(key, payload=payload, signature=signature)
    _check_window(Params(texts), now_ms=now_ms)
    _check_rights(key, needs_trade=needs_trade)
    return key


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _known(keys: KeyRing, api_key: str) -> ApiKey:
    if not api_key:
        raise BinanceError(-2014, "API-key format invalid.", status=401)
    key = keys.find(api_key)
    if key is None:
        raise BinanceError(-2015, "Invalid API-key, IP, or permissions for action.", status=401)
    return key


def _check_signature(key: ApiKey, *, payload: str, signature: str) -> None:
    expected = hmac.new(key.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise BinanceError(-1022, "Signature for this request is not valid.")


def _check_window(params: Params, *, now_ms: int) -> None:
    stamp = params.integer("timestamp")
    if stamp is None:
        raise missing("timestamp")
    window_ms = params.integer("recvWindow") or DEFAULT_WINDOW_MS
    if window_ms > LONGEST_WINDOW_MS:
        raise BinanceError(-1131, "recvWindow must be less than 60000.")
    if stamp - now_ms >= MOST_AHEAD_MS:
        raise BinanceError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - stamp > window_ms:
        raise BinanceError(-1021, "Timestamp for this request is outside of the recvWindow.")


def _check_rights(key: ApiKey, *, needs_trade: bool) -> None:
    if needs_trade and not key.can_trade or not key.can_read:
        raise BinanceError(-2015, "Invalid API-key, IP, or permissions for action.", status=401)
