"""adapt: other people's programs with the namespace of duals in the place of NumPy, unmodified."""

import builtins
import copy
import math
import types
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import numpy as np

from dualtrain.core.dual import numpy as dual_numpy
from dualtrain.core.dual.scalar_math import dual_math

Adapted = TypeVar("Adapted")


def adapt(program: Adapted) -> Adapted:
    """Return a function, class or module in which NumPy is `dualtrain.core.dual.numpy`, and `math` takes duals.

    It is a private copy: of the module that it is defined in, and of those of the same package that it uses, with the
    names bound to NumPy, its functions, and `math` replaced; the program itself is not changed. Functions without
    source, of other packages or compiled, stay as they are. TypeError for other things.

    >>> import numpy
    >>> from dualtrain.core.dual import jacobian
    >>> def rotation(angle):
    ...     return numpy.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    >>> jacobian(adapt(rotation))(0.0)
    array([[-0., -1.],
           [ 1., -0.]])
    """
    adapter = _Adapter(_package_of(program))
    is_function = isinstance(program, types.FunctionType)
    result: Any = adapter.function(program) if is_function else adapter.converted(program)  # type: ignore[arg-type]
    if result is program:
        raise TypeError(f"adapt takes a function, a class or a module written in Python, not {program!r}")
    return result  # type: ignore[no-any-return]


def _package_of(program: Any) -> str:
    if isinstance(program, types.ModuleType):
        return program.__name__.split(".")[0]
    while isinstance(program, partial):
        program = program.func
    return str(getattr(program, "__module__", "")).split(".")[0]


_REPLACED: dict[int, tuple[Any, str]] = {}  # NumPy's functions and math's by their ids, with where to find them


def _replacement(value: Any) -> Any:
    """Return what stands for NumPy, math, or a function of one; None for anything else."""
    if value is np:
        return dual_numpy
    if value is math:
        return dual_math
    if isinstance(value, types.ModuleType) and value.__name__.startswith("numpy."):
        return _submodule(value.__name__)
    if str(getattr(value, "__name__", "")).startswith("scipy") or _is_of_scipy(value):
        return _of_scipy(value)
    if not _REPLACED:
        for module in (math, np, np.linalg, np.fft):
            _REPLACED.update({id(x): (module, name) for name, x in vars(module).items() if callable(x)})
    place = _REPLACED.get(id(value))
    if place is None or isinstance(value, type):
        return None
    return getattr(_replacement(place[0]), place[1])


def _is_of_scipy(value: Any) -> bool:
    return isinstance(value, types.FunctionType) and value.__module__.startswith("scipy.")


def _of_scipy(value: Any) -> Any:
    """Return what stands for a module of SciPy's, or for a function of one; None if it is SciPy's own."""
    from dualtrain.core.dual.scipy import NAMESPACES, Package

    if isinstance(value, types.ModuleType):
        return Package() if value.__name__ == "scipy" else NAMESPACES.get(value.__name__)
    home = NAMESPACES.get(".".join(str(value.__module__).split(".")[:2]))
    return getattr(home, value.__name__) if home is not None and value.__name__ in home.functions else None


def _submodule(name: str) -> Any:
    replacement: Any = dual_numpy
    for part in name.split(".")[1:]:
        replacement = getattr(replacement, part)
    return replacement


class _Adapter:
    """Copies of the modules, functions and classes of one package."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.copies: dict[int, Any] = {}
        self.originals: list[Any] = []  # which must live as long as their ids are keys

    def remember(self, original: Any, result: Any) -> Any:
        self.copies[id(original)] = result
        self.originals.append(original)
        return result

    def converted(self, value: Any) -> Any:
        """Return the copy of a value, or the value itself where there is nothing to replace in it."""
        if id(value) in self.copies:
            return self.copies[id(value)]
        if (replacement := _replacement(value)) is not None:
            return replacement
        for kind, convert in self.kinds:
            if isinstance(value, kind):
                return convert(value)
        return value

    @property
    def kinds(self) -> list[tuple[type, Any]]:
        """The kinds of values with something to replace in them, and how to copy each."""
        return [
            (partial, lambda value: partial(self.converted(value.func), *value.args, **value.keywords)),
            (types.MethodType, self.method),
            (types.FunctionType, lambda value: self.function(value) if self.is_ours(value.__module__) else value),
            (types.ModuleType, lambda value: self.module(value) if self.is_ours(value.__name__) else value),
            (type, lambda value: self.of_class(value) if self.is_plain_class(value) else value),
            (dict, self.container),
            (list, self.container),
            (tuple, self.container),
        ]

    def method(self, method: types.MethodType) -> types.MethodType:
        """Return a method of a copy of its instance, whose class is adapted too."""
        instance = method.__self__
        of_class = self.converted(type(instance))
        if of_class is not type(instance):
            instance = copy.copy(instance)
            instance.__class__ = of_class
        return types.MethodType(self.converted(method.__func__), instance)

    def is_plain_class(self, value: type) -> bool:
        return type(value) is type and self.is_ours(value.__module__)

    def is_ours(self, name: Any) -> bool:
        ours = isinstance(name, str) and name.split(".")[0] == self.package
        return ours and not name.startswith("dualtrain.core.dual")

    def module(self, module: types.ModuleType) -> types.ModuleType:
        result = self.remember(module, types.ModuleType(module.__name__, module.__doc__))
        result.__dict__.update(self.names(module.__dict__))
        return result  # type: ignore[no-any-return]

    def names(self, names: dict[str, Any]) -> dict[str, Any]:
        """Return the copy of a module's names."""
        if id(names) in self.copies:
            return self.copies[id(names)]  # type: ignore[no-any-return]
        result: dict[str, Any] = self.remember(names, dict(names))
        result["__builtins__"] = {**vars(builtins), "__import__": self.imported}
        for name, value in list(names.items()):
            if not name.startswith("__"):
                result[name] = self.converted(value)
        return result

    def imported(self, *args: Any, **options: Any) -> Any:
        """Import a module, as `__import__` does inside a copy."""
        return self.converted(builtins.__import__(*args, **options))

    def function(self, function: types.FunctionType) -> types.FunctionType:
        cells = tuple(self.cell(cell) for cell in function.__closure__ or ())
        names = self.names(function.__globals__)
        if id(function) in self.copies:  # made while its module was copied
            return self.copies[id(function)]  # type: ignore[no-any-return]
        result = types.FunctionType(function.__code__, names, function.__name__, function.__defaults__, cells or None)
        self.remember(function, result)
        result.__kwdefaults__ = function.__kwdefaults__
        result.__dict__.update(function.__dict__)
        result.__qualname__ = function.__qualname__
        result.__doc__ = function.__doc__
        result.__module__ = function.__module__
        return result

    def cell(self, cell: types.CellType) -> types.CellType:
        if id(cell) in self.copies:
            return self.copies[id(cell)]  # type: ignore[no-any-return]
        result = self.remember(cell, types.CellType())
        with suppress(ValueError):  # it is empty
            result.cell_contents = self.converted(cell.cell_contents)
        return result  # type: ignore[no-any-return]

    def of_class(self, original: type) -> type:
        bases = tuple(self.converted(base) for base in original.__bases__)
        skipped = {"__dict__", "__weakref__", *getattr(original, "__slots__", ())}
        names = {name: value for name, value in vars(original).items() if name not in skipped}
        result = self.remember(original, type(original.__name__, bases, names))
        for name, value in names.items():
            if isinstance(value, types.FunctionType):
                setattr(result, name, self.converted(value))
            elif isinstance(value, staticmethod | classmethod):
                setattr(result, name, type(value)(self.converted(value.__func__)))
            elif isinstance(value, property):
                getter, setter, deleter = map(self.converted, (value.fget, value.fset, value.fdel))
                setattr(result, name, property(getter, setter, deleter, value.__doc__))
        return result  # type: ignore[no-any-return]

    def container(self, value: Any) -> Any:
        """Return a dictionary, list or tuple with its functions converted; itself if there are none."""
        if type(value) not in (dict, list, tuple):
            return value
        items = list(value.values()) if isinstance(value, dict) else list(value)
        converted = [self.converted(item) if callable(item) else item for item in items]
        if all(new is old for new, old in zip(converted, items, strict=True)):
            return value
        return dict(zip(value, converted, strict=True)) if isinstance(value, dict) else type(value)(converted)
