"""Dividing blocks among workers: whatever the division, blocks are summed in their own order, to the same bits."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate, pairwise

from core.gradients.base import Block


def shards(
    blocks: Sequence[Block], count: int, weights: Sequence[float] | None = None
) -> tuple[tuple[Block, ...], ...]:
    """The blocks in order, cut into at most `count` runs of about equal weight, none of them empty.

    `weights` says how much work each block is; without it, its directions times its samples.
    """
    if count < 1:
        raise ValueError(f"blocks can be cut into 1 shard or more, not {count}")
    done = list(accumulate(weights or [_work(block) for block in blocks], initial=0.0))
    middles = [(before + after) / 2 for before, after in pairwise(done)]
    cuts = [bisect_left(middles, done[-1] * cut / count) for cut in range(count + 1)]
    runs = (tuple(blocks[start:stop]) for start, stop in pairwise([*cuts[:-1], len(blocks)]))
    return tuple(run for run in runs if run)


def _work(block: Block) -> float:
    directions, samples = block.directions, block.samples
    return float((directions[1] - directions[0]) * (samples[1] - samples[0]))
