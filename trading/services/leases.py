"""Who may act on an account or asset, and until when.

The truth is one SQL row per name: a Redis lock could be lost with Redis. `epoch` is the fencing token: it grows with every
new owner, so the writes of a paused former owner can be told from the present one's and refused.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from trading.models import Lease


def acquire(*, name: str, owner: str, ttl_s: float, at: datetime) -> int | None:
    """The new epoch, or None while somebody else's lease runs. An owner may acquire its own lease again."""
    with transaction.atomic():
        Lease.objects.get_or_create(name=name, defaults={"expires_at": at})
        taken = Lease.objects.filter(Q(name=name), Q(expires_at__lte=at) | Q(owner__in=("", owner))).update(
            owner=owner, epoch=F("epoch") + 1, expires_at=at + timedelta(seconds=ttl_s)
        )
        return Lease.objects.get(name=name).epoch if taken == 1 else None


def renew(*, name: str, owner: str, epoch: int, ttl_s: float, at: datetime) -> bool:
    """Extends a lease that is still ours; False means that another owner has it: stop at once.

    One that ran out unclaimed goes on: nobody acted in between, and `is_held` said no meanwhile.
    """
    renewed = Lease.objects.filter(name=name, owner=owner, epoch=epoch).update(
        expires_at=at + timedelta(seconds=ttl_s)
    )
    return renewed == 1


def is_held(*, name: str, owner: str, epoch: int, at: datetime) -> bool:
    return Lease.objects.filter(name=name, owner=owner, epoch=epoch, expires_at__gt=at).exists()


def release(*, name: str, owner: str, epoch: int) -> None:
    """Lets go; does nothing when the lease has already passed to somebody else."""
    Lease.objects.filter(name=name, owner=owner, epoch=epoch).update(
        owner="", expires_at=F("expires_at") - timedelta(days=1)
    )
