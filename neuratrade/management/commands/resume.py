"""Lets the desk trade again after it stepped down: `neuratrade resume [--cause TEXT]`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from neuratrade.lib import clock
from trading.errors import TradingError
from trading.models import Operator
from trading.services import breakers, kill_switch, state
from trading.types import TradingState


class Command(BaseCommand):
    help = "Bring a REDUCING or HALTED desk back to ACTIVE. Refused while a liquidation runs or something of it is left."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--cause", default="resumed by the operator", help="why, for the audit trail")

    def handle(self, *, cause: str, **_options: Any) -> None:
        mode, owners = kill_switch.account_mode(), kill_switch.operators()
        if not owners:
            raise CommandError(f"there is no enabled {mode} account; check NEURATRADE_MODE")
        for operator in owners:
            try:
                self._resume(operator, mode, cause=cause)
            except TradingError as error:
                raise CommandError(str(error)) from error

    def _resume(self, operator: Operator, mode: str, *, cause: str) -> None:
        at = clock.now()
        if state.current(operator=operator, mode=mode).state == TradingState.ACTIVE:
            self.stdout.write(f"{operator} {mode}: the desk is active already")
            return
        trip = breakers.standing_trip(operator=operator, mode=mode, at=at)
        if trip is not None:
            raise CommandError(f"resuming would be undone at once: {trip.cause}; the day ends at 00:00 UTC")
        state.resume(operator=operator, mode=mode, cause=cause, at=at)
        self.stdout.write(f"{operator} {mode}: the desk is active")
