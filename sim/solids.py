"""What packs are put together from: panels in one texture, flat polygons, and bodies lofted over rings."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from sim.meshes import Floats, Mesh, Point, cuboid_faces
from sim.weathering import weathered

SEGMENTS = 20
"""Sides of a round pack: its silhouette is off by at most 1.3 % of the radius, and the truth knows it exactly."""

Indices = NDArray[np.int64]
Rect = tuple[float, float, float, float]
Ring = tuple[float, float, float]
"""Height and the two half axes of a horizontal cross-section, metres."""


class Atlas:
    """Panels in one texture, as columns; remembers the uv rectangle of each by its name."""

    def __init__(self, panels: dict[str, Image.Image], seed: int) -> None:
        height = max(p.height for p in panels.values())
        places: dict[str, tuple[int, int]] = {}
        left = x = y = 0
        for name, panel in panels.items():
            if y + panel.height > height or left + panel.width > x:
                left, x, y = x, x + panel.width, 0
            places[name] = (left, y)
            y += panel.height
        texture = Image.new("RGB", (x, height), (128, 128, 128))
        for name, panel in panels.items():
            texture.paste(panel, places[name])
        self.texture = weathered(texture, seed)
        self.rects: dict[str, Rect] = {}
        for name, panel in panels.items():
            px, py = places[name]
            # Half a texel inside, so that nearest sampling never reads the neighbouring panel.
            self.rects[name] = (
                (px + 0.5) / x,
                1 - (py + panel.height - 0.5) / height,
                (px + panel.width - 0.5) / x,
                1 - (py + 0.5) / height,
            )

    def corners(self, name: str, low: float = 0.0, high: float = 1.0) -> list[tuple[float, float]]:
        """uv of lower left, lower right, upper right, upper left of the part between two shares of the height."""
        u0, v0, u1, v1 = self.rects[name]
        a, b = v0 + (v1 - v0) * low, v0 + (v1 - v0) * high
        return [(u0, a), (u1, a), (u1, b), (u0, b)]


class Solid:
    """Collects the surfaces and the convex pieces of a pack over one atlas."""

    def __init__(self, atlas: Atlas) -> None:
        self.atlas = atlas
        self.count = 0
        self.parts: list[tuple[Floats, Floats, Floats]] = []
        self.triangles: list[Indices] = []
        self.clear: list[bool] = []
        self.pieces: list[Indices] = []

    def add(self, points: Floats, uv: Floats, normals: Floats, triangles: ArrayLike, clear: bool = False) -> int:
        """Add a surface: (V, 3), (V, 2), (V, 3), (T, 3). Returns the number of its first vertex."""
        start = self.count
        self.parts.append((points, uv, normals))
        faces = np.asarray(triangles, np.int64).reshape(-1, 3)
        self.triangles.append(faces + start)
        self.clear += [clear] * len(faces)
        self.count += len(points)
        return start

    def polygon(self, points: Sequence[Sequence[float]], uv: Sequence[tuple[float, float]]) -> None:
        """Add a flat convex polygon, counter-clockwise seen from outside."""
        corners = np.array(points, float)
        normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
        normal /= max(float(np.linalg.norm(normal)), 1e-12)
        fan = [(0, i, i + 1) for i in range(1, len(corners) - 1)]
        self.add(corners, np.array(uv), np.tile(normal, (len(corners), 1)), fan)

    def piece(self, start: int, end: int | None = None) -> None:
        """Declare the vertices from `start` on (to `end`) a convex piece."""
        self.pieces.append(np.arange(start, self.count if end is None else end))

    def cuboid(self, low: Point, high: Point, names: tuple[str, str, str, str, str, str]) -> None:
        """Add a box between two corners with panels for front, right, back, left, top and bottom."""
        start = self.count
        for quad, name in zip(cuboid_faces(low, high), names):
            self.polygon(quad, self.atlas.corners(name))
        self.piece(start)

    def loft(
        self,
        rings: Sequence[Ring],
        name: str,
        span: tuple[float, float],
        *,
        segments: int = SEGMENTS,
        power: float = 2.0,
        centre: tuple[float, float] = (0.0, 0.0),
        clear: Sequence[int] = (),
        convex: bool = True,
    ) -> None:
        """Add a wall through rings, from the lowest up. The panel `name` is wrapped around it, its middle in front;
        it reaches over the heights of `span`. `power` 2 is an ellipse, more is a rounded rectangle. Bands whose
        number stands in `clear` are see-through. Not `convex`: every band is a piece of its own."""
        circle, turn = cross_section(segments, power)
        steps = np.linalg.norm(np.diff(circle * max(rings, key=lambda r: r[1])[1:], axis=0), axis=1)
        around = np.concatenate([[0.0], np.cumsum(steps)]) / steps.sum()
        u0, v0, u1, v1 = self.atlas.rects[name]
        points, uv, normals = [], [], []
        for i, (z, rx, ry) in enumerate(rings):
            below, above = rings[max(0, i - 1)], rings[min(len(rings) - 1, i + 1)]
            rise = math.atan2(below[1] - above[1], max(above[0] - below[0], 1e-9))
            points.append(np.column_stack([circle * (rx, ry) + centre, np.full(segments + 1, z)]))
            share = min(1.0, max(0.0, (z - span[0]) / (span[1] - span[0])))
            uv.append(np.column_stack([u0 + around * (u1 - u0), np.full(segments + 1, v0 + share * (v1 - v0))]))
            flat = turn / (max(rx, 1e-6), max(ry, 1e-6))
            flat /= np.linalg.norm(flat, axis=1, keepdims=True)
            normals.append(np.column_stack([flat * math.cos(rise), np.full(segments + 1, math.sin(rise))]))
        k = np.arange(segments)
        start, ring = self.count, segments + 1
        self.add(np.concatenate(points), np.concatenate(uv), np.concatenate(normals), [])
        for band in range(len(rings) - 1):
            a, b = start + band * ring + k, start + (band + 1) * ring + k
            faces = np.concatenate([np.column_stack([a, a + 1, b + 1]), np.column_stack([a, b + 1, b])])
            self.triangles.append(faces)
            self.clear += [band in clear] * len(faces)
            if not convex:
                self.piece(start + band * ring, start + (band + 2) * ring)
        if convex:
            self.piece(start)

    def tilt(self, start: int, angle: float, pivot: tuple[float, float]) -> None:
        """Turn the vertices from `start` on about an axis along x through `pivot` (y, z): by `angle` radians, the
        top to the front."""
        cos, sin = math.cos(angle), math.sin(angle)
        turn, at = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]]), np.array([0.0, *pivot])
        first = 0
        for i, (points, uv, normals) in enumerate(self.parts):
            if first >= start:
                self.parts[i] = ((points - at) @ turn.T + at, uv, normals @ turn.T)
            first += len(points)

    def disc(
        self,
        ring: Ring,
        name: str,
        *,
        up: bool = True,
        segments: int = SEGMENTS,
        power: float = 2.0,
        centre: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Close a loft at a ring with the panel `name`, seen from above or from below."""
        circle = cross_section(segments, power)[0][:-1]
        z, rx, ry = ring
        u0, v0, u1, v1 = self.atlas.rects[name]
        points = np.column_stack([circle * (rx, ry) + centre, np.full(segments, z)])
        uv = np.column_stack([u0 + (circle[:, 0] + 1) / 2 * (u1 - u0), v0 + (circle[:, 1] + 1) / 2 * (v1 - v0)])
        fan = [(0, i, i + 1) if up else (0, i + 1, i) for i in range(1, segments - 1)]
        self.add(points, uv, np.tile([0.0, 0.0, 1.0 if up else -1.0], (segments, 1)), fan)

    def mesh(self, finish: str = "matt") -> Mesh:
        points, uv, normals = (np.concatenate(arrays) for arrays in zip(*self.parts))
        triangles = np.concatenate([t for t in self.triangles if len(t)]).astype(np.int64)
        clear = np.array(self.clear, bool)
        pieces = tuple(self.pieces)
        return Mesh(points, uv, normals, triangles, self.atlas.texture, pieces, finish, clear if clear.any() else None)


def cross_section(segments: int, power: float) -> tuple[Floats, Floats]:
    """Points on a superellipse of half axes 1 (S + 1, 2), and their outward normals.

    It goes anticlockwise from the back, so that the middle of a panel faces the front.
    """
    angle = np.linspace(0, 2 * math.pi, segments + 1)
    raw = np.column_stack([-np.sin(angle), np.cos(angle)])
    radius = (np.abs(raw) ** power).sum(axis=1) ** (-1 / power)
    circle = raw * radius[:, None]
    return circle, np.sign(circle) * np.abs(circle) ** (power - 1)


def perimeter(rx: float, ry: float, power: float = 2.0) -> float:
    """Length of a ring in metres."""
    circle = cross_section(SEGMENTS, power)[0] * (rx, ry)
    return float(np.linalg.norm(np.diff(circle, axis=0), axis=1).sum())
