"""What networks are trained on: data sets, their cache, and pictures that people send."""

from core.data.archives import DatasetError
from core.data.cache import load
from core.data.dataset import Dataset, scale
from core.data.images import ImageError, treat
from core.data.resize import SIDE, resize
from core.data.sources import Description, UnknownDataset, catalogue, describe
from core.data.uploads import install, remove, uploaded

__all__ = [
    "SIDE",
    "Dataset",
    "DatasetError",
    "Description",
    "ImageError",
    "UnknownDataset",
    "catalogue",
    "describe",
    "install",
    "load",
    "remove",
    "resize",
    "scale",
    "treat",
    "uploaded",
]
