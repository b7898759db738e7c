"""Spreads a sweep over Celery workers on the queue `research`, of this machine and of any other that shares database and history.

Messages say only which points to look at. What is done is read from SQL, so a lost message, a killed worker or a double delivery
costs time and nothing else: what is missing is sent again.
"""

import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Protocol

from celery import current_app, group

from trading.errors import ConfigurationError
from trading.models import Sweep, SweepPoint
from trading.services import sweeps
from trading.services.sweeps import OpenSweep

TASK = "trading.tasks.compute_points"
QUEUE = "research"
# A message's work: long enough that it costs nothing beside it, short enough that the last ones end together.
CHUNK_S = 2.0
_LEAST_CHUNK_S = 0.2
_CHUNKS_PER_WORKER = 16
_LOOK_EVERY_S = 0.1
_STALL_S = 30.0
_HELP_PARTS = 4
_MOST_REVIVALS = 5


class Crew(Protocol):
    """The workers this process started."""

    broker_url: str
    workers: int

    def is_alive(self) -> bool: ...

    def revive(self) -> None:
        """Starts them anew where they ended."""
        ...


def spread(sweep: OpenSweep, *, crew: Crew, on_progress: Callable[[int], None], helps: bool = True) -> None:
    """Has every missing point computed; `on_progress` hears how many are stored. Returns when all are.

    With `helps` this process computes too while no worker has stored anything, from the other end: until they have started, and
    whenever they do not get on. Without it, ConfigurationError when they do not.
    """
    total, size = sweep.row.points_total, _measure(sweep, workers=crew.workers)
    send(sweep.row, broker_url=crew.broker_url, size=size)
    mine = before = sweeps.done(sweep.row)
    moved_s, is_waiting, revivals = time.monotonic(), True, _MOST_REVIVALS
    while (stored := sweeps.done(sweep.row)) < total:
        on_progress(stored)
        if stored > max(before, mine):
            before, moved_s, is_waiting = stored, time.monotonic(), False
        is_dead = not crew.is_alive() and revivals > 0
        if is_dead or time.monotonic() - moved_s > _STALL_S:
            if not (is_dead or helps):
                raise ConfigurationError(f"no worker gets on with sweep {sweep.row.pk}; its log says why")
            moved_s, is_waiting = time.monotonic(), True
            if is_dead:
                revivals -= 1
                crew.revive()
            send(sweep.row, broker_url=crew.broker_url, size=size)
        if is_waiting and helps:
            last = sweeps.missing(sweep.row)[-max(1, size // _HELP_PARTS) :]
            sweeps.compute(sweep, indices=last)
            mine = stored + len(last)
        else:
            time.sleep(_LOOK_EVERY_S)
    on_progress(total)
    _clear(sweep.row, broker_url=crew.broker_url)


def _clear(row: Sweep, *, broker_url: str) -> None:
    """Takes back messages that nobody needs any more, unless some may be another sweep's."""
    if not Sweep.objects.filter(status=Sweep.Status.OPEN).exclude(pk=row.pk).exists():
        with current_app.connection_for_write(broker_url) as connection:
            current_app.amqp.queues[QUEUE].bind(connection.default_channel).purge()


def _measure(sweep: OpenSweep, *, workers: int) -> int:
    """Points per message, from the time of one; the first is computed to warm up, while the workers start."""
    left = sweeps.missing(sweep.row)
    sweeps.compute(sweep, indices=left[:1])
    started_s = time.perf_counter()
    sweeps.compute(sweep, indices=left[1:2])
    return chunk_size(len(left), one_s=time.perf_counter() - started_s, workers=workers)


def chunk_size(left: int, *, one_s: float, workers: int) -> int:
    """Points per message where one takes `one_s`: the same share for each, several for every worker."""
    one_s = max(one_s, 1e-4)
    fair = -(-left // (workers * _CHUNKS_PER_WORKER))
    least = min(int(_LEAST_CHUNK_S / one_s), -(-left // workers))
    return max(1, least, min(int(CHUNK_S / one_s), fair))


def send(row: Sweep, *, broker_url: str, size: int) -> None:
    """One group of messages for everything that is missing."""
    parts = chunks(sweeps.missing(row), size=size)
    if not parts:
        return
    signatures = [
        current_app.signature(TASK, kwargs={"sweep_id": row.pk, "first": first, "last": last}, queue=QUEUE)
        for first, last in parts
    ]
    with current_app.connection_for_write(broker_url) as connection:
        group(signatures).apply_async(producer=current_app.amqp.Producer(connection))


def chunks(indices: Sequence[int], *, size: int) -> list[tuple[int, int]]:
    """Ranges (first, past last) of at most `size` neighbours that together hold every index once and no other."""
    ranges: list[tuple[int, int]] = []
    for index in indices:
        if ranges and ranges[-1][1] == index and index - ranges[-1][0] < size:
            ranges[-1] = (ranges[-1][0], index + 1)
        else:
            ranges.append((index, index + 1))
    return ranges


def compute_chunk(*, sweep_id: int, first: int, last: int) -> None:
    """What a worker does with a message: the points of the range that nobody stored yet. A finished or deleted sweep: nothing."""
    if not Sweep.objects.filter(pk=sweep_id, status=Sweep.Status.OPEN).exists():
        return
    stored = set(
        SweepPoint.objects.filter(sweep_id=sweep_id, index__gte=first, index__lt=last).values_list(
            "index", flat=True
        )
    )
    left = [index for index in range(first, last) if index not in stored]
    if left:
        sweeps.compute(_opened(sweep_id), indices=left)


@lru_cache(maxsize=1)
def _opened(sweep_id: int) -> OpenSweep:
    """The sweep whose messages come just now: its candles are read once per worker process."""
    return sweeps.reopen(sweep_id)
