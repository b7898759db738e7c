"""The agents' tables in the admin: to read. Sessions move by their own rules, steps and evidence never change."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from agents.models import Evidence, Session, Step, StepAnswer

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Model]
else:
    _ModelAdmin = admin.ModelAdmin


class ReadOnlyAdmin(_ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    list_display = ("started_at", "decision", "role", "provider", "model", "status", "stop_reason")
    list_filter = ("role", "status", "stop_reason", "provider")
    search_fields = ("id", "decision__id")
    date_hierarchy = "started_at"
    list_select_related = ("decision__instrument__venue",)


@admin.register(Step)
class StepAdmin(ReadOnlyAdmin):
    list_display = ("requested_at", "session", "number", "kind", "label", "reserved_usd")
    list_filter = ("kind", "provider", "is_local")
    search_fields = ("session__id", "session__decision__id", "request_hash")
    list_select_related = ("session",)


@admin.register(StepAnswer)
class StepAnswerAdmin(ReadOnlyAdmin):
    list_display = (
        "answered_at",
        "step",
        "outcome",
        "finish",
        "input_tokens",
        "output_tokens",
        "cost_usd",
        "error",
    )
    list_filter = ("outcome", "finish")
    search_fields = ("step__session__decision__id",)
    list_select_related = ("step",)


@admin.register(Evidence)
class EvidenceAdmin(ReadOnlyAdmin):
    list_display = ("at", "session", "reference", "tool", "as_of", "error")
    list_filter = ("tool",)
    search_fields = ("session__decision__id", "reference", "digest")
    list_select_related = ("session",)
