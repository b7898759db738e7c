"""The paper venue: fills orders against the live book of a real venue, with play money.

It is honest where paper trading usually is not: orders arrive late, walk the depth, wait in the queue, pay fees, and are refused by
the venue's own filters. It takes the place of the venue only; everything before the venue call is the live path.
"""

from typing import TYPE_CHECKING

from trading.errors import ConfigurationError
from trading.protocols import AccountClient, Credentials, MarketData, VenueConfig

if TYPE_CHECKING:
    from trading.protocols import VenueDriver


class PaperDriver:
    def market_data(self, config: VenueConfig) -> MarketData:
        raise ConfigurationError(
            f"venue {config.name}: paper has no market of its own; give the venue a real driver, its paper accounts use it"
        )

    def account(self, config: VenueConfig, *, credentials: Credentials | None = None) -> AccountClient:
        """`config.options` are the fields of `PaperOptions`; credentials are not used."""
        from trading.venues.paper.account import PaperAccount, PaperOptions

        return PaperAccount(config, options=PaperOptions(**config.options))


VENUE: "VenueDriver" = PaperDriver()
