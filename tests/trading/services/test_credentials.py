"""Exchange keys go into the vault and never into a log, a traceback, a task message or a row in the clear."""

import io
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core import serializers

from neuratrade.lib.logs import LineFormatter, RedactFilter
from neuratrade.lib.redact import redact
from neuratrade.lib.vault import FILE_NAME, BrokenSealError, Cost, VaultError, WrongPassphraseError
from tests.factories import AT
from trading.errors import ConfigurationError
from trading.models import Credential
from trading.protocols import Credentials
from trading.services import credentials

FAST = Cost(memory_mib=1, time_cost=1, parallelism=1, is_for_tests=True)
KEYS = Credentials(
    key="Kx7pQ2-key-of-the-exchange", secret="Zt9+secret/of=the exchange", passphrase="pass-1234"
)


@pytest.fixture(autouse=True)
def _passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    source = tmp_path / "passphrase"
    source.write_text("correct horse battery\n")
    monkeypatch.setenv("NEURATRADE_PASSPHRASE_FILE", str(source))
    credentials.lock()
    yield
    credentials.lock()
    (settings.HOME / FILE_NAME).unlink(missing_ok=True)


def _store(keys: Credentials = KEYS) -> Credential:
    return credentials.store(label="binance", credentials=keys, at=AT, cost=FAST)


def _restart() -> None:
    credentials.lock()


def test_keys_come_back_after_a_restart(db: None) -> None:
    row = _store()
    _restart()
    assert credentials.reveal(Credential.objects.get(pk=row.pk)) == KEYS


def test_the_row_holds_nothing_in_the_clear(db: None) -> None:
    row = Credential.objects.get(pk=_store().pk)
    dump = bytes(row.sealed) + serializers.serialize("json", [row]).encode() + repr(row.__dict__).encode()
    for secret in (KEYS.key, KEYS.secret, KEYS.passphrase):
        assert secret.encode() not in dump


def test_swapped_rows_do_not_open(db: None) -> None:
    one, two = _store(), _store(Credentials(key="another-key-1", secret="another-secret-1"))
    one.sealed, two.sealed = two.sealed, one.sealed
    for row in (one, two):
        with pytest.raises(BrokenSealError, match="belongs elsewhere"):
            credentials.reveal(row)


def test_a_cut_row_does_not_open(db: None) -> None:
    row = _store()
    for length in (0, 10, 17, 40, len(row.sealed) - 1):
        with pytest.raises(BrokenSealError):
            credentials.reveal(Credential(id=row.pk, sealed=bytes(row.sealed)[:length]))


def test_the_wrong_passphrase_is_one_clear_line(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    row = _store()
    _restart()
    monkeypatch.delenv("NEURATRADE_PASSPHRASE_FILE")
    monkeypatch.setenv("NEURATRADE_PASSPHRASE", "wrong horse battery")
    with pytest.raises(WrongPassphraseError):
        credentials.reveal(row)


def test_without_a_passphrase_the_vault_stays_locked(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEURATRADE_PASSPHRASE_FILE")
    with pytest.raises(ConfigurationError, match="NEURATRADE_PASSPHRASE_FILE"):
        _store()
    assert not Credential.objects.exists()


def test_a_lost_vault_is_never_replaced_on_reading(db: None) -> None:
    row = _store()
    _restart()
    (settings.HOME / FILE_NAME).unlink()
    with pytest.raises(VaultError, match="no vault"):
        credentials.reveal(row)
    assert not (settings.HOME / FILE_NAME).exists()


@pytest.mark.parametrize(
    "keys", [Credentials("short", "long-enough-secret"), Credentials("long-enough-key", "x")]
)
def test_keys_too_short_to_redact_are_refused(db: None, keys: Credentials) -> None:
    with pytest.raises(ConfigurationError, match="under 8 characters"):
        _store(keys)
    assert not Credential.objects.exists()


def test_rotation_seals_every_row_anew_and_a_running_process_follows(db: None) -> None:
    row = _store()
    before = bytes(row.sealed)
    executor = credentials._vault(None)
    _restart()
    assert credentials.rotate_keys() == 1
    after = Credential.objects.get()
    assert bytes(after.sealed) != before
    assert not executor.holds_key_of(bytes(after.sealed))
    assert credentials.reveal(after) == KEYS
    with pytest.raises(BrokenSealError):
        credentials.reveal(Credential(id=row.pk, sealed=before))


def test_a_new_passphrase_needs_no_key_again(
    db: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    row = _store()
    credentials.change_passphrase(new="a new passphrase, longer")
    _restart()
    (tmp_path / "passphrase").write_text("a new passphrase, longer")
    assert credentials.reveal(row) == KEYS


def test_no_sink_shows_a_key(db: None) -> None:
    """Log lines, formatted arguments, tracebacks, reprs and what Celery would show of a task's arguments."""
    found = credentials.reveal(_store())
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RedactFilter())
    handler.setFormatter(LineFormatter())
    log = logging.getLogger("leak-test")
    log.addHandler(handler)
    log.propagate = False
    try:
        log.warning("key=%s", found.key)
        log.warning("all=%r", found)
        log.warning("nested %s", {"headers": {"X-MBX-APIKEY": found.key, "sign": found.secret}})
        try:
            raise RuntimeError(f"venue refused {found.secret} with {found.passphrase}")
        except RuntimeError:
            log.exception("call failed")
            shown = redact(traceback.format_exc())
    finally:
        log.removeHandler(handler)
    from celery.utils.saferepr import saferepr

    sinks = [stream.getvalue(), shown, saferepr((found,)), repr([found]), str(found), f"{found}"]
    for secret in (KEYS.key, KEYS.secret, KEYS.passphrase):
        for sink in sinks:
            assert secret not in sink
    assert stream.getvalue().count("[redacted]") >= 6
