"""One method, two ways to call it."""

import asyncio
import inspect
from collections.abc import AsyncGenerator

import pytest

from dualtrain.client.sync_async import Awaited, Blocking, each, finished, stream, verb


class Counter:
    def __init__(self) -> None:
        self.closed = False

    @verb
    async def double(self, number: int) -> int:
        """Return twice the number."""
        return 2 * number

    @verb
    async def wait(self) -> None:
        await asyncio.sleep(0)

    @stream
    async def count(self, end: int) -> AsyncGenerator[int, None]:
        try:
            for number in range(end):
                yield number
        finally:
            self.closed = True


class Now(Counter, Blocking):
    pass


class Later(Counter, Awaited):
    pass


def test_a_blocking_object_answers_at_once() -> None:
    counter = Now()
    assert counter.double(4) == 8
    assert list(counter.count(3)) == [0, 1, 2]
    assert counter.closed


def test_an_awaited_object_gives_a_coroutine() -> None:
    async def use() -> tuple[int, list[int]]:
        counter = Later()
        await counter.wait()
        return await counter.double(number=4), [number async for number in counter.count(3)]

    assert asyncio.run(use()) == (8, [0, 1, 2])


def test_a_blocking_object_works_below_a_running_loop() -> None:
    async def use() -> list[int]:
        return list(Now().count(2))

    assert asyncio.run(use()) == [0, 1]


def test_a_stream_that_is_left_is_closed() -> None:
    counter = Now()
    numbers = counter.count(3)
    assert next(numbers) == 0
    numbers.close()
    assert counter.closed


def test_an_error_comes_through() -> None:
    async def fail() -> None:
        raise KeyError("here")

    async def begin_and_fail() -> AsyncGenerator[int, None]:
        yield 1
        raise KeyError("there")

    with pytest.raises(KeyError, match="here"):
        finished(fail())
    numbers = each(begin_and_fail())
    assert next(numbers) == 1
    with pytest.raises(KeyError, match="there"):
        next(numbers)


def test_a_blocking_object_that_would_wait_for_a_loop_is_a_fault() -> None:
    with pytest.raises(AssertionError, match="event loop"):
        Now().wait()


def test_help_shows_the_method() -> None:
    assert list(inspect.signature(Now.double).parameters) == ["self", "number"]
    assert list(inspect.signature(Now().double).parameters) == ["number"]
    assert Now().double.__doc__ == Later().double.__doc__ == "Return twice the number."
