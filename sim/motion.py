"""Motion blur: who walks through the picture while the shutter is open."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from scenarios import Camera
from sim.world import World

Floats = NDArray[np.float32]
Motions = dict[int, NDArray[np.float64]]
"""Velocity (2,) of bodies in the picture, pixels a second."""
LEAST = 1.0
"""Pixels: who moves less in one exposure is as sharp as what stands."""
MOST = 120
"""Pixels: as far as a streak is drawn."""


def motions(world: World, camera: Camera) -> Motions:
    """How fast those who walk at this moment, and the carts that they push, move through the camera's picture."""
    found = {}
    for body, velocity in world.velocities.items():
        instance = world.instances[body]
        heights = instance.mesh.vertices[:, 2]
        middle = np.array([*instance.position[:2], instance.position[2] + (heights.min() + heights.max()) / 2])
        step = 0.01
        pixels, depth = camera.project([middle, middle + np.array([*velocity, 0.0]) * step])
        if depth.min() > 0.1:
            found[body] = (pixels[1] - pixels[0]) / step
    return found


def smear(light: Floats, body: NDArray[np.int32], moving: Motions, exposure: float) -> Floats:
    """The light (H, W, 3) of an exposure of so many seconds in which the bodies of `body` (H, W) moved.

    A body moves as a whole, along a straight line, and keeps its outline; what it uncovers in that time is
    taken to look as it does itself, since one render does not know what is behind it.
    """
    for number, velocity in moving.items():
        path = velocity * exposure
        length = float(np.hypot(*path))
        if length < LEAST:
            continue
        path *= min(1.0, MOST / length)
        rows, columns = np.nonzero(body == number)
        if len(rows) == 0:
            continue
        reach = int(np.ceil(np.abs(path).max() / 2)) + 1
        part = (
            slice(max(0, rows.min() - reach), rows.max() + reach + 1),
            slice(max(0, columns.min() - reach), columns.max() + reach + 1),
        )
        kernel = _streak(path, reach)
        mask = (body[part] == number).astype(np.float32)
        cover = cv2.filter2D(mask, -1, kernel, borderType=cv2.BORDER_REPLICATE)[..., None]
        moved = cv2.filter2D(light[part] * mask[..., None], -1, kernel, borderType=cv2.BORDER_REPLICATE)
        light = light.copy()
        light[part] = light[part] * (1 - cover) + moved
    return light


def _streak(path: NDArray[np.float64], reach: int) -> Floats:
    """A kernel (2 reach + 1, 2 reach + 1) of sum 1 that spreads a point evenly along `path`, about its middle."""
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    samples = np.linspace(-0.5, 0.5, 4 * reach + 1)[:, None] * path + reach
    for x, y in samples:
        column, row = int(x), int(y)
        u, v = x - column, y - row
        kernel[row : row + 2, column : column + 2] += np.outer((1 - v, v), (1 - u, u))
    return kernel / kernel.sum()  # type: ignore[no-any-return]
