"""The risk desk's key pair and this installation's id, as files under `keys/`.

Only the risk guard, the critical worker and the operator's command line read the signing key; everybody else holds the public one.
"""

import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

from trading.errors import ConfigurationError

SIGNING_KEY = "risk_signing_key"
PUBLIC_KEY = "risk_public_key"
INSTALLATION = "installation_id"


def create_if_absent() -> None:
    """Makes the key pair and the installation id, once. Raises ConfigurationError when half of them is missing."""
    folder = _folder()
    _create(folder / INSTALLATION, lambda: secrets.token_hex(16))
    private, public = folder / SIGNING_KEY, folder / PUBLIC_KEY
    if public.exists() and not private.exists():
        raise ConfigurationError(
            f"{private} is gone but {public} is there; restore it from a backup, or delete the public key to start with a new pair"
        )
    _create(private, lambda: Ed25519PrivateKey.generate().private_bytes_raw().hex())
    _create(public, lambda: signing_key().public_key().public_bytes_raw().hex())


def signing_key() -> Ed25519PrivateKey:
    """The private half; raises ConfigurationError when it is missing, damaged, or readable by others."""
    path = _folder() / SIGNING_KEY
    raw = _read(path, length=32)
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(f"{path} can be read by others; run: chmod 600 {path}")
    return Ed25519PrivateKey.from_private_bytes(raw)


def public_key() -> Ed25519PublicKey:
    """The half that can only verify; raises ConfigurationError when it is missing or damaged."""
    return Ed25519PublicKey.from_public_bytes(_read(_folder() / PUBLIC_KEY, length=32))


def installation_id() -> str:
    """32 hex digits that no other installation has, so that an approval cannot be carried from one to another."""
    return _read(_folder() / INSTALLATION, length=16).hex()


def _folder() -> Path:
    return Path(settings.KEYS_DIR)


def _read(path: Path, *, length: int) -> bytes:
    try:
        raw = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path} is missing; run: neuratrade prepare") from error
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read; restore it from a backup") from error
    if len(raw) != length:
        raise ConfigurationError(f"{path} is damaged; restore it from a backup")
    return raw


def _create(path: Path, make: Callable[[], str]) -> None:
    """Writes the file whole or not at all; of two processes that try, the first wins."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    try:
        draft.write_text(make(), encoding="ascii")
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
