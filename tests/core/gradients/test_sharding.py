import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.gradients import Block, shards


def blocks(sizes: list[int]) -> list[Block]:
    return [Block(index, (0, size), (0, 1)) for index, size in enumerate(sizes)]


@given(st.lists(st.integers(1, 100), min_size=1, max_size=30), st.integers(1, 12))
def test_every_block_is_in_one_shard_in_order(sizes: list[int], count: int) -> None:
    whole = blocks(sizes)
    cut = shards(whole, count)
    assert [block for shard in cut for block in shard] == whole
    assert len(cut) == min(count, len(whole))
    assert all(cut)


@given(st.lists(st.integers(1, 100), min_size=1, max_size=30), st.integers(1, 12))
def test_no_shard_is_much_above_its_part(sizes: list[int], count: int) -> None:
    heaviest = max(sum(block.directions[1] for block in shard) for shard in shards(blocks(sizes), count))
    assert heaviest <= sum(sizes) / count + max(sizes)


def test_weights_say_where_to_cut() -> None:
    cut = shards(blocks([1, 1, 1, 1]), 2, weights=[3, 1, 1, 1])
    assert [len(shard) for shard in cut] == [1, 3]


def test_no_shards_at_all_are_refused() -> None:
    with pytest.raises(ValueError, match="1 shard or more, not 0"):
        shards(blocks([1]), 0)
