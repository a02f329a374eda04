"""Rules of np.pad: elements repeated, constants, ramps, and statistics of what they are put beside."""

from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Dual, Tensor, plain, push
from dualtrain.core.dual.rules.combinators import Handler, gathered, in_order

_REPEATING = ("edge", "reflect", "symmetric", "wrap")
_STATISTICS: dict[str, Handler] = {"maximum": np.max, "minimum": np.min, "mean": np.mean, "median": np.median}


def _pad(x: Tensor, pad_width: Any, mode: Any = "constant", **options: Any) -> Tensor:
    np.pad(np.zeros((1,) * np.ndim(x)), pad_width, mode, **plain(options))  # whose errors are NumPy's
    if np.ndim(x) == 0:
        return np.copy(x)
    widths, constant_values = _pairs(_by_axis(pad_width, x), x), options.get("constant_values", 0)
    if mode == "constant" and not isinstance(constant_values, Dual):
        return _with_constants(x, widths, constant_values)
    if mode in _REPEATING and options.get("reflect_type") != "odd":
        return gathered(lambda numbers: np.pad(numbers, widths, mode), x)
    if mode != "linear_ramp" and mode not in _STATISTICS:
        raise TypeError(f"numpy.pad of a dual takes no mode={mode!r} with duals as options or reflect_type='odd'")
    ends, lengths = (
        _pairs(options.get(name, default), x) for name, default in (("end_values", 0), ("stat_length", None))
    )
    array = x
    for axis, (width, end, length) in enumerate(zip(widths, ends, lengths, strict=True)):
        sides = (0, width[0], end[0], length[0]), (-1, width[1], end[1], length[1])
        moved = np.moveaxis(x, axis, 0)
        before, after = (
            _ramp(moved, *side[:3]) if mode == "linear_ramp" else _level(moved, mode, *side[:2], side[3])
            for side in sides
        )
        x = np.moveaxis(np.concatenate([before, moved, after[::-1]]), 0, axis)
    return in_order(x, array)


def _by_axis(widths: Any, x: Tensor) -> Any:
    """Return the widths as arrays have them, of a dictionary with those of some axes."""
    if not isinstance(widths, dict):
        return widths
    result = np.zeros((x.ndim, 2), int)
    for axis, width in widths.items():
        result[axis] = width
    return result


def _pairs(given: Any, x: Tensor) -> Any:
    """Return an option for both ends of each axis."""
    return np.broadcast_to(np.asarray(given), (np.ndim(x), 2)).tolist()


def _with_constants(x: Tensor, widths: Any, values: Any) -> Tensor:
    def rule(tangents: list[Tensor], out: Tensor, primal: Tensor) -> Tensor:
        front = tangents[0].ndim - primal.ndim
        return np.pad(tangents[0], [[0, 0]] * front + widths)

    return push(lambda primal: np.pad(primal, widths, constant_values=values), rule, (x,))


def _ramp(x: Tensor, place: int, width: int, end: float) -> Tensor:
    """Return steps from the end value towards the first or last element along the first axis, which is left out."""
    part = np.reshape(np.arange(width, dtype=x.dtype) / max(width, 1), (-1,) + (1,) * (x.ndim - 1))
    return end + part * (x[place] - end)


def _level(x: Tensor, mode: str, place: int, width: int, length: int | None) -> Tensor:
    """Return a statistic of as many of the first or last elements along the first axis."""
    used = x if length is None else x[:length] if place == 0 else x[-length:]
    return np.broadcast_to(_STATISTICS[mode](used, axis=0), (width, *x.shape[1:]))


RULES: dict[Any, Handler] = {np.pad: _pad}
