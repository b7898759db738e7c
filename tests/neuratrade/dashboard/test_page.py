"""The page in a real browser, served by the real ASGI server over the real database."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection

from neuratrade.lib.clock import now
from tests.browsing import chromium, served
from tests.factories import Desk, make_desk
from trading.models import Decision, EquityMark, Position
from trading.services import decisions

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

HOSTILE = "<img src=x onerror=\"document.title='owned'\">"


@pytest.fixture
def live_desk(transactional_db: None, redis_client: object) -> Desk:
    at = now()
    desk = make_desk(at=at)
    for minute in range(30):
        equity = Decimal(10_000) + minute
        EquityMark.objects.create(
            operator=desk.operator,
            mode="paper",
            at=at - timedelta(minutes=30 - minute),
            equity=equity,
            cash=equity,
            unrealised_pnl=Decimal(0),
            units=Decimal(10_000),
            nav=equity / 10_000,
            is_fresh=True,
        )
    Position.objects.create(
        account=desk.account(),
        instrument=desk.instrument(),
        size_base=Decimal("0.02"),
        average_cost=Decimal(50_000),
        stop_price=Decimal(49_000),
        opened_at=at,
        changed_at=at,
    )
    return desk


@pytest.fixture
def address(live_desk: Desk) -> Iterator[str]:
    """The dashboard's address while a real server answers in a thread."""
    with served() as found:
        yield found


@pytest.fixture
def browser(address: str) -> Iterator[object]:
    with chromium() as found:
        yield found


def aside(change: Callable[[], object]) -> object:
    """Runs a database change in a thread of its own: the browser's event loop occupies this one."""

    def run() -> object:
        try:
            return change()
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(run).result()


def open_decision(desk: Desk, *, source: str = "scan_momentum") -> Decision:
    return decisions.open_decision(
        account=desk.account(), instrument=desk.instrument(), source=source, market={"mid": "50000"}, at=now()
    )


def test_the_page_shows_the_desk_and_follows_it_live(browser, address: str, live_desk: Desk) -> None:
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    page.wait_for_selector("body[data-ready=true]")
    assert page.inner_text("#equity") == "10,029.00"
    assert page.inner_text("#mode").lower() == "paper"
    assert page.inner_text("#state").lower() == "active"
    assert "0.02" in page.inner_text("#positions")
    assert page.locator("#curve .line").count() == 1

    decision = aside(lambda: open_decision(live_desk))
    page.wait_for_selector(".decision")
    aside(lambda: decisions.end(decision_id=decision.pk, status="no_trade", reason="flat market", at=now()))
    page.wait_for_selector("text=flat market")
    assert "no trade" in page.inner_text(".decision header")

    page.click(".decision button.why")
    page.wait_for_selector("#why[open] h3")
    assert "flat market" in page.inner_text("#why-body")
    assert errors == []


def test_a_phone_sees_everything_without_sideways_scrolling(browser, address: str, live_desk: Desk) -> None:
    aside(lambda: open_decision(live_desk))
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(address)
    page.wait_for_selector(".decision")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_text_from_outside_stays_text(browser, address: str, live_desk: Desk) -> None:
    aside(lambda: open_decision(live_desk, source=HOSTILE))
    page = browser.new_page()
    page.goto(address)
    page.wait_for_selector(".decision")
    assert HOSTILE in page.inner_text(".decision header")
    assert page.title() == "NeuraTrade"


def test_a_page_open_to_others_asks_for_a_login(client, live_desk: Desk, settings) -> None:
    call_command("createsuperuser", "--noinput", username="op", email="op@example.org")
    settings.WEB_HOST = "0.0.0.0"
    for path in ("/", "/stream"):
        answer = client.get(path)
        assert answer.status_code == 302, path
        assert answer["Location"].startswith("/admin/login/")
