"""The model endpoints of the settings, and the providers that ask them."""

from functools import cache
from typing import cast

from django.conf import settings

from agents.protocols import Provider
from agents.router import RULES
from agents.types import Endpoint
from neuratrade.lib.plugins import discover


@cache
def providers() -> dict[str, Provider]:
    """Plug-in name -> provider."""
    return cast(dict[str, Provider], discover("agents.providers", "PROVIDER"))


def configured() -> tuple[Endpoint, ...]:
    """The operator's endpoints, best first. Without a provider it is the rules desk alone."""
    if RULES.provider == settings.AI_PROVIDER:
        return (RULES,)
    return (
        Endpoint(
            provider=settings.AI_PROVIDER,
            model=settings.AI_MODEL,
            label=f"{settings.AI_MODEL} ({'local' if settings.AI_LOCAL else settings.AI_PROVIDER})",
            is_local=settings.AI_LOCAL,
            base_url=settings.AI_BASE_URL,
            api_key=settings.AI_API_KEY,
            timeout_s=settings.AI_TIMEOUT_S,
        ),
    )
