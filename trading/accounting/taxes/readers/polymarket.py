"""Polymarket's account activity, as the Data API tells it (`/activity?user=…` and `/v2/activity`), stored as JSON.

Fields: https://docs.polymarket.com/api-spec/data-openapi.yaml. Version 2 writes them in snake_case and adds types. Collateral is booked as
USDC: pUSD, in use since 28 April 2026, is a one-to-one wrapper of it. Tokens are named after their condition and outcome, because splits,
merges and redemptions tell the condition only.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import partial

from trading.accounting.fifo import product
from trading.accounting.taxes.events import Event, Kind, outcome
from trading.accounting.taxes.readers.cells import Json, Numbering, each, json_rows, moment, number
from trading.errors import InvalidValueError

COLLATERAL = "USDC"
_INCOME = {"REWARD", "YIELD", "MAKER_REBATE", "TAKER_REBATE", "REFERRAL_REWARD"}
_SETS = {"SPLIT": Kind.SPLIT, "MERGE": Kind.MERGE, "REDEEM": Kind.REDEEM}
_MONEY = {"DEPOSIT": Kind.DEPOSIT, "WITHDRAWAL": Kind.WITHDRAWAL}
_UNTOLD = {
    "CONVERSION": "a conversion of NO tokens: the tokens it took and gave are not told",
    "MIGRATION": "a migration of tokens: check that holdings are unchanged",
    "TIP": "a tip: income or a gift, which is for you to say",
}
_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


def read(text: str, wallet: str) -> list[Event]:
    """The events of the file; without `wallet` each happened in `polymarket:ADDRESS`."""
    rows = [
        {_HUMP.sub(r"_\1", name).lower(): value for name, value in row.items()} for row in json_rows(text)
    ]
    owners = sorted({str(row.get("proxy_wallet") or "") for row in rows})
    if wallet and len(owners) > 1:
        raise InvalidValueError(
            f"activity of {len(owners)} wallets cannot be one account; leave --account out"
        )
    return each(rows, partial(_events, wallet=wallet, numbered=Numbering()))


def _events(row: Mapping[str, Json], *, wallet: str, numbered: Numbering) -> Iterator[Event]:
    kind = str(row.get("type") or ("TRADE" if row.get("side") else "")).upper()
    condition = str(row.get("condition_id") or "")
    size = number(row.get("size"), name="size")
    paid = row.get("usdc_size")
    told = [kind, condition, *(str(row.get(name) or "") for name in ("asset", "token_id", "side", "price"))]
    said = "\x1f".join(
        [str(row.get("proxy_wallet") or ""), str(row.get("transaction_hash") or ""), *told, f"{size:f}"]
    )
    event = Event(
        id=numbered(f"polymarket:{hashlib.sha256(said.encode()).hexdigest()[:32]}"),
        at=moment(row.get("timestamp")),
        kind=Kind.UNSUPPORTED,
        wallet=wallet or f"polymarket:{row.get('proxy_wallet') or 'wallet'}",
        asset=condition or COLLATERAL,
        size=size,
        quote=COLLATERAL,
        total=size if paid is None else number(paid, name="usdcSize"),
        link=str(row.get("transaction_hash") or ""),
        note=str(row.get("title") or row.get("slug") or ""),
    )
    if kind == "TRADE":
        yield _trade(event, row)
    elif kind in _SETS:
        if not condition:
            raise InvalidValueError(f"a {kind} without a conditionId")
        yield event._replace(kind=_SETS[kind])
    elif kind in _INCOME or kind in _MONEY:
        income = kind.lower().replace("_", " ")
        booked = _MONEY.get(kind, Kind.INCOME)
        yield event._replace(kind=booked, asset=COLLATERAL, size=event.total, quote="", note=income, link="")
    elif kind in _UNTOLD:
        yield event._replace(note=f"{_UNTOLD[kind]} ({event.note or condition})")
    else:
        raise InvalidValueError(f"activity type {kind or '(none)'} is unknown")


def _trade(event: Event, row: Mapping[str, Json]) -> Event:
    side, index = str(row.get("side") or "").lower(), row.get("outcome_index")
    if side not in {"buy", "sell"}:
        raise InvalidValueError(f"side {side!r} is neither BUY nor SELL")
    if not event.note and not row.get("condition_id"):
        raise InvalidValueError("a trade without a conditionId")
    if index not in (0, 1):
        raise InvalidValueError(
            "no outcomeIndex: which outcome was traded is not told; export /activity, which tells it"
        )
    price = number(row.get("price"), name="price")
    total = product(event.size, price) if row.get("usdc_size") is None else event.total
    fee = number(row.get("fee_usdc", row.get("fees_usdc", row.get("fee"))), name="fee")
    named = ": ".join(part for part in (event.note, str(row.get("outcome") or "")) if part)
    return event._replace(
        kind=Kind(side),
        asset=outcome(event.asset, int(index)),
        total=total,
        fee=fee,
        fee_asset=COLLATERAL if fee else "",
        note=named,
    )
