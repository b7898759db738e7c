"""ccxt constructor options that point a client at the practice venues. Light: imports no network library."""

from __future__ import annotations

DEFAULT_BINANCE_PORT = 18_001
DEFAULT_KRAKEN_PORT = 18_002
DEFAULT_CONTROL_PORT = 18_003


def client_options(
    *, binance_port: int = DEFAULT_BINANCE_PORT, kraken_port: int = DEFAULT_KRAKEN_PORT
) -> dict[str, dict[str, object]]:
    """JSON-able ccxt(.pro) constructor options per venue id, without keys, for plain loopback URLs."""
    return {"binance": binance_options(port=binance_port), "kraken": kraken_options(port=kraken_port)}


def binance_options(*, port: int) -> dict[str, object]:
    """Options for ``ccxt.pro.binance``. The websocket path holds ``/stream`` because ccxt reads the market type there."""
    http, socket = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"
    return {
        "urls": {
            "api": {
                "public": f"{http}/api/v3",
                "private": f"{http}/api/v3",
                "v1": f"{http}/api/v1",
                "sapi": f"{http}/sapi/v1",
                "ws": {"spot": f"{socket}/stream/ws", "ws-api": {"spot": f"{socket}/ws-api/v3"}},
            }
        },
        "options": binance_narrowing(),
    }


def kraken_options(*, port: int) -> dict[str, object]:
    """Options for ``ccxt.pro.kraken``."""
    http, socket = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"
    sockets = {"public": f"{socket}/v2", "private": f"{socket}/auth/v2"}
    return {
        "urls": {
            "api": {
                "public": http,
                "private": http,
                "ws": {**sockets, "publicV2": f"{socket}/v2", "privateV2": f"{socket}/auth/v2"},
            }
        }
    }


def binance_narrowing() -> dict[str, object]:
    """Keep ``load_markets`` to spot: one request instead of seven."""
    return {
        "fetchCurrencies": False,
        "fetchMargins": False,
        "fetchMarkets": {"types": ["spot"]},
        "defaultType": "spot",
    }


def proxy_options(venue: str, *, proxy_port: int, ca_file: str) -> dict[str, object]:
    """Options for a client that believes in the venue's real hosts: only a proxy and a certificate authority."""
    proxy = f"http://127.0.0.1:{proxy_port}"
    options: dict[str, object] = {"httpsProxy": proxy, "wssProxy": proxy, "cafile": ca_file}
    if venue == "binance":
        options["options"] = binance_narrowing()
    return options
