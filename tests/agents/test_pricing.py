"""Every call has a price, or is not made."""

from decimal import Decimal

import pytest

from agents.errors import UnknownPriceError
from agents.pricing import cost_usd, worst_case_usd
from agents.types import Endpoint, ModelRequest, Role, Usage, desk_says
from tests.factories import AT


def endpoint(provider: str, model: str, *, is_local: bool = False, base_url: str = "") -> Endpoint:
    return Endpoint(provider=provider, model=model, label=model, is_local=is_local, base_url=base_url)


HAIKU = endpoint("anthropic", "claude-haiku-5-5")


def test_cached_tokens_are_cheaper_and_counted_once() -> None:
    full = cost_usd(HAIKU, Usage(input_tokens=1_000_000), at=AT)
    cached = cost_usd(HAIKU, Usage(input_tokens=1_000_000, cached_tokens=1_000_000), at=AT)
    assert Decimal(0) < cached < full


def test_an_unknown_price_is_refused_unless_the_endpoint_is_local() -> None:
    unknown = endpoint("openai", "no-such-model-1")
    with pytest.raises(UnknownPriceError, match="no-such-model-1"):
        cost_usd(unknown, Usage(input_tokens=1), at=AT)
    gateway = endpoint("openai_compatible", "gpt-6-luna", base_url="http://127.0.0.1:8080/v1")
    with pytest.raises(UnknownPriceError):
        cost_usd(gateway, Usage(input_tokens=1), at=AT)
    local = endpoint("openai_compatible", "anything", is_local=True)
    assert cost_usd(local, Usage(input_tokens=10**9), at=AT) == 0


def test_a_gateway_is_priced_by_its_address() -> None:
    google = "https://generativelanguage.googleapis.com/v1beta/openai/"
    gemini = endpoint("openai_compatible", "gemini-4-argon", base_url=google)
    assert cost_usd(gemini, Usage(input_tokens=1000, output_tokens=100), at=AT) > 0


def test_the_worst_case_is_above_any_true_price() -> None:
    request = ModelRequest(
        role=Role.ANALYST,
        system="Words and numbers 123.45 " * 200,
        messages=(desk_says('{"a": 1}' * 50),),
        tools=(),
        max_output_tokens=2000,
    )
    true = Usage(input_tokens=len(request.system) // 3, output_tokens=2000)
    assert worst_case_usd(HAIKU, request, at=AT) > cost_usd(HAIKU, true, at=AT)
