"""What the paper venue refuses, by the real venue's own filters. Pure."""

from decimal import Decimal

from trading.errors import VenueRejectedError
from trading.types import InstrumentSpec, OrderBook, OrderRequest, OrderType, Side


def check(request: OrderRequest, *, spec: InstrumentSpec | None, book: OrderBook | None) -> None:
    """Raises VenueRejectedError with a code of ours; the balance is checked by the ledger."""
    if spec is None or not spec.is_active:
        raise _no("UNKNOWN_SYMBOL", f"{request.symbol} is not listed")
    _check_size(request, spec=spec)
    for name, price in (("price", request.price_bound), ("stop price", request.stop_price)):
        if price is not None and price % spec.price_tick:
            raise _no("PRICE_TICK", f"{name} {price} is not a multiple of the tick {spec.price_tick}")
    if request.type is OrderType.STOP:
        _check_stop(request, book=book)
    elif request.post_only and book is not None and _crosses(request, book=book):
        raise _no("POST_ONLY", "the order would have taken from the book")


def _check_size(request: OrderRequest, *, spec: InstrumentSpec) -> None:
    size = request.size_base
    if size % spec.size_step:
        raise _no("SIZE_STEP", f"size {size} is not a multiple of the step {spec.size_step}")
    if size < spec.min_size or (spec.max_size is not None and size > spec.max_size):
        raise _no("SIZE_RANGE", f"size {size} is outside {spec.min_size} to {spec.max_size or 'any'}")
    price = request.price_bound or request.stop_price or Decimal(0)
    if size * price < spec.min_notional:
        raise _no("MIN_NOTIONAL", f"{size} at {price} is under the least notional {spec.min_notional}")


def _check_stop(request: OrderRequest, *, book: OrderBook | None) -> None:
    if request.side is Side.BUY:
        raise _no("STOP_SIDE", "on a spot market a stop protects what is held: it sells")
    best_bid = book.bids[0].price if book is not None and book.bids else None
    if best_bid is not None and request.stop_price is not None and best_bid <= request.stop_price:
        raise _no("WOULD_TRIGGER", "the stop would trigger at once")


def _crosses(request: OrderRequest, *, book: OrderBook) -> bool:
    levels = book.side(request.side)
    if not levels or request.price_bound is None:
        return False
    best = levels[0].price
    return best <= request.price_bound if request.side is Side.BUY else best >= request.price_bound


def _no(code: str, message: str) -> VenueRejectedError:
    return VenueRejectedError(f"paper venue: {message}", code=code)
