"""The Celery app: one queue per priority, each with a worker process of its own."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "neuratrade.settings")

QUEUES = ("critical", "high", "normal", "low")

app = Celery("neuratrade")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
