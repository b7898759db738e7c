"""What a model call costs. Prices come from the `genai-prices` package; an unknown one is refused, never guessed (D3)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from agents.encoding import canonical, encode_message
from agents.errors import UnknownPriceError
from agents.types import Endpoint, ModelRequest, Usage

# Two characters a token is far below what any tokenizer of a sold model needs for JSON, so the estimate errs upwards.
CHARACTERS_PER_TOKEN = 2


def cost_usd(endpoint: Endpoint, usage: Usage, *, at: datetime) -> Decimal:
    """The price of `usage` at time `at`, in USD. Local endpoints are free. Raises UnknownPriceError."""
    if endpoint.is_local:
        return Decimal(0)
    from genai_prices import Usage as PricedUsage
    from genai_prices import calc_price

    where: dict[str, Any] = (
        {"provider_api_url": endpoint.base_url}
        if endpoint.provider == "openai_compatible"
        else {"provider_id": endpoint.provider}
    )
    try:
        price = calc_price(
            PricedUsage(
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                cache_read_tokens=usage.cached_tokens,
                cache_write_tokens=usage.cache_write_tokens,
            ),
            model_ref=endpoint.model,
            genai_request_timestamp=at,
            **where,
        )
    except LookupError as error:
        raise UnknownPriceError(
            f"the price of {endpoint.model!r} at {endpoint.provider} is not known; choose a model with a known price, "
            "or set NEURATRADE_AI_LOCAL=1 if the endpoint is free"
        ) from error
    return Decimal(price.total_price)


def worst_case_usd(endpoint: Endpoint, request: ModelRequest, *, at: datetime) -> Decimal:
    """The most a call can cost: every input token uncached and the whole output used."""
    return cost_usd(
        endpoint,
        Usage(input_tokens=estimated_tokens(request), output_tokens=request.max_output_tokens),
        at=at,
    )


def estimated_tokens(request: ModelRequest) -> int:
    """An upper estimate of the request's input tokens."""
    tools = [[tool.name, tool.description, tool.schema] for tool in request.tools]
    messages = [encode_message(message) for message in request.messages]
    return len(request.system + canonical([tools, messages])) // CHARACTERS_PER_TOKEN + 1
