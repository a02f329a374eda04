"""Cutting the work of a batch into blocks."""

from collections.abc import Iterable
from itertools import product
from typing import TypeAlias

from dualtrain.core.dual.transforms import equal_chunks
from dualtrain.core.gradients.base import Block

Range: TypeAlias = tuple[int, int]

SAMPLES = 256
"""Samples of a block of an exact method: enough for fast matrix products, few enough that layers stay in the cache."""


def cut(start: int, stop: int, largest: int) -> list[Range]:
    """`[start, stop)` as the fewest ranges of at most `largest`, which differ by 1 at most."""
    return [(start + low, start + high) for low, high in equal_chunks(stop - start, max(largest, 1))]


def grid(directions: Iterable[Range], samples: Iterable[Range]) -> tuple[Block, ...]:
    """Every range of directions on every range of samples; the ranges of samples are the outer loop."""
    pairs = product(samples, list(directions))
    return tuple(Block(index, on, over) for index, (over, on) in enumerate(pairs))
