"""What can be traded and where: operators, venues, accounts and their keys, instruments, candles."""

from django.contrib import admin
from django.http import HttpRequest

from neuratrade.lib.admin import DeskAdmin, ReadOnlyAdmin
from trading import models


@admin.register(models.Operator)
class OperatorAdmin(DeskAdmin[models.Operator]):
    list_display = ("name", "risk_profile", "created_at")
    search_fields = ("name",)
    readonly_fields = ("risk_profile", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(models.Venue)
class VenueAdmin(DeskAdmin[models.Venue]):
    list_display = ("name", "driver", "client", "is_enabled")
    list_filter = ("driver", "is_enabled")
    search_fields = ("name", "client")


@admin.register(models.Account)
class AccountAdmin(DeskAdmin[models.Account]):
    list_display = ("venue", "mode", "operator", "is_enabled", "has_credential", "frozen_reason")
    list_filter = ("mode", "venue", "is_enabled")
    list_select_related = ("venue", "operator")
    # A freeze ends with `neuratrade release`, which leaves an event.
    readonly_fields = ("operator", "venue", "mode", "credential", "frozen_reason")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(boolean=True, description="key")
    def has_credential(self, account: models.Account) -> bool:
        return account.credential_id is not None


@admin.register(models.Credential)
class CredentialAdmin(ReadOnlyAdmin[models.Credential]):
    """Shows that keys exist, and nothing of them: not even the ciphertext."""

    list_display = ("label", "id", "created_at")
    search_fields = ("label",)
    fields = ("id", "label", "created_at")


@admin.register(models.Instrument)
class InstrumentAdmin(DeskAdmin[models.Instrument]):
    list_display = (
        "symbol",
        "venue",
        "is_watched",
        "is_active",
        "price_tick",
        "size_step",
        "min_notional",
        "taker_fee_ratio",
    )
    list_filter = ("venue", "is_watched", "is_active", "quote")
    list_select_related = ("venue",)
    search_fields = ("symbol", "base", "quote")

    def get_readonly_fields(self, request: HttpRequest, obj: models.Instrument | None = None) -> list[str]:
        """Everything but the watch list comes from the venue."""
        return [field.name for field in self.opts.fields if field.name != "is_watched"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(models.CandleRow)
class CandleAdmin(ReadOnlyAdmin[models.CandleRow]):
    list_display = ("instrument", "timeframe", "open_time", "open", "high", "low", "close", "volume_base")
    list_filter = ("timeframe", "instrument__venue", "instrument__symbol")
    list_select_related = ("instrument__venue",)
    date_hierarchy = "open_time"
