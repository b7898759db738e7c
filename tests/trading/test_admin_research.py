"""The admin lists stored backtests, shows one, and sets several side by side."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.factories import AT
from tests.trading.services.bench_desk import request, store_bars
from trading.services import backtests

pytestmark = pytest.mark.django_db


def test_runs_are_listed_shown_and_compared(tmp_path: Path, settings: Any) -> None:
    settings.HOME = tmp_path
    store_bars(tmp_path)
    rows = [backtests.run(request(parameters={"rsi_below": below}), at=AT).row for below in (31.25, 41.75)]
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    changelist = reverse("admin:trading_backtest_changelist")

    listed = client.get(changelist).content.decode()
    assert all(
        text in listed for text in ("mean-reversion", rows[0].version, f"{rows[0].total_return_ratio:.2%}")
    )
    page = client.get(reverse("admin:trading_backtest_change", args=[rows[0].pk])).content.decode()
    assert "31.25" in page
    assert "max_drawdown_ratio" in page
    side_by_side = client.post(
        changelist, {"action": "compare", "_selected_action": [row.pk for row in rows]}
    ).content.decode()
    assert "<tr><th>rsi_below</th><td>31.25</td><td>41.75</td></tr>" in side_by_side
    denied = client.post(changelist, {"action": "delete_selected", "_selected_action": [rows[0].pk]})
    assert "Are you sure" not in denied.content.decode()
