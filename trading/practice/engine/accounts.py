"""Balances: what an account has free and what its open orders hold back."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from trading.practice.engine.types import ZERO
from trading.practice.errors import Refusal


@dataclass(slots=True)
class Balance:
    """One asset of one account."""

    free: Decimal = ZERO
    locked: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """Free plus locked."""
        return self.free + self.locked


class Account:
    """One trader's balances. A house account (``is_house``) belongs to the simulated other flow."""

    __slots__ = ("balances", "is_house", "name")

    def __init__(self, name: str, *, is_house: bool) -> None:
        self.name = name
        self.is_house = is_house
        self.balances: dict[str, Balance] = {}

    def balance(self, asset: str) -> Balance:
        """The balance of ``asset``, zero when never held."""
        balance = self.balances.get(asset)
        if balance is None:
            balance = self.balances[asset] = Balance()
        return balance

    def credit(self, asset: str, *, amount: Decimal) -> None:
        """Add ``amount`` to the free balance."""
        self.balance(asset).free += amount

    def lock(self, asset: str, *, amount: Decimal) -> None:
        """Move ``amount`` from free to locked; Refusal(insufficient_funds) when there is not enough."""
        balance = self.balance(asset)
        if amount > balance.free:
            raise Refusal("insufficient_funds", detail=f"{asset}: {balance.free} free, {amount} needed")
        balance.free -= amount
        balance.locked += amount

    def unlock(self, asset: str, *, amount: Decimal) -> None:
        """Move ``amount`` back from locked to free."""
        balance = self.balance(asset)
        balance.locked -= amount
        balance.free += amount

    def spend_locked(self, asset: str, *, amount: Decimal) -> None:
        """Pay ``amount`` out of what is locked."""
        self.balance(asset).locked -= amount
