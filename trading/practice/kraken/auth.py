"""Who is calling: API key, strictly increasing nonce, byte-exact ``API-Sign`` (REST docs, "Authentication")."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from trading.practice.keys import ApiKey, KeyRing
from trading.practice.kraken.errors import KrakenError

TOKEN_LIFE_S = 900


class Authenticator:
    """Checks signed requests and hands out websocket tokens."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys
        self.nonces: dict[str, int] = {}
        self._tokens: dict[str, tuple[str, int]] = {}

    def check(self, *, api_key: str, sign: str, path: str, body: str, nonce: str | None) -> ApiKey:
        """The caller's key; KrakenError when key, signature or nonce is wrong. A used nonce is used up."""
        key = self._keys.find(api_key)
        if key is None:
            raise KrakenError("EAPI:Invalid key")
        if nonce is None or not nonce.isdigit():
            raise KrakenError("EAPI:Invalid nonce")
        digest = hashlib.sha256((nonce + body).encode()).digest()
        secret = base64.b64decode(key.secret)
        expected = base64.b64encode(hmac.new(secret, path.encode() + digest, hashlib.sha512).digest())
        if not hmac.compare_digest(expected, sign.encode()):
            raise KrakenError("EAPI:Invalid signature")
        if int(nonce) <= self.nonces.get(api_key, -1):
            raise KrakenError("EAPI:Invalid nonce")
        self.nonces[api_key] = int(nonce)
        return key

    def issue_token(self, key: ApiKey, *, now_ms: int) -> str:
        """A websocket token; it must be used within fifteen minutes."""
        token = secrets.token_urlsafe(32)
        self._tokens[token] = (key.api_key, now_ms + TOKEN_LIFE_S * 1000)
        return token

    def key_of(self, token: str, *, now_ms: int) -> ApiKey:
        """The key behind a token; KrakenError when it is unknown, too old or its key was revoked."""
        name, expires_ms = self._tokens.get(token, ("", 0))
        key = self._keys.find(name)
        if key is None or now_ms > expires_ms:
            raise KrakenError("ESession:Invalid session")
        return key
