"""The dashboard's addresses."""

from django.urls import path

from neuratrade.dashboard import research, views

app_name = "dashboard"
urlpatterns = [
    path("", views.index, name="index"),
    path("stream", views.stream, name="stream"),
    path("research/", research.index, name="research"),
    path("research/compare", research.compare, name="compare"),
    path("research/plotly.js", research.plotly, name="plotly"),
    path("research/<int:number>/", research.backtest, name="backtest"),
    path("research/<int:number>.html", research.download, name="backtest_file"),
    path("research/<int:number>.json", research.as_json, name="backtest_json"),
    path("decisions/<uuid:decision_id>.json", views.decision, name="decision"),
]
