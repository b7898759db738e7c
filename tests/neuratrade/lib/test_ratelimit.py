"""The shared token bucket on a real Redis: two processes spend one budget, cancels keep their reserve, a ban stops all."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from neuratrade.lib import ratelimit
from neuratrade.lib.ratelimit import BannedError, Budget, LocalBucket, RateLimitError, TokenBucket

BUDGET = Budget(capacity=10, refill_per_s=5, cancel_reserve=2)

SPENDER = """
import asyncio, sys, time
import django
django.setup()
from neuratrade.lib.ratelimit import Budget, RateLimitError, TokenBucket

async def main():
    bucket = TokenBucket(name="shared", budget=Budget(capacity=20, refill_per_s=40, cancel_reserve=4))
    print("ready", flush=True)
    end, spent = float(input()), 0
    while time.time() < end:
        try:
            await bucket.acquire(1, max_wait_s=max(end - time.time(), 0))
        except RateLimitError:
            break
        spent += 1
    await bucket.aclose()
    print(spent)

asyncio.run(main())
"""


def spender() -> "subprocess.Popen[str]":
    from django.conf import settings

    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "neuratrade.settings",
        "NEURATRADE_HOME": str(settings.HOME),
    }
    return subprocess.Popen(
        [sys.executable, "-c", SPENDER],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.usefixtures("redis_client")
def test_two_processes_share_one_budget() -> None:
    processes = [spender() for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    end = f"{time.time() + 1.5}\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(end)
        process.stdin.flush()
    spent = [int(process.communicate(timeout=30)[0]) for process in processes]

    # 16 above the reserve at once, then 40 a second for 1.5 s; two budgets would be twice as much
    assert 40 <= sum(spent) <= 16 + 40 * 1.5 + 4
    assert min(spent) > 0


@pytest.mark.usefixtures("redis_client")
async def test_cancels_have_a_reserve_that_others_cannot_touch() -> None:
    bucket = TokenBucket(name="reserve", budget=BUDGET)
    for _ in range(8):
        await bucket.acquire(1, max_wait_s=0)
    with pytest.raises(RateLimitError) as refused:
        await bucket.acquire(1, max_wait_s=0)
    assert 0 < refused.value.retry_after_s <= 0.3
    with ratelimit.lane(priority="cancel", max_wait_s=0):
        await bucket.acquire(1)
        await bucket.acquire(1)
    await bucket.aclose()


@pytest.mark.usefixtures("redis_client")
async def test_waiting_brings_the_token_and_a_cost_above_the_capacity_is_paid_as_debt() -> None:
    bucket = TokenBucket(name="debt", budget=Budget(capacity=10, refill_per_s=50, cancel_reserve=2))
    await bucket.acquire(15, max_wait_s=0)
    started_s = time.monotonic()
    await bucket.acquire(1, max_wait_s=5)
    # from -5 tokens to 2 in reserve + 1 wanted, at 50 a second
    assert 0.12 <= time.monotonic() - started_s <= 0.6
    await bucket.aclose()


@pytest.mark.usefixtures("redis_client")
async def test_a_ban_stops_everyone_cancels_too_and_ends_by_itself() -> None:
    one, other = TokenBucket(name="ban", budget=BUDGET), TokenBucket(name="ban", budget=BUDGET)
    await one.ban(seconds=0.6)
    await one.ban(seconds=0.1)
    with pytest.raises(BannedError, match="stay away") as banned:
        await other.acquire(1, priority="cancel")
    assert 0.3 < banned.value.retry_after_s <= 0.6
    await asyncio.sleep(banned.value.retry_after_s + 0.02)
    await other.acquire(1, max_wait_s=0)
    await asyncio.gather(one.aclose(), other.aclose())


@pytest.mark.usefixtures("redis_client")
async def test_the_venues_own_count_makes_us_poorer_never_richer() -> None:
    bucket = TokenBucket(name="cap", budget=BUDGET)
    await bucket.cap(tokens=3)
    await bucket.cap(tokens=9)
    await bucket.acquire(1, max_wait_s=0)
    with pytest.raises(RateLimitError):
        await bucket.acquire(1, max_wait_s=0)
    await bucket.aclose()


async def test_without_redis_each_process_counts_alone_and_a_cancel_never_waits(
    settings: object, tmp_path: object, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock?db=0"  # type: ignore[attr-defined]
    bucket = TokenBucket(name="alone", budget=BUDGET)
    for _ in range(8):
        await bucket.acquire(1, max_wait_s=0)
    with pytest.raises(RateLimitError):
        await bucket.acquire(1, max_wait_s=0)
    for _ in range(20):
        await bucket.acquire(1, priority="cancel", max_wait_s=0)
    assert len([record for record in caplog.records if "does not answer" in record.message]) == 1
    await bucket.ban(seconds=5)
    with pytest.raises(BannedError):
        await bucket.acquire(1)
    await bucket.aclose()


def test_a_local_bucket_refills_up_to_its_capacity() -> None:
    bucket = LocalBucket(BUDGET)
    for _ in range(8):
        assert bucket.take(cost=1, priority="normal") == (0.0, 0.0)
    wait_s, _ = bucket.take(cost=1, priority="normal")
    assert 0.1 < wait_s <= 0.21
    bucket.at_s -= 3600
    assert bucket.take(cost=8, priority="normal") == (0.0, 0.0)
    assert bucket.take(cost=1, priority="normal")[0] > 0


@pytest.mark.parametrize(("capacity", "refill", "reserve"), [(0, 1, 0), (1, 0, 0), (5, 1, 5), (5, 1, -1)])
def test_an_impossible_budget_is_refused(capacity: float, refill: float, reserve: float) -> None:
    with pytest.raises(ValueError, match="is no budget"):
        Budget(capacity=capacity, refill_per_s=refill, cancel_reserve=reserve)


async def test_a_redis_that_hangs_delays_a_request_by_a_second_and_no_more(
    settings: object, tmp_path: Path
) -> None:
    from neuratrade.lib.redis_server import command

    socket = tmp_path / "own.sock"
    settings.REDIS_URL = f"unix://{socket}?db=0"  # type: ignore[attr-defined]
    server = subprocess.Popen(
        command(socket=socket, data_dir=tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    bucket = TokenBucket(name="hangs", budget=BUDGET)
    try:
        await until_shared(bucket)
        server.send_signal(signal.SIGSTOP)
        started_s = time.monotonic()
        await bucket.acquire(1)
        await bucket.acquire(1, priority="cancel")
        assert time.monotonic() - started_s < 2.5
    finally:
        server.kill()
        server.wait()
        await bucket.aclose()


async def until_shared(bucket: TokenBucket) -> None:
    async with asyncio.timeout(10):
        while await bucket._run("return {1, 1}") is None:
            bucket._away_until_s = 0
            await asyncio.sleep(0.05)
