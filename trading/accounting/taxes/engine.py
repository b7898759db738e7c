"""The whole history in one pass, in order of time: every purchase a lot, every sale matched to lots, every income valued. Pure."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import localcontext

from trading.accounting.fifo import EXACT
from trading.accounting.taxes import outcomes
from trading.accounting.taxes.booker import Booker
from trading.accounting.taxes.events import Event
from trading.accounting.taxes.pairing import arrange
from trading.accounting.taxes.stock import History, Options, Stock
from trading.accounting.taxes.valuation import Valuer

_REPORT_EVERY = 5_000


def compute(
    events: Sequence[Event],
    *,
    options: Options,
    valuer: Valuer,
    on_progress: Callable[[int, int], None] | None = None,
) -> History:
    """Everything that follows from `events`, in whatever order they come; `on_progress` hears (done, all) now and then."""
    arranged = arrange(events)
    with localcontext(EXACT):
        booker = Booker(Stock(options), valuer=valuer)
        booker.history.events = arranged
        handlers = {**booker.handlers(), **outcomes.handlers(booker)}
        for start in range(0, len(arranged), _REPORT_EVERY):
            for event in arranged[start : start + _REPORT_EVERY]:
                handlers[event.kind](event)
            if on_progress is not None:
                on_progress(min(start + _REPORT_EVERY, len(arranged)), len(arranged))
    return booker.history


@contextmanager
def undisturbed() -> Iterator[None]:
    """Without the cycle collector, for a whole export: all that is made stays, and it would walk through it again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
