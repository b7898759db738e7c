"""Does Redis answer, and does it keep what it is given?"""

import time
from datetime import datetime

from redis import RedisError

from neuratrade.lib import redis as bus
from neuratrade.lib.health import CheckResult, CheckStatus

SLOW_MS = 50


def check(at: datetime) -> CheckResult:
    try:
        started = time.perf_counter()
        bus.client().ping()
        ping_ms = (time.perf_counter() - started) * 1000
        info = bus.client().info()
    except RedisError as error:
        return CheckResult(
            name="redis",
            status=CheckStatus.FAILED,
            evidence=f"does not answer: {' '.join(str(error).split())}",
            remedy="start the desk with `neuratrade up`, or mend the server that REDIS_URL names",
        )
    evidence = f"answers in {ping_ms:.1f} ms, {info.get('used_memory_human', '?')} used"
    if not int(info.get("aof_enabled", 0)):
        remedy = "switch its append-only file on (`appendonly yes`)"
        return CheckResult(
            name="redis",
            status=CheckStatus.WARNING,
            evidence=f"{evidence}, no append-only file",
            remedy=remedy,
        )
    if ping_ms > SLOW_MS:
        return CheckResult(
            name="redis",
            status=CheckStatus.WARNING,
            evidence=evidence,
            remedy="see what keeps the machine busy",
        )
    return CheckResult(name="redis", status=CheckStatus.OK, evidence=evidence)


CHECK = check
