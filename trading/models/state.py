"""Whether the desk may trade, who holds what, and who is alive. SQL is the truth; Redis never is."""

from django.db import models

from trading.types import TradingState


class DeskState(models.Model):
    """One row per operator and mode. `breaker_epoch` grows with every change and voids older approvals."""

    operator = models.ForeignKey("trading.Operator", on_delete=models.PROTECT)
    mode = models.CharField(max_length=10)
    state = models.CharField(max_length=10, choices=[(s.value, s.value) for s in TradingState])
    breaker_epoch = models.PositiveIntegerField(default=0)
    is_liquidating = models.BooleanField(default=False, help_text="close everything, then halt")
    cause_kind = models.CharField(
        max_length=30, blank=True, help_text="what tripped it; empty: the operator did"
    )
    cause = models.CharField(max_length=300, blank=True)
    drawdown_from = models.DateTimeField(
        null=True, blank=True, help_text="the 24 h peak looks no further back: the last resume"
    )
    ok_until = models.DateTimeField(
        null=True, blank=True, help_text="the risk guard's promise; in the past means no trade"
    )
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["operator", "mode"], name="one_state_per_operator_and_mode")
        ]

    def __str__(self) -> str:
        return f"{self.mode}: {self.state}"


class Lease(models.Model):
    """Who may act on a name (an account, an asset) and until when. `epoch` is the fencing token: it grows with every owner."""

    name = models.CharField(max_length=120, unique=True)
    owner = models.CharField(max_length=80, blank=True)
    epoch = models.PositiveBigIntegerField(default=0)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} -> {self.owner}"


class Heartbeat(models.Model):
    """The last sign of life of a process, with one line on what it does."""

    process = models.CharField(max_length=40, unique=True)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    doing = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return self.process
