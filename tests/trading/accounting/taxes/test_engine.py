"""Single happenings, each with its arithmetic."""

from datetime import date
from decimal import Decimal

import pytest

from tests.trading.accounting.taxes.histories import booked, buy, day, event, sell
from trading.accounting.taxes.events import Event, Kind, outcome
from trading.accounting.taxes.flags import Flag
from trading.accounting.taxes.lots import Method
from trading.accounting.taxes.stock import History
from trading.accounting.taxes.valuation import PricePoint, PriceTable
from trading.accounting.taxes.year import Row, is_long, tax_year
from trading.errors import InvalidValueError


def prices(*points: tuple[str, str, float, str]) -> list[PriceTable]:
    """(asset, quote, day, price) …"""
    told = [PricePoint(asset=a, quote=q, at=day(on), price=Decimal(price)) for a, q, on, price in points]
    return [PriceTable(told)]


def rows(history: History) -> list[Row]:
    return [row for year in (2024, 2025, 2026) for row in tax_year(history, year=year).rows]


def figures(history: History) -> list[tuple[str, str, str | None, str | None]]:
    """(asset, size, proceeds, cost) of every row."""
    return [
        (
            row.asset,
            f"{row.size:f}",
            None if row.proceeds is None else str(row.proceeds),
            None if row.cost is None else str(row.cost),
        )
        for row in rows(history)
    ]


@pytest.mark.parametrize(
    ("method", "costs"),
    # Lots of one BTC for 100, 300, 200; one and a half are sold: 100 + 150 · 200 + 150 · 300 + 100
    [
        (Method.FIFO, ["100.00", "150.00"]),
        (Method.LIFO, ["200.00", "150.00"]),
        (Method.HIFO, ["300.00", "100.00"]),
    ],
)
def test_each_method_takes_its_own_lots(method: Method, costs: list[str]) -> None:
    events = [buy("1", "100", on=1), buy("1", "300", on=2), buy("1", "200", on=3), sell("1.5", "600", on=4)]
    assert [row[3] for row in figures(booked(events, method=method))] == costs


def test_a_fee_in_the_coin_bought_leaves_less_of_it_at_the_same_cost() -> None:
    events = [buy("1", "100", on=1, fee="0.2", fee_asset="BTC"), sell("0.8", "120", on=2)]
    history = booked(events)
    assert figures(history) == [("BTC", "0.8", "120.00", "100.00")]
    assert rows(history)[0].fees == Decimal("20.00")  # 100 x 0.2 / 1
    assert not list(history.open_lots())


def test_a_fee_in_the_coin_sold_goes_with_it() -> None:
    events = [buy("1", "100", on=1), sell("0.8", "120", on=2, fee="0.2", fee_asset="BTC")]
    assert figures(booked(events)) == [("BTC", "1", "120.00", "100.00")]


def test_a_fee_in_a_third_coin_is_a_sale_of_it_and_part_of_the_purchase() -> None:
    bnb = buy("2", "400", "BNB", on=0)  # 200 each, now worth 300 each
    events = [bnb, buy("1", "100", on=1, fee="0.5", fee_asset="BNB"), sell("1", "500", on=2)]
    history = booked(events, sources=prices(("BNB", "USD", 1, "300")))
    assert figures(history) == [("BNB", "0.5", "150.00", "100.00"), ("BTC", "1", "500.00", "250.00")]
    assert rows(history)[0].flags == (Flag.FEE_PAID_IN_KIND,)


def test_the_desks_own_worth_of_a_fee_counts_before_any_price() -> None:
    bnb = buy("1", "200", "BNB", on=0)
    events = [bnb, buy("1", "100", on=1, fee="0.5", fee_asset="BNB", fee_total="150"), sell("1", "500", on=2)]
    assert figures(booked(events))[1] == ("BTC", "1", "500.00", "250.00")


def test_a_fee_without_a_price_is_left_out_and_said() -> None:
    events = [buy("1", "100", on=1), sell("1", "500", on=2, fee="1", fee_asset="BNB")]
    history = booked(events)
    assert figures(history) == [("BNB", "1", None, None), ("BTC", "1", "500.00", "100.00")]
    assert [note.flag for note in history.notes] == [Flag.FEE_WITHOUT_PRICE]
    assert Flag.FEE_WITHOUT_PRICE in rows(history)[1].flags


def test_a_rebate_lowers_the_cost() -> None:
    events = [buy("1", "100", on=1, fee="-2", fee_asset="USD"), sell("1", "100", on=2)]
    assert figures(booked(events)) == [("BTC", "1", "100.00", "98.00")]


@pytest.mark.parametrize(
    ("fee", "asset", "proceeds", "sold_later"),
    [
        ("0", "", "2000.00", ("ETH", "10", "3000.00", "2000.00")),
        # All costs belong to the coin given away: 2,000 - 1 x 200
        ("1", "BNB", "1800.00", ("ETH", "10", "3000.00", "2000.00")),
        # A tenth of what came is the fee: both sides are worth what is left, 2,000 x 0.9
        ("1", "ETH", "1800.00", ("ETH", "9", "2700.00", "1800.00")),
    ],
)
def test_one_coin_for_another(fee: str, asset: str, proceeds: str, sold_later: tuple[str, ...]) -> None:
    left = Decimal(sold_later[1])
    events = [
        buy("1", "1000", on=1),
        buy("1", "200", "BNB", on=1, id="bnb"),
        sell("1", "10", on=2, quote="ETH", fee=fee, fee_asset=asset),
        sell(f"{left}", f"{left * 300}", "ETH", on=3),
    ]
    found = figures(booked(events, sources=prices(("ETH", "USDT", 2, "200"), ("BNB", "USD", 2, "200"))))
    assert ("BTC", "1", proceeds, "1000.00") in found
    assert found[-1] == sold_later


def test_a_swap_is_priced_by_what_was_given_where_only_that_has_a_price() -> None:
    events = [buy("1", "1000", on=1), sell("1", "10", on=2, quote="XYZ"), sell("10", "5", "XYZ", on=3)]
    found = figures(booked(events, sources=prices(("BTC", "USD", 2, "1500"))))
    assert found == [("BTC", "1", "1500.00", "1000.00"), ("XYZ", "10", "5.00", "1500.00")]


def test_a_swap_without_any_price_is_flagged_and_its_coin_keeps_an_unknown_cost() -> None:
    events = [buy("1", "1000", on=1), sell("1", "10", on=2, quote="XYZ"), sell("10", "5", "XYZ", on=3)]
    history = booked(events)
    assert figures(history) == [("BTC", "1", None, "1000.00"), ("XYZ", "10", "5.00", None)]
    assert [row.flags for row in rows(history)] == [(Flag.MISSING_PRICE,), (Flag.MISSING_PRICE,)]
    assert tax_year(history, year=2024).gain == 0


def test_a_price_older_than_a_day_is_none() -> None:
    events = [event(Kind.INCOME, "1", on=2.5, note="staking")]
    assert booked(events, sources=prices(("BTC", "USD", 1.4, "100"))).income[0].value is None
    assert booked(events, sources=prices(("BTC", "USD", 1.6, "100"))).income[0].value == 100
    assert booked(events, sources=prices(("BTC", "USD", 2.6, "100"))).income[0].value is None  # the future


def test_euros_are_reached_through_dollars_whichever_way_round_the_rate_is() -> None:
    events = [buy("1", "1000", on=1, quote="USDT"), sell("1", "1500", on=2, quote="USDT")]
    for source in (prices(("USDT", "EUR", 1, "0.5")), prices(("EUR", "USDT", 1, "2"))):
        assert figures(booked(events, currency="EUR", sources=source))[0] == ("BTC", "1", "750.00", "500.00")
    without = booked(events, currency="EUR")
    assert figures(without)[0] == ("BTC", "1", None, None)
    assert {note.flag for note in without.notes} == {Flag.MISSING_PRICE}


def test_coins_that_were_there_on_the_first_day_have_no_basis() -> None:
    events = [event(Kind.OPENING, "2", on=1), sell("2", "300", on=2)]
    history = booked(events)
    assert figures(history) == [("BTC", "2", "300.00", None)]
    assert rows(history)[0].flags == (Flag.MISSING_BASIS,)
    assert rows(history)[0].acquired is None


def test_imported_history_explains_the_opening_balance() -> None:
    events = [buy("1.5", "150", on=0), event(Kind.OPENING, "2", on=1), sell("2", "300", on=2)]
    assert figures(booked(events)) == [("BTC", "1.5", "225.00", "150.00"), ("BTC", "0.5", "75.00", None)]


def test_a_deposit_may_say_what_was_paid_and_when() -> None:
    told = event(Kind.DEPOSIT, "1", on=400, value="100", value_asset="USD", acquired_at=day(1))
    history = booked([told, sell("1", "150", on=401)])
    assert figures(history) == [("BTC", "1", "150.00", "100.00")]
    assert rows(history)[0].term == "long"


def test_a_deposit_with_a_date_and_without_a_value_lacks_its_basis_not_a_price() -> None:
    told = event(Kind.DEPOSIT, "1", on=400, acquired_at=day(1))
    (row,) = rows(booked([told, sell("1", "150", on=401)]))
    assert (row.flags, row.term, row.cost) == ((Flag.MISSING_BASIS,), "long", None)


def test_a_transfer_keeps_the_date_and_first_in_goes_by_purchase_not_by_arrival() -> None:
    events = [
        buy("1", "100", on=1, wallet="ledger", id="old"),
        buy("1", "300", on=50, id="new"),
        event(Kind.TRANSFER, "1", on=60, wallet="ledger", to_wallet="kraken"),
        sell("1", "500", on=370),
    ]
    row = rows(booked(events))[0]
    assert (row.acquired_id, row.cost, row.term) == ("old", Decimal("100.00"), "long")


def test_each_wallet_sells_its_own_coins_unless_lots_are_universal() -> None:
    events = [
        buy("1", "100", on=1, wallet="ledger", id="a"),
        buy("1", "300", on=2, id="b"),
        sell("1", "500", on=3),
    ]
    assert rows(booked(events))[0].cost == 300
    assert rows(booked(events, is_universal=True))[0].cost == 100


def test_both_ends_of_one_transaction_are_a_transfer_and_the_difference_its_fee() -> None:
    events = [
        buy("1", "100", on=1),
        event(Kind.WITHDRAWAL, "1", on=2, link="0xabc"),
        event(Kind.DEPOSIT, "0.9", on=2.1, wallet="ledger", link="0xabc"),
        sell("0.9", "180", on=3, wallet="ledger"),
    ]
    history = booked(events, sources=prices(("BTC", "USD", 2, "150")))
    assert figures(history) == [("BTC", "0.1", "15.00", "10.00"), ("BTC", "0.9", "180.00", "90.00")]
    assert not history.notes


def test_coins_that_leave_for_an_unknown_place_are_told_and_not_sold() -> None:
    history = booked([buy("1", "100", on=1), event(Kind.WITHDRAWAL, "1", on=2), sell("1", "50", on=3)])
    assert [note.flag for note in history.notes] == [Flag.LEFT]
    assert figures(history) == [("BTC", "1", "50.00", None)]


def test_a_rest_worth_less_than_half_a_cent_is_dust() -> None:
    history = booked([buy("1", "100", on=1), sell("1.00001", "100", on=2)])
    assert figures(history) == [("BTC", "1", "100.00", "100.00"), ("BTC", "0.00001", "0.00", "0.00")]
    assert rows(history)[1].flags == (Flag.DUST,)


def test_rows_are_rounded_half_to_even_and_the_sum_is_theirs() -> None:
    # 0.125 and 0.375 round to 0.12 and 0.38: 0.62, though the exact sum is 0.625
    events = [
        buy("3", "0", on=1),
        *(sell("1", total, on=on) for on, total in enumerate(("0.125", "0.375", "0.125"), 2)),
    ]
    year = tax_year(booked(events), year=2024)
    assert sorted(str(row.gain) for row in year.rows) == ["0.12", "0.12", "0.38"]
    assert str(year.gain) == "0.62"


def test_sums_beyond_any_purse_are_exact() -> None:
    huge = "123456789012345678901234.000000000000000001"
    events = [
        buy("3", huge, on=1, fee=huge, fee_asset="USD"),
        sell("1", huge, on=2, fee="1", fee_asset="BTC"),
    ]
    (row,) = rows(booked(events))
    assert row.gain == Decimal("-41152263004115226300411.33")  # huge - 2 x (2 x huge) / 3


CONDITION = "0xc0ffee"
YES, NO = outcome(CONDITION, 0), outcome(CONDITION, 1)


def redeem(paid: str, *, on: float = 5) -> Event:
    return event(Kind.REDEEM, paid, CONDITION, on=on, total=paid, quote="USDT", id="redeem")


def bet(size: str, total: str, asset: str, *, on: float) -> Event:
    return buy(size, total, asset, on=on, quote="USDT", id=f"bet-{asset}")


@pytest.mark.parametrize(
    ("paid", "expected"),
    [
        ("10", [(YES, "10", "10.00", "4.00"), (NO, "30", "0.00", "15.00")]),  # yes won
        ("30", [(YES, "10", "0.00", "4.00"), (NO, "30", "30.00", "15.00")]),  # no won
        ("0", [(YES, "10", "0.00", "4.00"), (NO, "30", "0.00", "15.00")]),
        ("20", [(YES, "10", "5.00", "4.00"), (NO, "30", "15.00", "15.00")]),  # half each
    ],
)
def test_a_redemption_pays_the_side_whose_holding_it_matches(
    paid: str, expected: list[tuple[str, ...]]
) -> None:
    history = booked([bet("10", "4", YES, on=1), bet("30", "15", NO, on=2), redeem(paid)])
    assert figures(history) == expected
    assert all(row.flags == () for row in rows(history))


def test_a_redemption_of_equal_sides_says_that_the_winner_is_not_told() -> None:
    history = booked([bet("10", "4", YES, on=1), bet("10", "5", NO, on=2), redeem("10")])
    assert figures(history) == [(YES, "10", "5.00", "4.00"), (NO, "10", "5.00", "5.00")]
    assert rows(history)[0].flags == (Flag.OUTCOME_UNCLEAR,)


def test_a_redemption_beyond_the_holding_lacks_a_basis_for_the_rest() -> None:
    history = booked([bet("10", "4", YES, on=1), redeem("25")])
    assert figures(history) == [(YES, "10", "10.00", "4.00"), (YES, "15", "15.00", None)]


def test_merging_a_set_closes_both_sides_for_one() -> None:
    merge = event(Kind.MERGE, "10", CONDITION, on=3, total="10", quote="USDT")
    history = booked([bet("10", "4", YES, on=1), bet("10", "5", NO, on=2), merge])
    assert figures(history) == [(YES, "10", "5.00", "4.00"), (NO, "10", "5.00", "5.00")]
    assert tax_year(history, year=2024).gain == 1


def test_outcome_tokens_stay_with_their_wallet_even_with_universal_lots() -> None:
    other = buy("10", "6", YES, on=1, quote="USDT", wallet="ledger", id="other")
    history = booked([bet("10", "4", YES, on=2), other, redeem("10")], is_universal=True)
    assert figures(history) == [(YES, "10", "10.00", "4.00")]
    assert [lot.id for _, lot in history.open_lots()] == ["other"]


@pytest.mark.parametrize(
    ("acquired", "first_long_day"),
    [
        (date(2023, 3, 15), date(2024, 3, 16)),
        (
            date(2023, 2, 28),
            date(2024, 3, 1),
        ),  # the last day of a month: the 13th month after must have begun
        (date(2024, 2, 28), date(2025, 3, 1)),
        (date(2024, 2, 29), date(2025, 3, 1)),
        (date(2023, 12, 31), date(2025, 1, 1)),
    ],
)
def test_more_than_a_year_begins_the_day_after_the_anniversary(acquired: date, first_long_day: date) -> None:
    assert is_long(acquired=acquired, disposed=first_long_day)
    assert not is_long(acquired=acquired, disposed=date.fromordinal(first_long_day.toordinal() - 1))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: buy("0", "1", on=1), "positive size"),
        (lambda: buy("1", "1", on=1, fee="1", fee_asset="BTC"), "eats the whole purchase"),
        (lambda: buy("1", "1", on=1, quote="BTC"), "another asset"),
        (lambda: buy("1", "-1", on=1), "not negative"),
        (lambda: buy("NaN", "1", on=1), "not a number"),
        (lambda: event(Kind.TRANSFER, "1", on=1), "to_account"),
        (lambda: event(Kind.RESOLUTION, "1", on=1, total="2", quote="USDT"), "between 0 and 1"),
        (lambda: event(Kind.INCOME, "1", on=1, fee="1"), "needs its asset"),
        (lambda: event(Kind.DEPOSIT, "1", on=1, value="1"), "currency"),
        (lambda: event(Kind.DEPOSIT, "1", on=1, acquired_at=day(2)), "after it came"),
    ],
)
def test_what_cannot_have_happened_is_refused(make: object, says: str) -> None:
    with pytest.raises(InvalidValueError, match=says):
        make()  # type: ignore[operator]
