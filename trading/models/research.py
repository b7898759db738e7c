"""Backtests and parameter sweeps that were run: what was asked, on which data and code, and what came out.

Nothing here is money that moves: numbers are floats, as the arrays they come from. Nothing refers to these rows.
"""

from django.db import models


class Sweep(models.Model):
    """One grid of parameters over the same bars. Its points are the truth about what is done; messages to workers are hints.

    `key` is the digest of everything that decides the results, so that asking again finds the same row and goes on with it.
    """

    class Status(models.TextChoices):
        OPEN = "open"  # points are missing: being computed, or interrupted
        DONE = "done"

    key = models.CharField(max_length=64, unique=True)
    strategy = models.CharField(max_length=64)
    skill_digest = models.CharField(max_length=64)
    data_digest = models.CharField(max_length=64)
    code_version = models.CharField(max_length=80)
    request = models.JSONField()  # what BacktestRequest.as_json gives
    grid = models.JSONField()  # name and its values, in order
    windows = models.JSONField(
        default=list
    )  # walk-forward: since, split and until of each, in ms; else empty
    objective = models.CharField(max_length=40)
    points_total = models.PositiveIntegerField()
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"sweep {self.pk} of {self.strategy}, {self.points_total} points"


class SweepPoint(models.Model):
    """What one combination of the grid gave: quick metrics per stretch of bars, of which there is one without walk-forward."""

    sweep = models.ForeignKey(Sweep, on_delete=models.CASCADE, related_name="points")
    index = models.PositiveIntegerField()
    metrics = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sweep", "index"], name="one_result_per_sweep_point")]
        ordering = ["index"]

    def __str__(self) -> str:
        return f"point {self.index} of sweep {self.sweep_id}"


class Backtest(models.Model):
    """One run in full. `trades` is packed by `trading.backtest.packing`; `report`, all that was shown, by `…report.document`."""

    class Kind(models.TextChoices):
        SINGLE = "single"
        BEST = "best"  # the best point of a sweep
        WALK_FORWARD = "walk_forward"

    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.SINGLE)
    sweep = models.ForeignKey(
        Sweep, on_delete=models.SET_NULL, null=True, blank=True, related_name="backtests"
    )
    strategy = models.CharField(max_length=64, db_index=True)
    skill_digest = models.CharField(max_length=64)
    data_digest = models.CharField(max_length=64)
    code_version = models.CharField(max_length=80)
    instruments = models.CharField(max_length=400)
    timeframe = models.CharField(max_length=4)
    since = models.DateTimeField()
    until = models.DateTimeField()
    parameters = models.JSONField()
    settings = models.JSONField()
    # The four numbers one sorts by; all others are in `metrics`.
    trade_count = models.PositiveIntegerField()
    total_return_ratio = models.FloatField()
    sharpe = models.FloatField(null=True)
    max_drawdown_ratio = models.FloatField()
    metrics = models.JSONField()
    flags = models.JSONField(default=list)
    trades = models.BinaryField()
    report = models.BinaryField()
    created_at = models.DateTimeField(db_index=True)
    duration_s = models.FloatField()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"backtest {self.pk} of {self.strategy} on {self.instruments}"

    @property
    def version(self) -> str:
        """The beginning of the skill's digest, as git shortens its own."""
        return self.skill_digest[:8]
