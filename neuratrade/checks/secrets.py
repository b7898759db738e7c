"""Can anybody else on this machine read the desk's secrets?"""

import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from django.conf import settings

from neuratrade.lib.health import CheckResult, CheckStatus

_PUBLIC = frozenset({"risk_public_key"})
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def check(at: datetime) -> CheckResult:
    open_paths = [path for path in _private_paths(settings.HOME) if path.stat().st_mode & _OTHERS]
    if not open_paths:
        return CheckResult(
            name="secrets",
            status=CheckStatus.OK,
            evidence=f"{settings.HOME} and its keys belong to you alone",
        )
    return CheckResult(
        name="secrets",
        status=CheckStatus.FAILED,
        evidence=f"others may reach {', '.join(str(path) for path in open_paths)}",
        remedy=f"chmod go= {' '.join(str(path) for path in open_paths)}",
    )


def _private_paths(home: Path) -> Iterator[Path]:
    yield home
    keys = home / "keys"
    if keys.is_dir():
        yield keys
        yield from (path for path in sorted(keys.iterdir()) if path.name not in _PUBLIC)
    if (home / "admin_password").exists():
        yield home / "admin_password"


CHECK = check
