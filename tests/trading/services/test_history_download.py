"""Downloads through the real ccxt client from practice venues on real sockets: complete, resumed, and never the running bar."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from neuratrade.lib import clock, dates
from neuratrade.lib.clock import to_epoch_ms
from neuratrade.lib.ratelimit import Budget, TokenBucket
from tests.factories import AT, make_desk
from trading.errors import ConfigurationError, InvalidValueError, VenueUnavailableError
from trading.history import quality, store
from trading.models import Venue
from trading.practice.options import client_options
from trading.practice.settings import PracticeSettings
from trading.practice.venues import PracticeVenues
from trading.services import history
from trading.services.history_download import Download, download
from trading.services.market_bars import floor

BTC = "BTC/USDT"
HISTORY = 1_500
MINUTE = timedelta(minutes=1)


@contextmanager
def running(settings: PracticeSettings) -> Iterator[PracticeVenues]:
    """Practice venues in a loop and thread of their own: a download runs a loop itself."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    venues = PracticeVenues(settings, seed=3)

    def wait_for(call: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(call, loop).result(30)

    wait_for(venues.__aenter__())
    try:
        yield venues
    finally:
        wait_for(venues.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def venues() -> Iterator[PracticeVenues]:
    with running(
        PracticeSettings(instruments=2, ticks_per_s=2, gap_every_s=0, history_minutes=HISTORY)
    ) as venues:
        yield venues


@pytest.fixture
def practice(
    venues: PracticeVenues, db: None, redis_client: Any, settings: Any, tmp_path: Path
) -> PracticeVenues:
    """A desk whose venues are the practice ones, without faults, and an empty history."""
    settings.HOME = tmp_path
    make_desk(at=AT)
    ports = {"binance_port": venues.binance.port, "kraken_port": venues.kraken.port}
    for name, options in client_options(**ports).items():
        Venue.objects.filter(name=name).update(options=options)
        venues.call("DELETE", f"/{name}/faults")
    return venues


def fetch(*, at: datetime, back: int = 1_300, **other: Any) -> Download:
    since = floor(at, length=MINUTE) - back * MINUTE
    return download(
        **{
            "venue": "binance",
            "symbol": BTC,
            "timeframe": "1m",
            "since": since,
            "until": None,
            "at": at,
            **other,
        },
        first_pause_s=0.002,
    )


def stored(venue: str = "binance", timeframe: str = "1m") -> Any:
    return history.load(venue=venue, symbol=BTC, timeframe=timeframe)


def test_every_closed_minute_comes_in_pages_and_only_once(practice: PracticeVenues) -> None:
    at = clock.now()
    progress: list[tuple[int, int]] = []

    first = fetch(at=at, on_progress=lambda done, total: progress.append((done, total)))

    bars = stored()
    assert (first.added, first.replaced, first.unusable) == (1_300, 0, 0)
    assert len(bars) == 1_300
    assert quality.gaps(bars) == []
    assert bars.open_time_ms[-1] == to_epoch_ms(floor(at, length=MINUTE) - MINUTE)
    assert progress == [(0, 1_300), (1_000, 1_300), (1_300, 1_300)]
    requests = klines(practice)
    assert fetch(at=at).added == 0
    assert klines(practice) == requests
    assert stored().digest == bars.digest


def klines(practice: PracticeVenues) -> int:
    log: Any = practice.call("GET", "/binance/requests")
    return sum("klines" in str(entry) for entry in log)


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "drop_after", "path": "*klines*", "nth": 2},
        {"action": "error_before", "path": "*klines*", "status": 503, "nth": 2, "count": 3},
        {"action": "cut_body", "path": "*klines*", "nth": 2},
    ],
    ids=lambda fault: fault["action"],
)
def test_a_fault_in_the_middle_is_waited_out(practice: PracticeVenues, fault: dict[str, Any]) -> None:
    practice.call("POST", "/binance/faults", fault)

    assert fetch(at=clock.now()).added == 1_300

    assert quality.gaps(stored()) == []


def test_a_ban_of_the_venue_is_sat_out(practice: PracticeVenues) -> None:
    async def ban() -> None:
        bucket = TokenBucket(name="binance", budget=Budget(capacity=10, refill_per_s=1, cancel_reserve=1))
        await bucket.ban(seconds=1)
        await bucket.aclose()

    asyncio.run(ban())
    started_s = time.monotonic()

    assert fetch(at=clock.now(), back=50).added == 50

    assert time.monotonic() - started_s > 0.9


def test_what_an_interrupted_run_brought_stays_and_the_next_goes_on(practice: PracticeVenues) -> None:
    at = clock.now()
    practice.call(
        "POST",
        "/binance/faults",
        {"action": "error_before", "path": "*klines*", "status": 503, "nth": 2, "count": 0},
    )

    with pytest.raises(
        VenueUnavailableError, match=r"binance: .*the same command goes on from there"
    ) as caught:
        fetch(at=at)

    assert "\n" not in str(caught.value)
    assert len(stored()) == 1_000
    practice.call("DELETE", "/binance/faults")
    requests = klines(practice)
    assert fetch(at=at).added == 300
    assert klines(practice) == requests + 1
    assert quality.gaps(stored()) == []


def test_a_venue_that_never_answers_is_given_up_soon(
    practice: PracticeVenues, caplog: pytest.LogCaptureFixture
) -> None:
    fault = {"action": "error_before", "path": "*", "status": 503, "nth": 1, "count": 0}
    practice.call("POST", "/binance/faults", fault)

    with (
        caplog.at_level("INFO"),
        pytest.raises(VenueUnavailableError, match="it never answered: see whether"),
    ):
        fetch(at=clock.now())

    assert sum("trying again in" in record.getMessage() for record in caplog.records) == 3


def test_an_interrupt_loses_nothing(practice: PracticeVenues) -> None:
    def interrupt(done: int, _total: int) -> None:
        if done >= 1_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(at=clock.now(), on_progress=interrupt)

    assert len(stored()) == 1_000


def test_a_hole_is_filled_and_nothing_else_changes(practice: PracticeVenues) -> None:
    at = clock.now()
    fetch(at=at)
    whole = stored()
    root = history.root()
    for file in root.rglob("*.parquet"):
        file.unlink()
    store.save(root, whole.part(0, 700))
    store.save(root, whole.part(900, 1_300))

    assert fetch(at=at).added == 200

    assert stored().digest == whole.digest


def test_without_a_start_it_goes_on_after_the_newest(practice: PracticeVenues) -> None:
    at = clock.now()
    fetch(at=at, back=50, until=at - 20 * MINUTE)
    newest = len(stored())

    report = fetch(at=at, since=None)

    assert report.added == 50 - newest
    assert quality.gaps(stored()) == []


def test_a_venue_that_does_not_reach_back_says_from_when_on(practice: PracticeVenues) -> None:
    at = clock.now()

    report = fetch(at=at, venue="kraken")

    assert report.earliest is not None
    assert report.earliest > at - 721 * MINUTE
    assert report.added == len(stored("kraken")) >= 718
    older = fetch(at=at, back=4_000)
    assert older.earliest is not None
    assert older.earliest > at - (HISTORY + 60) * MINUTE
    assert quality.gaps(stored()) == []


def answer(practice: PracticeVenues, body: str, *, count: int) -> None:
    """The next candles that are asked for are these."""
    fault = {"action": "error_before", "path": "*klines*", "status": 200, "body": body, "count": count}
    practice.call("POST", "/binance/faults", fault)


def test_years_before_a_listing_are_passed_over_by_the_day(practice: PracticeVenues) -> None:
    at = clock.now()
    before = klines(practice)
    answer(practice, "[]", count=1)

    report = fetch(at=at, back=60_000)

    assert klines(practice) - before < 8
    assert report.added == len(stored()) >= HISTORY
    assert report.earliest is not None
    assert report.earliest > at - (HISTORY + 60) * MINUTE
    assert quality.gaps(stored()) == []


def test_one_impossible_candle_is_passed_over_alone(practice: PracticeVenues) -> None:
    at = clock.now()
    start_ms = to_epoch_ms(floor(at, length=MINUTE) - 50 * MINUTE)
    answer(
        practice,
        f'[[{start_ms}, "10", "9", "8", "9", "1", {start_ms + 59_999}, "1", 1, "1", "1", "0"]]',
        count=4,
    )

    report = fetch(at=at, back=50)

    assert (report.unusable, report.added) == (1, 49)
    assert stored().open_time_ms[0] == start_ms + 60_000


def test_the_command_says_what_came(practice: PracticeVenues, capsys: pytest.CaptureFixture[str]) -> None:
    start = floor(clock.now(), length=MINUTE) - 90 * MINUTE
    period = ("--since", start.isoformat(), "--until", (start + 60 * MINUTE).isoformat())

    call_command(
        "candles", "download", "--venue", "kraken", "--instrument", BTC, "--timeframe", "1m", *period
    )

    assert capsys.readouterr().out.startswith(
        f"kraken {BTC} 1m: 60 candles added, {dates.show(start)} to before "
    )
    with pytest.raises(CommandError, match=r"binance lists no BTC/USD; did you mean BTC/USDT\?"):
        call_command(
            "candles", "download", "--venue", "binance", "--instrument", "BTC/USD", "--timeframe", "1m"
        )


@pytest.mark.parametrize("timeframe", ["15m", "1h"])
def test_longer_bars_come_as_well(practice: PracticeVenues, timeframe: str) -> None:
    fetch(at=clock.now(), timeframe=timeframe)
    bars = stored(timeframe=timeframe)
    assert len(bars) > 5
    assert bool(np.all(bars.open_time_ms + bars.step_ms <= to_epoch_ms(clock.now())))


@pytest.mark.parametrize(
    ("asked", "error", "line"),
    [
        ({"venue": "binanec"}, ConfigurationError, r"there is no venue 'binanec'; did you mean binance\?"),
        ({"venue": "my bank"}, ConfigurationError, r"there is no venue 'my bank'; give one of the desk's"),
        ({"symbol": "BTCUSDT"}, ConfigurationError, r"binance lists no BTCUSDT; did you mean BTC/USDT\?"),
        ({"timeframe": "7m"}, InvalidValueError, "timeframe '7m' is unknown; give one of: 1m"),
        (
            {"since": datetime(2100, 1, 1, tzinfo=AT.tzinfo)},
            InvalidValueError,
            "2100-01-01 lies in the future",
        ),
        (
            {"until": datetime(2000, 1, 1, tzinfo=AT.tzinfo)},
            InvalidValueError,
            "is empty; give a start before",
        ),
    ],
)
def test_what_does_not_exist_is_one_line(
    practice: PracticeVenues, asked: dict[str, Any], error: type[Exception], line: str
) -> None:
    with pytest.raises(error, match=line):
        fetch(at=clock.now(), **asked)
    assert not list(history.root().rglob("*.parquet"))
