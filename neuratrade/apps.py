from django.apps import AppConfig


class NeuraTradeConfig(AppConfig):
    name = "neuratrade"
    verbose_name = "NeuraTrade"

    def ready(self) -> None:
        # Tasks are declared with `shared_task`; whoever enqueues one needs the configured app, not Celery's default.
        from neuratrade import celery  # noqa: F401
