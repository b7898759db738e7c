"""Fixtures of the flows: a desk in a database that other processes share, an empty Redis, and the desk's real processes."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from neuratrade.lib import clock
from quests import services
from tests.factories import Desk, make_desk
from tests.processes import Processes, desk_processes


@pytest.fixture
def shared_desk(transactional_db: Any, redis_client: "redis.Redis") -> Desk:
    """A desk whose rows other processes see, at the present time: they live by the real clock."""
    at = clock.now()
    services.install_schedule(at=at)
    return make_desk(at=at)


@pytest.fixture
def processes(shared_desk: Desk) -> Iterator[Processes]:
    """Starts the desk's processes; they stop before the database is emptied."""
    with desk_processes() as started:
        yield started
