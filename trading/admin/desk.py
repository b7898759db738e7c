"""How the desk runs: its state, leases, heartbeats."""

from django.contrib import admin

from neuratrade.lib.admin import ReadOnlyAdmin
from trading import models


@admin.register(models.DeskState)
class DeskStateAdmin(ReadOnlyAdmin[models.DeskState]):
    """The state changes by `neuratrade kill` and `resume`, never by a form: a form would skip the epoch and the event."""

    list_display = ("operator", "mode", "state", "is_liquidating", "breaker_epoch", "ok_until", "cause")
    list_filter = ("mode", "state")


@admin.register(models.Lease)
class LeaseAdmin(ReadOnlyAdmin[models.Lease]):
    list_display = ("name", "owner", "epoch", "expires_at")
    search_fields = ("name", "owner")


@admin.register(models.Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin[models.Heartbeat]):
    list_display = ("process", "pid", "doing", "beat_at", "started_at")
