import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualtrain.core.gradients import SPSA, FiniteDifference, ForwardGradient, Method, PerNeuron, PerParameter
from dualtrain.core.gradients.blocks import Cut, cut, grid
from dualtrain.core.nn import Dense, Network

METHODS = [PerParameter(), PerNeuron(), ForwardGradient(directions=40), FiniteDifference(), SPSA(directions=40)]
NETWORK = Network(144, (Dense(20, "relu", "he"), Dense(10, "softmax")))


@given(st.integers(0, 100), st.integers(1, 500), st.integers(0, 600))
def test_cuts_are_few_and_even(start: int, length: int, largest: int) -> None:
    ranges = cut(start, start + length, largest)
    sizes = [stop - first for first, stop in ranges]
    assert [index for first, stop in ranges for index in range(first, stop)] == list(range(start, start + length))
    assert max(sizes) <= max(largest, 1)
    assert max(sizes) - min(sizes) <= 1
    assert len(ranges) == -(-length // max(largest, 1))


def test_the_samples_are_the_outer_loop_of_a_grid() -> None:
    blocks = grid([Cut(0, 2, 1), Cut(2, 5, 1)], Cut(0, 6, 2))
    assert [(block.index, block.directions, block.samples) for block in blocks] == [
        (0, (0, 2), (0, 3)),
        (1, (2, 5), (0, 3)),
        (2, (0, 2), (3, 6)),
        (3, (2, 5), (3, 6)),
    ]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.method)
@pytest.mark.parametrize("batch_size", [1, 64, 1000])
def test_blocks_cover_every_direction_of_every_sample_once(method: Method, batch_size: int) -> None:
    blocks = method.blocks(NETWORK, batch_size)
    directions = max(block.directions[1] for block in blocks)
    area = sum((block.directions[1] - block.directions[0]) * (block.samples[1] - block.samples[0]) for block in blocks)
    assert area == directions * batch_size
    assert len({(block.directions, block.samples) for block in blocks}) == len(blocks)
    assert [block.index for block in blocks] == list(range(len(blocks)))
    assert directions == getattr(method, "directions", method.passes(NETWORK) or NETWORK.size)


def test_the_job_of_the_post_can_be_shared_by_two_workers() -> None:
    assert len(PerParameter().blocks(NETWORK, 64)) >= 4


def test_blocks_are_counted_and_found_without_making_all_of_them() -> None:
    """A spec of 211 bytes may have more blocks than a list of them fits into memory."""
    network = Network(4096, (Dense(1950, "relu"), Dense(1024, "relu"), Dense(10, "softmax")))
    blocks = PerParameter().blocks(network, 65_536)
    assert len(blocks) > 10**5
    assert blocks[len(blocks) - 1] == blocks[-1]
    assert blocks[-1].directions[1] == network.size
    assert blocks[-1].samples[1] == 65_536
    assert [block.index for block in blocks[5:8]] == [5, 6, 7]
    with pytest.raises(IndexError):
        blocks[len(blocks)]
