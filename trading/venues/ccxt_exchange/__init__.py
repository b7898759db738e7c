"""Any exchange that ccxt.pro speaks, one client per venue (market data) and per account (orders)."""

from typing import TYPE_CHECKING

from trading.protocols import AccountClient, Credentials, MarketData, VenueConfig

if TYPE_CHECKING:
    from trading.protocols import VenueDriver


class CcxtDriver:
    """ccxt costs half a second and 60 MB, so its halves are imported by the processes that open one."""

    def market_data(self, config: VenueConfig) -> MarketData:
        from trading.venues.ccxt_exchange.market import CcxtMarketData

        return CcxtMarketData(config)

    def account(self, config: VenueConfig, *, credentials: Credentials) -> AccountClient:
        from trading.venues.ccxt_exchange.account import open_account

        return open_account(config, credentials=credentials)


VENUE: "VenueDriver" = CcxtDriver()
