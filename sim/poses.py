"""Poses of many things at once, and which of them a camera can see."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scenarios import Camera

Floats = NDArray[np.float64]


def rotations(quaternions: Floats) -> Floats:
    """Rotation matrices (N, 3, 3) of unit quaternions (N, 4) in the order x, y, z, w."""
    x, y, z, w = np.asarray(quaternions, float).reshape(-1, 4).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), -1, 0)


def corners(low: Floats, high: Floats, position: Floats, quaternion: Floats) -> Floats:
    """World corners (N, 8, 3) of cuboids between `low` and `high` (N, 3) in their own frames, with their
    origins at `position` (N, 3), turned by `quaternion` (N, 4)."""
    pick = np.array([[i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(8)])
    local = np.where(pick[None] == 1, high[:, None], low[:, None])
    return local @ rotations(quaternion).swapaxes(1, 2) + position[:, None]


def in_view(camera: Camera, points: Floats, reach: Floats | float = 0.0) -> NDArray[np.bool_]:
    """Which of N point sets (N, K, 3) may be seen: all but those that lie wholly beyond one side of the
    field of view by more than `reach` (N,) metres. Never wrong about what is seen."""
    local = (points - camera.position) @ camera.rotation.T
    x, y, depth = np.moveaxis(local, -1, 0)
    half = np.array([camera.model.width, camera.model.height]) / 2 / camera.model.focal_length
    seen = depth.max(axis=1) > -np.asarray(reach)
    for across, tangent in ((x, half[0]), (y, half[1])):
        slack = reach * np.hypot(1, tangent)
        seen &= (across - tangent * depth).min(axis=1) < slack
        seen &= (across + tangent * depth).max(axis=1) > -slack
    return np.asarray(seen)
