"""A provider that remembers: a sweep that varies one threshold computes its RSI once.

Two questions are the same when they are about the same memory with the same parameters. What is remembered holds its columns, so
their memory cannot become another column meanwhile; whoever changes a column in place after asking gets the old answer.
"""

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy.typing as npt

from trading.indicators import catalog
from trading.indicators.catalog import Number
from trading.indicators.columns import clean
from trading.indicators.facade import Facade, Outputs
from trading.protocols import IndicatorProvider
from trading.types.research import FloatArray

MOST_BYTES = 128 * 1024 * 1024

Place: TypeAlias = tuple[int, tuple[int, ...], tuple[int, ...], str]
Key: TypeAlias = tuple[str, tuple[Place, ...], tuple[Number, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    columns: tuple[FloatArray, ...]
    outputs: Outputs


class Memo(Facade):
    """Results are shared, hence read-only. Not for several threads at once. `hits` and `misses` count the questions;
    `size_bytes` is what the memory keeps alive, a column that many questions are about counted once."""

    def __init__(self, provider: IndicatorProvider, *, most_bytes: int = MOST_BYTES) -> None:
        self.name = provider.name
        self._provider = provider
        self._most_bytes = most_bytes
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._held: Counter[Place] = Counter()
        self.size_bytes = self.hits = self.misses = 0

    def compute(
        self, name: str, given: tuple[npt.ArrayLike, ...], parameters: Mapping[str, Number]
    ) -> Outputs:
        indicator = catalog.find(name)
        columns = clean(indicator.inputs, given)
        key = (name, tuple(map(_place, columns)), indicator.checked(parameters))
        kept = self._kept.get(key)
        if kept is not None:
            self.hits += 1
            self._kept.move_to_end(key)
            return kept.outputs
        self.misses += 1
        answer = getattr(self._provider, name)(*columns, **parameters)
        outputs: Outputs = answer if isinstance(answer, tuple) else (answer,)
        for output in outputs:
            output.flags.writeable = False
        self._keep(key, _Kept(columns, outputs))
        return outputs

    def _keep(self, key: Key, kept: _Kept) -> None:
        self._kept[key] = kept
        self._count(kept, by=1)
        while self.size_bytes > self._most_bytes:
            self._count(self._kept.popitem(last=False)[1], by=-1)

    def _count(self, kept: _Kept, *, by: int) -> None:
        self.size_bytes += by * sum(output.nbytes for output in kept.outputs)
        for column in kept.columns:
            place = _place(column)
            before = self._held[place]
            self._held[place] += by
            if 0 in {before, before + by}:
                self.size_bytes += by * column.nbytes


def _place(column: FloatArray) -> Place:
    return column.__array_interface__["data"][0], column.shape, column.strides, column.dtype.str
