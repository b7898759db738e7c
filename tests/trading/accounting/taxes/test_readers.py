"""Files from elsewhere: what they become, and the one line a bad one gets."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from trading.accounting.taxes import readers
from trading.accounting.taxes.events import Event, Kind
from trading.accounting.taxes.readers import prices
from trading.errors import InvalidValueError

HEAD = "time,type,asset,size,quote,price,fee,fee_asset\n"
AT = "2025-03-01T12:00:00Z"


def read(text: str, *, wallet: str = "kraken") -> list[Event]:
    return readers.read(text, layout=readers.detect(text), wallet=wallet)


def test_a_row_of_our_own_is_read_exactly() -> None:
    (found,) = read(HEAD + f"{AT},buy,btc,0.10000000000000000001,usd,3,0.5,usd\n")
    assert found.at == datetime(2025, 3, 1, 12, tzinfo=UTC)
    assert (found.kind, found.wallet, found.asset, found.quote) == (Kind.BUY, "kraken", "BTC", "USD")
    assert (found.size, found.total) == (Decimal("0.10000000000000000001"), Decimal("0.30000000000000000003"))
    assert (found.fee, found.fee_asset) == (Decimal("0.5"), "USD")


@pytest.mark.parametrize("written", ["2025-03-01T13:00:00+01:00", "1740830400", "1740830400000"])
def test_times_may_have_a_zone_or_be_counted_since_1970(written: str) -> None:
    assert read(HEAD + f"{written},buy,BTC,1,USD,3,,\n")[0].at == datetime(2025, 3, 1, 12, tzinfo=UTC)


def test_the_same_row_has_the_same_id_and_twice_the_same_row_two() -> None:
    row = f"{AT},buy,BTC,1,USD,3,,\n"
    once, again = read(HEAD + row), read(HEAD + row + row)
    assert once[0].id == again[0].id != again[1].id


def test_a_file_may_start_with_a_mark_and_use_semicolons() -> None:
    assert len(read("\ufeff" + (HEAD + f"{AT},buy,BTC,1,USD,3,,\n").replace(",", ";"))) == 1


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (f"{AT},buy,BTC,1,USD,,,", "row 2: a buy needs a price or a total"),
        (f"{AT},bought,BTC,1,USD,3,,", "row 2: type 'bought' is unknown"),
        ("2025-03-01 12:00,buy,BTC,1,USD,3,,", "row 2: time '2025-03-01 12:00' has no zone"),
        ("March,buy,BTC,1,USD,3,,", "row 2: time 'March' is not like"),
        (f"{AT},buy,BTC,1e400,USD,3,,", "row 2: size '1e400' is no amount that anybody trades"),
        (f'{AT},buy,BTC,"1,5",USD,3,,', "row 2: size '1,5' is not a number; write 1234.5"),
        (f"{AT},buy,BTC,-1,USD,3,,", "row 2: a buy needs a positive size"),
        (f"{AT},buy,BTC,1,USD,3,1,", "row 2: a fee needs its asset"),
        (f"{AT},buy,BTC,1,USD,3", "row 2: it has not as many cells"),
        (f"{AT},resolution,YES,1,USDC,2,,", "row 2: a prediction market ends between 0 and 1"),
        (f"{AT},buy,BTC,1,USD,3,,\n{AT},sell,BTC,x,USD,3,,", "row 3: size 'x' is not a number"),
    ],
)
def test_a_bad_row_is_named_with_what_to_do(row: str, says: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        read(HEAD + row + "\n")
    assert str(caught.value).startswith(says)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("time,type,asset,amount\n", "there is no column amount; the columns are: id, time"),
        ("a,b\n1,2\n", "its first line must be: id,time"),
        ("{}", "JSON of neither"),
        ('[{"symbol": ', "broken JSON at line 1"),
        (HEAD, "the file has no rows"),
    ],
)
def test_a_file_that_is_something_else_is_refused(text: str, says: str) -> None:
    with pytest.raises(InvalidValueError, match=says):
        read(text)


def trade(**more: Any) -> dict[str, Any]:
    told = {
        "id": "7",
        "timestamp": 1740830400000,
        "symbol": "ADA/BTC",
        "side": "sell",
        "price": 0.00002,
        "amount": 100.1,
    }
    return {**told, "cost": 0.002002, "fee": {"cost": 0.1, "currency": "BNB"}, "fees": [], **more}


def test_ccxts_trades_are_read_to_the_last_digit() -> None:
    (found,) = read(json.dumps([trade()]), wallet="binance")
    assert found.id == "trade:binance:ADA/BTC:7"
    assert (found.kind, found.asset, found.quote) == (Kind.SELL, "ADA", "BTC")
    assert (found.size, found.total) == (Decimal("100.1"), Decimal("0.002002"))
    assert (found.fee, found.fee_asset) == (Decimal("0.1"), "BNB")


def test_ccxt_itself_makes_what_we_read() -> None:
    import ccxt

    raw = {"id": 28457, "orderId": 1, "price": "4.00000100", "qty": "12.00000000", "quoteQty": "48.000012"}
    raw |= {
        "commission": "10.1",
        "commissionAsset": "BNB",
        "time": 1499865549590,
        "isBuyer": True,
        "isMaker": False,
    }
    venue = ccxt.binance()
    market = {
        "id": "BNBBTC",
        "symbol": "LTC/USDT",
        "base": "LTC",
        "quote": "USDT",
        "spot": True,
        "contract": False,
        "option": False,
        "inverse": False,
    }
    (found,) = read(json.dumps([venue.parse_trade(raw, market)]), wallet="binance")
    assert (found.kind, found.size, found.fee, found.fee_asset) == (
        Kind.BUY,
        Decimal(12),
        Decimal("10.1"),
        "BNB",
    )
    assert found.total == Decimal("48.000012")


def test_a_second_fee_in_another_coin_is_not_lost() -> None:
    fees = [{"cost": 1, "currency": "BNB"}, {"cost": 2, "currency": "ADA"}, {"cost": 3, "currency": "BNB"}]
    first, second = read(json.dumps([trade(fees=fees)]))
    assert (first.fee, first.fee_asset) == (Decimal(4), "BNB")
    assert (second.kind, second.size, second.asset) == (Kind.FEE, Decimal(2), "ADA")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"symbol": "BTC/USDT:USDT"}, "row 1: BTC/USDT:USDT is a contract"),
        ({"symbol": "BTC"}, "row 1: symbol 'BTC'"),
        ({"id": None}, "row 1: it has no id"),
        ({"side": "hold"}, "row 1: side 'hold'"),
        ({"fee": {"cost": 1, "currency": None}}, "row 1: its fee of 1 has no currency"),
        ({"timestamp": None}, "row 1: time 'None'"),
    ],
)
def test_a_bad_ccxt_trade_is_named(more: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        read(json.dumps([trade(**more)]))
    assert str(caught.value).startswith(says)


def test_one_id_with_two_stories_is_refused_and_the_same_story_counts_once() -> None:
    assert len(read(json.dumps([trade(), trade()]))) == 1
    with pytest.raises(InvalidValueError, match="entry 2 has the id of entry 1"):
        read(json.dumps([trade(), trade(amount=5)]))


def test_ccxt_needs_the_name_of_the_venue() -> None:
    with pytest.raises(InvalidValueError, match="--account binance"):
        read(json.dumps([trade()]), wallet="")


def activity(kind: str, size: float, **more: Any) -> dict[str, Any]:
    told = {"proxyWallet": "0x56", "timestamp": 1710000000, "conditionId": "0xc8", "type": kind, "size": size}
    named = {
        "title": "Rain?",
        "slug": "rain",
        "transactionHash": "0xabc",
        "outcomeIndex": 999,
        "asset": "",
        "side": "",
    }
    return {**told, "usdcSize": size, **named, **more}


def test_polymarkets_activity_becomes_trades_sets_redemptions_and_income() -> None:
    bought = activity(
        "TRADE", 100.0, usdcSize=55.0, price=0.55, side="BUY", asset="713", outcomeIndex=0, outcome="Yes"
    )
    told = [
        bought,
        activity("SPLIT", 10),
        activity("MERGE", 4),
        activity("REDEEM", 106),
        activity("MAKER_REBATE", 0.25),
    ]
    found = read(json.dumps([*told, activity("CONVERSION", 3), activity("DEPOSIT", 500)]), wallet="")
    assert [event.kind for event in found] == [
        *(Kind.BUY, Kind.SPLIT, Kind.MERGE, Kind.REDEEM, Kind.INCOME, Kind.UNSUPPORTED, Kind.DEPOSIT)
    ]
    assert (found[0].asset, found[0].total, found[0].note) == ("0xc8/0", Decimal(55), "Rain?: Yes")
    assert {event.wallet for event in found} == {"polymarket:0x56"}
    assert (found[4].asset, found[4].size) == ("USDC", Decimal("0.25"))


def test_the_second_version_of_the_api_says_the_same() -> None:
    row: dict[str, Any] = {
        "proxy_wallet": "0x56",
        "timestamp": "2024-03-09T16:00:00Z",
        "condition_id": "0xc8",
        "type": "TRADE",
        "side": "SELL",
    }
    row |= {
        "size": 5,
        "usdc_size": 2.5,
        "price": 0.5,
        "outcome_index": 1,
        "token_id": "9",
        "transaction_hash": "0x1",
    }
    (found,) = read(json.dumps({"data": [row], "pagination": {"next_cursor": None}}))
    assert (found.kind, found.asset, found.total) == (Kind.SELL, "0xc8/1", Decimal("2.5"))


def test_two_fills_of_one_transaction_are_two_trades() -> None:
    bought = activity("TRADE", 1, price=0.5, usdcSize=0.5, side="BUY", outcomeIndex=0)
    assert len(read(json.dumps([bought, bought]))) == 2


def test_recorded_trades_without_an_outcome_are_refused_with_the_remedy(recorded: Path) -> None:
    with pytest.raises(InvalidValueError, match="row 1: no outcomeIndex.*export /activity"):
        read((recorded / "polymarket" / "data_api_trades_response.json").read_text(), wallet="")


def test_activity_of_several_wallets_is_not_one_account() -> None:
    told = [activity("REWARD", 1), activity("REWARD", 1, proxyWallet="0x57")]
    assert len({event.wallet for event in read(json.dumps(told), wallet="")}) == 2
    with pytest.raises(InvalidValueError, match="activity of 2 wallets"):
        read(json.dumps(told), wallet="mine")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("time,asset,price\n", "has the columns time,asset,currency,price"),
        (f"time,asset,currency,price\n{AT},BTC,USD,0\n", "row 2: price 0 is not above 0"),
        (f"time,asset,currency,price\n{AT},,USD,1\n", "row 2: it needs an asset"),
    ],
)
def test_a_bad_price_list_is_named(text: str, says: str) -> None:
    with pytest.raises(InvalidValueError, match=says):
        prices.read(text)
