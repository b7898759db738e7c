"""Numbers as an operator types them: the `type` of an option, which refuses in one line that says what would do."""

import argparse
import math
from collections.abc import Callable


def number(
    what: str, *, low: float, high: float, includes_low: bool = True, example: str = ""
) -> Callable[[str], float]:
    """Reads a finite number from `low` to `high`; `includes_low` False means above `low`."""
    lowest = f"from {low:g}" if includes_low else f"above {low:g}"
    limits = f"a number {lowest} to {high:g}" if math.isfinite(high) else f"a number {lowest}"
    hint = f", as {example}" if example else ""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        is_within = low <= value <= high and math.isfinite(value) and (includes_low or value > low)
        if not is_within:
            raise argparse.ArgumentTypeError(f"{text!r} is no {what}; give {limits}{hint}")
        return value

    return read


equity = number("amount to start with", low=0, high=1e15, includes_low=False, example="10000")
fee_ratio = number("fee", low=-0.01, high=0.1, example="0.001 for 0.1 %")
slippage_bps = number("slippage", low=0, high=10_000, example="2")
delay_s = number("delay", low=0, high=86_400, example="30")
