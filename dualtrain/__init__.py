"""Forward-mode differentiation, networks that learn by it, and a client for the training service.

The names below are imported when they are first used, so `import dualtrain as dt` costs next to nothing:

>>> import dualtrain as dt
>>> dt.derivative(lambda x: x**3)(2.0)
12.0
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dualtrain.client import ApiError as ApiError
    from dualtrain.client import AsyncClient as AsyncClient
    from dualtrain.client import Client as Client
    from dualtrain.core.dual import DualNumber as DualNumber
    from dualtrain.core.dual import DualTensor as DualTensor
    from dualtrain.core.dual import derivative as derivative
    from dualtrain.core.dual import eps as eps
    from dualtrain.core.dual import gradient as gradient
    from dualtrain.core.dual import hessian as hessian
    from dualtrain.core.dual import jacobian as jacobian
    from dualtrain.core.dual import jvp as jvp
    from dualtrain.core.nn import Network as Network

    __version__: str

_MODULES = {
    "dualtrain.client": ("ApiError", "AsyncClient", "Client"),
    "dualtrain.core.dual": ("DualNumber", "DualTensor", "derivative", "eps", "gradient", "hessian", "jacobian", "jvp"),
    "dualtrain.core.nn": ("Network",),
    "dualtrain.core.version": ("__version__",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'dualtrain' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
