"""Depth of a scene that stands still, in milliseconds: its triangles are kept, and nothing but depth is drawn.

The engine's renderer draws pictures; here only what hides what is asked for, of thousands of points of view.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.placement.problem import compiled
from scenarios import Camera
from sim import World
from sim.poses import rotations
from sim.raster import NEAR

Triangles = NDArray[np.float32]


def triangles_of(world: World) -> Triangles:
    """(T, 3, 3) corners of all that stands in a world, metres; glass hides nothing."""
    found = []
    for instance in world.scene():
        if instance.kind != "pane":
            corners = instance.mesh.vertices @ rotations(np.array([instance.orientation]))[0].T + instance.position
            found.append(corners[instance.mesh.triangles].astype(np.float32))
    return np.concatenate(found)


def depth_of(triangles: Triangles, camera: Camera, room_far: float) -> NDArray[np.float32]:
    """(H, W) depth along the axis of a camera without distortion, metres, as `sim.raster` has it; `room_far` where
    nothing is."""
    inverse = np.full((camera.model.height, camera.model.width), 1 / room_far, np.float32)
    focal, reach = camera.model.focal_length, max(inverse.shape) / 2 / camera.model.focal_length
    _draw(triangles, camera.rotation, np.array(camera.position), focal, reach, NEAR, inverse)
    return np.reciprocal(inverse)


@compiled
def _draw(triangles, rotation, position, focal, reach, near, inverse):  # type: ignore[no-untyped-def]
    """Keep the largest inverse depth, which is linear over the picture, of triangles (T, 3, 3). What lies wholly beyond
    `reach`, the tangent of half the field of view, is left out."""
    local, polygon = np.zeros((3, 3)), np.zeros((4, 3))
    for t in range(len(triangles)):
        behind = left = right = above = below = 0
        for k in range(3):
            dx, dy = triangles[t, k, 0] - position[0], triangles[t, k, 1] - position[1]
            dz = triangles[t, k, 2] - position[2]
            for axis in range(3):
                local[k, axis] = rotation[axis, 0] * dx + rotation[axis, 1] * dy + rotation[axis, 2] * dz
            edge = reach * local[k, 2]
            behind += local[k, 2] < near
            left += local[k, 0] < -edge
            right += local[k, 0] > edge
            above += local[k, 1] < -edge
            below += local[k, 1] > edge
        if behind == 3 or left == 3 or right == 3 or above == 3 or below == 3:
            continue
        if behind == 0:
            _fill(local, 0, 1, 2, focal, inverse)
            continue
        count = 0
        for k in range(3):  # clipped at the near plane: three or four corners are left
            n = (k + 1) % 3
            if local[k, 2] >= near:
                polygon[count] = local[k]
                count += 1
            if (local[k, 2] >= near) != (local[n, 2] >= near):
                share = (near - local[k, 2]) / (local[n, 2] - local[k, 2])
                polygon[count] = local[k] + share * (local[n] - local[k])
                count += 1
        for k in range(1, count - 1):
            _fill(polygon, 0, k, k + 1, focal, inverse)


@compiled
def _fill(corners, a, b, c, focal, inverse):  # type: ignore[no-untyped-def]
    """Draw the triangle of three of some corners before the camera."""
    height, width = inverse.shape
    ia, ib, ic = 1 / corners[a, 2], 1 / corners[b, 2], 1 / corners[c, 2]
    middle_x, middle_y = width / 2 - 0.5, height / 2 - 0.5
    ax, ay = focal * corners[a, 0] * ia + middle_x, focal * corners[a, 1] * ia + middle_y
    bx, by = focal * corners[b, 0] * ib + middle_x, focal * corners[b, 1] * ib + middle_y
    cx, cy = focal * corners[c, 0] * ic + middle_x, focal * corners[c, 1] * ic + middle_y
    x0, x1 = max(int(np.ceil(min(ax, bx, cx))), 0), min(int(np.floor(max(ax, bx, cx))), width - 1)
    y0, y1 = max(int(np.ceil(min(ay, by, cy))), 0), min(int(np.floor(max(ay, by, cy))), height - 1)
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    if x1 < x0 or y1 < y0 or abs(area) < 1e-9:
        return
    each = 1 / area
    v_x, w_x = (cy - ay) * each, (ay - by) * each
    for y in range(y0, y1 + 1):
        v = (x0 - ax) * v_x - (cx - ax) * (y - ay) * each
        w = (x0 - ax) * w_x + (bx - ax) * (y - ay) * each
        for x in range(x0, x1 + 1):
            if v >= 0 and w >= 0 and v + w <= 1:
                value = ia + v * (ib - ia) + w * (ic - ia)
                if value > inverse[y, x]:
                    inverse[y, x] = value
            v += v_x
            w += w_x
