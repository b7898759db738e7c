"""rp2, an independent tax engine, asked about the same trades. A development dependency: absent, whoever asks is skipped."""

import logging
from collections.abc import Sequence
from contextlib import chdir
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, getcontext, localcontext
from pathlib import Path
from typing import Any, cast

INI = """
[general]
assets = BTC
exchanges = venue
holders = me
[in_header]
timestamp = 0
asset = 1
[out_header]
timestamp = 0
asset = 1
[intra_header]
timestamp = 0
asset = 1
"""


@dataclass(frozen=True)
class Trade:
    """`total` is what was paid or received in all, fees included."""

    at: datetime
    is_buy: bool
    size: Decimal
    total: Decimal


def total_gain(trades: Sequence[Trade], *, method: str, folder: Path) -> Decimal:
    """rp2's gain over all `trades` of one coin in one place, which must never sell more than there is."""
    before = getcontext().copy()
    # When it is imported, rp2 changes the context of the thread and makes a folder log/ where it stands.
    with localcontext(before), chdir(folder):
        from importlib import import_module

        from prezzemolo.avl_tree import AVLTree
        from rp2.accounting_engine import AccountingEngine
        from rp2.configuration import MAX_DATE, MIN_DATE, Configuration
        from rp2.in_transaction import InTransaction
        from rp2.input_data import InputData
        from rp2.out_transaction import OutTransaction
        from rp2.plugin.country.us import US
        from rp2.rp2_decimal import RP2Decimal
        from rp2.tax_engine import compute_tax
        from rp2.transaction_set import TransactionSet

        logging.getLogger("rp2").setLevel(logging.ERROR)
        (folder / "rp2.ini").write_text(INI)
        configuration = Configuration(str(folder / "rp2.ini"), US())
        sets = {
            name: TransactionSet(configuration, name, "BTC", MIN_DATE, MAX_DATE)
            for name in ("IN", "OUT", "INTRA")
        }
        for number, trade in enumerate(trades, 1):
            size, whole = RP2Decimal(trade.size), RP2Decimal(trade.total)
            told = (configuration, trade.at.isoformat(), "BTC", "venue", "me")
            price = whole / size
            if trade.is_buy:
                entry = InTransaction(
                    *told, "Buy", price, size, fiat_in_no_fee=whole, fiat_in_with_fee=whole, row=number
                )
                sets["IN"].add_entry(entry)
            else:
                sale = OutTransaction(
                    *told, "Sell", price, size, RP2Decimal("0"), fiat_out_no_fee=whole, row=number
                )
                sets["OUT"].add_entry(sale)
        methods: Any = AVLTree()
        methods.insert_node(1970, import_module(f"rp2.plugin.accounting_method.{method}").AccountingMethod())
        data = InputData("BTC", sets["IN"], sets["OUT"], sets["INTRA"])
        computed = compute_tax(configuration, AccountingEngine(methods), data)
        gains = [cast(Any, entry).fiat_gain for entry in computed.gain_loss_set]
        return Decimal(str(sum(gains, RP2Decimal("0"))))
