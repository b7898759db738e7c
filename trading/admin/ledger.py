"""What was sent, filled and booked: orders, fills, postings, positions, lots, equity."""

from django.contrib import admin

from neuratrade.lib.admin import ReadOnlyAdmin
from trading import models


@admin.register(models.Order)
class OrderAdmin(ReadOnlyAdmin[models.Order]):
    list_display = (
        "created_at",
        "purpose",
        "side",
        "size_base",
        "filled_base",
        "instrument",
        "type",
        "price_bound",
        "stop_price",
        "state",
        "mode",
        "client_order_id",
    )
    list_filter = ("state", "purpose", "side", "mode", "instrument__venue", "instrument__symbol")
    list_select_related = ("instrument__venue",)
    search_fields = ("id", "client_order_id", "venue_order_id", "decision__id")
    date_hierarchy = "created_at"


@admin.register(models.OrderTransition)
class OrderTransitionAdmin(ReadOnlyAdmin[models.OrderTransition]):
    list_display = ("at", "order", "version", "from_state", "to_state", "reason")
    list_filter = ("to_state",)
    list_select_related = ("order__instrument__venue",)
    search_fields = ("order__id", "order__client_order_id", "reason")
    date_hierarchy = "at"


@admin.register(models.Fill)
class FillAdmin(ReadOnlyAdmin[models.Fill]):
    list_display = (
        "executed_at",
        "side",
        "size_base",
        "price",
        "fee",
        "fee_asset",
        "is_maker",
        "instrument",
        "account",
        "is_ours",
        "trade_id",
    )
    list_filter = ("side", "is_maker", "instrument__venue", "instrument__symbol", "account__mode")
    list_select_related = ("instrument__venue", "account__venue", "order")
    search_fields = ("trade_id", "order__id", "order__client_order_id")
    date_hierarchy = "executed_at"

    @admin.display(boolean=True, description="ours")
    def is_ours(self, fill: models.Fill) -> bool:
        return fill.order_id is not None


@admin.register(models.Posting)
class PostingAdmin(ReadOnlyAdmin[models.Posting]):
    list_display = ("at", "account", "asset", "amount", "kind", "reference")
    list_filter = ("kind", "asset", "account__mode", "account__venue")
    list_select_related = ("account__venue",)
    search_fields = ("reference",)
    date_hierarchy = "at"


@admin.register(models.Position)
class PositionAdmin(ReadOnlyAdmin[models.Position]):
    list_display = (
        "instrument",
        "account",
        "size_base",
        "average_cost",
        "realised_pnl",
        "stop_price",
        "target_price",
        "close_by",
        "unprotected_since",
    )
    list_filter = ("account__mode", "instrument__venue", "instrument__symbol")
    list_select_related = ("instrument__venue", "account__venue")
    search_fields = ("instrument__symbol", "decision__id")


@admin.register(models.Lot)
class LotAdmin(ReadOnlyAdmin[models.Lot]):
    list_display = ("acquired_at", "instrument", "account", "size_base", "remaining_base", "unit_cost")
    list_filter = ("account__mode", "instrument__venue", "instrument__symbol")
    list_select_related = ("instrument__venue", "account__venue")
    date_hierarchy = "acquired_at"


@admin.register(models.LotClosure)
class LotClosureAdmin(ReadOnlyAdmin[models.LotClosure]):
    list_display = ("closed_at", "instrument", "size_base", "proceeds", "cost", "pnl")
    list_filter = ("lot__instrument__venue", "lot__instrument__symbol", "lot__account__mode")
    list_select_related = ("lot__instrument__venue",)
    date_hierarchy = "closed_at"

    @admin.display(ordering="lot__instrument")
    def instrument(self, closure: models.LotClosure) -> models.Instrument:
        return closure.lot.instrument


@admin.register(models.EquityMark)
class EquityMarkAdmin(ReadOnlyAdmin[models.EquityMark]):
    list_display = ("at", "operator", "mode", "equity", "cash", "unrealised_pnl", "nav", "is_fresh")
    list_filter = ("mode", "is_fresh")
    list_select_related = ("operator",)
    date_hierarchy = "at"
    ordering = ("-at",)
