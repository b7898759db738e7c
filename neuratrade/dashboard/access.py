"""Who may see the pages: everybody on this machine; with the web process open to others, only those logged in to the admin."""

import ipaddress
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase

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
            return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)
        return await view(request, *args, **kwargs)

    return guarded
