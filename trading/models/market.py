"""What may be traded, and its stored candles."""

from decimal import Decimal

from django.db import models

from trading.fields import ExactDecimalField
from trading.models.account import Venue
from trading.types import InstrumentSpec


class Instrument(models.Model):
    venue = models.ForeignKey(Venue, on_delete=models.CASCADE, related_name="instruments")
    symbol = models.CharField(max_length=40)
    base = models.CharField(max_length=20)
    quote = models.CharField(max_length=20)
    price_tick = ExactDecimalField()
    size_step = ExactDecimalField()
    min_size = ExactDecimalField()
    max_size = ExactDecimalField(null=True, blank=True)
    min_notional = ExactDecimalField()
    maker_fee_ratio = ExactDecimalField()
    taker_fee_ratio = ExactDecimalField()
    is_active = models.BooleanField(default=True)
    is_watched = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["venue", "symbol"], name="instrument_once_per_venue")]
        ordering = ["venue", "symbol"]

    def __str__(self) -> str:
        return f"{self.venue.name} {self.symbol}"

    @property
    def dust_base(self) -> Decimal:
        """Less than this cannot be sold, whatever the price."""
        return max(self.min_size, self.size_step)

    @property
    def spec(self) -> InstrumentSpec:
        return InstrumentSpec(
            venue=self.venue.name,
            symbol=self.symbol,
            base=self.base,
            quote=self.quote,
            price_tick=self.price_tick,
            size_step=self.size_step,
            min_size=self.min_size,
            max_size=self.max_size,
            min_notional=self.min_notional,
            maker_fee_ratio=self.maker_fee_ratio,
            taker_fee_ratio=self.taker_fee_ratio,
            is_active=self.is_active,
        )


class CandleRow(models.Model):
    """A closed candle. 1m is built from the stream or fetched; 5m and 1h are derived from it."""

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="candles")
    timeframe = models.CharField(max_length=4)
    open_time = models.DateTimeField()
    open = ExactDecimalField()
    high = ExactDecimalField()
    low = ExactDecimalField()
    close = ExactDecimalField()
    volume_base = ExactDecimalField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["instrument", "timeframe", "open_time"], name="one_candle_per_time"
            )
        ]
        ordering = ["open_time"]

    def __str__(self) -> str:
        return f"{self.instrument} {self.timeframe} {self.open_time:%Y-%m-%d %H:%M}"
