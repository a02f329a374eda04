"""The directions that a whole Jacobian takes: unit vectors, in chunks."""

from itertools import pairwise

import numpy as np

from dualtrain.core.dual.engine import Tensor
from dualtrain.core.dual.structured import EntrySeed, UnitTangent


def equal_chunks(size: int, limit: int) -> list[tuple[int, int]]:
    """Return `[0, size)` as the fewest ranges of at most `limit`, whose lengths differ by 1 at most."""
    count = max(1, -(-size // limit))
    edges = [size * i // count for i in range(count + 1)]
    return list(pairwise(edges))


def unit_seeds(x: Tensor, start: int, stop: int) -> Tensor:
    """Return the unit directions start to stop of a tensor, by structure where there is one."""
    entries = np.arange(start, stop)
    if x.ndim == 1:
        return UnitTangent(entries, np.ones(len(entries), x.dtype))
    if x.ndim == 2:
        return EntrySeed(*np.divmod(entries, x.shape[1]))
    seeds = np.zeros((len(entries), x.size), x.dtype)
    seeds[np.arange(len(entries)), entries] = 1
    return seeds.reshape(len(entries), *x.shape)
