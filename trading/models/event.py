"""The audit trail and outbox in one: append-only, hash-chained. Stream, dashboard and memory read it from their own cursors."""

from django.db import models

from trading.models.decision import Decision


class Event(models.Model):
    """`digest` = SHA-256 over the previous digest and this row's canonical JSON; a database trigger forbids change."""

    is_append_only = True

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=60, db_index=True)
    mode = models.CharField(max_length=10)
    decision = models.ForeignKey(
        Decision, on_delete=models.PROTECT, null=True, blank=True, related_name="events"
    )
    payload = models.JSONField(default=dict)
    previous = models.CharField(max_length=64, unique=True)
    digest = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.id} {self.kind}"
