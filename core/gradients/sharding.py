"""Dividing blocks among workers: whatever the division, blocks are summed in their own order, to the same bits."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate, pairwise

from core.gradients.base import Block


def shards(
    blocks: Sequence[Block], count: int, weights: Sequence[float] | None = None
) -> tuple[tuple[Block, ...], ...]:
    """The blocks in order, cut into `count` runs of about equal weight; fewer when there are fewer blocks.

    `weights` says how much work each block is; without it, its directions times its samples. Raises ValueError when
    `count` is below 1.
    """
    if count < 1:
        raise ValueError(f"blocks can be cut into 1 shard or more, not {count}")
    count = min(count, len(blocks))
    done = list(accumulate(weights or [_work(block) for block in blocks], initial=0.0))
    middles = [(before + after) / 2 for before, after in pairwise(done)]
    cuts = [0]
    for cut in range(1, count):  # each run takes one block at least and leaves one for each run after it
        balanced = bisect_left(middles, done[-1] * cut / count)
        cuts.append(min(max(balanced, cuts[-1] + 1), len(blocks) - count + cut))
    return tuple(tuple(blocks[start:stop]) for start, stop in pairwise([*cuts, len(blocks)]))


def _work(block: Block) -> float:
    directions, samples = block.directions, block.samples
    return float((directions[1] - directions[0]) * (samples[1] - samples[0]))
