"""Our own loops, compiled by numba: a second opinion on TA-Lib, readable in one file (trading/indicators/kernels.py).

The first call of a machine compiles (seconds, then kept on disk); no process of the running desk should pay for that.
"""

import numpy as np

from trading.indicators.catalog import INDICATORS
from trading.indicators.facade import Formula, FormulaProvider, Outputs


def _formula(name: str) -> Formula:
    def compute(*arguments: object) -> Outputs:
        from trading.indicators import kernels

        # A read-only column would be compiled for once more; copying it is far cheaper.
        own = [np.require(a, requirements="W") if isinstance(a, np.ndarray) else a for a in arguments]
        answer = getattr(kernels, name)(*own)
        return answer if isinstance(answer, tuple) else (answer,)

    return compute


PROVIDER = FormulaProvider("numba", {name: _formula(name) for name in INDICATORS})
