"""Dividing work among workers: whatever the division, rows are summed in their own order, to the same bits."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate, pairwise


def shards(weights: Sequence[float], count: int) -> list[range]:
    """The units of work in order, cut into `count` runs of about equal weight; fewer when there are fewer units.

    `weights` says how much work each unit is. No run is empty. Raises ValueError when `count` is below 1.
    """
    if count < 1:
        raise ValueError(f"work can be cut into 1 shard or more, not {count}")
    units = len(weights)
    count = min(count, units)
    done = list(accumulate(weights, initial=0.0))
    middles = [(before + after) / 2 for before, after in pairwise(done)]
    cuts = [0]
    for cut in range(1, count):  # each run takes one unit at least and leaves one for each run after it
        balanced = bisect_left(middles, done[-1] * cut / count)
        cuts.append(min(max(balanced, cuts[-1] + 1), units - count + cut))
    return [range(*ends) for ends in pairwise([*cuts, units])]
