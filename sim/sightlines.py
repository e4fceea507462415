"""What is seen from a point in the room, whatever camera hangs there: visible shares of places from coarse id renders.

Aims and lenses only cut out of what a point sees, so that one set of renders does for all cameras at one mount.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, CameraModel, Scenario
from sim.raster import render
from sim.truth import seen_shares
from sim.world import World

Floats = NDArray[np.float64]

SIDE = 384
"""Pixels of a side of the square picture that is taken in each direction."""
FIELD = 1.92
"""Its field of view in radians, 110°: what lies in a direction's quarter of the sphere lies wholly in the picture."""
DIRECTIONS = np.array([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, -1]])
"""Nothing is to be seen in the ceiling."""
MODEL = CameraModel("sightlines", SIDE, SIDE, FIELD, 0.0)


def seen_from(
    world: World, scenario: Scenario, points: Sequence[tuple[float, float, float]], wanted: Sequence[NDArray[np.int64]]
) -> list[NDArray[np.float32]]:
    """From each of several points, the shares (W,) of the faces of the `wanted` (W,) places in front of which nothing
    stands in the scenario."""
    world.set(scenario)
    faces = world.layout.places.faces
    return [_from_point(world, scenario, point, faces[places]) for point, places in zip(points, wanted)]


def _from_point(
    world: World, scenario: Scenario, point: tuple[float, float, float], faces: Floats
) -> NDArray[np.float32]:
    away = faces.mean(axis=1) - point
    best = np.argmax(away @ DIRECTIONS.T, axis=1)
    shares = np.zeros(len(faces), np.float32)
    for number in np.unique(best):
        camera = Camera("sightlines", MODEL, point, tuple(np.add(point, DIRECTIONS[number]).tolist()))
        depth = render(world, camera, scenario, shadow=False).depth
        there = np.flatnonzero(best == number)
        shares[there] = seen_shares(faces[there], camera, depth)
    return shares
