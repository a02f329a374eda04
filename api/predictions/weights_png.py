"""Weights of a layer as a PNG: blue is negative, white zero, red positive."""

import io
from math import ceil, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dualtrain.api.predictions.model import LoadedModel

GAP = 1
MAX_UNITS = 400
"""Units of a layer in the image; more would be too small to see."""
LONG_SIDE = 600
"""Small images are enlarged to about this many pixels, each weight a square."""
MIDDLE = 128


def weights_png(model: LoadedModel, layer: int) -> bytes:
    """Return the weights of a layer as a PNG: for the first layer a tile for each unit, else the matrix itself.

    Raises LookupError when there is no such layer, or it has no weights.
    """
    matrices = {part.layer: part for part in model.network.slices if len(part.shape) == 2}
    if layer not in matrices:
        layers = ", ".join(map(str, sorted(matrices)))
        raise LookupError(f"layer {layer} has no weights to show; these have: {layers}")
    weights = matrices[layer].of(model.parameters)[:, :MAX_UNITS]
    return _png(_tiles(weights, model.image_size) if layer == 0 else _shades(weights))


def _tiles(weights: NDArray[Any], side: int) -> NDArray[np.uint8]:
    """Return weights (side², H) as a grid of images (side, side), one for each unit, in the layout of the pixels."""
    units = _shades(weights).T.reshape(-1, side, side)
    columns = ceil(sqrt(len(units)))
    rows = ceil(len(units) / columns)
    grid = np.full((rows * (side + GAP) + GAP, columns * (side + GAP) + GAP), MIDDLE, np.uint8)
    for index, unit in enumerate(units):
        row, column = divmod(index, columns)
        top = GAP + row * (side + GAP)
        left = GAP + column * (side + GAP)
        grid[top : top + side, left : left + side] = unit
    return grid


def _shades(weights: NDArray[Any]) -> NDArray[np.uint8]:
    """Return weights as shades 1 to 255; zero is 128."""
    peak = float(np.abs(weights).max()) or 1.0
    return np.rint(weights / peak * 127 + MIDDLE).astype(np.uint8)


def _palette() -> list[int]:
    shades = np.clip(np.arange(256) - MIDDLE, -127, 127) / 127
    fade = 1 - np.abs(shades)
    red = np.where(shades < 0, fade, 1)
    blue = np.where(shades > 0, fade, 1)
    return [int(part) for part in np.rint(np.stack((red, fade, blue), axis=1) * 255).ravel()]


def _png(shades: NDArray[np.uint8]) -> bytes:
    image = Image.fromarray(shades)
    image.putpalette(_palette())
    factor = max(1, LONG_SIDE // max(image.size))
    file = io.BytesIO()
    image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST).save(file, "PNG")
    return file.getvalue()
