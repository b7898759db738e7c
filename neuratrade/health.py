"""The web process's word on the desk's health: /live, /ready, /health (A5)."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime

from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from neuratrade.lib import clock
from neuratrade.lib.health import Check, CheckResult, CheckStatus
from neuratrade.lib.plugins import discover
from neuratrade.lib.redact import redact

# What the desk cannot do without; everything else is told by /health but does not take the page out of service.
ESSENTIAL = frozenset({"database", "migrations", "redis"})


def run_checks(*, at: datetime, only: Iterable[str] | None = None) -> list[CheckResult]:
    """Every readiness check, by plug-in name. A check that raises has failed, and says with what."""
    checks: Mapping[str, Check] = discover("neuratrade.checks", "CHECK")
    chosen = set(only) if only is not None else set(checks)
    return [_run(name, check, at=at) for name, check in checks.items() if name in chosen]


def _run(name: str, check: Check, *, at: datetime) -> CheckResult:
    try:
        return check(at)
    except DatabaseError as error:
        return CheckResult(
            name=name.replace("_", " "),
            status=CheckStatus.FAILED,
            evidence=f"cannot be told without the database ({' '.join(str(error).split())})",
            remedy="mend what `database` and `migrations` say first",
        )
    except Exception as error:  # noqa: BLE001 (a broken check is a finding, and must not hide the others')
        return CheckResult(
            name=name.replace("_", " "),
            status=CheckStatus.FAILED,
            evidence=f"the check itself failed: {type(error).__name__}: {' '.join(str(error).split())}",
            remedy="run `neuratrade prepare`; if that does not help, NEURATRADE_DEBUG=1 neuratrade doctor",
        )


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """This process answers; nothing else is asked."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Database, schema and Redis are usable; 503 when one is not."""
    return _answer(run_checks(at=clock.now(), only=ESSENTIAL))


@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Every check; 503 when one failed. Warnings do not count as failure."""
    return _answer(run_checks(at=clock.now()))


def _answer(results: list[CheckResult]) -> JsonResponse:
    failed = any(result.status is CheckStatus.FAILED for result in results)
    checks = [{**asdict(result), "evidence": redact(result.evidence)} for result in results]
    return JsonResponse(
        {"status": "failed" if failed else "ok", "checks": checks}, status=503 if failed else 200
    )
