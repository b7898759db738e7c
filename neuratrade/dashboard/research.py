"""The research pages: stored backtests, one of them as its report, and two to four side by side. Reading only."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

from neuratrade.dashboard.access import for_operator
from neuratrade.reports import comparison, html, words
from trading.backtest.report import document, montecarlo
from trading.backtest.report.trips import of_trades
from trading.backtest.report.values import Level, Report
from trading.errors import InvalidValueError
from trading.models import Backtest, Sweep
from trading.services import backtests

ROWS_SHOWN = 200
SWEEPS_SHOWN = 10
FEWEST, MOST = 2, 4
A_DAY_S = 86_400


@require_GET
@for_operator
async def index(request: HttpRequest) -> HttpResponse:
    return await sync_to_async(_index)(request)


@require_GET
@for_operator
async def backtest(request: HttpRequest, number: int) -> HttpResponse:
    return await sync_to_async(_backtest)(request, number)


@require_GET
@for_operator
async def download(request: HttpRequest, number: int) -> HttpResponse:
    """The report as one file to keep or to send."""
    row = await sync_to_async(_row)(number)
    page = await sync_to_async(html.render)(await sync_to_async(_report)(row.pk, row.created_at))
    name = f"{row.strategy}-{row.pk}.html"
    return HttpResponse(page, headers={"Content-Disposition": f'attachment; filename="{name}"'})


@require_GET
@for_operator
async def as_json(request: HttpRequest, number: int) -> JsonResponse:
    """`{"metrics": …, "trades": […]}`, as the command's --json prints it."""
    row = await sync_to_async(_row)(number)
    return JsonResponse(document.as_json(await sync_to_async(_report)(row.pk, row.created_at)))


@require_GET
@for_operator
async def compare(request: HttpRequest) -> HttpResponse:
    return await sync_to_async(_compare)(request)


@require_GET
@cache_control(max_age=A_DAY_S)
async def plotly(request: HttpRequest) -> HttpResponse:
    """Plotly's script, once for all pages."""
    return HttpResponse(html.plotly_source(), content_type="text/javascript; charset=utf-8")


def _index(request: HttpRequest, *, problem: str = "") -> HttpResponse:
    strategy = request.GET.get("strategy", "")
    rows = backtests.newest(ROWS_SHOWN, strategy=strategy)
    known = Backtest.objects.order_by("strategy").values_list("strategy", flat=True).distinct()
    context = {
        "mode": settings.MODE,
        "rows": [_line(row) for row in rows],
        "strategies": list(known),
        "strategy": strategy,
        "sweeps": list(Sweep.objects.annotate(points_done=Count("points"))[:SWEEPS_SHOWN]),
        "most_rows": ROWS_SHOWN if len(rows) == ROWS_SHOWN else 0,
        "problem": problem,
    }
    return render(request, "dashboard/research.html", context, status=400 if problem else 200)


def _line(row: Backtest) -> dict[str, Any]:
    fatal = sum(flag.get("level") == Level.FATAL for flag in row.flags)
    return {
        "row": row,
        "profit": words.percent(row.total_return_ratio),
        "profit_tone": words.tone(row.total_return_ratio),
        "sharpe": words.number(row.sharpe),
        "drawdown": words.percent(row.max_drawdown_ratio),
        "doubts": len(row.flags),
        "doubts_tone": "bad" if fatal else "warn" if row.flags else "",
    }


def _backtest(request: HttpRequest, number: int) -> HttpResponse:
    row = _row(number)
    try:
        body = _body(row.pk, row.created_at)
    except InvalidValueError as error:
        return _index(request, problem=f"Backtest {number}: {error}.")
    return render(request, "dashboard/backtest.html", {"mode": settings.MODE, "row": row, "body": body})


def _compare(request: HttpRequest) -> HttpResponse:
    numbers = list(dict.fromkeys(request.GET.getlist("id")))
    if not FEWEST <= len(numbers) <= MOST or not all(text.isdecimal() for text in numbers):
        return _index(request, problem=f"Choose {FEWEST} to {MOST} backtests to compare.")
    try:
        rows = backtests.find([int(text) for text in numbers])
        reports = [(f"{row.pk} {row.strategy}", _report(row.pk, row.created_at)) for row in rows]
    except (InvalidValueError, OverflowError) as error:
        return _index(request, problem=f"{error}.")
    context = {"mode": settings.MODE, "rows": rows, **_sides(reports)}
    return render(request, "dashboard/compare.html", context)


def _sides(reports: Sequence[tuple[str, Report]]) -> dict[str, Any]:
    return {
        "figure": comparison.equity(reports),
        "sides": (comparison.headlines(reports), comparison.differences(reports)),
        "figures": tuple(comparison.figures(reports)),
    }


def _row(number: int) -> Backtest:
    try:
        (row,) = backtests.find([number])
    except (InvalidValueError, OverflowError) as error:
        raise Http404("no such backtest") from error
    return row


# A stored run never changes; the moment it was made tells it from another that got its number later.
@lru_cache(maxsize=16)
def _report(number: int, _made_at: datetime) -> Report:
    """The report as it was, with its trades simulated in other orders."""
    (row,) = backtests.find([number])
    report = backtests.report_of(row)
    start = report.number("start_equity_quote") or 0.0
    simulated = montecarlo.of_trips(of_trades(backtests.trades_of(row)), start_equity=start)
    return replace(report, montecarlo=simulated)


@lru_cache(maxsize=16)
def _body(number: int, made_at: datetime) -> SafeString:
    return html.body(_report(number, made_at))
