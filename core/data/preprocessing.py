"""From any picture of a digit to the form that MNIST's makers gave theirs.

They fitted each digit into 20x20 pixels, keeping its aspect, and centred it by mass in 28x28 (LeCun et al. 1998,
"Gradient-based learning applied to document recognition", section III.A). Pens are another matter: where a stroke is
far thinner or thicker than theirs, it is brought to a width that occurs in MNIST.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dualtrain.core.data.resizing import SIDE
from dualtrain.core.data.stroke_width import BOX, fit, with_usual_pen

LEAST_CONTRAST = 24.0
"""Of 255; a picture with less of it shows nothing but noise."""
FLOOR, FULL = 0.1, 0.9
"""Contrast, as a part of the greatest, that still counts as background, and that counts as ink altogether."""
BORDER = 0.04
"""The part of each side whose pixels tell the background."""

Picture = NDArray[Any]


class Blank(ValueError):
    """There is no ink in a picture."""


def mnist_form(grey: Picture) -> NDArray[np.uint8]:
    """Return a picture (height, width), 0 black to 255 white, as (28, 28), light ink on black. Raises Blank."""
    fitted = fit(with_usual_pen(_ink(grey)), BOX)
    return _centred(fitted / fitted.max())


def _ink(grey: Picture) -> Picture:
    """Return how much ink each pixel has, 0 to 1: its distance from the background, on the side where most of it is."""
    background = np.median(_border(grey))
    darker, lighter = background - grey.min(), grey.max() - background
    contrast = max(darker, lighter)
    if contrast < LEAST_CONTRAST:
        raise Blank("the picture is blank: there is no ink that stands out from its background")
    part = (background - grey if darker > lighter else grey - background) / contrast
    ink: Picture = np.clip((part - FLOOR) / (FULL - FLOOR), 0, 1)
    return ink.astype(np.float32)


def _border(grey: Picture) -> Picture:
    height, width = (max(1, round(side * BORDER)) for side in grey.shape)
    edges = (grey[:height], grey[-height:], grey[:, :width], grey[:, -width:])
    return np.concatenate([edge.ravel() for edge in edges])


def _centred(fitted: Picture) -> NDArray[np.uint8]:
    """Return ink in the middle of (28, 28): its centre of mass where MNIST's are, as far as it fits."""
    height, width = fitted.shape
    down, right = (_start(fitted.sum(axis=axis)) for axis in (1, 0))
    image = np.zeros((SIDE, SIDE), np.uint8)
    image[down : down + height, right : right + width] = np.rint(fitted * 255)
    return image


def _start(profile: Picture) -> int:
    """Return where ink begins along one axis so that its centre of mass is where MNIST's is: in pixel 14."""
    centre = profile @ np.arange(len(profile)) / profile.sum()
    return int(np.clip(round(SIDE / 2 - centre), 0, SIDE - len(profile)))
