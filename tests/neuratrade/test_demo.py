"""The demo's home: venues, instruments and accounts as the practice venues have them."""

import gzip
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from neuratrade import demo
from neuratrade.supervise import home as homes
from tests.factories import AT
from trading.models import Account, Instrument, Operator, Venue
from trading.practice.errors import PracticeError
from trading.services import credentials, ledger
from trading.types import Mode

GENERATED = demo.DemoOptions(candles=None, mode=Mode.PAPER, speed=1.0, seed=7, port=18_101)


@pytest.fixture
def home(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NEURATRADE_PASSPHRASE_FILE", "")
    settings.HOME, settings.KEYS_DIR = tmp_path / "demo", tmp_path / "demo" / "keys"
    settings.RUN_DIR, settings.LOG_DIR = settings.HOME / "run", settings.HOME / "logs"
    return settings.HOME


def prepare(options: demo.DemoOptions) -> list[str]:
    said: list[str] = []
    demo.prepare_demo(options, is_fresh=False, at=AT, say=said.append)
    return said


@pytest.mark.django_db
def test_paper_on_two_venues_with_six_pairs(home: Path) -> None:
    prepare(GENERATED)
    prepare(GENERATED)

    assert set(Venue.objects.values_list("name", flat=True)) == {"binance", "kraken"}
    assert Instrument.objects.filter(is_watched=True).count() == 12
    assert "18101" in str(Venue.objects.get(name="binance").options)
    assert "18102" in str(Venue.objects.get(name="kraken").options)
    for account in Account.objects.all():
        assert account.credential is None
        assert ledger.balances(account=account) == {"USDT": Decimal(10_000)}
    stored = homes.read_demo(home)
    assert stored is not None
    assert stored.ports == [18_101, 18_102, 18_103]


@pytest.mark.django_db
def test_live_keys_go_through_the_vault(home: Path) -> None:
    prepare(replace(GENERATED, mode=Mode.LIVE))

    account = Account.objects.get(venue__name="kraken", mode="live")
    assert account.credential is not None
    assert credentials.reveal(account.credential) == demo.PRACTICE_KEYS["kraken"]
    assert demo.PRACTICE_KEYS["kraken"].secret.encode() not in bytes(account.credential.sealed)
    assert (home / homes.DEMO_PASSPHRASE).stat().st_mode & 0o077 == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cannot be read"),
        (b"a,b\n1,2\n", "no column for time"),
        (b"time,open,high,low,close,volume\n" + b"1,1,1,1,-1,1\n" * 20, "zero or negative"),
    ],
)
def test_a_bad_candles_file_changes_nothing(home: Path, tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "candles.csv.gz"
    file.write_bytes(gzip.compress(content))

    with pytest.raises(PracticeError, match=reason):
        prepare(replace(GENERATED, candles=file))
    assert not home.exists()
    assert not Operator.objects.exists()


@pytest.mark.django_db
def test_recorded_candles_set_the_market(home: Path, recorded: Path) -> None:
    file = recorded / "btc-perp-1m-2022-01.csv.gz"
    prepare(replace(GENERATED, candles=file))

    stored = homes.read_demo(home)
    assert stored is not None
    assert stored.practice_arguments[-2:] == ("--candles", str(file))
