"""The operator's view of every trading table. What services write is read-only here; secrets are never rendered."""

from django.contrib import admin

from trading.admin import decisions, desk, ledger, market, research, taxes

__all__ = ["decisions", "desk", "ledger", "market", "research", "taxes"]

admin.site.site_header = "NeuraTrade"
admin.site.site_title = "NeuraTrade"
admin.site.index_title = "The desk's books"
