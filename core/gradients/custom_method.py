"""Gradient methods that the operator installs: found by name among the entry points `dualtrain.methods`."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Annotated, Any, Literal, TypeAlias

from annotated_types import MaxLen, MinLen
from numpy.typing import DTypeLike
from pydantic.dataclasses import dataclass

from dualtrain.core.gradients.base import Block, Cost, Draw, Estimate, Method
from dualtrain.core.nn import Network
from dualtrain.core.nn.config import CONFIG
from dualtrain.core.nn.tensor import Array, Labels

GROUP = "dualtrain.methods"
Option: TypeAlias = bool | int | float | str | None


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class CustomMethod(Method):
    """A method of the operator's own: `factory(**options)` of the entry point `name` makes a `Method`.

    `check_method` says whether it keeps what the service relies on.
    """

    method: Literal["custom"] = "custom"
    name: Annotated[str, MinLen(1), MaxLen(100)]
    options: Annotated[dict[str, Option], MaxLen(32)] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.name, self._json_options))

    def find(self) -> Method:
        """Return the method. Raises ValueError where none is installed, or it does not take the options."""
        return _made(self.name, self._json_options)

    def check(self, network: Network) -> None:
        self._own.check(network)

    def blocks(self, network: Network, batch_size: int) -> Sequence[Block]:
        return self._own.blocks(network, batch_size)

    def measure(
        self, network: Network, parameters: Array, inputs: Array, labels: Labels, blocks: Iterable[Block], draw: Draw
    ) -> list[Array]:
        return self._own.measure(network, parameters, inputs, labels, blocks, draw)

    def combine(
        self, network: Network, blocks: Sequence[Block], rows: Sequence[Array], dtype: DTypeLike, draw: Draw
    ) -> Estimate:
        return self._own.combine(network, blocks, rows, dtype, draw)

    def passes(self, network: Network) -> int:
        return self._own.passes(network)

    def evaluations(self, network: Network) -> int:
        return self._own.evaluations(network)

    def cost(self, network: Network, batch_size: int) -> Cost:
        return self._own.cost(network, batch_size)

    @property
    def _own(self) -> Method:
        return self.find()

    @property
    def _json_options(self) -> str:
        return json.dumps(self.options, sort_keys=True)


@lru_cache(maxsize=64)
def _made(name: str, options: str) -> Method:
    factory = _factory(name)
    try:
        method = factory(**json.loads(options))
    except Exception as error:  # code of the operator's own
        raise ValueError(f"method {name!r} does not take the options {options}: {error}") from error
    if not isinstance(method, Method):
        raise ValueError(f"method {name!r} is a {type(method).__name__}, not a dualtrain.core.gradients.Method")
    return method


def _factory(name: str) -> Callable[..., Any]:
    points = {point.name: point for point in entry_points(group=GROUP)}
    if name not in points:
        known = ", ".join(sorted(points)) or "none"
        raise ValueError(f"no method {name!r} is installed under the entry points {GROUP!r}; there are: {known}")
    try:
        factory: Callable[..., Any] = points[name].load()
    except (ImportError, AttributeError) as error:
        raise ValueError(f"method {name!r} cannot be loaded from {points[name].value!r}: {error}") from error
    return factory
