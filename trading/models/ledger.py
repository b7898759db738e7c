"""Orders, fills and what follows from them. Fills and postings are append-only; positions and lots derive from them."""

import uuid

from django.db import models

from trading.fields import ExactDecimalField
from trading.models.account import Account
from trading.models.decision import Decision
from trading.models.market import Instrument
from trading.types import OrderState, OrderType, Purpose, Side, TimeInForce


class Order(models.Model):
    """The journal row of one order: written before the send, moved by conditional updates only (`version` counts them)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    decision = models.ForeignKey(
        Decision, on_delete=models.PROTECT, related_name="orders", null=True, blank=True
    )
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="orders")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT)
    leg = models.PositiveSmallIntegerField(default=0)
    purpose = models.CharField(max_length=12, choices=[(p.value, p.value) for p in Purpose])
    reason = models.CharField(max_length=200, blank=True)
    mode = models.CharField(max_length=10)
    client_order_id = models.CharField(max_length=36, unique=True)
    venue_order_id = models.CharField(max_length=80, blank=True)
    side = models.CharField(max_length=4, choices=[(s.value, s.value) for s in Side])
    type = models.CharField(max_length=10, choices=[(t.value, t.value) for t in OrderType])
    time_in_force = models.CharField(max_length=4, choices=[(t.value, t.value) for t in TimeInForce])
    size_base = ExactDecimalField()
    price_bound = ExactDecimalField(null=True, blank=True)
    stop_price = ExactDecimalField(null=True, blank=True)
    target_price = ExactDecimalField(null=True, blank=True)
    close_by = models.DateTimeField(
        null=True, blank=True, help_text="an entry's position is closed at this time"
    )
    reduce_only = models.BooleanField(default=False)
    state = models.CharField(
        max_length=12,
        choices=[(s.value, s.value) for s in OrderState],
        default=OrderState.PROPOSED.value,
        db_index=True,
    )
    version = models.PositiveIntegerField(default=0)
    filled_base = ExactDecimalField(default=0)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["decision", "purpose", "leg"], name="one_order_per_decision_and_leg"
            ),
        ]
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.purpose} {self.side} {self.size_base} {self.instrument} {self.state}"


class OrderTransition(models.Model):
    """Every state an order went through; append-only."""

    is_append_only = True

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="transitions")
    version = models.PositiveIntegerField()
    from_state = models.CharField(max_length=12)
    to_state = models.CharField(max_length=12)
    reason = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "version"], name="one_transition_per_version")
        ]

    def __str__(self) -> str:
        return f"{self.from_state} -> {self.to_state}"


class Fill(models.Model):
    """An execution, once per venue trade id; append-only. `order` None: the venue reported a fill that is not ours."""

    is_append_only = True

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="fills")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="fills", null=True, blank=True)
    trade_id = models.CharField(max_length=80)
    side = models.CharField(max_length=4)
    price = ExactDecimalField()
    size_base = ExactDecimalField()
    fee = ExactDecimalField()
    fee_asset = models.CharField(max_length=20)
    fee_quote = ExactDecimalField(
        null=True, blank=True, help_text="the fee's worth in quote; empty: a third asset, booked apart"
    )
    is_maker = models.BooleanField()
    executed_at = models.DateTimeField()
    booked_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "instrument", "trade_id"], name="fill_booked_once")
        ]
        ordering = ["executed_at", "id"]

    def __str__(self) -> str:
        return f"{self.side} {self.size_base} @ {self.price}"


class Posting(models.Model):
    """One movement of one asset in one account; append-only. Balances are sums of postings."""

    is_append_only = True

    class Kind(models.TextChoices):
        TRADE = "trade"
        FEE = "fee"
        DEPOSIT = "deposit"
        WITHDRAWAL = "withdrawal"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="postings")
    asset = models.CharField(max_length=20)
    amount = ExactDecimalField()
    kind = models.CharField(max_length=12, choices=Kind.choices)
    fill = models.ForeignKey(Fill, on_delete=models.PROTECT, null=True, blank=True)
    reference = models.CharField(max_length=120, blank=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.amount} {self.asset}"


class Position(models.Model):
    """What the desk holds of one instrument in one account: always the sum of its booked fills, net of base-asset fees."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="positions")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT)
    decision = models.ForeignKey(
        Decision, on_delete=models.PROTECT, null=True, blank=True, help_text="the entry that opened it"
    )
    size_base = ExactDecimalField(default=0)
    average_cost = ExactDecimalField(default=0, help_text="quote per base, entry fees included")
    realised_pnl = ExactDecimalField(
        default=0, help_text="in quote, since the account's first fill, after fees"
    )
    realised_before = ExactDecimalField(default=0, help_text="realised PnL when the present trip began")
    stop_price = ExactDecimalField(null=True, blank=True)
    target_price = ExactDecimalField(null=True, blank=True)
    close_by = models.DateTimeField(null=True, blank=True)
    unprotected_since = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "instrument"], name="one_position_per_instrument")
        ]

    def __str__(self) -> str:
        return f"{self.size_base} {self.instrument}"


class Lot(models.Model):
    """A purchase not yet sold. FIFO takes the oldest first."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="lots")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT)
    fill = models.OneToOneField(Fill, on_delete=models.PROTECT)
    size_base = ExactDecimalField()
    remaining_base = ExactDecimalField()
    unit_cost = ExactDecimalField(help_text="quote per base, fees included")
    remaining_cost = ExactDecimalField(default=0, help_text="quote paid for what remains, exact")
    acquired_at = models.DateTimeField()

    class Meta:
        ordering = ["acquired_at", "id"]

    def __str__(self) -> str:
        return f"{self.remaining_base} of {self.size_base}"


class LotClosure(models.Model):
    """A piece of a lot sold; append-only. `pnl` = proceeds - cost, both after fees."""

    is_append_only = True

    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="closures")
    fill = models.ForeignKey(Fill, on_delete=models.PROTECT, related_name="closures")
    size_base = ExactDecimalField()
    proceeds = ExactDecimalField()
    cost = ExactDecimalField()
    pnl = ExactDecimalField()
    closed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.size_base}: {self.pnl}"


class EquityMark(models.Model):
    """Equity every 10 s at liquidation value. `nav` ignores deposits and withdrawals: they make or redeem `units`."""

    is_append_only = True

    operator = models.ForeignKey("trading.Operator", on_delete=models.PROTECT)
    mode = models.CharField(max_length=10)
    at = models.DateTimeField(db_index=True)
    equity = ExactDecimalField()
    cash = ExactDecimalField()
    unrealised_pnl = ExactDecimalField()
    units = ExactDecimalField()
    nav = ExactDecimalField()
    is_fresh = models.BooleanField(help_text="every price behind it was fresh")
    posting_id = models.PositiveBigIntegerField(default=0, help_text="the last posting it includes")
    basis = models.JSONField(default=dict, help_text="what was held and at which prices, decimals as text")

    class Meta:
        ordering = ["at"]

    def __str__(self) -> str:
        return f"{self.equity} at {self.at:%H:%M:%S}"
