"""Recomputes the audit trail: `neuratrade verify_audit`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from trading.services import audit


class Command(BaseCommand):
    help = "Recompute the audit trail's chain and compare it with the last checkpoint. Exit code 1 when it is broken."

    def handle(self, **_options: Any) -> None:
        try:
            audit.verify_triggers()
            head = audit.verify()
            kept = audit.checkpointed()
        except audit.AuditError as error:
            raise CommandError(str(error)) from error
        seen = f"checkpoint at event {kept.id} agrees" if kept else "no checkpoint yet"
        self.stdout.write(f"audit trail intact: {head.id} events, head {head.digest[:16]}, {seen}")
