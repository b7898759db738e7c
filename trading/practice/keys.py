"""The demo API keys of the practice venues.

They are printed here on purpose: they open nothing but the practice venues on this machine, and hold play money.
"""

from __future__ import annotations

from dataclasses import dataclass

BINANCE_API_KEY = "practice-binance-demo-key-opens-nothing-but-the-practice-venue00"
BINANCE_SECRET = "practice-binance-demo-secret-opens-nothing-but-the-practice-venue"
KRAKEN_API_KEY = "practice/kraken/demo/key/opens/nothing/but/the/practice0"
KRAKEN_SECRET = "cHJhY3RpY2Uta3Jha2VuLWRlbW8tc2VjcmV0LW9wZW5zLW5vdGhpbmctYnV0LXRoZS1wcmFjdGljZS12ZW51ZQ=="

DEMO_ACCOUNT = "demo"


@dataclass(slots=True)
class ApiKey:
    """One API key at a practice venue. Rights can be changed through the control port, as a user would on the site."""

    api_key: str
    secret: str
    account: str = DEMO_ACCOUNT
    can_read: bool = True
    can_trade: bool = True
    can_withdraw: bool = False
    ip_restricted: bool = True
    revoked: bool = False


class KeyRing:
    """The API keys a venue knows."""

    def __init__(self, *keys: ApiKey) -> None:
        self._keys = {key.api_key: key for key in keys}

    def find(self, api_key: str) -> ApiKey | None:
        """The key, or None when it is unknown or revoked."""
        key = self._keys.get(api_key)
        return None if key is None or key.revoked else key

    def get(self, api_key: str) -> ApiKey:
        """The key, revoked or not; KeyError when unknown."""
        return self._keys[api_key]

    def add(self, key: ApiKey) -> None:
        """Issue a key (or replace one)."""
        self._keys[key.api_key] = key

    def all(self) -> list[ApiKey]:
        """Every key ever issued."""
        return list(self._keys.values())
