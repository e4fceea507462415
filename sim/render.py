"""What a renderer gives, and the one door to all renderers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, InputError, Scenario

if TYPE_CHECKING:
    from sim.world import World

RENDERERS = ("raster", "raster-egl", "pathtrace")
"""TinyRenderer, the reference; PyBullet's OpenGL renderer; Mitsuba's path tracer."""


@dataclass(frozen=True, eq=False)
class Render:
    """One picture as light, before any camera.

    `image` (H, W, 3) is uint8 in sRGB encoding, or float32 and linear. Linear values times `luminance`
    (h, w) or (h, w, 3), a coarse map to be stretched over the picture, are cd/m² in the primaries of sRGB.
    `depth` (H, W) float32 metres along the camera's axis, `body` (H, W) int32 body ids, -1 for none.
    """

    image: NDArray[np.uint8] | NDArray[np.float32]
    depth: NDArray[np.float32]
    body: NDArray[np.int32]
    luminance: NDArray[np.float32]


def renderer(name: str) -> Callable[[World, Camera, Scenario], Render]:
    """The renderer of a name; `pathtrace:64` traces 64 light paths a pixel instead of its usual number.

    Raises InputError for one that is unknown or not on this machine.
    """
    kind, colon, number = name.partition(":")
    if kind == "raster" and not colon:
        from sim.raster import render

        return render
    if kind == "raster-egl" and not colon:
        from sim.raster import render_egl

        return render_egl
    if kind == "pathtrace" and (not colon or (number.isdecimal() and int(number) > 0)):
        from sim.mitsuba_variant import choose_variant
        from sim.pathtrace import render as trace

        choose_variant()
        return partial(trace, samples=int(number)) if colon else trace
    raise InputError(f"renderer {name!r}; expected one of {', '.join(RENDERERS)}, or pathtrace:SAMPLES")


def describe(name: str) -> str:
    """What a result says of its renderer: engine, variant and effort."""
    if not name.startswith("pathtrace"):
        return {"raster": "raster (PyBullet TinyRenderer, shadows)"}.get(name, name)
    from sim.mitsuba_variant import choose_variant
    from sim.pathtrace import SAMPLES

    samples = name.partition(":")[2] or SAMPLES
    engine = f"Mitsuba {metadata.version('mitsuba')} {choose_variant()}"
    return f"pathtrace ({engine}, {samples} samples a pixel, Open Image Denoise)"
