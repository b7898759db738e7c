"""The web process: dashboard, admin, health and metrics."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from neuratrade.supervise import desk
from neuratrade.supervise.errors import SuperviseError

# Streams to open pages never end by themselves; a stop waits this long for the answers still under way.
GRACE_S = 2


class Command(BaseCommand):
    help = "Serve the dashboard, the admin, health and metrics."

    def handle(self, **_options: Any) -> None:
        import uvicorn

        try:
            desk.refuse_taken_port(settings.WEB_HOST, settings.WEB_PORT)
        except SuperviseError as error:
            raise CommandError(str(error)) from error
        uvicorn.run(
            "neuratrade.asgi:application",
            host=settings.WEB_HOST,
            port=settings.WEB_PORT,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )
