"""One owner at a time, and every new owner gets a higher fencing token."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from tests.factories import AT
from trading.services import leases

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def later(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def test_a_running_lease_keeps_others_out_until_it_ends() -> None:
    epoch = leases.acquire(name="a", owner="one", ttl_s=10, at=AT)
    assert epoch == 1
    assert leases.acquire(name="a", owner="two", ttl_s=10, at=later(9)) is None
    assert leases.acquire(name="a", owner="two", ttl_s=10, at=later(10)) == 2
    assert not leases.renew(name="a", owner="one", epoch=1, ttl_s=10, at=later(11))


def test_release_lets_the_next_in_at_once_and_only_the_owner_can() -> None:
    epoch = leases.acquire(name="a", owner="one", ttl_s=10, at=AT)
    assert epoch is not None
    leases.release(name="a", owner="two", epoch=epoch)
    assert leases.is_held(name="a", owner="one", epoch=epoch, at=later(1))
    leases.release(name="a", owner="one", epoch=epoch)
    assert leases.acquire(name="a", owner="two", ttl_s=10, at=later(1)) == 2


def test_a_lease_that_ran_out_unclaimed_goes_on_with_the_same_token() -> None:
    epoch = leases.acquire(name="a", owner="one", ttl_s=10, at=AT)
    assert epoch is not None
    assert not leases.is_held(name="a", owner="one", epoch=epoch, at=later(12))
    assert leases.renew(name="a", owner="one", epoch=epoch, ttl_s=10, at=later(12))
    assert leases.is_held(name="a", owner="one", epoch=epoch, at=later(13))
    assert leases.acquire(name="a", owner="two", ttl_s=10, at=later(13)) is None


def test_a_released_lease_is_not_renewed() -> None:
    epoch = leases.acquire(name="a", owner="one", ttl_s=10, at=AT)
    assert epoch is not None
    leases.release(name="a", owner="one", epoch=epoch)
    assert not leases.renew(name="a", owner="one", epoch=epoch, ttl_s=10, at=later(1))


class LeaseHistoryTest(TestCase):
    @settings(deadline=None)
    @given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 20)), max_size=20))
    def test_epochs_only_grow_and_never_two_hold(self, attempts: list[tuple[str, float]]) -> None:
        at, held, highest = AT, {}, 0
        for owner, wait_s in attempts:
            at += timedelta(seconds=wait_s)
            epoch = leases.acquire(name="x", owner=owner, ttl_s=10, at=at)
            if epoch is not None:
                assert epoch > highest
                highest = epoch
                held[owner] = epoch
            holders = [
                name
                for name, token in held.items()
                if leases.is_held(name="x", owner=name, epoch=token, at=at)
            ]
            assert len(holders) <= 1
