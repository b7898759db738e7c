"""Every difference has a name, and the names add up: nothing is lost, nothing counted twice."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.accounting.drift import Part, Trade, compare
from trading.errors import InvalidValueError

D = Decimal
START = datetime(2026, 11, 20, tzinfo=UTC)
STEP = timedelta(minutes=5)
KINDS = ("SIGNAL", "STOP", "TARGET", "TRAILING", "TIME", "END", "LIQUIDATED")


def trade(**changes: object) -> Trade:
    """Bought at a mark of 100 plus a fill 0.02 above it, sold at a target of 104; a fee of 0.1 % each way."""
    fields: dict[str, object] = {
        "id": "backtest 1",
        "instrument": "binance BTC/USDT",
        "side": 1,
        "signal_at": START,
        "entry_at": START,
        "exit_at": START + 3 * STEP,
        "entry_price": D("100.02"),
        "exit_price": D("104"),
        "entry_mark": D("100"),
        "exit_mark": D("103"),
        "ordered_base": D(2),
        "size_base": D(2),
        "fees": D("0.40804"),
        "exit_kind": "TARGET",
    }
    return Trade(**{**fields, **changes})  # type: ignore[arg-type]


BACKTEST = trade()
DESK = trade(id="desk 1")


def parts(desk: Trade, backtest: Trade = BACKTEST) -> dict[Part, Decimal]:
    found = compare(desk=[desk], backtest=[backtest], step=STEP)
    (only,) = found.differences
    return dict(only.parts)


def test_equal_trades_differ_in_nothing() -> None:
    assert parts(DESK) == {}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # half as much ordered: half of the result (2 x 3.98 - 0.40804 = 7.55196) is not there
        ({"ordered_base": D(1), "size_base": D(1), "fees": D("0.20402")}, {Part.SIZE: D("-3.77598")}),
        # two ordered and one filled
        ({"size_base": D(1), "fees": D("0.20402")}, {Part.FILL: D("-3.77598")}),
        # 0.05 worse than the market of that moment
        ({"entry_price": D("100.07")}, {Part.PRICE: D("-0.10")}),
        # the market had gone up by 0.05 when the desk decided, and the fill was as far above it as ever
        (
            {
                "entry_price": D("100.07"),
                "entry_mark": D("100.05"),
                "entry_at": START + timedelta(seconds=40),
            },
            {Part.LATENCY: D("-0.10")},
        ),
        ({"exit_price": D("103.9")}, {Part.PRICE: D("-0.2")}),
        # stopped where the backtest reached its target
        ({"exit_kind": "STOP", "exit_price": D("99")}, {Part.EXIT: D("-10")}),
        # the same kind of exit three bars later is another exit
        ({"exit_at": START + 6 * STEP, "exit_price": D("105")}, {Part.EXIT: D("2")}),
        ({"fees": D("0.80804")}, {Part.FEE: D("-0.4")}),
    ],
)
def test_one_difference_has_one_name(changes: dict[str, object], expected: dict[Part, Decimal]) -> None:
    assert parts(replace(DESK, **changes)) == expected  # type: ignore[arg-type]


def test_an_exit_at_an_open_may_come_late() -> None:
    """A signal's exit one bar later is the same exit; the market's move in between is its latency."""
    backtest = replace(BACKTEST, exit_kind="SIGNAL", exit_price=D("102.98"), exit_mark=D("103"))
    late = replace(
        DESK, exit_kind="SIGNAL", exit_at=START + 4 * STEP, exit_mark=D("102"), exit_price=D("101.97")
    )
    assert parts(late, backtest) == {Part.LATENCY: D(-2), Part.PRICE: D("-0.02")}


def test_what_one_side_alone_made_counts_whole() -> None:
    later = trade(id="desk 2", signal_at=START + STEP, entry_at=START + STEP)
    found = compare(desk=[later], backtest=[BACKTEST], step=STEP, reasons={"backtest 1": "vetoed: kelly"})
    missed, extra = found.differences
    assert missed.parts == {Part.MISSED: -BACKTEST.pnl}
    assert missed.reason == "vetoed: kelly"
    assert extra.parts == {Part.EXTRA: later.pnl}


def test_the_nearest_signal_is_the_partner() -> None:
    """Two desk trades of one bar: the one decided sooner after the close is the backtest's, the other is extra."""
    near = trade(id="near", signal_at=START + timedelta(seconds=2))
    far = trade(id="far", signal_at=START + timedelta(seconds=200))
    found = compare(desk=[far, near], backtest=[BACKTEST], step=STEP)
    assert {(d.desk.id, d.backtest is None) for d in found.differences if d.desk} == {
        ("near", False),
        ("far", True),
    }


def test_the_same_trade_twice_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="an id twice"):
        compare(desk=[DESK, DESK], backtest=[], step=STEP)


prices = st.decimals("0.0001", "100000", places=8)
sizes = st.decimals("0.00001", "1000", places=8)


@st.composite
def trades(draw: st.DrawFn, side: str) -> list[Trade]:
    made = []
    for number in range(draw(st.integers(0, 6))):
        entry = START + timedelta(seconds=draw(st.integers(0, 3_600)))
        size = draw(sizes)
        made.append(
            Trade(
                id=f"{side} {number}",
                instrument=draw(st.sampled_from(["binance BTC/USDT", "kraken ETH/USDT"])),
                side=draw(st.sampled_from([1, -1])),
                signal_at=entry - timedelta(seconds=draw(st.integers(0, 400))),
                entry_at=entry,
                exit_at=entry + timedelta(seconds=draw(st.integers(0, 3_600))),
                entry_price=draw(prices),
                exit_price=draw(prices),
                entry_mark=draw(prices),
                exit_mark=draw(prices),
                ordered_base=draw(st.one_of(st.just(size), sizes)),
                size_base=size,
                fees=draw(st.decimals("-5", "50", places=8)),
                exit_kind=draw(st.sampled_from(KINDS)),
            )
        )
    return made


@given(trades("desk"), trades("backtest"))
def test_the_parts_sum_to_the_difference_to_the_last_digit(
    desk: Sequence[Trade], backtest: Sequence[Trade]
) -> None:
    found = compare(desk=desk, backtest=backtest, step=STEP)
    for item in found.differences:
        mine = item.desk.pnl if item.desk else D(0)
        theirs = item.backtest.pnl if item.backtest else D(0)
        assert item.amount == mine - theirs
    assert found.amount == found.desk_pnl - found.backtest_pnl
    assert sorted(d.desk.id for d in found.differences if d.desk) == sorted(t.id for t in desk)
    assert sorted(d.backtest.id for d in found.differences if d.backtest) == sorted(t.id for t in backtest)
    for item in found.differences:
        if item.desk and item.backtest:
            assert (item.desk.instrument, item.desk.side) == (item.backtest.instrument, item.backtest.side)
            assert abs(item.desk.signal_at - item.backtest.signal_at) < STEP
