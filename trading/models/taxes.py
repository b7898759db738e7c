"""History from elsewhere, for taxes only: it never reaches the desk's ledger, positions or invariants. And what was exported."""

from django.db import models

from trading.accounting.taxes.events import Kind
from trading.fields import ExactDecimalField
from trading.models.account import Operator


class PastImport(models.Model):
    """One file taken in. It stays after its rows were removed, so that one can see what a past export was computed from."""

    operator = models.ForeignKey(Operator, on_delete=models.PROTECT, related_name="past_imports")
    file_name = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the file")
    layout = models.CharField(max_length=20)
    added = models.PositiveIntegerField(help_text="rows that were new")
    repeated = models.PositiveIntegerField(help_text="rows that were here already")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    imported_at = models.DateTimeField()
    is_complete = models.BooleanField(default=False, help_text="all rows are in; until then none counts")
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.pk} {self.file_name}"


class PastTrade(models.Model):
    """One imported event; the fields are those of `trading.accounting.taxes.events.Event`."""

    batch = models.ForeignKey(PastImport, on_delete=models.PROTECT, related_name="trades")
    operator = models.ForeignKey(Operator, on_delete=models.PROTECT, related_name="past_trades")
    source_id = models.CharField(
        max_length=200, help_text="unique for ever: the same row imported twice counts once"
    )
    at = models.DateTimeField(db_index=True)
    kind = models.CharField(max_length=12, choices=[(kind.value, kind.value) for kind in Kind])
    wallet = models.CharField(max_length=80)
    asset = models.CharField(max_length=120)
    size = ExactDecimalField()
    quote = models.CharField(max_length=20, blank=True)
    total = ExactDecimalField(default=0)
    fee = ExactDecimalField(default=0)
    fee_asset = models.CharField(max_length=20, blank=True)
    to_wallet = models.CharField(max_length=80, blank=True)
    value = ExactDecimalField(null=True, blank=True)
    value_asset = models.CharField(max_length=20, blank=True)
    acquired_at = models.DateTimeField(null=True, blank=True)
    link = models.CharField(max_length=120, blank=True)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["operator", "source_id"], name="past_trade_imported_once")
        ]
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.size} {self.asset}"


class TaxExport(models.Model):
    """A year as it was written, and by which rules: a later export by others is warned about."""

    operator = models.ForeignKey(Operator, on_delete=models.PROTECT, related_name="tax_exports")
    year = models.PositiveSmallIntegerField()
    layout = models.CharField(max_length=20)
    method = models.CharField(max_length=10)
    lots = models.CharField(max_length=12)
    currency = models.CharField(max_length=10)
    zone = models.CharField(max_length=40)
    mode = models.CharField(max_length=10)
    disposals = models.PositiveIntegerField()
    gain = ExactDecimalField()
    flagged = models.PositiveIntegerField()
    generated_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.year} {self.layout} {self.method}"
