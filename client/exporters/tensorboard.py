"""Curves as TensorBoard event files; needs the package tensorboard."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from dualtrain.client.exporters import Curve
from dualtrain.client.exporters.targets import NewPoints


class TensorBoard:
    """A folder of runs, one folder for each job."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    @contextmanager
    def run(self, curve: Curve) -> Iterator["_Run"]:
        """Write the run of a job."""
        writer = EventFileWriter(str(self._folder / curve.job_id))
        try:
            yield _Run(writer)
        finally:
            writer.close()


class _Run:
    def __init__(self, writer: EventFileWriter) -> None:
        self._writer = writer
        self._new = NewPoints()

    def add(self, points: Iterable[Mapping[str, Any]]) -> None:
        """Write the points that were not written yet."""
        for step, figures in self._new.of(points):
            values = [Summary.Value(tag=name, simple_value=value) for name, value in figures.items()]
            self._writer.add_event(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))
        self._writer.flush()
