"""Brings a home up to date: folders, tables, the operator, the admin's login, signing keys, the schedule. Safe to repeat."""

import secrets
from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command

from neuratrade.lib import env, redis_server
from neuratrade.supervise import home
from trading.errors import ConfigurationError
from trading.models import Operator

Say = Callable[[str], object]
OPERATOR = "operator"
ADMIN = "admin"
PASSWORD_BYTES = 18


def prepare(*, at: datetime, say: Say) -> Operator:
    """Prepares this home and returns its operator. Every step leaves alone what is there already.

    Raises ConfigurationError when the path is too long for the sockets or a key is damaged, OSError when it cannot be written.
    """
    _refuse_long_path()
    make_folders()
    call_command("migrate", verbosity=0, interactive=False)
    operator, _ = Operator.objects.get_or_create(
        name=OPERATOR, defaults={"risk_profile": settings.RISK_PROFILE, "created_at": at}
    )
    _create_admin(say)
    _create_keys()
    _install_schedule(at)
    return operator


def _refuse_long_path() -> None:
    if len(str(settings.HOME / home.SUPERVISOR_SOCKET)) > redis_server.LONGEST_SOCKET_PATH:
        raise ConfigurationError(
            f"the path {settings.HOME} is too long for a socket; set NEURATRADE_HOME to a shorter path"
        )


def make_folders() -> None:
    """The home and its folders, open to their owner only."""
    for folder in (
        settings.HOME,
        settings.RUN_DIR,
        settings.LOG_DIR,
        settings.KEYS_DIR,
        settings.HOME / "redis",
    ):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)


def _create_admin(say: Say) -> None:
    users = get_user_model().objects
    if users.filter(is_superuser=True).exists():
        return
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    path = settings.HOME / "admin_password"
    path.touch(mode=0o600)
    path.write_text(password + "\n", encoding="utf-8")
    users.create_superuser(username=ADMIN, password=password)
    say(f"admin login: {ADMIN} / {password}  (kept in {path})")


def _create_keys() -> None:
    from trading.services import keys

    keys.create_if_absent()
    keys.signing_key()
    _keep_secret_key()


def _keep_secret_key() -> None:
    """Writes down the key that this process happened to start with, for every later one."""
    path = settings.KEYS_DIR / settings.SECRET_KEY_NAME
    if env.secret("NEURATRADE_SECRET_KEY") or (path.exists() and path.stat().st_size):
        return
    path.touch(mode=0o600)
    path.write_text(settings.SECRET_KEY, encoding="utf-8")


def _install_schedule(at: datetime) -> None:
    from quests import services

    services.install_schedule(at=at)
