"""Building blocks of the modules of SciPy's that take duals."""

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

from dualtrain.core.dual.engine import Dual, Tensor
from dualtrain.core.dual.rules.combinators import bilinear, linear
from dualtrain.core.dual.rules.creation import array, has_dual


class Namespace(ModuleType):
    """A module of SciPy's, some of whose functions take duals."""

    def __init__(self, name: str, functions: dict[str, Any]) -> None:
        super().__init__(f"scipy.{name}", f"SciPy's {name}, some of whose functions take duals.")
        self.functions = functions

    def __getattr__(self, name: str) -> Any:
        own = getattr(import_module(self.__name__), name)
        value = accepting(own, self.functions[name]) if name in self.functions else own
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        return dir(import_module(self.__name__))


def accepting(own: Callable[..., Any], rule: Callable[..., Any]) -> Callable[..., Any]:
    """Return SciPy's function for plain arguments, and the rule for duals and lists of them."""

    def call(*args: Any, **options: Any) -> Any:
        if not has_dual(list(args)) and not has_dual(list(options.values())):
            return own(*args, **options)
        lists = list if own.__name__ == "cho_solve" else list | tuple  # which takes a pair
        arrays = [array(arg) if isinstance(arg, lists) and has_dual(arg) else arg for arg in args]
        return rule(own, *arrays, **options)

    call.__name__ = own.__name__
    call.__doc__ = own.__doc__
    return call


def by(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the rule of a function that NumPy, or this library, has as well."""
    return lambda own, *args, **options: function(*args, **options)


def linear_rule(own: Callable[..., Any], x: Tensor, *args: Any, **options: Any) -> Tensor:
    """Apply a function that is linear in its first argument."""

    def apply(x: Tensor, *args: Any, **options: Any) -> Tensor:
        return linear(apply)(x, *args, **options) if isinstance(x, Dual) else own(x, *args, **options)

    return apply(x, *args, **options)


def bilinear_rule(own: Callable[..., Any], x: Tensor, y: Tensor, *args: Any, **options: Any) -> Tensor:
    """Apply a function that is linear in each of its first two arguments."""

    def apply(x: Tensor, y: Tensor, *args: Any, **options: Any) -> Tensor:
        dual = isinstance(x, Dual) or isinstance(y, Dual)
        return (bilinear(apply) if dual else own)(x, y, *args, **options)

    return apply(x, y, *args, **options)


def linear_in(place: int) -> Callable[..., Any]:
    """Return the rule of a function that is linear in one argument; the others are plain."""

    def rule(own: Callable[..., Any], *args: Any, **options: Any) -> Tensor:
        def of_array(x: Tensor, *rest: Any) -> Any:
            return own(*rest[:place], x, *rest[place:], **options)

        return linear_rule(of_array, args[place], *args[:place], *args[place + 1 :])

    return rule
