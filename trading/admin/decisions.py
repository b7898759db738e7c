"""What was decided and what the gate said: decisions, risk checks, approvals, events."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from neuratrade.lib.admin import ReadOnlyAdmin
from trading import models


@admin.register(models.Decision)
class DecisionAdmin(ReadOnlyAdmin[models.Decision]):
    list_display = ("short_id", "opened_at", "instrument", "status", "mode", "source", "reason")
    list_filter = ("status", "mode", "instrument__venue", "source")
    list_select_related = ("instrument__venue",)
    search_fields = ("id", "source", "reason", "skill_name")
    date_hierarchy = "opened_at"

    @admin.display(description="decision", ordering="id")
    def short_id(self, decision: models.Decision) -> str:
        return str(decision.pk)[:13]


@admin.register(models.RiskCheck)
class RiskCheckAdmin(ReadOnlyAdmin[models.RiskCheck]):
    list_display = ("checked_at", "rule", "passed", "message", "decision", "order")
    list_filter = ("passed", "rule")
    list_select_related = ("decision__instrument__venue", "order__instrument__venue")
    search_fields = ("rule", "message", "decision__id", "order__id")
    date_hierarchy = "checked_at"


@admin.register(models.Approval)
class ApprovalAdmin(ReadOnlyAdmin[models.Approval]):
    list_display = ("id", "order", "issued_at", "expires_at", "is_used", "key_id")
    list_select_related = ("order__instrument__venue", "use")
    search_fields = ("id", "order__id", "key_id")
    date_hierarchy = "issued_at"
    fields = ("id", "order", "key_id", "issued_at", "expires_at", "is_used", "terms")
    readonly_fields = ("is_used", "terms")

    @admin.display(boolean=True, description="used")
    def is_used(self, approval: models.Approval) -> bool:
        return hasattr(approval, "use")

    @admin.display(description="signed terms")
    def terms(self, approval: models.Approval) -> SafeString:
        return format_html("<pre>{}</pre>", bytes(approval.payload).decode("ascii", "replace"))


@admin.register(models.ApprovalUse)
class ApprovalUseAdmin(ReadOnlyAdmin[models.ApprovalUse]):
    list_display = ("approval", "used_at", "notional_quote")
    list_select_related = ("approval",)
    date_hierarchy = "used_at"


@admin.register(models.Event)
class EventAdmin(ReadOnlyAdmin[models.Event]):
    list_display = ("id", "at", "kind", "mode", "decision", "short_digest")
    list_filter = ("kind", "mode")
    list_select_related = ("decision__instrument__venue",)
    search_fields = ("kind", "decision__id", "digest")
    date_hierarchy = "at"
    ordering = ("-id",)

    @admin.display(description="digest")
    def short_digest(self, event: models.Event) -> str:
        return event.digest[:16]
