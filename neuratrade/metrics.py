"""Prometheus metrics of the whole desk, read from SQL and Redis at each scrape; no process counts for itself.

`deploy/grafana-dashboard.json` shows these names; a test holds the two together.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agents.services import budget
from neuratrade import __version__
from neuratrade.lib import clock
from trading.errors import StaleDataError
from trading.models import Decision, DeskState, EquityMark, Event, Heartbeat, Order, Position
from trading.services import market
from trading.types import TradingState

DRAWDOWN_WINDOW = timedelta(hours=24)

Samples = Iterable[tuple[tuple[str, ...], float]]


class DeskCollector(Collector):
    """Everything there is to say about the desk at `at`."""

    def __init__(self, *, at: datetime) -> None:
        self._at = at

    def collect(self) -> Iterator[Metric]:
        yield _gauge("build_info", "1, labelled with the version", ("version",), [((__version__,), 1)])
        yield from self._equity()
        yield from self._trading()
        yield from self._streams()
        yield from self._life()

    def _equity(self) -> Iterator[Metric]:
        marks: list[EquityMark] = []
        for operator_id, mode in EquityMark.objects.values_list("operator", "mode").order_by().distinct():
            newest = (
                EquityMark.objects.filter(operator=operator_id, mode=mode).select_related("operator").last()
            )
            if newest is not None:
                marks.append(newest)
        labels = ("operator", "mode")
        for name, attribute, text in (
            ("equity", "equity", "equity at liquidation value, in the reporting currency"),
            ("cash", "cash", "the part of equity that is money"),
            ("unrealised_pnl", "unrealised_pnl", "profit or loss of what is held"),
            ("nav", "nav", "equity per unit, without deposits and withdrawals"),
        ):
            samples = [((mark.operator.name, mark.mode), float(getattr(mark, attribute))) for mark in marks]
            yield _gauge(name, text, labels, samples)
        yield _gauge(
            "drawdown_ratio",
            "loss of nav since its highest value of the last 24 hours",
            labels,
            [((mark.operator.name, mark.mode), self._drawdown(mark)) for mark in marks],
        )

    def _drawdown(self, newest: EquityMark) -> float:
        navs = EquityMark.objects.filter(
            operator=newest.operator, mode=newest.mode, at__gt=self._at - DRAWDOWN_WINDOW
        ).values_list("nav", flat=True)
        peak = max(navs, default=newest.nav)
        return float(1 - newest.nav / peak) if peak > 0 else 0.0

    def _trading(self) -> Iterator[Metric]:
        held = Position.objects.exclude(size_base=0).select_related("account__venue", "instrument")
        yield _gauge(
            "position_size_base",
            "what is held of an instrument",
            ("venue", "symbol", "mode"),
            [
                ((one.account.venue.name, one.instrument.symbol, one.account.mode), float(one.size_base))
                for one in held
            ],
        )
        yield _gauge("orders", "orders by state", ("mode", "state"), _counts(Order, "mode", "state"))
        yield _gauge(
            "decisions", "decisions by status", ("mode", "status"), _counts(Decision, "mode", "status")
        )
        states = list(DeskState.objects.select_related("operator"))
        yield _gauge(
            "trading_state",
            "1 for the state the desk is in",
            ("operator", "mode", "state"),
            [
                ((row.operator.name, row.mode, state.value), float(row.state == state))
                for row in states
                for state in TradingState
            ],
        )

    def _streams(self) -> Iterator[Metric]:
        try:
            streams = market.stream_health(at=self._at)
        except StaleDataError:
            streams = []
        labels = ("venue", "symbol")
        yield _gauge(
            "quote_age_seconds",
            "age of the newest quote by the venue's own time",
            labels,
            [((one.venue, one.symbol), one.age_s) for one in streams if one.age_s is not None],
        )
        yield _gauge(
            "quote_is_fresh",
            "1 while the gate accepts the quote",
            labels,
            [((one.venue, one.symbol), float(one.is_fresh)) for one in streams],
        )

    def _life(self) -> Iterator[Metric]:
        beats = Heartbeat.objects.all()
        yield _gauge(
            "heartbeat_age_seconds",
            "time since a process's last sign of life",
            ("process",),
            [((beat.process,), (self._at - beat.beat_at).total_seconds()) for beat in beats],
        )
        spend = budget.spend(at=self._at)
        yield _gauge(
            "ai_spend_usd",
            "spent on language models in this UTC day and month",
            ("period",),
            [(("day",), float(spend.today)), (("month",), float(spend.this_month))],
        )
        newest = Event.objects.order_by("-id").values_list("id", flat=True).first()
        yield _gauge(
            "event_id", "number of the newest event of the audit trail", (), [((), float(newest or 0))]
        )


def _counts(model: type[Order] | type[Decision], *fields: str) -> Samples:
    rows = model.objects.order_by().values_list(*fields).annotate(count=Count("pk"))
    return [(tuple(str(label) for label in labels), float(count)) for *labels, count in rows]


def _gauge(name: str, text: str, labels: tuple[str, ...], samples: Samples) -> Metric:
    metric = GaugeMetricFamily(f"neuratrade_{name}", text, labels=labels)
    for values, number in samples:
        metric.add_metric(values, number)
    return metric


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The desk in Prometheus's text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(DeskCollector(at=clock.now()))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
