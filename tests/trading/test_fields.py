"""Money survives the database to the last digit."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from tests.factories import AT, make_desk
from trading.fields import ExactDecimalField
from trading.models import Posting

pytestmark = pytest.mark.postgres


class ExactDecimalStorageTest(TestCase):
    @given(
        st.decimals(allow_nan=False, allow_infinity=False, places=18, min_value=-(10**15), max_value=10**15)
    )
    def test_every_digit_comes_back(self, amount: Decimal) -> None:
        desk = make_desk(at=AT)
        posting = Posting.objects.create(
            account=desk.account(), asset="BTC", amount=amount, kind="trade", at=AT
        )
        stored = Posting.objects.get(pk=posting.pk).amount
        assert stored == amount
        assert not ("." in format(stored, "f") and format(stored, "f").endswith("0")), "shortest spelling"


@pytest.mark.parametrize("value", [0.1, float("nan"), "12,5", Decimal("NaN"), Decimal("Infinity")])
def test_what_is_not_exact_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        ExactDecimalField().get_prep_value(value)
