"""Can the desk ask its language model?"""

import os
import socket
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings

from agents.services import budget
from neuratrade.lib.health import CheckResult, CheckStatus
from neuratrade.supervise.home import MARKER

CONNECT_S = 2
RULES = "desk_rules"


def check(at: datetime) -> CheckResult:
    if settings.AI_PROVIDER == RULES:
        return _result(CheckStatus.OK, "the built-in rules decide, no model")
    name = f"{settings.AI_PROVIDER} {settings.AI_MODEL}".strip()
    if not settings.AI_MODEL:
        return _result(CheckStatus.FAILED, f"{name}: no model named", "set NEURATRADE_AI_MODEL")
    # The desk's own processes are not shown the key, except the one that asks the model.
    if not settings.AI_API_KEY and not settings.AI_LOCAL and not os.environ.get(MARKER):
        return _result(
            CheckStatus.FAILED, f"{name}: no key", "set NEURATRADE_AI_API_KEY or NEURATRADE_AI_API_KEY_FILE"
        )
    unreachable = _unreachable(settings.AI_BASE_URL)
    if unreachable:
        return _result(
            CheckStatus.FAILED, f"{name}: {unreachable}", "start the server, or mend NEURATRADE_AI_BASE_URL"
        )
    spent = budget.spend(at=at)
    evidence = f"{name}, ${spent.today:.2f} of today's ${spent.daily_limit} spent"
    if spent.today >= spent.daily_limit or spent.this_month >= spent.monthly_limit:
        return _result(CheckStatus.WARNING, evidence, "the rules decide until the budget renews, or raise it")
    return _result(CheckStatus.OK, evidence)


def _unreachable(base_url: str) -> str:
    """Why a local server's address does not answer; empty when it does, or when the vendor's own is meant."""
    if not base_url:
        return ""
    address = urlsplit(base_url)
    try:
        port = address.port or (443 if address.scheme == "https" else 80)
        with socket.create_connection((address.hostname or "", port), timeout=CONNECT_S):
            return ""
    except (OSError, ValueError) as error:
        return f"{base_url} does not answer ({error})"


def _result(status: CheckStatus, evidence: str, remedy: str = "") -> CheckResult:
    return CheckResult(name="ai provider", status=status, evidence=evidence, remedy=remedy)


CHECK = check
