"""The Celery app: one queue per priority, each with a worker process of its own, and one for research, whose workers come and go.

Celery carries hints and SQL carries the truth, so every task may be lost or run twice. The command lines of workers and beat
are in `neuratrade/supervise/processes.py`; workers are prefork, as only that enforces time limits. Two beats do no harm.
"""

import os
from typing import Any

from celery import Celery
from celery.loaders.app import AppLoader
from celery.signals import worker_init
from kombu import Exchange, Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "neuratrade.settings")

# Critical: the gate, the sweeper, order care; high: debates, which mostly wait for models; normal: scans; low: reports.
QUEUES = ("critical", "high", "normal", "low")
# Parameter sweeps: `neuratrade backtest --workers N` starts workers for it and stops them.
RESEARCH = "research"


class DeskLoader(AppLoader):
    """Workers and beat call it once, before they touch anything."""

    def on_worker_init(self) -> None:
        """Ends with one clear line while migrations are pending: code and tables must agree about money."""
        from django.db import connection
        from django.db.migrations.executor import MigrationExecutor

        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        connection.close()  # children are forked next and must not share it
        if pending:
            first = f"{pending[0][0].app_label}.{pending[0][0].name}"
            raise SystemExit(
                f"{len(pending)} database migrations are pending (first: {first}); "
                "run `neuratrade prepare` and start again"
            )


@worker_init.connect
def warm_research(sender: Any, **_: Any) -> None:
    """Compiles the kernels before the worker forks, once for all its children: never inside a task, and in no other worker."""
    if RESEARCH in sender.app.amqp.queues.consume_from:
        from neuratrade.lib import memory
        from trading import backtest

        memory.keep_freed()
        backtest.warm()


app = Celery("neuratrade", loader="neuratrade.celery:DeskLoader")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = [Queue(name, Exchange("neuratrade"), routing_key=name) for name in (*QUEUES, RESEARCH)]
app.conf.task_create_missing_queues = False  # a misspelt queue is an error, not a place nobody looks
app.conf.task_routes = {
    "quests.tasks.run_due": {"queue": "critical"},
    "quests.tasks.sweep": {"queue": "critical"},
    "trading.tasks.check_risk": {"queue": "critical"},
    "trading.tasks.compute_points": {"queue": RESEARCH},
    "agents.tasks.*": {"queue": "high"},
}
# A lost hint is sent again by the sweeper, so no caller waits long for a server that is away.
app.conf.task_publish_retry_policy = {"max_retries": 1, "interval_start": 0.1, "interval_max": 0.1}
app.autodiscover_tasks()
