import json
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neuratrade.lib.storable import storable, text
from tests.factories import AT
from trading.models import Event
from trading.services import audit, events

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.postgres
@pytest.mark.django_db
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(value=VALUES)
def test_the_database_returns_what_was_hashed(db: Any, value: object) -> None:
    with transaction.atomic():
        event = events.append(kind="state.changed", mode="paper", payload={"value": value}, at=AT)
    again = Event.objects.get(pk=event.pk)
    assert json.dumps(again.payload, sort_keys=True) == json.dumps(event.payload, sort_keys=True)
    assert events.digest_of(again) == event.digest


@pytest.mark.postgres
@pytest.mark.django_db
@pytest.mark.parametrize(
    "value", [1e16, 1.5e300, 1e23, -0.0, 1e-7, 1.0, 2**80, "a\x00b", "\ud83d alone", "😀"]
)
def test_the_chain_holds_for(value: object) -> None:
    with transaction.atomic():
        events.append(kind="state.changed", mode="paper", payload={"value": value}, at=AT)
    assert audit.verify().id == 1
    audit.head_path().unlink(missing_ok=True)


def test_what_cannot_be_stored_is_replaced_and_the_rest_is_kept() -> None:
    assert text("a\x00b\ud800c😀") == "a\ufffdb\ufffdc😀"
    assert storable({"a\x00": ("\x00", 1.5, True, None)}) == {"a\ufffd": ["\ufffd", 1.5, True, None]}
