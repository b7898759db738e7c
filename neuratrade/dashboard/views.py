"""The page, its stream, and one decision's whole chain. Reading only; a login unless the page is bound to loopback."""

from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.views.decorators.http import require_GET

from neuratrade.dashboard.access import for_operator
from neuratrade.dashboard.live import SharedReading, follow
from neuratrade.explain import explain
from trading.models import Decision

_reading = SharedReading()


@require_GET
@for_operator
async def index(request: HttpRequest) -> HttpResponse:
    return render(request, "dashboard/index.html", {"mode": settings.MODE})


@require_GET
@for_operator
async def stream(request: HttpRequest) -> StreamingHttpResponse:
    response = StreamingHttpResponse(follow(_reading), content_type="text/event-stream")
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"
    return response


@require_GET
@for_operator
async def decision(request: HttpRequest, decision_id: UUID) -> JsonResponse:
    try:
        chain = await sync_to_async(explain)(decision_id)
    except Decision.DoesNotExist as error:
        raise Http404("no such decision") from error
    return JsonResponse(chain)
