"""Trades from elsewhere and exported tax years."""

from django.contrib import admin

from neuratrade.lib.admin import ReadOnlyAdmin
from trading import models


@admin.register(models.PastImport)
class PastImportAdmin(ReadOnlyAdmin[models.PastImport]):
    """An import is taken back with `neuratrade trades remove`, which leaves its row here, marked."""

    list_display = ("id", "imported_at", "file_name", "layout", "added", "repeated", "removed_at")
    list_filter = ("layout",)
    search_fields = ("file_name", "digest")
    date_hierarchy = "imported_at"


@admin.register(models.PastTrade)
class PastTradeAdmin(ReadOnlyAdmin[models.PastTrade]):
    list_display = ("at", "kind", "size", "asset", "total", "quote", "fee", "fee_asset", "wallet", "batch")
    list_filter = ("kind", "wallet")
    list_select_related = ("batch",)
    search_fields = ("source_id", "asset", "note", "link")
    date_hierarchy = "at"


@admin.register(models.TaxExport)
class TaxExportAdmin(ReadOnlyAdmin[models.TaxExport]):
    list_display = (
        "generated_at",
        "year",
        "layout",
        "method",
        "lots",
        "currency",
        "mode",
        "disposals",
        "gain",
    )
    list_filter = ("year", "layout", "method", "mode")
