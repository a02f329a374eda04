"""What networks are trained on: data sets, their cache, and pictures that people send."""

from dualtrain.core.data.cache import is_prepared, load
from dualtrain.core.data.dataset import Dataset, scale
from dualtrain.core.data.images import MNIST, PLAIN, PREPARATIONS, ImageError, prepare
from dualtrain.core.data.labeled_images import DatasetError
from dualtrain.core.data.resize import SIDE, resize
from dualtrain.core.data.sources import Description, UnknownDataset, catalogue, describe
from dualtrain.core.data.uploads import install, remove, uploaded

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
    "is_prepared",
    "load",
    "remove",
    "resize",
    "scale",
    "prepare",
    "MNIST",
    "PLAIN",
    "PREPARATIONS",
    "uploaded",
]
