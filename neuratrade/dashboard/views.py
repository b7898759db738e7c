"""The page, its stream, and one decision's whole chain. Reading only; a login unless the page is bound to loopback."""

import ipaddress
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from neuratrade.dashboard.live import SharedReading, follow
from neuratrade.explain import explain
from trading.models import Decision

_reading = SharedReading()

View = Callable[..., Coroutine[Any, Any, HttpResponseBase]]


def _is_public() -> bool:
    """True when the web process answers addresses beyond this machine."""
    try:
        return not ipaddress.ip_address(settings.WEB_HOST).is_loopback
    except ValueError:
        return settings.WEB_HOST != "localhost"


def for_operator(view: View) -> View:
    """Asks for the admin's login when others could reach the page."""

    @wraps(view)
    async def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if _is_public() and not (await request.auser()).is_staff:
            return redirect(f"{settings.LOGIN_URL}?next=/")
        return await view(request, *args, **kwargs)

    return guarded


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
