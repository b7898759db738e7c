"""A desk with a market to debate."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.agents.market import put_market
from tests.agents.servers import ModelServer, Script, debate
from tests.factories import Desk

Serve = Callable[..., ModelServer]


@pytest.fixture
def trading_desk(desk: Desk, redis_client: object) -> Desk:
    """The desk with a quiet rise in BTC/USDT on binance."""
    put_market(desk)
    return desk


@pytest.fixture
def serve(settings: object) -> Iterator[Serve]:
    """serve(protocol, script) starts a scripted server and points the desk's settings to it."""
    with ExitStack() as stack:

        def start(protocol: str, script: Script = debate, **changes: object) -> ModelServer:
            server = stack.enter_context(ModelServer(protocol, script=script))
            for name, value in {**server.settings(), **changes}.items():
                setattr(settings, name, value)
            return server

        yield start
