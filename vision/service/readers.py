"""Several pipelines that read at once: a camera's frames are all read by the same one."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from scenarios import Frame, InputError, Layout
from vision.pipeline import Pipeline
from vision.readings import Reading
from vision.runtimes import ON_PROCESSOR, cores


class Readers:
    """Pipelines of the same networks and shelves as one; safe for several threads. `groups` are the cameras of each:
    those of one wait for each other, those of different ones do not."""

    def __init__(self, pipelines: Sequence[Pipeline], cameras: Sequence[str]) -> None:
        """Raises InputError for pipelines without a planogram."""
        layout = pipelines[0].layout
        if layout is None:
            raise InputError("serve: expected a pipeline with a planogram")
        self.layout: Layout = layout
        self.groups = [tuple(cameras[n :: len(pipelines)]) for n in range(len(pipelines))]
        self._pipelines = pipelines
        self._locks = [threading.Lock() for _ in pipelines]
        self._of = {camera: n for n, group in enumerate(self.groups) for camera in group}

    def __call__(self, frame: Frame) -> Reading:
        """As `Pipeline`, of one of the cameras."""
        assert frame.camera is not None
        n = self._of[frame.camera.id]
        with self._locks[n]:
            return self._pipelines[n](frame)

    @contextmanager
    def alone(self) -> Iterator[Pipeline]:
        """The first pipeline, which reads nothing else meanwhile."""
        with self._locks[0]:
            yield self._pipelines[0]


def shares(wanted: int, cameras: int, runtime: str) -> list[int]:
    """How many threads each of a service's readers has for its networks. `wanted` is how many readers there shall be;
    0: one for each core, but no more than there are cameras, as threads of one network wait for each other; and a
    single one where the networks run on a GPU, which does one after the other."""
    most = cores()
    readers = wanted or (min(most, cameras) if runtime in ON_PROCESSOR else 1)
    return [max(1, most // readers)] * readers
