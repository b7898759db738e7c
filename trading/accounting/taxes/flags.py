"""What an export must say out loud instead of guessing: each flag with its meaning and its remedy."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class Flag(StrEnum):
    MISSING_BASIS = "missing-basis"
    MISSING_PRICE = "missing-price"
    FEE_WITHOUT_PRICE = "fee-without-price"
    FEE_PAID_IN_KIND = "fee-paid-in-kind"
    DUST = "dust"
    LEFT = "left-known-accounts"
    SPLIT_EVENLY = "split-evenly"
    OUTCOME_UNCLEAR = "outcome-unclear"
    UNSUPPORTED = "not-booked"


MEANING = {
    Flag.MISSING_BASIS: "nothing says what was paid for it; in no total. Import the purchase, or a deposit row with its value",
    Flag.MISSING_PRICE: "no price in the tax currency when it was bought or sold; in no total. Bring candles of it "
    "(`neuratrade candles`: BNB/USDT for BNB, EUR/USDT for euros), or give a price list with --prices",
    Flag.FEE_WITHOUT_PRICE: "the fee has no price at that time and is not counted. Bring candles of it, or give --prices",
    Flag.FEE_PAID_IN_KIND: "coins that paid a fee: a disposal at their worth",
    Flag.DUST: "a rest without a purchase, worth less than half a cent; its basis counts as zero",
    Flag.LEFT: "coins left the known accounts and count as no disposal. If it was a sale, a payment or a gift, import it as what it "
    "was; if it was a transfer, import it with its `to_account`",
    Flag.SPLIT_EVENLY: "one amount for several outcome tokens, divided evenly; their sum is exact",
    Flag.OUTCOME_UNCLEAR: "which outcome paid is not told and was not needed for the sum; import a resolution row to say it",
    Flag.UNSUPPORTED: "the source does not tell enough to book it; import what it did as rows of your own",
}


class Note(NamedTuple):
    """Something the operator must know about one event; `text` is the particular, MEANING the general."""

    flag: Flag
    id: str
    at: datetime
    wallet: str
    asset: str
    text: str
