"""Programs that show curves: a tracker writes runs, and a run takes a history as it grows."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any, Protocol

from dualtrain.client.exporters import Curve
from dualtrain.core.history import COLUMNS

_EXTRAS = {"tensorboard": "tensorboard", "mlflow": "mlflow"}


class Run(Protocol):
    """A run of a tracker."""

    def add(self, points: Iterable[Mapping[str, Any]]) -> None:
        """Write the points of a history that were not written yet."""
        ...


class Tracker(Protocol):
    """A place to which runs are written."""

    def run(self, curve: Curve) -> AbstractContextManager[Run]:
        """Return the run of a job; what was written of it is complete when the context ends."""
        ...


def tracker(name: str, place: str | None) -> Tracker:
    """Return the tracker "tensorboard" or "mlflow". Raises RuntimeError when its package is not installed."""
    try:
        import_module(_EXTRAS[name])
    except ModuleNotFoundError as error:
        raise RuntimeError(f"{name} is not installed here: pip install 'dualtrain[{name}]'") from error
    if name == "tensorboard":
        from dualtrain.client.exporters.tensorboard import TensorBoard

        return TensorBoard(place or "runs")
    from dualtrain.client.exporters.mlflow import MLflow

    return MLflow(place)


class NewPoints:
    """The points of a growing history that were not seen yet."""

    def __init__(self) -> None:
        self._step = -1

    def of(self, points: Iterable[Mapping[str, Any]]) -> Iterator[tuple[int, dict[str, float]]]:
        """Yield step and known figures of each new point."""
        for point in points:
            if point["step"] > self._step:
                self._step = point["step"]
                yield self._step, figures(point)


def figures(point: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures of a point that are known."""
    return {name: float(point[name]) for name in COLUMNS[1:] if point.get(name) is not None}
