"""Rules of np.fft: all of it is linear."""

from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Tensor
from dualtrain.core.dual.rules.combinators import Handler, axiswise

ONE_AXIS = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
TWO_AXES = ("fft2", "ifft2", "rfft2", "irfft2")
MANY_AXES = ("fftn", "ifftn", "rfftn", "irfftn")


def _last_axes(function: Any) -> Handler:
    """Return a transform over the axes given, or the last ones that its shape `s` names, or all."""

    def handle(x: Tensor, s: Any = None, axes: Any = None, norm: Any = None) -> Tensor:
        if axes is None and s is not None:
            axes = tuple(range(-len(s), 0))
        return axiswise(function, 1, None, name="axes")(x, s, axes, norm)

    return handle


RULES: dict[Any, Handler] = {
    **{getattr(np.fft, name): axiswise(getattr(np.fft, name), 1, -1) for name in ONE_AXIS},
    **{getattr(np.fft, name): axiswise(getattr(np.fft, name), 1, (-2, -1), name="axes") for name in TWO_AXES},
    **{getattr(np.fft, name): _last_axes(getattr(np.fft, name)) for name in MANY_AXES},
    np.fft.fftshift: axiswise(np.fft.fftshift, 0, None, name="axes"),
    np.fft.ifftshift: axiswise(np.fft.ifftshift, 0, None, name="axes"),
}
