"""One implementation, two kinds of objects: blocking ones and awaited ones.

A method is written once, as a coroutine (`verb`) or as an asynchronous generator (`stream`). What a call of it gives
is decided by the kind of the object, for type checkers too:

    Client().workers()              list          for job in Client().jobs()
    await AsyncClient().workers()   list          async for job in AsyncClient().jobs()
"""

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from functools import wraps
from types import MethodType
from typing import Any, ClassVar, Concatenate, Generic, ParamSpec, TypeVar, overload

from dualtrain.client.http import AwaitedWire, BlockingWire, Wire

P = ParamSpec("P")
T = TypeVar("T")


class Blocking:
    """Its verbs return when they are done."""

    _wire: ClassVar[type[Wire]] = BlockingWire


class Awaited:
    """Its verbs are coroutines, its streams asynchronous generators."""

    _wire: ClassVar[type[Wire]] = AwaitedWire


class verb(Generic[P, T]):
    """A coroutine method; a `Blocking` object runs it to its end."""

    def __init__(self, method: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]) -> None:
        self._method = method

    @overload
    def __get__(self, owner: Blocking, kind: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, owner: Awaited, kind: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, owner: Any, kind: type) -> Callable[..., Any]:
        return _bound(self._method, owner, finished)


class stream(Generic[P, T]):
    """A method that is an asynchronous generator; of a `Blocking` object it is a plain one."""

    def __init__(self, method: Callable[Concatenate[Any, P], AsyncGenerator[T, None]]) -> None:
        self._method = method

    @overload
    def __get__(self, owner: Blocking, kind: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, owner: Awaited, kind: type) -> Callable[P, AsyncGenerator[T, None]]: ...
    def __get__(self, owner: Any, kind: type) -> Callable[..., Any]:
        return _bound(self._method, owner, each)


def finished(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("a blocking object waited for an event loop")


def each(items: AsyncGenerator[T, None]) -> Iterator[T]:
    """Yield the items of a generator that waits for nothing; it is closed with this one."""
    try:
        while True:
            yield finished(anext(items))
    except StopAsyncIteration:
        return
    finally:
        finished(items.aclose())


def _bound(method: Callable[..., Any], owner: Any, blocking: Callable[[Any], Any]) -> Callable[..., Any]:
    if owner is None:
        return method
    bound = MethodType(method, owner)

    @wraps(bound)
    def call(*args: Any, **options: Any) -> Any:
        return blocking(bound(*args, **options))

    return bound if isinstance(owner, Awaited) else call
