"""A camera's own state, from its picture and what was read of it: silent, dark, blocked or moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, Frame, Layout
from vision.readings import PlaceState, Reading
from vision.view import view_of

DARK = 16.0
"""Mean grey of 255 below which a picture is dark: black of 8-bit video (ITU-R BT.601). A camera whose exposure has
any light to work with brings it far above."""
FLAT = 6.0
"""Standard deviation of the grey values, of 255, below which a picture shows nothing: sensor noise on a covered lens
is less, a shelf has ten times as much."""
LEAST_SEEN = 0.2
"""The share of the places before a camera that it has to see; one shopper hides about a tenth of a bay's."""
FEWEST = 5
"""Places that a camera has to have before it, for their share to say something."""
STEP = 4
"""Every so many rows and columns of a picture are measured."""


@dataclass(frozen=True)
class CameraLook:
    """One frame of a camera as its health needs it: mean and standard deviation of grey (0 to 255), how many
    places it should see and did, the ids of the positions that it watches, and whether it was found to have moved.
    `silent`: there is no frame."""

    camera: str
    time: float
    level: float
    spread: float
    expected: int
    seen: int
    watches: tuple[str, ...] = ()
    moved: bool = False
    silent: bool = False


@dataclass(frozen=True, eq=False)
class Outlook:
    """What a camera should see: which places (P,), and at least half of which positions."""

    visible: NDArray[np.bool_]
    watches: tuple[str, ...]


def outlook_of(layout: Layout, camera: Camera) -> Outlook:
    """The places and positions before a camera."""
    visible = view_of(layout, camera).visible
    share = np.bincount(layout.places.position, visible) / np.bincount(layout.places.position)
    return Outlook(visible, tuple(p.id for p, s in zip(layout.planogram.positions, share) if s >= 0.5))


def silence(camera: Camera, time: float, layout: Layout) -> CameraLook:
    """What there is to say of a camera whose stream has stopped."""
    return CameraLook(camera.id, time, 0.0, 0.0, 0, 0, outlook_of(layout, camera).watches, silent=True)


def look_at(
    frame: Frame, reading: Reading, layout: Layout, moved: bool = False, outlook: Outlook | None = None
) -> CameraLook:
    """Measure a frame of a calibrated camera. `moved` is what its drift was found to be, `outlook` what it should see,
    where that is known already."""
    if frame.camera is None or reading.places is None:
        raise ValueError("the frame's camera is not known; expected a calibrated one and a reading with places")
    grey = frame.image[::STEP, ::STEP].mean(axis=2)
    outlook = outlook or outlook_of(layout, frame.camera)
    visible = outlook.visible
    seen = visible & (reading.places.state != PlaceState.UNSEEN)
    return CameraLook(
        frame.camera.id, frame.time, float(grey.mean()), float(grey.std()), int(visible.sum()), int(seen.sum()),
        outlook.watches, moved,
    )  # fmt: skip


def faults(look: CameraLook) -> frozenset[str]:
    """What is wrong with a camera. In the dark nothing else can be told, and behind a cover no movement."""
    if look.silent:
        return frozenset({"camera silent"})
    if look.level < DARK:
        return frozenset({"camera dark"})
    if look.spread < FLAT or (look.expected >= FEWEST and look.seen < LEAST_SEEN * look.expected):
        return frozenset({"camera blocked"})
    return frozenset({"camera moved"} if look.moved else ())
