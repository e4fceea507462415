"""Several pipelines that read at once: a camera's frames are all read by the same one."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from scenarios import Camera, Frame, InputError, Layout
from vision.pipeline import Pipeline
from vision.readings import Reading
from vision.runtimes import ON_PROCESSOR, cores
from vision.service.problems import Refused

Tried = tuple[Reading, float, float]
"""A reading, and when it was begun and ended, by `time.perf_counter`."""
TRIED_CAMERAS = 16
"""Cameras of frames that are read by themselves of which something is kept."""


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
        self._apart: Pipeline | None = None
        self._tried: set[Camera] = set()
        self._of = {camera: n for n, group in enumerate(self.groups) for camera in group}

    def __call__(self, frame: Frame) -> Reading:
        """As `Pipeline`, of one of the cameras."""
        assert frame.camera is not None
        n = self._of[frame.camera.id]
        with self._locks[n]:
            return self._pipelines[n](frame)

    def read_apart(self, frame: Frame) -> Tried:
        """Read a frame of any camera by itself: nothing that was seen before has a say, and nothing is kept of it.
        Raises Refused where nothing can be seen from the camera's place."""
        assert frame.camera is not None
        with self._locks[0]:  # its networks are those of the first pipeline
            begun = time.perf_counter()
            if self._apart is None or (frame.camera not in self._tried and len(self._tried) >= TRIED_CAMERAS):
                self._apart, self._tried = self._pipelines[0].apart(), set()
            self._tried.add(frame.camera)
            try:
                reading = self._apart(frame)
            except (ValueError, ArithmeticError) as error:
                raise Refused("not a camera", f"nothing can be read through it: {error}") from None
            return reading, begun, time.perf_counter()


def shares(wanted: int, cameras: int, runtime: str) -> list[int]:
    """How many threads each of a service's readers has for its networks. `wanted` is how many readers there shall be;
    0: one for each core, but no more than there are cameras, as threads of one network wait for each other; and a
    single one where the networks run on a GPU, which does one after the other."""
    most = cores()
    readers = wanted or (min(most, cameras) if runtime in ON_PROCESSOR else 1)
    return [max(1, most // readers)] * readers
