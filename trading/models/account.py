"""Who trades, where, and with which keys."""

import uuid

from django.db import models

from trading.types import Mode


class Operator(models.Model):
    """A person with accounts and limits of their own. One is enough to run."""

    name = models.CharField(max_length=80, unique=True)
    risk_profile = models.CharField(max_length=20, default="balanced")
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Venue(models.Model):
    """A place to trade. `driver` names the plug-in in trading/venues, `client` the ccxt id; `options` never hold a secret."""

    name = models.CharField(max_length=40, unique=True)
    driver = models.CharField(max_length=40, default="ccxt_exchange")
    client = models.CharField(max_length=40)
    options = models.JSONField(default=dict, blank=True)
    is_enabled = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name


class Credential(models.Model):
    """Keys of one account, sealed by the vault; the ciphertext is bound to this row's id."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    label = models.CharField(max_length=80)
    sealed = models.BinaryField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.label


class Account(models.Model):
    """An operator's account at a venue, in paper or live. Paper accounts have no credential."""

    operator = models.ForeignKey(Operator, on_delete=models.PROTECT)
    venue = models.ForeignKey(Venue, on_delete=models.PROTECT)
    mode = models.CharField(max_length=10, choices=[(m.value, m.value) for m in (Mode.PAPER, Mode.LIVE)])
    credential = models.ForeignKey(Credential, on_delete=models.PROTECT, null=True, blank=True)
    is_enabled = models.BooleanField(default=True)
    frozen_reason = models.CharField(
        max_length=200, blank=True, help_text="why no new entry is sent; cleared by the operator"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["operator", "venue", "mode"], name="one_account_per_venue_and_mode"
            )
        ]

    def __str__(self) -> str:
        return f"{self.venue.name}:{self.mode}"
