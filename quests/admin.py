"""Quests can be switched off here; runs can only be looked at: they are what happened."""

from django.contrib import admin
from django.http import HttpRequest

from neuratrade.lib.admin import DeskAdmin, ReadOnlyAdmin
from quests.models import Quest, Run


@admin.register(Quest)
class QuestAdmin(DeskAdmin[Quest]):
    list_display = ["name", "cadence", "job", "is_enabled", "purpose"]
    list_editable = ["is_enabled"]
    list_filter = ["cadence", "job", "is_enabled"]
    readonly_fields = ["name", "cadence", "job", "purpose"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin[Run]):
    list_display = ["id", "quest", "scheduled_for", "subject", "status", "attempts", "note", "decision"]
    list_filter = ["status", "quest"]
    list_select_related = ["quest", "decision__instrument__venue"]
    search_fields = ["subject", "note"]
    date_hierarchy = "scheduled_for"
