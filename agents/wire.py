"""What the providers share: classifying an HTTP status, and reading an answer whose shape nobody guarantees. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from agents.errors import FatalError, MalformedError, OverloadedError, ProviderError, RetryableError

T = TypeVar("T")

_OVERLOADED = {429, 529}
_TRY_AGAIN = {408, 409}
_ASK_OPERATOR = {
    401: "the API key is refused; check NEURATRADE_AI_API_KEY",
    402: "the account has no credit left",
    403: "the API key may not use this model",
    404: "the model or address does not exist; check NEURATRADE_AI_MODEL and NEURATRADE_AI_BASE_URL",
}


def status_error(
    *, who: str, status: int, headers: Mapping[str, str], message: str, code: str = ""
) -> ProviderError:
    """The typed error of an HTTP status: outage, overload, or something the operator must mend."""
    said = " ".join(message.split())[:200]
    if status in _OVERLOADED and code != "insufficient_quota":
        return OverloadedError(
            f"{who} is overloaded or limits our rate (HTTP {status})", retry_after_s=retry_after_s(headers)
        )
    if status in _TRY_AGAIN or status >= 500:
        return RetryableError(f"{who} failed (HTTP {status})")
    reason = _ASK_OPERATOR.get(status, "the request was refused")
    if code == "insufficient_quota":
        reason = _ASK_OPERATOR[402]
    return FatalError(f"{who}: {reason} (HTTP {status}: {said})")


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds named by Retry-After; None when it is absent or a date."""
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds < 86_400 else None


def read(who: str, decode: Callable[[], T]) -> T:
    """`decode()`, with every surprise in the answer's shape turned into MalformedError.

    The SDKs do not check answers: a field can be absent, None or of another type than declared.
    """
    try:
        return decode()
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise MalformedError(
            f"the answer of {who} is not in its protocol ({type(error).__name__})"
        ) from error


def token_count(value: object) -> int:
    """A usage figure; absent or senseless ones count as 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def text_of(value: object) -> str:
    """A text that must be one; TypeError otherwise."""
    if not isinstance(value, str):
        raise TypeError("expected a text")
    return value


def some(items: Sequence[Any] | None) -> Sequence[Any]:
    """A list that must have something in it; ValueError otherwise."""
    if not items:
        raise ValueError("expected a list with something in it")
    return items
