"""Key files: made once, private, and never guessed at when damaged."""

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from trading.errors import ConfigurationError
from trading.services import keys


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.KEYS_DIR = tmp_path / "keys"
    return settings.KEYS_DIR


def test_many_that_start_at_once_make_one_pair(folder):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: keys.create_if_absent(), range(16)))
    assert keys.signing_key().public_key().public_bytes_raw() == keys.public_key().public_bytes_raw()
    assert sorted(path.name for path in folder.iterdir()) == [
        "installation_id",
        "risk_public_key",
        "risk_signing_key",
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_made_once(folder):
    keys.create_if_absent()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    keys.create_if_absent()
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}
    assert len(keys.installation_id()) == 32


@pytest.mark.parametrize(
    ("harm", "match"),
    [
        (lambda folder: (folder / "risk_signing_key").unlink(), "is missing; run: neuratrade prepare"),
        (lambda folder: (folder / "risk_signing_key").write_text("zz"), "cannot be read"),
        (lambda folder: (folder / "risk_signing_key").write_text("ab"), "damaged"),
        (lambda folder: (folder / "risk_signing_key").chmod(0o640), "chmod 600"),
    ],
)
def test_a_bad_key_file_is_one_clear_line(folder, harm, match):
    keys.create_if_absent()
    harm(folder)
    with pytest.raises(ConfigurationError, match=match):
        keys.signing_key()


def test_a_lost_private_key_is_not_replaced_silently(folder):
    keys.create_if_absent()
    (folder / "risk_signing_key").unlink()
    with pytest.raises(ConfigurationError, match="restore it from a backup"):
        keys.create_if_absent()


def test_a_lost_public_key_follows_from_the_private_one(folder):
    keys.create_if_absent()
    (folder / "risk_public_key").unlink()
    keys.create_if_absent()
    assert keys.signing_key().public_key().public_bytes_raw() == keys.public_key().public_bytes_raw()
