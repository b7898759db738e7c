"""The vault opens with its passphrase, for the right place, and for nothing else."""

import json
import pickle
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neuratrade.lib.redact import MASK, redact
from neuratrade.lib.vault import (
    DEFAULT_COST,
    FILE_NAME,
    BrokenSealError,
    Cost,
    Vault,
    VaultError,
    WrongPassphraseError,
)

FAST = Cost(memory_mib=1, time_cost=1, parallelism=1, is_for_tests=True)
PASSPHRASE = "a long enough passphrase"
PLACE = {"table": "t", "row_id": "1", "column": "c"}


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.create(tmp_path, PASSPHRASE, cost=FAST)


def test_a_seal_opens_again_after_a_restart(vault: Vault, tmp_path: Path) -> None:
    sealed = vault.seal("exchange-secret-1", **PLACE)
    assert b"exchange" not in sealed
    assert Vault.open(tmp_path, PASSPHRASE).unseal(sealed, **PLACE) == "exchange-secret-1"
    assert vault.seal("exchange-secret-1", **PLACE) != sealed


def test_the_default_cost_is_what_the_docs_promise(tmp_path: Path) -> None:
    assert (DEFAULT_COST.memory_mib, DEFAULT_COST.time_cost, DEFAULT_COST.parallelism) == (256, 3, 4)
    with pytest.raises(VaultError, match="between 64"):
        Cost(memory_mib=63)


def test_the_stored_cost_is_the_one_used(tmp_path: Path) -> None:
    Vault.create(tmp_path, PASSPHRASE, cost=Cost(memory_mib=64, time_cost=1))
    stored = json.loads((tmp_path / FILE_NAME).read_text())["cost"]
    assert stored == {"memory_mib": 64, "time_cost": 1, "parallelism": 4}
    assert Vault.open(tmp_path, PASSPHRASE).key_version == 1


def test_a_wrong_passphrase_opens_nothing(vault: Vault, tmp_path: Path) -> None:
    with pytest.raises(WrongPassphraseError, match="NEURATRADE_PASSPHRASE"):
        Vault.open(tmp_path, PASSPHRASE + "!")


def test_a_short_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="10 characters"):
        Vault.create(tmp_path, "short", cost=FAST)
    assert not Vault.exists(tmp_path)


def test_a_vault_is_never_overwritten(vault: Vault, tmp_path: Path) -> None:
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(VaultError, match="already"):
        Vault.create(tmp_path, PASSPHRASE, cost=FAST)
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_only_the_owner_reads_the_file(vault: Vault, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("changed", [{"table": "u"}, {"row_id": "2"}, {"column": "d"}])
def test_a_seal_moved_elsewhere_does_not_open(vault: Vault, changed: dict[str, str]) -> None:
    sealed = vault.seal("exchange-secret-1", **PLACE)
    with pytest.raises(BrokenSealError):
        vault.unseal(sealed, **{**PLACE, **changed})


def test_two_places_never_read_the_same(vault: Vault) -> None:
    sealed = vault.seal("exchange-secret-1", table="ab", row_id="c", column="d")
    with pytest.raises(BrokenSealError):
        vault.unseal(sealed, table="a", row_id="bc", column="d")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_every_flipped_bit_and_every_cut_is_noticed(vault: Vault, data: st.DataObject) -> None:
    sealed = vault.seal("exchange-secret-1", **PLACE)
    position = data.draw(st.integers(0, len(sealed) - 1))
    flipped = bytearray(sealed)
    flipped[position] ^= 1 << data.draw(st.integers(0, 7))
    for forged in (bytes(flipped), sealed[:position]):
        with pytest.raises(BrokenSealError):
            vault.unseal(forged, **PLACE)


def test_a_new_passphrase_rewraps_and_leaves_seals_alone(vault: Vault, tmp_path: Path) -> None:
    sealed = vault.seal("exchange-secret-1", **PLACE)
    vault.change_passphrase("another long passphrase")
    with pytest.raises(WrongPassphraseError):
        Vault.open(tmp_path, PASSPHRASE)
    assert Vault.open(tmp_path, "another long passphrase").unseal(sealed, **PLACE) == "exchange-secret-1"


def test_rotation_reads_old_seals_until_they_are_retired(vault: Vault, tmp_path: Path) -> None:
    old = vault.seal("exchange-secret-1", **PLACE)
    assert vault.rotate() == 2
    again = Vault.open(tmp_path, PASSPHRASE)
    assert again.unseal(old, **PLACE) == "exchange-secret-1"
    new = again.seal("exchange-secret-1", **PLACE)
    again.retire()
    assert Vault.open(tmp_path, PASSPHRASE).unseal(new, **PLACE) == "exchange-secret-1"
    with pytest.raises(BrokenSealError, match="does not hold"):
        Vault.open(tmp_path, PASSPHRASE).unseal(old, **PLACE)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"cost": {}, "salt": "!", "keys": {}}', "\x00"])
def test_a_damaged_file_is_one_clear_line(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(VaultError, match=r"damaged|no key") as caught:
        Vault.open(tmp_path, PASSPHRASE)
    assert "\n" not in str(caught.value)


def test_a_changed_cost_or_salt_or_cut_key_opens_nothing(vault: Vault, tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    data = json.loads(path.read_text())
    for change in (
        {"cost": {**data["cost"], "time_cost": 2}},
        {"salt": "AAAAAAAAAAAAAAAAAAAAAA=="},
        {"keys": {"1": data["keys"]["1"][:-8]}},
        {"keys": {"2": data["keys"]["1"]}},
    ):
        path.write_text(json.dumps({**data, **change}))
        with pytest.raises(VaultError):
            Vault.open(tmp_path, PASSPHRASE)


def test_an_absent_vault_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="no vault"):
        Vault.open(tmp_path, PASSPHRASE)


def test_what_was_unsealed_is_redacted_from_then_on(vault: Vault, tmp_path: Path) -> None:
    sealed = vault.seal("never-seen-before-77", **PLACE)
    assert redact("never-seen-before-77") == "never-seen-before-77"
    Vault.open(tmp_path, PASSPHRASE).unseal(sealed, **PLACE)
    assert redact("x never-seen-before-77 y") == f"x {MASK} y"
    assert redact(f"NEURATRADE_PASSPHRASE={PASSPHRASE}") == f"NEURATRADE_PASSPHRASE={MASK}"


def test_an_open_vault_shows_and_leaves_nothing(vault: Vault) -> None:
    assert "bytes" not in repr(vault)
    assert "\\x" not in repr(vault)
    with pytest.raises(TypeError, match="does not leave"):
        pickle.dumps(vault)
