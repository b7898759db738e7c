"""Every address the web process answers."""

from django.contrib import admin
from django.urls import include, path

from neuratrade import health, metrics

urlpatterns = [
    path("", include("neuratrade.dashboard.urls")),
    path("admin/", admin.site.urls),
    path("live", health.live, name="live"),
    path("ready", health.ready, name="ready"),
    path("health", health.health, name="health"),
    path("metrics", metrics.metrics, name="metrics"),
]
