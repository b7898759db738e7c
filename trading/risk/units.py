"""Unit accounting, as a fund does it: money that comes or goes makes or redeems units, so NAV per unit shows trading alone."""

from decimal import Decimal

from trading.types import ONE, ZERO

_NAV_STEP = Decimal("1e-18")
_UNIT_STEP = Decimal("1e-12")
# Fewer units than this are the rounding of an emptied desk, not a holding.
_SMALLEST_UNITS = Decimal("1e-9")


def units_and_nav(
    equity: Decimal, *, flow: Decimal, last_units: Decimal, last_nav: Decimal
) -> tuple[Decimal, Decimal]:
    """Units and NAV per unit now; `flow` is what came in (negative: went out) since the last mark and is part of `equity`.

    With no units before, NAV goes on from `last_nav`, or starts at 1. When everything was lost NAV is 0.
    """
    if last_units < _SMALLEST_UNITS:
        nav = last_nav if last_nav > 0 else ONE
        return max(equity / nav, ZERO).quantize(_UNIT_STEP), nav
    nav = ((equity - flow) / last_units).quantize(_NAV_STEP)
    if nav <= 0:
        return last_units, ZERO
    return max(last_units + flow / nav, ZERO).quantize(_UNIT_STEP), nav
