"""Quests and their runs. A run's row exists before its message is sent, so a lost message loses nothing."""

from django.db import models

from quests.types import Cadence, JobKind
from trading.models import Decision


class Quest(models.Model):
    """What the catalog offers, one row per plug-in, so that the operator can switch it off."""

    name = models.CharField(max_length=60, unique=True)
    cadence = models.CharField(max_length=10, choices=[(c.value, c.value) for c in Cadence])
    job = models.CharField(max_length=20, choices=[(j.value, j.value) for j in JobKind])
    purpose = models.CharField(max_length=200)
    is_enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Run(models.Model):
    """One run of a quest for one slot. `attempts` is also the fencing token: only the latest attempt may write.

    A worker owns the run until `lease_until`; after that it counts as crashed and is resumed from `checkpoint`.
    """

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        RETRYING = "retrying"
        DONE = "done"
        FAILED = "failed"
        SKIPPED = "skipped"

    quest = models.ForeignKey(Quest, on_delete=models.PROTECT, related_name="runs")
    scheduled_for = models.DateTimeField(help_text="the first instant of its slot")
    subject = models.CharField(
        max_length=120, blank=True, help_text="what a triggered run is about; blank if routine"
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED, db_index=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    retry_at = models.DateTimeField(null=True, blank=True)
    facts = models.JSONField(default=dict, blank=True, help_text="what the trigger saw")
    checkpoint = models.JSONField(default=dict, blank=True)
    progress_ratio = models.FloatField(default=0)
    note = models.CharField(max_length=300, blank=True)
    result = models.JSONField(default=dict, blank=True)
    decision = models.ForeignKey(
        Decision, on_delete=models.PROTECT, null=True, blank=True, related_name="runs"
    )
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["quest", "scheduled_for", "subject"], name="one_run_per_slot")
        ]
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.quest.name} {self.scheduled_for:%Y-%m-%d %H:%M:%S} {self.status}"
