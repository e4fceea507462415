"""Cameras that the service fetches frames from itself, each in a thread of its own, and the watchdog over all."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from scenarios import Camera, InputError
from vision.service.engine import Engine
from vision.service.metrics import Metrics
from vision.sources import Missed, Seen, Source
from vision.watch import Watch

LONGEST_PAUSE = 60.0
"""Seconds between two tries to begin a source again, at most."""
log = logging.getLogger(__name__)


class Feed:
    """One camera's source, read for ever. A stream's newest frame takes the place of one that waits; the pictures of a
    folder and the frames of a video wait for their turn. `state` says in a word how it is."""

    def __init__(self, source: Source, engine: Engine, metrics: Metrics, pause: float = 1.0) -> None:
        self.source, self.engine, self.metrics, self.pause = source, engine, metrics, pause
        self.state, self.why = "starting", ""
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin to read."""
        threading.Thread(target=self._run, name=f"feed {self.source.camera.id}", daemon=True).start()

    def stop(self) -> None:
        """End at the next frame."""
        self._stop.set()

    def _run(self) -> None:
        camera, pause = self.source.camera.id, self.pause
        while not self._stop.is_set():
            try:
                for seen in self._frames():
                    if self._stop.is_set():
                        return
                    if self._take(seen):
                        pause = self.pause
            except Exception as error:  # a folder that is not mounted yet, a file system that went away
                self.state, self.why = "failed", str(error) if isinstance(error, InputError) else type(error).__name__
                log.warning("%s: %s; tried again in %g s", camera, self.why, pause)
            else:
                self.state = "ended"
                return
            self.metrics.restarts.labels(camera).inc()
            self._stop.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _frames(self) -> Iterator[Seen]:
        return self.source.frames(self.engine.is_new)

    def _take(self, seen: Seen) -> bool:
        """Whether it was a frame."""
        if isinstance(seen, Missed):
            self.state, self.why = "no frame", seen.why
            self.metrics.missed.labels(seen.camera.id).inc()
            log.warning("%s: %s", seen.camera.id, seen.why)
            return False
        self.state, self.why = "reading", ""
        put = self.engine.replace if self.source.is_stream else self.engine.wait
        put(seen)
        return True


@dataclass
class _Silence:
    camera: Camera
    longest: float
    told: bool = False


class Watchdog:
    """Tells of cameras that have had no frame for too long, by whatever way their frames come, and does `chores`."""

    def __init__(
        self,
        engine: Engine,
        longest: dict[str, float],
        chores: Sequence[Callable[[], None]] = (),
        every: float = 1.0,
    ) -> None:
        """`longest`: seconds for each camera."""
        self.engine, self.every, self.chores = engine, every, chores
        self._cameras = [_Silence(c, longest[c.id]) for c in engine.cameras]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self.every):
            self.look(time.monotonic())
            for chore in self.chores:
                try:
                    chore()
                except Exception as error:  # one that fails is done again in a moment
                    log.error("%s: %s", type(error).__name__, error)
        self.engine.database.close()

    def look(self, now: float) -> None:
        """Look at each camera once; `now` by `time.monotonic`."""
        for one in self._cameras:
            silent = now - self.engine.arrived[one.camera.id] >= one.longest
            if silent and not one.told:
                self.engine.call(_missed(one.camera.id))
            one.told = silent
            self.engine.metrics.silent.labels(one.camera.id).set(silent)


def _missed(camera: str) -> Callable[[Watch, float], tuple]:
    return lambda watch, at: watch.miss(camera, at)
