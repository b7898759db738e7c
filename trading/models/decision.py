"""A decision from the first idea to the last fill, and the risk desk's answer to it."""

import uuid

from django.db import models

from trading.fields import ExactDecimalField
from trading.models.account import Account, Operator
from trading.models.market import Instrument


class Decision(models.Model):
    """The hub. A step owns the decision only after it moved `status` by a conditional update whose row count was 1."""

    class Status(models.TextChoices):
        OPENED = "opened"
        ANALYSING = "analysing"
        ANALYSED = "analysed"
        PLANNING = "planning"
        PLANNED = "planned"
        REVIEWING = "reviewing"
        REVIEWED = "reviewed"
        CHECKING = "checking"
        APPROVED = "approved"
        EXECUTED = "executed"
        NO_TRADE = "no_trade"
        VETOED = "vetoed"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    operator = models.ForeignKey(Operator, on_delete=models.PROTECT)
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT)
    account = models.ForeignKey(Account, on_delete=models.PROTECT)
    mode = models.CharField(max_length=10)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.OPENED, db_index=True)
    source = models.CharField(max_length=80, help_text="the quest or trigger that opened it")
    reason = models.TextField(blank=True, help_text="why it ended as it did")
    market = models.JSONField(default=dict, help_text="what the quest saw when it opened the decision")
    idea = models.JSONField(null=True, blank=True)
    plan = models.JSONField(null=True, blank=True)
    review = models.JSONField(null=True, blank=True)
    skill_name = models.CharField(max_length=64, blank=True)
    skill_hash = models.CharField(max_length=64, blank=True)
    opened_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["-opened_at"]

    def __str__(self) -> str:
        return f"{self.id.hex[:8]} {self.instrument} {self.status}"


class RiskCheck(models.Model):
    """One rule's answer about one decision or order; append-only."""

    is_append_only = True

    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, related_name="risk_checks", null=True)
    order = models.ForeignKey(
        "trading.Order", on_delete=models.PROTECT, related_name="risk_checks", null=True
    )
    rule = models.CharField(max_length=60)
    passed = models.BooleanField()
    message = models.TextField()
    numbers = models.JSONField(default=dict)
    snapshot_hash = models.CharField(max_length=64)
    checked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.rule}: {'pass' if self.passed else 'veto'}"


class Approval(models.Model):
    """A signed permission for exactly one order, as bytes; append-only. See trading/risk/approval.py for the fields."""

    is_append_only = True

    id = models.UUIDField(primary_key=True, editable=False)
    order = models.ForeignKey("trading.Order", on_delete=models.PROTECT, related_name="approvals")
    key_id = models.CharField(max_length=64)
    payload = models.BinaryField(help_text="the signed ASCII JSON, byte for byte")
    signature = models.BinaryField()
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.id)


class ApprovalUse(models.Model):
    """An approval consumed; written in the transaction that journals SENDING; append-only."""

    is_append_only = True

    approval = models.OneToOneField(Approval, on_delete=models.PROTECT, primary_key=True, related_name="use")
    used_at = models.DateTimeField()
    notional_quote = ExactDecimalField()

    def __str__(self) -> str:
        return str(self.approval_id)
