"""What can go wrong in the agents; each class says what the caller does.

AgentsError
├── ProviderError             a model was asked and gave no usable answer
│   ├── RetryableError            no connection, timed out, 5xx: try again, then the next of the route
│   │   └── OverloadedError       429 or 529: the same, after `retry_after_s`
│   ├── FatalError                key, model or request is wrong: no trade, the operator must mend it
│   └── MalformedError            the answer is not in the protocol: no trade
├── BudgetError               the call would break a spending limit: the next of the route
├── UnknownPriceError         the price of the model is not known: no trade, the operator must mend it
├── FormatError               the final answer cannot be read: one re-ask, then no trade
├── ToolError                 a tool refuses or fails: the message goes back to the model
├── NoTradeError              the desk must not trade, for `reason`: end the decision so
├── SkillError                a skill folder cannot be used: one clear line, no retry
├── SessionError              the session belongs to another worker now: stop, change nothing
├── JournalError              the recorded steps do not fit the session: end the decision as FAILED
└── ReplayMissError           a replay met something its transcript does not hold: fail, never call out
"""

from agents.types import StopReason


class AgentsError(Exception):
    pass


class ProviderError(AgentsError):
    """`may_be_billed`: the request may have been worked on although no answer came, so its worst case stays spent."""

    stop = StopReason.PROVIDER_FAULT

    def __init__(self, message: str, *, may_be_billed: bool = False) -> None:
        super().__init__(message)
        self.may_be_billed = may_be_billed


class RetryableError(ProviderError):
    stop = StopReason.PROVIDER_DOWN


class OverloadedError(RetryableError):
    def __init__(self, message: str, *, retry_after_s: float | None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class FatalError(ProviderError):
    stop = StopReason.PROVIDER_FAULT


class MalformedError(ProviderError):
    stop = StopReason.MALFORMED

    def __init__(self, message: str) -> None:
        super().__init__(message, may_be_billed=True)


class BudgetError(AgentsError):
    stop = StopReason.BUDGET


class UnknownPriceError(AgentsError):
    stop = StopReason.UNKNOWN_PRICE


class FormatError(AgentsError):
    pass


class ToolError(AgentsError):
    pass


class NoTradeError(AgentsError):
    """`stop` says which rule fired; the message is the reason in words."""

    def __init__(self, message: str, *, stop: StopReason) -> None:
        super().__init__(message)
        self.stop = stop


class SkillError(AgentsError):
    pass


class SessionError(AgentsError):
    pass


class JournalError(AgentsError):
    pass


class ReplayMissError(AgentsError):
    pass
