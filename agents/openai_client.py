"""One call through the official OpenAI SDK, with its errors typed. Two providers speak through it."""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from agents.errors import FatalError, MalformedError, RetryableError
from agents.types import Endpoint
from agents.wire import status_error

if TYPE_CHECKING:
    from openai import OpenAI


OFFICIAL_URL = "https://api.openai.com/v1"


@cache
def _shared_client() -> "OpenAI":
    """One connection pool for the process: making a client costs a tenth of a second, copying it nothing."""
    import openai

    return openai.OpenAI(api_key="none", base_url=OFFICIAL_URL, max_retries=0)


def call_openai(endpoint: Endpoint, ask: Callable[["OpenAI"], Any]) -> Any:
    """What `ask(client)` returns. The SDK never retries here: every attempt is a step of its own with its own cost."""
    import openai

    try:
        client = _shared_client().with_options(
            api_key=endpoint.api_key or "none",
            base_url=endpoint.base_url or OFFICIAL_URL,
            timeout=endpoint.timeout_s,
            max_retries=0,
        )
        answer = ask(client)
    except openai.APITimeoutError as error:
        raise RetryableError(
            f"{endpoint.label} did not answer within {endpoint.timeout_s:g} s", may_be_billed=True
        ) from error
    except openai.APIConnectionError as error:
        raise RetryableError(f"{endpoint.label} cannot be reached; check NEURATRADE_AI_BASE_URL") from error
    except openai.APIStatusError as error:
        raise status_error(
            who=endpoint.label,
            status=error.status_code,
            headers=error.response.headers,
            message=error.message,
            code=str(error.code or ""),
        ) from error
    except openai.APIError as error:
        raise MalformedError(f"the answer of {endpoint.label} is not in its protocol") from error
    except openai.OpenAIError as error:
        raise FatalError(f"{endpoint.label}: {error}") from error
    except ValueError as error:  # a body that claims to be JSON and is not
        raise MalformedError(f"the answer of {endpoint.label} is not JSON") from error
    if isinstance(answer, str):  # what the SDK returns for a body that is no JSON
        raise MalformedError(f"{endpoint.label} answered with something else than JSON")
    return answer
