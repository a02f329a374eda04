"""Cutting the work of a batch into blocks. Blocks are counted by arithmetic and made when they are looked up."""

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TypeAlias, TypeVar, overload

from dualtrain.core.gradients.base import Block

Range: TypeAlias = tuple[int, int]
Item = TypeVar("Item", covariant=True)


class LazySequence(Sequence[Item], ABC):
    """A sequence whose items are computed when they are looked up; a subclass defines `__len__` and `_item`."""

    @abstractmethod
    def _item(self, index: int) -> Item:
        """Return the item at an index from 0 to the length."""

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | Sequence[Item]:
        if isinstance(index, slice):
            return [self._item(i) for i in range(*index.indices(len(self)))]
        return self._item(range(len(self))[index])

    def __iter__(self) -> Iterator[Item]:
        return map(self._item, range(len(self)))


@dataclass(frozen=True)
class Cut(LazySequence[Range]):
    """`[start, stop)` as `pieces` ranges, in order, whose lengths differ by one `step` at most.

    `stop - start` and all lengths are multiples of `step`.
    """

    start: int
    stop: int
    pieces: int
    step: int = 1

    def __len__(self) -> int:
        return self.pieces

    def _item(self, index: int) -> Range:
        steps = (self.stop - self.start) // self.step
        first, last = (steps * end // self.pieces for end in (index, index + 1))
        return self.start + first * self.step, self.start + last * self.step


@dataclass(frozen=True)
class Grid(LazySequence[Block]):
    """Every range of directions on every range of samples; the ranges of samples are the outer loop.

    `directions` holds one cut for each part of the network, in order.
    """

    directions: tuple[Cut, ...]
    samples: Cut

    @cached_property
    def _ends(self) -> tuple[int, ...]:
        """For each cut the number of ranges up to its end."""
        return tuple(accumulate(map(len, self.directions)))

    def __len__(self) -> int:
        return self._ends[-1] * len(self.samples)

    def _item(self, index: int) -> Block:
        over, on = divmod(index, self._ends[-1])
        part = bisect_right(self._ends, on)
        place = on - (self._ends[part - 1] if part else 0)
        return Block(index, self.directions[part][place], self.samples[over])


def cut(start: int, stop: int, largest: int) -> Cut:
    """Return `[start, stop)` as the fewest ranges of at most `largest`, or of 1 if that is less than 1."""
    return Cut(start, stop, max(1, -(-(stop - start) // max(largest, 1))))


def grid(directions: Iterable[Cut], samples: Cut) -> Grid:
    """Return the blocks of these directions and samples."""
    return Grid(tuple(directions), samples)
