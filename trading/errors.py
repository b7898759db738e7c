"""What can go wrong in trading; each class says what the caller does.

TradingError
├── InvalidValueError      a value that must not exist (NaN, negative size, crossed book): drop it, tell the operator
├── StaleDataError         market data is missing or too old: do not trade now, try again later
├── ApprovalError          an approval does not cover this order: never send, record the reason
├── LeaseLostError         another process owns this account or asset: stop at once
├── ConfigurationError     the operator must mend something: one clear line, no retry
└── VenueError             the venue answered, or did not
    ├── VenueRejectedError     the venue said no in its own words: terminal for the order
    ├── VenueUnavailableError  a read failed: retry with back-off
    ├── RateLimitedError       wait `retry_after_s` before anything else goes to this venue
    └── OutcomeUnknownError    a submit or cancel may or may not have happened: only a query resolves it
"""


class TradingError(Exception):
    pass


class InvalidValueError(TradingError, ValueError):
    pass


class StaleDataError(TradingError):
    pass


class ApprovalError(TradingError):
    pass


class LeaseLostError(TradingError):
    pass


class ConfigurationError(TradingError):
    pass


class VenueError(TradingError):
    pass


class VenueRejectedError(VenueError):
    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class VenueUnavailableError(VenueError):
    pass


class RateLimitedError(VenueUnavailableError):
    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class OutcomeUnknownError(VenueError):
    pass
