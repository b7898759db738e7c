"""Arrow columns as arrays."""

from typing import Any

import numpy as np
import numpy.typing as npt


def as_array(column: Any) -> npt.NDArray[Any]:
    """A column of numbers without nulls, read-only where it need not be copied.

    By DLPack: Arrow's own `to_numpy` imports pandas, which costs more than reading a year of minutes.
    """
    chunks = [np.from_dlpack(chunk) for chunk in getattr(column, "chunks", [column])]
    if not chunks:
        return np.empty(0, column.type.to_pandas_dtype())
    return chunks[0] if len(chunks) == 1 else np.concatenate(chunks)
