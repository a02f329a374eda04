import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualtrain.core.gradients import Block, shards


@given(st.lists(st.integers(1, 100), min_size=1, max_size=30), st.integers(1, 12))
def test_every_unit_is_in_one_shard_in_order(weights: list[int], count: int) -> None:
    cut = shards(weights, [1.0] * count)
    assert [unit for shard in cut for unit in shard] == list(range(len(weights)))
    assert len(cut) == min(count, len(weights))
    assert all(cut)


@given(st.lists(st.integers(1, 100), min_size=1, max_size=30), st.integers(1, 12))
def test_no_shard_is_much_above_its_part(weights: list[int], count: int) -> None:
    heaviest = max(sum(weights[unit] for unit in shard) for shard in shards(weights, [1.0] * count))
    assert heaviest <= sum(weights) / count + max(weights)


@given(st.lists(st.integers(1, 100), min_size=1, max_size=30), st.lists(st.floats(0.01, 1), min_size=1, max_size=12))
def test_shares_may_differ(weights: list[int], shares: list[float]) -> None:
    cut = shards(weights, shares)
    assert [unit for shard in cut for unit in shard] == list(range(len(weights)))
    assert len(cut) == min(len(shares), len(weights))
    assert all(cut)


def test_a_shard_has_its_share_of_the_work() -> None:
    assert [len(shard) for shard in shards([1.0] * 16, [3, 3, 1, 1])] == [6, 6, 2, 2]


def test_weights_say_where_to_cut() -> None:
    assert [len(shard) for shard in shards([3, 1, 1, 1], [1.0, 1.0])] == [1, 3]


def test_a_block_weighs_its_directions_times_its_samples() -> None:
    assert Block(7, (10, 15), (64, 128)).work == 5 * 64


def test_no_shards_at_all_are_refused() -> None:
    with pytest.raises(ValueError, match="1 shard or more, not 0"):
        shards([1], [])
