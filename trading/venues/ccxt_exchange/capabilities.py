"""How each exchange wants orders and how doubt about one is resolved. An exchange that is not listed cannot hold an account.

Measured against ccxt 4.5.90: its unified client order id is ignored or mistranslated in places, so each entry says what works.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from trading.errors import ConfigurationError
from trading.protocols import VenueCapabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeTraits:
    """`bounds`: the parameters that keep an order from being booked late, at a given time.

    `can_fetch_by_client_id`: fetch_order finds an order by the client order id. `filters_lists_by_client_id`: the lists of open
    and closed orders do. `trades_page`: how many fills one call returns; `pages_by_offset`: the next page is asked by `ofs`.
    `clock_step_s`: the server's time is cut to this step.
    """

    capabilities: VenueCapabilities
    bounds: Callable[[datetime], Mapping[str, Any]]
    echoes_client_id: bool
    can_fetch_by_client_id: bool
    filters_lists_by_client_id: bool
    has_all_orders: bool
    trades_page: int
    pages_by_offset: bool
    clock_step_s: float = 0.0


_RECV_WINDOW_MS = 3_000
_KRAKEN_DEADLINE_S = 5


def _kraken_bounds(at: datetime) -> Mapping[str, Any]:
    deadline = at + timedelta(seconds=_KRAKEN_DEADLINE_S)
    return {"deadline": deadline.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"}


TRAITS: dict[str, ExchangeTraits] = {
    # The matching engine checks timestamp + recvWindow again before it books, and answers within 10 s (Binance, "Timing
    # security" and error -1007): later than the window plus that, an order can no longer appear.
    "binance": ExchangeTraits(
        capabilities=VenueCapabilities(
            has_stop_orders=True, has_client_order_id=True, lateness_bound_s=_RECV_WINDOW_MS / 1000 + 10
        ),
        bounds=lambda _at: {"recvWindow": _RECV_WINDOW_MS},
        echoes_client_id=True,
        can_fetch_by_client_id=True,
        filters_lists_by_client_id=False,
        has_all_orders=True,
        trades_page=1000,
        pages_by_offset=False,
    ),
    # `deadline` makes the matching engine refuse a late order (docs.kraken.com, Add order); fetch_order with a client id
    # sends `userref` and fails, the lists take `cl_ord_id`.
    "kraken": ExchangeTraits(
        capabilities=VenueCapabilities(
            has_stop_orders=True, has_client_order_id=True, lateness_bound_s=_KRAKEN_DEADLINE_S + 5
        ),
        bounds=_kraken_bounds,
        echoes_client_id=False,
        can_fetch_by_client_id=False,
        filters_lists_by_client_id=True,
        has_all_orders=False,
        trades_page=50,
        pages_by_offset=True,
        clock_step_s=1.0,
    ),
}


def traits_of(client: str, *, venue: str) -> ExchangeTraits:
    """The entry of one exchange; ConfigurationError when the desk does not know how to resolve doubt there."""
    if client not in TRAITS:
        raise ConfigurationError(
            f"venue {venue}: the desk has no order rules for the exchange {client!r}; accounts are possible at "
            f"{', '.join(sorted(TRAITS))} (add an entry in trading/venues/ccxt_exchange/capabilities.py)"
        )
    return TRAITS[client]
