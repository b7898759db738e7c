"""Exchange keys in and out of the vault. They are in the clear only in memory, at the moment of use."""

import json
import uuid
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.db import transaction

from neuratrade.lib import env
from neuratrade.lib.redact import register_secret
from neuratrade.lib.vault import DEFAULT_COST, BrokenSealError, Cost, Vault, version_of
from trading.errors import ConfigurationError
from trading.models import Credential
from trading.protocols import Credentials

_TABLE, _COLUMN = "trading_credential", "sealed"
_SHORTEST = 8


def store(*, label: str, credentials: Credentials, at: datetime, cost: Cost = DEFAULT_COST) -> Credential:
    """Seals the keys into a new row; makes the vault if there is none yet, at `cost`.

    Raises ConfigurationError for keys too short to be kept out of logs or without a passphrase, VaultError for a wrong one.
    """
    register(credentials)
    row_id = uuid.uuid4()
    return Credential.objects.create(
        id=row_id, label=label, sealed=_seal(_vault(cost), credentials, row_id=row_id), created_at=at
    )


def reveal(credential: Credential) -> Credentials:
    """The keys of a row, registered for redaction; raises VaultError when the row or the passphrase is not right."""
    sealed, vault = bytes(credential.sealed), _vault(None)
    if not vault.holds_key_of(sealed):
        lock()
        vault = _vault(None)
    text = vault.unseal(sealed, table=_TABLE, row_id=str(credential.pk), column=_COLUMN)
    try:
        parts = json.loads(text)
        found = Credentials(key=parts["key"], secret=parts["secret"], passphrase=parts["passphrase"])
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenSealError(f"{_TABLE} {credential.pk} does not hold keys; enter them again") from error
    register(found)
    return found


def rotate_keys() -> int:
    """Seals every credential with a new data key and forgets the old one; returns how many rows. Safe to repeat after a crash."""
    vault = _vault(None)
    version = vault.rotate()
    with transaction.atomic():
        rows = list(Credential.objects.select_for_update())
        for row in rows:
            row.sealed = _seal(vault, reveal(row), row_id=row.pk)
            row.save(update_fields=["sealed"])
    if all(version_of(bytes(row.sealed)) == version for row in Credential.objects.all()):
        vault.retire()
    return len(rows)


def change_passphrase(*, new: str) -> None:
    """Re-wraps the data keys; no credential has to be entered again. The passphrase source must then give the new one."""
    _vault(None).change_passphrase(new)


def register(credentials: Credentials) -> None:
    """Keeps these values out of every log line and message from now on; raises ConfigurationError for one too short for that."""
    for name in ("key", "secret", "passphrase"):
        value = getattr(credentials, name)
        if name == "passphrase" and not value:
            continue
        if len(value) < _SHORTEST:
            raise ConfigurationError(
                f"the {name} has under {_SHORTEST} characters; give the one the venue shows"
            )
        register_secret(value)


def lock() -> None:
    """Forgets the open vault of this process."""
    _opened.cache_clear()


def _seal(vault: Vault, credentials: Credentials, *, row_id: uuid.UUID) -> bytes:
    parts = {"key": credentials.key, "secret": credentials.secret, "passphrase": credentials.passphrase}
    return vault.seal(json.dumps(parts), table=_TABLE, row_id=str(row_id), column=_COLUMN)


def _vault(cost: Cost | None) -> Vault:
    """The desk's vault, opened once per process; `cost` makes a new one where there is none."""
    home = Path(settings.HOME)
    passphrase = env.secret("NEURATRADE_PASSPHRASE")
    if not passphrase:
        raise ConfigurationError(
            "the vault is locked; set NEURATRADE_PASSPHRASE_FILE to a file that only you can read and that holds the passphrase"
        )
    if cost is not None and not Vault.exists(home):
        Vault.create(home, passphrase, cost=cost)
    return _opened(home, passphrase)


@lru_cache(maxsize=1)
def _opened(home: Path, passphrase: str) -> Vault:
    return Vault.open(home, passphrase)
