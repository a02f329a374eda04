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
    """Return the weights of a layer as a PNG.

    For a convolution a tile for each filter and channel, for a dense layer on images a tile for each unit and channel,
    else the matrix itself. Raises LookupError when there is no such layer, or it has no weights.
    """
    network = model.network
    arrays = {part.layer: part for part in reversed(network.slices) if len(part.shape) > 1}
    if layer not in arrays:
        layers = ", ".join(map(str, sorted(arrays)))
        raise LookupError(f"layer {layer} has no weights to show; these have: {layers}")
    part = arrays[layer]
    weights = part.of(model.parameters)
    before = network.shapes[part.node]
    if len(part.shape) == 4:
        return _png(_tiles(weights))
    if len(before) == 3 and len(part.shape) == 2:
        return _png(_tiles(weights.reshape(*before, -1)))
    return _png(_shades(weights.reshape(-1, part.shape[-1])[:, :MAX_UNITS]))


def _tiles(weights: NDArray[Any]) -> NDArray[np.uint8]:
    """Return weights (height, width, channels, H) as a grid of images (height, width), channel by channel."""
    height, width, channels = weights.shape[:3]
    visible = weights[..., : max(1, MAX_UNITS // channels)]
    tiles = _shades(visible).transpose(3, 2, 0, 1).reshape(-1, height, width)
    columns = ceil(sqrt(len(tiles)))
    rows = ceil(len(tiles) / columns)
    grid = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP), MIDDLE, np.uint8)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        top = GAP + row * (height + GAP)
        left = GAP + column * (width + GAP)
        grid[top : top + height, left : left + width] = tile
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
