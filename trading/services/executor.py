"""All lanes of one desk: opens each account, keeps it running, and starts it again when it fails. One never stops another."""

import asyncio
import contextlib
import logging
import os
import secrets
from datetime import datetime

import redis
import redis.exceptions
from django.db import DatabaseError

from neuratrade.lib import redis as bus
from neuratrade.lib.clock import now
from trading.errors import ConfigurationError, LeaseLostError, VenueError
from trading.models import Account
from trading.services import accounts, approvals, leases, liquidation
from trading.services.execution import Lane, in_db
from trading.services.lanes import LEASE_S, LaneRunner
from trading.types import Mode

log = logging.getLogger(__name__)

_LEASE_POLL_S = 0.5
_RESTART_S = (1.0, 2.0, 5.0, 10.0, 30.0)
_ACCOUNTS_EVERY_S = 5.0
_FINISH_EVERY_S = 0.5
_REDIS_RETRY_S = 2.0


class Executor:
    """`lines` holds what each account does, for the heartbeat."""

    def __init__(self, *, mode: Mode) -> None:
        self._mode = mode
        self._owner = f"execute_orders:{os.getpid()}:{secrets.token_hex(4)}"
        self._runners: dict[int, LaneRunner] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self.lines: dict[str, str] = {}

    def line(self) -> str:
        """One line on what the executor does."""
        if not self.lines:
            return f"no enabled {self._mode} account; waiting for one"
        return "; ".join(f"{name}: {line}" for name, line in sorted(self.lines.items()))

    async def run(self, *, stop: asyncio.Event) -> None:
        """Until `stop`; accounts that are added later are picked up."""
        helpers = [asyncio.create_task(self._wake_all()), asyncio.create_task(self._finish_liquidations())]
        try:
            while not stop.is_set():
                for account in await self._accounts():
                    task = self._tasks.get(account.pk)
                    if task is None or task.done():
                        self._tasks[account.pk] = asyncio.create_task(self._keep(account, stop=stop))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), timeout=_ACCOUNTS_EVERY_S)
        finally:
            await _end([*self._tasks.values()], patience_s=2.0)
            await _end(helpers, patience_s=0.0)

    async def _accounts(self) -> list[Account]:
        """The accounts to trade; empty, so nothing new is opened, while the database does not answer."""
        try:
            return list(await in_db(accounts.working_accounts)(self._mode))
        except DatabaseError:
            log.exception("the accounts could not be read; trying again, the lanes look after themselves")
            return []

    async def _keep(self, account: Account, *, stop: asyncio.Event) -> None:
        failures = 0
        while not stop.is_set():
            started = now()
            try:
                await self._run_once(account, stop=stop)
            except LeaseLostError as error:
                log.warning("%s", error)
            except (ConfigurationError, VenueError) as error:
                log.error("%s: %s", account, error)
                self.lines[str(account)] = str(error)
            except Exception:
                log.exception("%s: the lane failed; starting it again, the other accounts go on", account)
                self.lines[str(account)] = "failed; starting again"
            failures = 0 if (now() - started).total_seconds() > 60 else failures + 1
            if not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    pause_s = _RESTART_S[min(failures, len(_RESTART_S)) - 1] if failures else _RESTART_S[0]
                    await asyncio.wait_for(stop.wait(), timeout=pause_s)

    async def _run_once(self, account: Account, *, stop: asyncio.Event) -> None:
        name = approvals.lease_name(account.pk)
        epoch = await self._acquire(account, name=name, stop=stop)
        if epoch is None:
            return
        try:
            opened = (await in_db(accounts.opener)(account))()
            try:
                await self._run_lane(opened, lease=(name, self._owner, epoch), stop=stop)
            finally:
                await opened.close()
        finally:
            await in_db(leases.release)(name=name, owner=self._owner, epoch=epoch)

    async def _acquire(self, account: Account, *, name: str, stop: asyncio.Event) -> int | None:
        """Waits for the lease; a killed predecessor's runs out by itself."""
        while not stop.is_set():
            epoch = await in_db(leases.acquire)(name=name, owner=self._owner, ttl_s=LEASE_S, at=now())
            if epoch is not None:
                return epoch
            self.lines[str(account)] = "waiting for the former executor's lease to end"
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), timeout=_LEASE_POLL_S)
        return None

    async def _run_lane(
        self, opened: accounts.OpenAccount, *, lease: tuple[str, str, int], stop: asyncio.Event
    ) -> None:
        lane = Lane(
            account=opened.account,
            client=opened.client,
            books=opened.books,
            lease=lease,
            is_shadow=self._mode is Mode.SHADOW,
        )

        def say(line: str) -> None:
            self.lines[lane.name] = line

        runner = LaneRunner(lane, on_progress=say)
        self._runners[opened.account.pk] = runner
        try:
            await runner.run(stop=stop)
        finally:
            del self._runners[opened.account.pk]

    async def _finish_liquidations(self) -> None:
        while True:
            await asyncio.sleep(_FINISH_EVERY_S)
            verified = {
                (account_id, runner.verified_epoch)
                for account_id, runner in self._runners.items()
                if runner.verified_epoch is not None
            }
            await self._finish(verified, at=now())

    async def _finish(self, verified: set[tuple[int, int]], *, at: datetime) -> None:
        try:
            for row in await in_db(liquidation.finish_where_closed)(
                mode=self._mode, verified=verified, at=at
            ):
                log.warning(
                    "everything of %s is closed, verified at the venues; the desk is halted", row.operator
                )
        except Exception:
            log.exception("the end of a liquidation could not be recorded; trying again")

    async def _wake_all(self) -> None:
        """Redis only wakes the lanes early; without it they look every 0.2 s."""
        while True:
            client = bus.async_client()
            try:
                async with client.pubsub() as channel:
                    await channel.subscribe(bus.WAKE_EXECUTOR)
                    async for _ in channel.listen():
                        for runner in self._runners.values():
                            runner.wake.set()
            except (redis.exceptions.RedisError, OSError) as error:
                log.debug("no wake-up calls while Redis is away: %s", error)
            finally:
                await client.aclose()
            await asyncio.sleep(_REDIS_RETRY_S)


async def _end(tasks: list[asyncio.Task[None]], *, patience_s: float) -> None:
    """Lets tasks finish their step, then cancels them; what was being sent is found again at the next start."""
    if tasks and patience_s:
        await asyncio.wait(tasks, timeout=patience_s)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
