"""Dividing work among workers: whatever the division, rows are summed in their own order, to the same bits."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate, pairwise


def shards(weights: Sequence[float], shares: Sequence[float]) -> list[range]:
    """The units of work in order, cut into runs whose weights are about as these shares; no run is empty.

    `weights` says how much work each unit is. With fewer units than shares the last shares are left out. Raises
    ValueError when there are no shares.
    """
    if not shares:
        raise ValueError("work can be cut into 1 shard or more, not 0")
    units = len(weights)
    count = min(len(shares), units)
    done = list(accumulate(weights, initial=0.0))
    middles = [(before + after) / 2 for before, after in pairwise(done)]
    ends = list(accumulate(shares[:count]))
    cuts = [0]
    for cut in range(1, count):  # each run takes one unit at least and leaves one for each run after it
        balanced = bisect_left(middles, done[-1] * ends[cut - 1] / ends[-1])
        cuts.append(min(max(balanced, cuts[-1] + 1), units - count + cut))
    return [range(*ends) for ends in pairwise([*cuts, units])]
