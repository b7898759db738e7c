"""One job at a time may touch an asset. The lock is a lease row in SQL; its epoch is the fencing token."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from quests.errors import AssetBusyError
from trading.services import leases


def asset_lease(asset: str) -> str:
    """The name of the lease that stands for the right to touch an asset."""
    return f"asset:{asset}"


@contextmanager
def asset_lock(*, asset: str, owner: str, ttl_s: float, at: datetime) -> Iterator[int]:
    """Holds the asset for the length of the block; gives the fencing token. Raises AssetBusyError when it is taken."""
    name = asset_lease(asset)
    epoch = leases.acquire(name=name, owner=owner, ttl_s=ttl_s, at=at)
    if epoch is None:
        raise AssetBusyError(f"another job holds {asset}")
    try:
        yield epoch
    finally:
        leases.release(name=name, owner=owner, epoch=epoch)
