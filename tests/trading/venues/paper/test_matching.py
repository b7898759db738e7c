"""The rules by which a paper order meets the live market."""

from datetime import UTC, datetime
from decimal import Decimal

from trading.types import BookLevel, OrderBook, PublicTrade, Side
from trading.venues.paper import matching

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
D = Decimal


def book(bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> OrderBook:
    def levels(rows):
        return tuple(BookLevel(D(price), D(size)) for price, size in rows)

    return OrderBook(
        venue="binance", symbol="BTC/USDT", bids=levels(bids), asks=levels(asks), as_of=AT, received_at=AT
    )


BOOK = book([("99", "1"), ("98", "2")], [("101", "1"), ("102", "2"), ("110", "5")])


def trade(price: str, size: str, side: Side | None, *, trade_id: str = "1") -> PublicTrade:
    return PublicTrade(
        venue="binance",
        symbol="BTC/USDT",
        trade_id=trade_id,
        price=D(price),
        size=D(size),
        side=side,
        as_of=AT,
    )


def walk(
    side: Side, size: str, limit: str | None, liquidity: matching.Liquidity
) -> list[tuple[Decimal, Decimal]]:
    parts = matching.walk(
        book=BOOK,
        side=side,
        size_base=D(size),
        limit=None if limit is None else D(limit),
        liquidity=liquidity,
    )
    return [(part.price, part.size_base) for part in parts]


def test_a_large_order_walks_the_depth_up_to_its_bound():
    assert walk(Side.BUY, "10", "105", matching.Liquidity()) == [(D(101), D(1)), (D(102), D(2))]
    assert walk(Side.SELL, "2.5", None, matching.Liquidity()) == [(D(99), D(1)), (D(98), D("1.5"))]


def test_what_was_taken_is_gone_until_the_level_changes():
    liquidity = matching.Liquidity()
    assert walk(Side.BUY, "0.6", "101", liquidity) == [(D(101), D("0.6"))]
    assert walk(Side.BUY, "1", "101", liquidity) == [(D(101), D("0.4"))]
    assert walk(Side.BUY, "1", "101", liquidity) == []
    refilled = BookLevel(D(101), D(3))
    assert liquidity.available(symbol="BTC/USDT", taker=Side.BUY, level=refilled) == D(3)


def meet(trades: list[PublicTrade], *, price="99", remaining="1", ahead="2", side=Side.BUY):
    return matching.meet_trades(
        side=side,
        price=D(price),
        remaining=D(remaining),
        queue_ahead=D(ahead),
        trades=matching.volumes(trades),
    )


def test_the_queue_is_served_before_us():
    result = meet([trade("99", "1.5", Side.SELL)])
    assert result.executions == []
    assert result.queue_ahead == D("0.5")
    result = meet([trade("99", "2.25", Side.SELL)])
    assert [part.size_base for part in result.executions] == [D("0.25")]
    assert result.executions[0].is_maker


def test_a_trade_through_our_price_means_the_queue_is_gone():
    result = meet([trade("98.5", "0.7", None)])
    assert [(part.price, part.size_base) for part in result.executions] == [(D(99), D("0.7"))]
    assert result.queue_ahead == 0


def test_takers_of_our_own_side_do_not_reach_us():
    assert meet([trade("99", "50", Side.BUY)]).executions == []


def test_two_of_our_orders_never_share_a_trade():
    volumes = matching.volumes([trade("99", "1", Side.SELL)])
    sizes = []
    for _ in range(2):
        result = matching.meet_trades(
            side=Side.BUY, price=D(99), remaining=D("0.8"), queue_ahead=D(0), trades=volumes
        )
        sizes.append(sum(part.size_base for part in result.executions))
    assert sizes == [D("0.8"), D("0.2")]


def test_cancels_before_us_shorten_the_queue_where_the_book_shows_it():
    assert matching.shrink_queue(D(5), book=BOOK, side=Side.BUY, price=D(98)) == D(2)
    assert matching.shrink_queue(D(5), book=BOOK, side=Side.BUY, price=D(97)) == D(5)
    assert matching.queue_at(book=BOOK, side=Side.SELL, price=D(102)) == D(2)


def test_a_stop_listens_to_the_last_price():
    def triggered(trades, live=BOOK):
        return matching.is_triggered(side=Side.SELL, stop_price=D(95), trades=trades, book=live)

    assert not triggered([trade("96", "1", None)])
    assert triggered([trade("96", "1", None), trade("95", "1", None, trade_id="2")])
    assert triggered([], book([("94", "1")], [("101", "1")]))
    assert not triggered([], None)
