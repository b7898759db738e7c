"""Reads settings from the environment with types; a bad value ends the program with one clear line."""

import os
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, parse_qsl, unquote, urlsplit


class SettingError(SystemExit):
    """A setting cannot be used. The message names it, says what is wrong and what to do; the exit code is 2."""

    def __init__(self, name: str, problem: str) -> None:
        self.message = f"setting {name}: {problem}"
        super().__init__(2)

    def __str__(self) -> str:
        return self.message


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def secret(name: str) -> str:
    """The value of NAME, or the contents of the file that NAME_FILE points to; empty when neither is set."""
    path = text(f"{name}_FILE")
    if not path:
        return text(name)
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingError(
            f"{name}_FILE", f"cannot read {path!r} ({error.strerror}); point it to a readable file"
        ) from error
    except UnicodeDecodeError as error:
        raise SettingError(
            f"{name}_FILE", f"{path!r} is not text; point it to a file of UTF-8 text"
        ) from error


def integer(name: str, default: int, *, low: int, high: int) -> int:
    raw = text(name)
    if not raw:
        return default
    try:
        value = int(raw)
    except ValueError as error:
        raise SettingError(name, f"{raw!r} is not a whole number; give one from {low} to {high}") from error
    if not low <= value <= high:
        raise SettingError(name, f"{value} is out of range; give a whole number from {low} to {high}")
    return value


def decimal(name: str, default: str, *, low: str, high: str) -> Decimal:
    raw = text(name, default)
    try:
        value = Decimal(raw)
    except InvalidOperation as error:
        raise SettingError(name, f"{raw!r} is not a number; give one from {low} to {high}") from error
    if not value.is_finite() or not Decimal(low) <= value <= Decimal(high):
        raise SettingError(name, f"{raw} is out of range; give a number from {low} to {high}")
    return value


def flag(name: str, *, default: bool) -> bool:
    raw = text(name).lower()
    if not raw:
        return default
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off"}:
        return False
    raise SettingError(name, f"{raw!r} is neither yes nor no; give 1 or 0")


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = text(name, default).lower()
    if value not in allowed:
        raise SettingError(name, f"{value!r} is unknown; give one of: {', '.join(allowed)}")
    return value


def names(name: str, default: str = "") -> tuple[str, ...]:
    """A comma-separated list, blanks dropped."""
    return tuple(part.strip() for part in text(name, default).split(",") if part.strip())


# What libpq is told unless the address says otherwise. A frozen process gives its transaction up, nobody waits forever for a turn
# (SQLite's busy timeout is 30 s, too), and a server that vanished is noticed in seconds instead of in the kernel's 15 minutes.
_POSTGRES_OPTIONS = {
    "application_name": "neuratrade",
    "connect_timeout": "10",
    "tcp_user_timeout": "30000",
    "options": "-c lock_timeout=30s -c idle_in_transaction_session_timeout=60s",
}
_POSTGRES_ALLOWED = {
    *_POSTGRES_OPTIONS,
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "target_session_attrs",
}


def postgres(name: str) -> dict[str, Any]:
    """Django's connection fields from a postgres:// address; what follows the `?` goes to libpq."""
    remedy = "give postgres://USER@HOST:PORT/DATABASE, with :PASSWORD behind the user"
    address = _address(name, text(name), remedy=remedy)
    database = address.path.lstrip("/")
    if address.scheme not in {"postgres", "postgresql"} or not address.hostname or not database:
        raise SettingError(name, f"is not a PostgreSQL address; {remedy}")
    given = dict(parse_qsl(address.query, keep_blank_values=True))
    if unknown := sorted(given.keys() - _POSTGRES_ALLOWED):
        raise SettingError(
            name, f"{unknown[0]!r} is no option here; use any of {', '.join(sorted(_POSTGRES_ALLOWED))}"
        )
    return {
        "NAME": unquote(database),
        "USER": unquote(address.username or ""),
        "PASSWORD": unquote(address.password or ""),
        "HOST": unquote(address.hostname),
        "PORT": address.port or 5432,
        "OPTIONS": {**_POSTGRES_OPTIONS, **given},
    }


def redis(name: str, default: str) -> str:
    """The address of a Redis server: redis://, rediss:// or unix://."""
    raw = text(name, default)
    remedy = "give redis://HOST:PORT/NUMBER, rediss://… or unix:///PATH"
    address = _address(name, raw, remedy=remedy)
    place = address.path if address.scheme == "unix" else address.hostname
    if address.scheme not in {"redis", "rediss", "unix"} or not place:
        raise SettingError(name, f"is not a Redis address; {remedy}")
    return raw


def broker(redis_url: str) -> str:
    """Celery's spelling of a Redis address: it has a scheme of its own for sockets."""
    address = urlsplit(redis_url)
    if address.scheme != "unix":
        return redis_url
    database = parse_qs(address.query).get("db", ["0"])[0]
    return f"redis+socket://{address.path}?virtual_host={database}"


def web_address(name: str) -> str:
    """An http or https address, or empty."""
    raw = text(name)
    if not raw:
        return ""
    remedy = "give http://HOST:PORT/PATH or https://…"
    address = _address(name, raw, remedy=remedy)
    if address.scheme not in {"http", "https"} or not address.hostname:
        raise SettingError(name, f"is not a web address; {remedy}")
    return raw


def origins(name: str) -> tuple[str, ...]:
    """A comma-separated list of origins, each with its scheme."""
    found = names(name)
    for origin in found:
        if not origin.startswith(("http://", "https://")):
            raise SettingError(name, f"{origin!r} has no scheme; give https://HOST, comma-separated")
    return found


def folder(name: str, default: Path) -> Path:
    """A folder that is there."""
    path = Path(text(name, str(default))).expanduser()
    if not path.is_dir():
        raise SettingError(name, f"there is no folder {str(path)!r}; point it to one")
    return path


def _address(name: str, raw: str, *, remedy: str) -> SplitResult:
    """The parts of an address; no message repeats it, because it may hold a password."""
    try:
        address = urlsplit(raw)
        _ = address.port  # raises when it is no number
    except ValueError as error:
        raise SettingError(name, f"is no address that can be read; {remedy}") from error
    return address
