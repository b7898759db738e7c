"""Which code made a result: the commit, and whether files differed from it; outside a checkout the package's version."""

import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from django.conf import settings

_TIMEOUT_S = 5


@cache
def code_version() -> str:
    """As `1a2b3c4d5e6f`, `1a2b3c4d5e6f+changes` or `0.1.0`; asked once per process."""
    if not (settings.BASE_DIR / ".git").exists():
        return _package()
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        return f"{commit}+changes" if _git("status", "--porcelain", "--untracked-files=no") else commit
    except (OSError, subprocess.SubprocessError):
        return _package()


def _git(*arguments: str) -> str:
    answer = subprocess.run(
        ("git", "-C", str(settings.BASE_DIR), "--no-optional-locks", *arguments),
        capture_output=True,
        text=True,
        check=True,
        timeout=_TIMEOUT_S,
    )
    return answer.stdout.strip()


def _package() -> str:
    try:
        return version("neuratrade")
    except PackageNotFoundError:
        return "unknown"
