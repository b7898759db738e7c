"""Keeps secrets sealed at rest: a random data key seals them, and a key derived from the operator's passphrase wraps the data key.

So a new passphrase re-wraps one small file and touches no secret (OWASP, Cryptographic Storage; RFC 9106 for Argon2id).
Every seal is bound to its table, row and field: moved elsewhere, it does not open. What is unsealed is registered for redaction.
"""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from neuratrade.lib.redact import register_secret

FILE_NAME = "vault.json"
SHORTEST_PASSPHRASE = 10
_FORMAT = 1
_KEY_BYTES = 32
_NONCE_BYTES = 12
_HEADER_BYTES = 5  # format (1), key version (4)
_LARGEST_MEMORY_MIB = 4096


class VaultError(Exception):
    """The vault cannot do what was asked; the message is one line that says what to do."""


class WrongPassphraseError(VaultError):
    pass


class BrokenSealError(VaultError):
    """The sealed bytes were cut, changed, or moved from another row or field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Argon2id's price of one guess. `is_for_tests` lifts the floor; no caller in the product sets it."""

    memory_mib: int = 256
    time_cost: int = 3
    parallelism: int = 4
    is_for_tests: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        floor = 1 if self.is_for_tests else 64
        if not floor <= self.memory_mib <= _LARGEST_MEMORY_MIB:
            raise VaultError(
                f"the vault's memory cost must lie between {floor} and {_LARGEST_MEMORY_MIB} MiB"
            )
        if not 1 <= self.time_cost <= 100 or not 1 <= self.parallelism <= 64:
            raise VaultError(
                "the vault's time cost must lie between 1 and 100, its parallelism between 1 and 64"
            )

    def derive(self, passphrase: str, *, salt: bytes) -> bytes:
        """The 32-byte key of `passphrase`; takes about a second at the default cost."""
        from argon2.low_level import Type, hash_secret_raw

        return hash_secret_raw(
            passphrase.encode(),
            salt,
            time_cost=self.time_cost,
            memory_cost=self.memory_mib * 1024,
            parallelism=self.parallelism,
            hash_len=_KEY_BYTES,
            type=Type.ID,
        )


DEFAULT_COST = Cost()


class Vault:
    """An open vault. It holds the data keys in memory and shows none of them."""

    def __init__(self, *, path: Path, keys: Mapping[int, bytes], cost: Cost, salt: bytes, kek: bytes) -> None:
        self._path = path
        self._keys = dict(keys)
        self._cost = cost
        self._salt = salt
        self._kek = kek

    def __repr__(self) -> str:
        return f"Vault({str(self._path)!r}, key version {self.key_version})"

    def __reduce__(self) -> Any:
        raise TypeError("an open vault does not leave its process")

    @classmethod
    def exists(cls, home: Path) -> bool:
        return (home / FILE_NAME).exists()

    @classmethod
    def create(cls, home: Path, passphrase: str, *, cost: Cost = DEFAULT_COST) -> Self:
        """A new vault in `home`; raises VaultError when there is one already or the passphrase is too short."""
        path = home / FILE_NAME
        if path.exists():
            raise VaultError(f"there is a vault at {path} already; open it, or move it away")
        _check_passphrase(passphrase)
        salt = secrets.token_bytes(16)
        kek = cost.derive(passphrase, salt=salt)
        vault = cls(path=path, keys={1: secrets.token_bytes(_KEY_BYTES)}, cost=cost, salt=salt, kek=kek)
        vault._save(is_new=True)
        return vault

    @classmethod
    def open(cls, home: Path, passphrase: str) -> Self:
        """The vault of `home`; raises WrongPassphraseError, or VaultError when the file is absent or damaged."""
        path = home / FILE_NAME
        try:
            data = json.loads(path.read_text(encoding="ascii"))
            cost = Cost(**data["cost"], is_for_tests=True)
            salt = base64.b64decode(data["salt"], validate=True)
            wrapped = {
                int(version): base64.b64decode(text, validate=True) for version, text in data["keys"].items()
            }
        except FileNotFoundError as error:
            raise VaultError(f"there is no vault at {path}; store a credential first") from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise VaultError(f"the vault at {path} is damaged; restore it from a backup") from error
        if not wrapped:
            raise VaultError(f"the vault at {path} holds no key; restore it from a backup")
        if len(passphrase) >= SHORTEST_PASSPHRASE:
            register_secret(passphrase)
        kek = cost.derive(passphrase, salt=salt)
        try:
            keys = {version: _unwrap(kek, blob, version=version) for version, blob in wrapped.items()}
        except InvalidTag as error:
            raise WrongPassphraseError(
                "the passphrase does not open the vault; check NEURATRADE_PASSPHRASE or its _FILE"
            ) from error
        return cls(path=path, keys=keys, cost=cost, salt=salt, kek=kek)

    @property
    def key_version(self) -> int:
        """The version that new seals use."""
        return max(self._keys)

    def holds_key_of(self, sealed: bytes) -> bool:
        """False when another process rotated the keys since this vault was opened."""
        return version_of(sealed) in self._keys

    def seal(self, text: str, *, table: str, row_id: str, column: str) -> bytes:
        """`text` as bytes that only this vault opens, and only for this place."""
        header = _FORMAT.to_bytes(1, "big") + self.key_version.to_bytes(4, "big")
        nonce = secrets.token_bytes(_NONCE_BYTES)
        place = _place(header, table, row_id, column)
        return header + nonce + AESGCM(self._keys[self.key_version]).encrypt(nonce, text.encode(), place)

    def unseal(self, sealed: bytes, *, table: str, row_id: str, column: str) -> str:
        """The text; raises BrokenSealError when the bytes or the place are not those of the seal."""
        header, nonce, body = (
            sealed[:_HEADER_BYTES],
            sealed[_HEADER_BYTES : _HEADER_BYTES + _NONCE_BYTES],
            sealed[_HEADER_BYTES + _NONCE_BYTES :],
        )
        key = self._keys.get(version_of(sealed))
        if key is None or header[0] != _FORMAT:
            raise BrokenSealError(
                f"{table} {row_id}: sealed with a key this vault does not hold; enter it again"
            )
        try:
            text = AESGCM(key).decrypt(nonce, body, _place(header, table, row_id, column)).decode()
        except (InvalidTag, ValueError) as error:
            raise BrokenSealError(
                f"{table} {row_id}: the sealed {column} was changed or belongs elsewhere; enter it again"
            ) from error
        if len(text) >= SHORTEST_PASSPHRASE:
            register_secret(text)
        return text

    def change_passphrase(self, new: str, *, cost: Cost | None = None) -> None:
        """Wraps the same data keys with a key from `new`; no sealed value changes."""
        _check_passphrase(new)
        self._cost = cost or self._cost
        self._salt = secrets.token_bytes(16)
        self._kek = self._cost.derive(new, salt=self._salt)
        self._save()

    def rotate(self) -> int:
        """Adds a data key and seals with it from now on; older seals still open. Returns the new key version."""
        version = self.key_version + 1
        self._keys[version] = secrets.token_bytes(_KEY_BYTES)
        self._save()
        return version

    def retire(self) -> None:
        """Forgets all data keys but the newest; call it once everything is sealed anew."""
        self._keys = {self.key_version: self._keys[self.key_version]}
        self._save()

    def _save(self, *, is_new: bool = False) -> None:
        """Replaces the file in one step: a crash leaves the old one or the new one, never half of one."""
        cost = {name: value for name, value in asdict(self._cost).items() if name != "is_for_tests"}
        keys = {
            str(version): base64.b64encode(_wrap(self._kek, key, version=version)).decode()
            for version, key in sorted(self._keys.items())
        }
        data = {"format": _FORMAT, "cost": cost, "salt": base64.b64encode(self._salt).decode(), "keys": keys}
        draft = self._path.with_suffix(f".{os.getpid()}.new")
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(json.dumps(data, indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        if not is_new:
            draft.replace(self._path)
            return
        try:
            os.link(draft, self._path)
        except FileExistsError as error:
            raise VaultError(f"another process made a vault at {self._path} just now; try again") from error
        finally:
            draft.unlink()


def version_of(sealed: bytes) -> int:
    """The key version a sealed value needs; raises BrokenSealError when it is too short to hold one."""
    if len(sealed) <= _HEADER_BYTES + _NONCE_BYTES:
        raise BrokenSealError("a sealed value was cut off; enter the secret again")
    return int.from_bytes(sealed[1:_HEADER_BYTES], "big")


def _check_passphrase(passphrase: str) -> None:
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise VaultError(f"choose a passphrase of {SHORTEST_PASSPHRASE} characters or more")
    register_secret(passphrase)


def _wrap(kek: bytes, key: bytes, *, version: int) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(kek).encrypt(nonce, key, _key_place(version))


def _unwrap(kek: bytes, blob: bytes, *, version: int) -> bytes:
    if len(blob) != _NONCE_BYTES + _KEY_BYTES + 16:
        raise VaultError("the vault's key was cut off; restore the vault from a backup")
    return AESGCM(kek).decrypt(blob[:_NONCE_BYTES], blob[_NONCE_BYTES:], _key_place(version))


def _key_place(version: int) -> bytes:
    return _place(_FORMAT.to_bytes(1, "big"), "vault", str(version), "key")


def _place(header: bytes, *parts: str) -> bytes:
    """What a seal is bound to; lengths in front, so that no two places read the same."""
    encoded = [part.encode() for part in parts]
    return b"neuratrade.vault" + header + b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
