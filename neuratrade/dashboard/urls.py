"""The dashboard's addresses."""

from django.urls import path

from neuratrade.dashboard import views

app_name = "dashboard"
urlpatterns = [
    path("", views.index, name="index"),
    path("stream", views.stream, name="stream"),
    path("decisions/<uuid:decision_id>.json", views.decision, name="decision"),
]
