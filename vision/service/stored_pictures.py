"""Pictures that are stored because somebody asked for it: without recognisable people, and for a set time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from scenarios import Frame
from vision.pictures import Shown, jpeg
from vision.readings import Reading
from vision.service.metrics import Metrics
from vision.service.settings import PictureSettings

QUALITY = 80
Hide = Callable[[NDArray[np.uint8], NDArray[np.float32]], Shown]
"""Takes an image and the boxes of people (see `vision.privacy.Privacy`)."""


class StoredPictures:
    """A folder with a folder for each camera; pictures are named after when they were taken."""

    def __init__(self, folder: Path, settings: PictureSettings, hide: Hide, metrics: Metrics) -> None:
        self.folder, self.settings, self.hide, self.metrics = folder, settings, hide, metrics
        self._last: dict[str, float] = {}

    def look(self, frame: Frame, reading: Reading) -> None:
        """Store a frame, if it is time to. Raises OSError."""
        camera = str(reading.camera)
        if frame.time - self._last.get(camera, -np.inf) < self.settings.every:
            return
        self._last[camera] = frame.time
        folder = self.folder / quote(camera, safe="")
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".draft-{os.getpid()}"
        draft.write_bytes(jpeg(self.hide(frame.image, reading.people), QUALITY))
        draft.replace(folder / f"{frame.time:.3f}.jpg")
        self.metrics.pictures.labels(camera).inc()

    def newest(self, camera: str) -> Path | None:
        """The newest picture of a camera."""
        found = (self.folder / quote(camera, safe="")).glob("[0-9]*.jpg")
        return max(found, key=lambda path: float(path.stem), default=None)

    def forget(self, now: float | None = None) -> int:
        """Delete the pictures that were stored longer ago than they may be kept, and what a crash left of one; how many
        there were. `now` in seconds since 1970."""
        oldest = (time.time() if now is None else now) - self.settings.hours * 3600
        old = [p for p in self.folder.glob("*/*") if p.stat().st_mtime < oldest]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)
