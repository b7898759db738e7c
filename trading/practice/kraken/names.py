"""Kraken's spellings: XBT for bitcoin, X-prefixes on old assets, and its own order and trade ids."""

from __future__ import annotations

_ALTNAMES = {"BTC": "XBT", "DOGE": "XDG"}
_OLD_ASSETS = frozenset({"XBT", "XDG", "ETH", "XRP", "LTC", "XLM", "ZEC", "XMR", "ETC", "MLN", "REP"})
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_SPACE = 32**16
# Odd, so that multiplying by it permutes the ids: neighbours look nothing alike, and every id is given once.
_SCRAMBLE = 0x9E3779B97F4A7C15F39D
_UNSCRAMBLE = pow(_SCRAMBLE, -1, _SPACE)


def altname(code: str) -> str:
    """Kraken's short name of an asset: BTC is XBT."""
    return _ALTNAMES.get(code, code)


def asset_id(code: str) -> str:
    """Kraken's id of an asset as balances and pairs use it: BTC is XXBT, USDT is USDT."""
    name = altname(code)
    return f"X{name}" if name in _OLD_ASSETS else name


def pair_id(symbol: str) -> str:
    """Kraken's id of a pair: BTC/USDT is XBTUSDT."""
    base, _, quote = symbol.partition("/")
    return altname(base) + altname(quote)


def pair_ws_name(symbol: str) -> str:
    """The ``wsname`` field: BTC/USDT is XBT/USDT. (Websocket version 2 itself uses the plain symbol.)"""
    base, _, quote = symbol.partition("/")
    return f"{altname(base)}/{altname(quote)}"


def order_id(number: int) -> str:
    """An engine order id as Kraken writes one: OXXXXX-XXXXX-XXXXXX."""
    return _name("O", number)


def trade_id(number: int) -> str:
    """An engine trade id as Kraken writes one: TXXXXX-XXXXX-XXXXXX."""
    return _name("T", number)


def number_of(name: str, *, prefix: str) -> int | None:
    """The engine id behind a Kraken id, or None when it is not one."""
    letters = name.replace("-", "")
    if len(letters) != 17 or letters[0] != prefix or any(letter not in _ALPHABET for letter in letters[1:]):
        return None
    value = 0
    for letter in letters[1:]:
        value = value * 32 + _ALPHABET.index(letter)
    return value * _UNSCRAMBLE % _SPACE


def _name(prefix: str, number: int) -> str:
    value, letters = number * _SCRAMBLE % _SPACE, ""
    for _ in range(16):
        value, digit = divmod(value, 32)
        letters = _ALPHABET[digit] + letters
    return f"{prefix}{letters[:5]}-{letters[5:10]}-{letters[10:]}"
