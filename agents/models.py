"""Sessions and what happened in them. A step and its answer are two rows, so that both can be append-only:
a step without an answer names exactly what a crash left unknown."""

import uuid

from django.db import models

from trading.fields import ExactDecimalField
from trading.models import Decision


class Session(models.Model):
    """One role's work on one decision. `skills` pins the digest of every skill it may open."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        ENDED = "ended"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, related_name="sessions")
    role = models.CharField(max_length=16)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    provider = models.CharField(
        max_length=40, help_text="the one configured when it began; steps name the one asked"
    )
    model = models.CharField(max_length=120, blank=True)
    system = models.TextField(help_text="the system prompt, word for word")
    brief = models.TextField(help_text="the first message, word for word")
    tools = models.JSONField(default=list)
    skills = models.JSONField(default=dict)
    limits = models.JSONField(default=dict)
    stop_reason = models.CharField(max_length=24, blank=True)
    stop_detail = models.TextField(blank=True)
    answer = models.JSONField(null=True, blank=True)
    claims = models.JSONField(
        default=list, help_text="the claims that were checked against the evidence and held"
    )
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["decision", "role"], name="one_session_per_decision_and_role")
        ]
        ordering = ["started_at"]

    def __str__(self) -> str:
        return f"{self.role} on {self.decision_id}"


class Step(models.Model):
    """One model call or one batch of tool calls, written before it begins; append-only.

    `reserved_usd` is its worst case; it counts as spent until the answer says what it really cost.
    """

    is_append_only = True

    class Kind(models.TextChoices):
        MODEL = "model"
        TOOLS = "tools"

    session = models.ForeignKey(Session, on_delete=models.PROTECT, related_name="steps")
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    provider = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=120, blank=True)
    label = models.CharField(max_length=60, blank=True)
    is_local = models.BooleanField(default=False)
    request_hash = models.CharField(max_length=64)
    request = models.JSONField(default=dict, help_text="the messages or calls that are new in this step")
    reserved_usd = ExactDecimalField(default=0)
    requested_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "number"], name="one_step_per_number")]
        ordering = ["session", "number"]

    def __str__(self) -> str:
        return f"{self.kind} step {self.number}"


class StepAnswer(models.Model):
    """How a step ended; append-only. LOST: the process died in between, so the worst case counts as spent."""

    is_append_only = True

    class Outcome(models.TextChoices):
        ANSWERED = "answered"
        FAILED = "failed"
        LOST = "lost"

    step = models.OneToOneField(Step, on_delete=models.PROTECT, primary_key=True, related_name="answer")
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    message = models.JSONField(null=True, blank=True)
    finish = models.CharField(max_length=12, blank=True)
    error = models.TextField(blank=True)
    answered_by = models.CharField(max_length=120, blank=True, help_text="the model's own name in its answer")
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cached_tokens = models.PositiveIntegerField(default=0)
    cost_usd = ExactDecimalField(default=0)
    answered_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.outcome} {self.step_id}"


class Evidence(models.Model):
    """What one tool call returned; append-only. `reference` is what claims cite; empty for a refused or failed call."""

    is_append_only = True

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(Session, on_delete=models.PROTECT, related_name="evidence")
    step = models.ForeignKey(Step, on_delete=models.PROTECT, related_name="evidence")
    position = models.PositiveSmallIntegerField(help_text="which call of the batch")
    reference = models.CharField(max_length=8, blank=True)
    call_id = models.CharField(max_length=120)
    tool = models.CharField(max_length=80)
    arguments = models.TextField(blank=True)
    result = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True)
    digest = models.CharField(max_length=64)
    as_of = models.DateTimeField(null=True, blank=True)
    fresh_until = models.DateTimeField(null=True, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["step", "position"], name="one_result_per_call")]
        ordering = ["at", "step", "position"]
        verbose_name_plural = "evidence"

    def __str__(self) -> str:
        return f"{self.reference or 'refused'} {self.tool}"
