"""supervisord's event listener: tells of every restart, in the audit trail and in a small file the screens read.

Speaks supervisord's protocol on stdin and stdout, so everything it has to say itself goes to stderr.
"""

import json
import logging
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from supervisor import childutils

log = logging.getLogger("neuratrade.herald")

RESTARTS_FILE = "run/restarts.json"


def read_restarts(home: Path) -> dict[str, int]:
    """Process name -> restarts since `up`; empty when there were none."""
    try:
        content = json.loads((home / RESTARTS_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {str(name): int(count) for name, count in content.items()}


def clear_restarts(home: Path) -> None:
    (home / RESTARTS_FILE).unlink(missing_ok=True)


def count_restart(home: Path, name: str) -> int:
    """Adds one and returns the process's new count."""
    counts = read_restarts(home)
    counts[name] = counts.get(name, 0) + 1
    draft = (home / RESTARTS_FILE).with_suffix(".new")
    draft.write_text(json.dumps(counts), encoding="utf-8")
    draft.replace(home / RESTARTS_FILE)
    return counts[name]


def handle(event: str, facts: dict[str, str], *, home: Path) -> None:
    """One event of supervisord: an exit takes its group along, a start after an exit is a restart to tell of."""
    name = facts["processname"]
    if event == "PROCESS_STATE_EXITED":
        # A worker killed hard leaves children; they must not work beside the next generation.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(int(facts["pid"]), signal.SIGKILL)
    elif event == "PROCESS_STATE_FATAL":
        _tell("process.failed", {"process": name})
    elif facts["from_state"] in {"EXITED", "BACKOFF"}:
        _tell("process.restarted", {"process": name, "restarts": count_restart(home, name)})


def _tell(kind: str, payload: dict[str, Any]) -> None:
    from django.conf import settings
    from django.db import DatabaseError, connections, transaction

    from neuratrade.lib import clock
    from trading.services import events

    log.warning("%s %s", kind, payload)
    try:
        with transaction.atomic():
            events.append(kind=kind, mode=settings.MODE, payload=payload, at=clock.now())
    except DatabaseError:
        # The restart goes on whether or not it can be recorded; the log and the counter have it.
        log.exception("the audit trail did not take %s", kind)
    finally:
        connections.close_all()


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "neuratrade.settings")
    import django

    django.setup()
    from django.conf import settings

    while True:
        childutils.listener.ready()
        header = sys.stdin.readline()
        if not header:
            return  # the supervisor is gone
        headers = childutils.get_headers(header)
        payload = sys.stdin.read(int(headers["len"]))
        handle(headers["eventname"], childutils.get_headers(payload), home=settings.HOME)
        childutils.listener.ok()


if __name__ == "__main__":
    main()
