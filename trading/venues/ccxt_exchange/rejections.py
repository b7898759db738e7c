"""Which answers to a new order are a definite no, per venue, in the venue's own codes.

ccxt's exception classes do not tell "rejected" from "unknown", so the code is read from the body. Only what is listed here ends
an order; a code that is missing costs a look-up, a code too many could lose an order. Sources: Binance spot "Error codes" and
docs.kraken.com "API errors".
"""

import json
from dataclasses import dataclass
from typing import Any

_BINANCE = {
    -1002: "not authorised",
    -1003: "too many requests",
    -1013: "an instrument filter refused it",
    -1014: "unsupported order combination",
    -1015: "too many new orders",
    -1020: "unsupported operation",
    -1021: "our clock is outside the venue's window",
    -1022: "invalid signature",
    -1100: "illegal characters",
    -1101: "too many parameters",
    -1102: "a mandatory parameter is missing",
    -1103: "unknown parameter",
    -1104: "unread parameters",
    -1105: "empty parameter",
    -1106: "parameter not required",
    -1111: "too many decimals",
    -1115: "invalid time in force",
    -1116: "invalid order type",
    -1117: "invalid side",
    -1118: "empty client order id",
    -1121: "unknown symbol",
    -1128: "invalid combination of parameters",
    -1130: "invalid parameter value",
    -1131: "receive window too long",
    -2010: "refused by the matching engine",
    -2014: "invalid key format",
    -2015: "key, address or permission refused",
}
# -2010 with this text means that an order with our id exists, the opposite of a no
_BINANCE_DUPLICATE = "duplicate order"

# Prefixes; a new order with any of these in `error` was not booked. EService:Timeout, Busy, Unavailable, Internal error and
# "Deadline elapsed" are missing on purpose: they do not say whether it was.
_KRAKEN = (
    "EOrder:Insufficient funds",
    "EOrder:Insufficient margin",
    "EOrder:Order minimum not met",
    "EOrder:Cost minimum not met",
    "EOrder:Tick size check failed",
    "EOrder:Invalid price",
    "EOrder:Orders limit exceeded",
    "EOrder:Rate limit exceeded",
    "EOrder:Post only order",
    "EOrder:Trading agreement required",
    "EOrder:Margin allowance exceeded",
    "EOrder:Positions limit exceeded",
    "EGeneral:Invalid arguments",
    "EGeneral:Permission denied",
    "EGeneral:Temporary lockout",
    "EGeneral:Too many requests",
    "EQuery:Unknown asset pair",
    "EAPI:Invalid key",
    "EAPI:Invalid signature",
    "EAPI:Invalid nonce",
    "EAPI:Rate limit exceeded",
    "EAPI:Feature disabled",
    "EService:Market in cancel_only mode",
    "EService:Market in post_only mode",
)


@dataclass(frozen=True, slots=True)
class Rejection:
    code: str
    message: str


def definite_rejection(client: str, *, status: int, body: str) -> Rejection | None:
    """The venue's own no, or None for everything that leaves doubt (5xx, HTML, cut bodies, codes not listed above)."""
    if status >= 500:
        return None
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    if not isinstance(answer, dict):
        return None
    return _binance(answer) if client == "binance" else _kraken(answer) if client == "kraken" else None


def _binance(answer: dict[str, Any]) -> Rejection | None:
    code, text = answer.get("code"), str(answer.get("msg", ""))
    if not isinstance(code, int) or code not in _BINANCE or _BINANCE_DUPLICATE in text.lower():
        return None
    return Rejection(code=str(code), message=text or _BINANCE[code])


def _kraken(answer: dict[str, Any]) -> Rejection | None:
    errors = answer.get("error")
    if not isinstance(errors, list) or not errors or answer.get("result"):
        return None
    if not all(isinstance(error, str) and error.startswith(_KRAKEN) for error in errors):
        return None
    return Rejection(code=errors[0], message="; ".join(errors))
