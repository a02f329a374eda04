"""Data sets: their sources, their prepared form, and images that are sent for prediction.

The names below are imported when they are first used: a specification needs neither Arrow nor Pillow.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dualtrain.core.data.cache import is_prepared as is_prepared
    from dualtrain.core.data.cache import load as load
    from dualtrain.core.data.dataset import Dataset as Dataset
    from dualtrain.core.data.dataset import scale as scale
    from dualtrain.core.data.images import MNIST as MNIST
    from dualtrain.core.data.images import PLAIN as PLAIN
    from dualtrain.core.data.images import PREPARATIONS as PREPARATIONS
    from dualtrain.core.data.images import ImageError as ImageError
    from dualtrain.core.data.images import prepare as prepare
    from dualtrain.core.data.labeled_images import DatasetError as DatasetError
    from dualtrain.core.data.resizing import SIDE as SIDE
    from dualtrain.core.data.resizing import resize as resize
    from dualtrain.core.data.sources import Description as Description
    from dualtrain.core.data.sources import UnknownDataset as UnknownDataset
    from dualtrain.core.data.sources import catalogue as catalogue
    from dualtrain.core.data.sources import describe as describe
    from dualtrain.core.data.uploads import install as install
    from dualtrain.core.data.uploads import remove as remove
    from dualtrain.core.data.uploads import uploaded as uploaded

_MODULES = {
    "cache": ("is_prepared", "load"),
    "dataset": ("Dataset", "scale"),
    "images": ("MNIST", "PLAIN", "PREPARATIONS", "ImageError", "prepare"),
    "labeled_images": ("DatasetError",),
    "resizing": ("SIDE", "resize"),
    "sources": ("Description", "UnknownDataset", "catalogue", "describe"),
    "uploads": ("install", "remove", "uploaded"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
