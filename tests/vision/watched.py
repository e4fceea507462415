"""A shelf watched without pictures: a pipeline that says what a frame's first pixel stands for.

Run as a program, it watches until it is killed: `python -m tests.vision.watched FOLDER FRAMES`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from scenarios import Frame
from tests.layouts import front_camera, small_layout
from tests.vision.placewords import reading, words
from vision import PlaceState
from vision import watch as module
from vision.drift import Drift
from vision.watch import KeptInFolder, Watch

LAYOUT = small_layout()
FIRST = LAYOUT.planogram.positions[0]
FULL, OUT, HIDDEN = range(3)
SAID = {FULL: PlaceState.OWN, OUT: PlaceState.EMPTY, HIDDEN: PlaceState.UNSEEN}
"""What is said of the first position; all others are in stock."""


class Seer:
    """Stands for a pipeline."""

    layout = LAYOUT

    def __call__(self, frame: Frame):
        state = np.full(len(LAYOUT.places), PlaceState.OWN)
        state[: FIRST.facings] = SAID[int(frame.image[0, 0, 0])]
        return reading(frame.time, words(LAYOUT, state), frame.camera.id)


def frame(time: float, what: int, camera=None) -> Frame:
    """A frame that shows the first position as one of FULL, OUT and HIDDEN. It has contrast, so that it is no cover."""
    image = np.full((480, 640, 3), 120, np.uint8)
    image[::8] = 20
    image[0, 0] = what
    return Frame(image, camera or front_camera(), time)


def watcher(folder: Path, cameras=None) -> Watch:
    return Watch(KeptInFolder(folder), Seer(), cameras or [front_camera()])  # type: ignore[arg-type]


def story(frames: int) -> list[int]:
    """Out and in stock by turns, each for ten frames, with a shopper in between."""
    return [HIDDEN if i % 10 < 2 else (OUT if (i // 10) % 2 else FULL) for i in range(frames)]


def main(folder: Path, frames: int) -> None:
    module.find_drift = lambda f, layout, zero: Drift("fits", f.camera)  # type: ignore[assignment]
    watch = watcher(folder)
    for i, what in enumerate(story(frames)):
        if watch.is_new("front", 5.0 * i):
            watch.see(frame(5.0 * i, what))
            watch.keep()
            print(i, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
