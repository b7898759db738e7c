"""What the operator and the monitoring are told: doctor, /live, /ready, /health, /metrics."""

import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings

from neuratrade import health
from neuratrade.checks import (
    ai_provider,
    clock,
    disk,
    market,
    migrations,
    processes,
    redis,
    secrets,
    signing_keys,
    trading_state,
)
from neuratrade.lib import redis as bus
from neuratrade.lib.clock import now, to_epoch_ms
from neuratrade.lib.health import CheckResult, CheckStatus
from neuratrade.supervise.status import ProcessStatus
from tests.factories import AT, Desk
from trading.models import EquityMark, Heartbeat
from trading.services import keys, market_wire
from trading.types import Quote

DASHBOARD = Path(__file__).resolve().parents[2] / "deploy" / "grafana-dashboard.json"


@pytest.fixture
def own_keys(tmp_path: Path, settings: Settings) -> Path:
    settings.KEYS_DIR = tmp_path / "keys"
    keys.create_if_absent()
    return settings.KEYS_DIR


def report_stream(desk: Desk, *, age_s: float) -> None:
    seen = to_epoch_ms(AT) - int(age_s * 1000)
    content = {
        "seen_ms": seen,
        "reported_ms": to_epoch_ms(AT),
        "source": "websocket",
        "messages_per_s": 3.0,
        "status": "ok",
    }
    for instrument in desk.instruments.values():
        key = bus.latest_key(venue=instrument.venue.name, symbol=instrument.symbol, kind="health")
        bus.client().set(key, json.dumps(content))


def equity(desk: Desk, *, nav: str, ago: timedelta) -> None:
    EquityMark.objects.create(
        operator=desk.operator, mode="paper", at=now() - ago, equity=Decimal(nav) * 100, cash=Decimal(1),
        unrealised_pnl=Decimal(2), units=Decimal(100), nav=Decimal(nav), is_fresh=True,
    )  # fmt: skip


def shape(result: CheckResult) -> None:
    """Every finding says what was seen; every one that is not fine says what to do."""
    assert result.evidence
    assert bool(result.remedy) == (result.status is not CheckStatus.OK)


@pytest.mark.django_db
def test_every_check_answers_in_shape(desk: Desk, redis_client: object) -> None:
    for result in health.run_checks(at=AT):
        shape(result)
        assert not result.evidence.startswith("the check itself failed"), result


def test_a_check_that_raises_is_a_finding() -> None:
    def broken(at: object) -> CheckResult:
        raise RuntimeError("two\nlines")

    result = health._run("some_thing", broken, at=AT)

    assert (result.name, result.status) == ("some thing", CheckStatus.FAILED)
    assert result.evidence == "the check itself failed: RuntimeError: two lines"


@pytest.mark.django_db
def test_redis_away_fails_and_says_so(settings: Settings, tmp_path: Path) -> None:
    settings.REDIS_URL = f"unix://{tmp_path}/none.sock"
    bus.client.cache_clear()
    try:
        assert redis.check(AT).status is CheckStatus.FAILED
        assert market.check(AT).status in {CheckStatus.FAILED, CheckStatus.WARNING}
        assert Client().get("/ready").status_code == 503
        assert Client().get("/live").status_code == 200
        assert Client().get("/metrics").status_code == 200
    finally:
        bus.client.cache_clear()


@pytest.mark.django_db
def test_ready_when_the_essentials_are(redis_client: object) -> None:
    answer = Client().get("/ready")

    assert answer.status_code == 200
    assert {check["name"] for check in answer.json()["checks"]} == health.ESSENTIAL
    assert Client().post("/ready").status_code == 405


@pytest.mark.django_db
def test_a_missing_migration_is_seen() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")

    result = migrations.check(AT)

    assert result.status is CheckStatus.FAILED
    assert "sessions.0001_initial" in result.evidence
    assert "neuratrade prepare" in result.remedy


@pytest.mark.django_db
def test_stale_streams(desk: Desk, redis_client: object) -> None:
    report_stream(desk, age_s=1)
    assert market.check(AT).status is CheckStatus.OK

    report_stream(desk, age_s=60)
    result = market.check(AT)
    assert result.status is CheckStatus.FAILED
    assert "2 of 2 streams stale" in result.evidence


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("ahead_s", "status"), [(3.0, CheckStatus.FAILED), (0.9, CheckStatus.OK), (-60.0, CheckStatus.OK)]
)
def test_a_clock_behind_the_venues(
    desk: Desk, redis_client: object, ahead_s: float, status: CheckStatus
) -> None:
    """Only a quote from the future says something about the clock; an old one may just be old."""
    quote = Quote(
        venue="binance",
        symbol="BTC/USDT",
        bid=Decimal(1),
        ask=Decimal(2),
        bid_size=Decimal(1),
        ask_size=Decimal(1),
        as_of=AT + timedelta(seconds=ahead_s),
        received_at=AT,
    )
    key = bus.latest_key(venue="binance", symbol="BTC/USDT", kind="quote")
    bus.client().set(key, market_wire.dump_quote(quote))

    # However long the check itself took to get here.
    assert clock.check(AT + timedelta(seconds=9)).status is status


def test_keys_that_do_not_belong_together(own_keys: Path) -> None:
    assert signing_keys.check(AT).status is CheckStatus.OK

    (own_keys / keys.PUBLIC_KEY).write_text("11" * 32)
    assert signing_keys.check(AT).status is CheckStatus.FAILED


def test_secrets_that_others_may_read(own_keys: Path, settings: Settings, tmp_path: Path) -> None:
    settings.HOME = tmp_path
    tmp_path.chmod(0o700)
    assert secrets.check(AT).status is CheckStatus.OK

    (own_keys / keys.SIGNING_KEY).chmod(0o644)
    result = secrets.check(AT)
    assert result.status is CheckStatus.FAILED
    assert keys.SIGNING_KEY in result.evidence
    assert result.remedy.startswith("chmod go= ")


def test_disk_is_measured(settings: Settings, tmp_path: Path) -> None:
    settings.HOME = tmp_path
    assert "GB free" in disk.check(AT).evidence


@pytest.mark.django_db
def test_a_halted_desk_is_told_with_its_cause(desk: Desk) -> None:
    assert trading_state.check(AT).status is CheckStatus.OK
    assert trading_state.check(AT + timedelta(minutes=1)).status is CheckStatus.WARNING  # the promise ran out

    desk.state.state, desk.state.cause = "halted", "daily loss"
    desk.state.save()
    result = trading_state.check(AT)
    assert "daily loss" in result.evidence
    assert "neuratrade resume" in result.remedy


@pytest.mark.django_db
def test_containers_show_life_by_heartbeat(settings: Settings, tmp_path: Path) -> None:
    settings.HOME = tmp_path
    assert processes.check(AT).status is CheckStatus.FAILED

    Heartbeat.objects.create(process="guard_risk", pid=1, started_at=AT, beat_at=AT, doing="guards")
    assert processes.check(AT).status is CheckStatus.OK
    assert processes.check(AT + timedelta(minutes=1)).status is CheckStatus.FAILED


@pytest.mark.django_db
def test_a_model_that_cannot_be_asked(settings: Settings) -> None:
    assert ai_provider.check(AT).status is CheckStatus.OK
    settings.AI_PROVIDER, settings.AI_MODEL = "openai_compatible", ""
    assert "NEURATRADE_AI_MODEL" in ai_provider.check(AT).remedy

    settings.AI_MODEL = "qwen"
    assert "NEURATRADE_AI_API_KEY" in ai_provider.check(AT).remedy

    settings.AI_LOCAL, settings.AI_BASE_URL = True, "http://127.0.0.1:1/v1"
    result = ai_provider.check(AT)
    assert (result.status, "does not answer" in result.evidence) == (CheckStatus.FAILED, True)


@pytest.mark.django_db
def test_doctor_prints_findings_and_fails(redis_client: object) -> None:
    out = StringIO()
    with pytest.raises(SystemExit) as ended:  # no desk runs in a test
        call_command("doctor", stdout=out)

    assert ended.value.code == 1
    assert "FAILED   processes" in out.getvalue()
    assert "-> start it: `neuratrade up`" in out.getvalue()


def scrape() -> dict[str, dict[tuple[str, ...], float]]:
    text = Client().get("/metrics").content.decode()
    return {
        family.name: {
            tuple(label for _, label in sorted(sample.labels.items())): sample.value
            for sample in family.samples
        }
        for family in text_string_to_metric_families(text)
    }


@pytest.mark.django_db
def test_metrics_tell_the_desk(desk: Desk, redis_client: object) -> None:
    equity(desk, nav="1.25", ago=timedelta(hours=2))
    equity(desk, nav="9", ago=timedelta(hours=25))  # outside the window
    equity(desk, nav="1", ago=timedelta(0))

    found = scrape()

    assert found["neuratrade_equity"] == {("paper", "operator"): 100.0}
    assert found["neuratrade_drawdown_ratio"][("paper", "operator")] == pytest.approx(0.2)
    assert found["neuratrade_trading_state"][("paper", "operator", "active")] == 1.0
    assert found["neuratrade_event_id"] == {(): 0.0}


@pytest.mark.django_db
def test_the_grafana_board_shows_metrics_that_exist(desk: Desk, redis_client: object) -> None:
    import re

    queries = [
        target["expr"] for panel in json.loads(DASHBOARD.read_text())["panels"] for target in panel["targets"]
    ]
    used = set(re.findall(r"neuratrade_\w+", " ".join(queries)))

    families: set[str] = set(scrape())
    assert len(used) >= 12
    assert used <= families


@pytest.mark.django_db(transaction=True)
def test_without_tables_doctor_points_at_the_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE trading_account RENAME TO trading_account_gone")
    try:
        (result,) = health.run_checks(at=AT, only={"accounts"})
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE trading_account_gone RENAME TO trading_account")

    assert result.status is CheckStatus.FAILED
    assert "cannot be told without the database" in result.evidence
    assert "database" in result.remedy


def test_a_process_that_runs_but_logs_errors_is_a_warning(db: None) -> None:
    def row(last_error: str) -> ProcessStatus:
        return ProcessStatus(
            name="execute_orders",
            state="running",
            pid=7,
            age_s=60,
            restarts=0,
            doing="",
            last_error=last_error,
        )

    assert processes.supervised([row("")], at=AT).status is CheckStatus.OK
    result = processes.supervised([row("ERROR the passphrase does not open the vault")], at=AT)
    assert result.status is CheckStatus.WARNING
    assert "execute_orders: ERROR the passphrase does not open the vault" in result.evidence
