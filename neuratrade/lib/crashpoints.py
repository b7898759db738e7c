"""Named places where a test may end the process as a power cut would; without the setting they do nothing.

`NEURATRADE_CRASH_AT=name` kills the process with SIGKILL the first time it reaches that point, `name:3` the third time. In a test
process `handler` may be set instead, to raise where a real process would die.
"""

import os
import signal
from collections import Counter
from collections.abc import Callable

NAMES = (
    "execute.claimed",  # approval verified, SENDING written, not yet committed
    "execute.journalled",  # SENDING committed, nothing sent
    "execute.before_send",  # all checks passed, the next step is the socket
    "execute.after_send",  # the venue answered, the journal does not know yet
    "execute.recorded",  # the answer is in the journal
    "reconcile.before_booking",  # the venue's fills are read, none is booked
    "reconcile.after_booking",  # fills are booked, the order's state is old
    "protect.proposed",  # a reduce-only order is written, nobody signed it yet
    "protect.cancel_asked",  # the cancel is written, nothing sent
)

handler: Callable[[str], None] | None = None
_seen: Counter[str] = Counter()


def crashpoint(name: str) -> None:
    """Marks an edge between two durable steps; see NAMES."""
    if handler is not None:
        handler(name)
        return
    wanted, _, nth = os.environ.get("NEURATRADE_CRASH_AT", "").partition(":")
    if wanted != name:
        return
    _seen[name] += 1
    if _seen[name] == int(nth or 1):
        os.kill(os.getpid(), signal.SIGKILL)
