"""Textured triangle meshes with their convex pieces, written as OBJ + MTL + PNG.

A mesh stands on z = 0, centred on x and y, its front facing -y, in metres. Each comes with its own
texture file, because the engine loses textures that share one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float64]
Point = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Mesh:
    """`vertices` (V, 3), `uv` (V, 2), `normals` (V, 3), `triangles` (T, 3) and the texture.

    `pieces` are vertex index arrays whose convex hulls together are the body, so that its silhouette
    is the union of the hulls of the projected pieces. `finish` is "matt", "gloss" or "metal"; `clear`
    (T,) marks triangles of see-through material, None if there are none.
    """

    vertices: NDArray[np.floating[Any]]
    uv: Floats
    normals: NDArray[np.floating[Any]]
    triangles: NDArray[np.int64]
    texture: Image.Image
    pieces: tuple[NDArray[np.int64], ...]
    finish: str = "matt"
    clear: NDArray[np.bool_] | None = None

    def write(self, folder: Path, name: str, texture: str | None = None, multiple: int = 1) -> Path:
        """Write NAME.obj, NAME.mtl and TEXTURE.png, unless it is there, into `folder` and return the OBJ's path.

        The texture's width is made a multiple of `multiple` pixels, by more of its last column.
        """
        picture, width = folder / f"{texture or name}.png", self.texture.width
        more = -width % multiple
        if not picture.exists():
            wide = np.pad(np.asarray(self.texture), ((0, 0), (0, more), (0, 0)), "edge") if more else None
            (self.texture if wide is None else Image.fromarray(wide)).save(picture, compress_level=1)
        uv = self.uv * (width / (width + more), 1.0) if more else self.uv
        (folder / f"{name}.mtl").write_text(f"newmtl m\nKd 1 1 1\nmap_Kd {picture.name}\n")
        table = [
            _lines("v %.6f %.6f %.6f\n", self.vertices),
            _lines("vt %.6f %.6f\n", uv),
            _lines("vn %.4f %.4f %.4f\n", self.normals),
            "usemtl m\n",
            _lines("f %d/%d/%d %d/%d/%d %d/%d/%d\n", np.repeat(self.triangles + 1, 3, axis=1)),
        ]
        path = folder / f"{name}.obj"
        path.write_text(f"mtllib {name}.mtl\n" + "".join(table))
        return path


def _lines(form: str, rows: NDArray[np.generic]) -> str:
    """Every row in one line; one formatting of all is far faster than one of each."""
    return form * len(rows) % tuple(rows.ravel().tolist())


def cuboid_faces(low: Point, high: Point) -> tuple[list[tuple[float, ...]], ...]:
    """Corners of the front, right, back, left, top and bottom of a box, anticlockwise seen from outside."""
    (x0, y0, z0), (x1, y1, z1) = low, high
    return (
        [(x0, y0, z0), (x1, y0, z0), (x1, y0, z1), (x0, y0, z1)],
        [(x1, y0, z0), (x1, y1, z0), (x1, y1, z1), (x1, y0, z1)],
        [(x1, y1, z0), (x0, y1, z0), (x0, y1, z1), (x1, y1, z1)],
        [(x0, y1, z0), (x0, y0, z0), (x0, y0, z1), (x0, y1, z1)],
        [(x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1)],
        [(x0, y1, z0), (x1, y1, z0), (x1, y0, z0), (x0, y0, z0)],
    )


class MeshBuilder:
    """Collects quads and fans over one texture atlas."""

    def __init__(self) -> None:
        self.vertices: list[tuple[float, ...]] = []
        self.uv: list[tuple[float, float]] = []
        self.normals: list[tuple[float, ...]] = []
        self.triangles: list[tuple[int, int, int]] = []

    def polygon(self, points: list[tuple[float, ...]], uv: list[tuple[float, float]]) -> None:
        """Add a flat convex polygon, counter-clockwise seen from outside."""
        a, b, c = (np.array(p) for p in points[:3])
        normal = np.cross(b - a, c - a)
        normal /= max(float(np.linalg.norm(normal)), 1e-12)
        start = len(self.vertices)
        self.vertices += points
        self.uv += uv
        self.normals += [tuple(normal)] * len(points)
        self.triangles += [(start, start + i, start + i + 1) for i in range(1, len(points) - 1)]

    def block(self, low: Point, high: Point, uv: tuple[float, float]) -> None:
        """Add a cuboid between two corners, all of it in the one texel at `uv`."""
        for quad in cuboid_faces(low, high):
            self.polygon(quad, [uv] * 4)

    def mesh(self, texture: Image.Image, pieces: tuple[NDArray[np.int64], ...] | None = None) -> Mesh:
        pieces = pieces or (np.arange(len(self.vertices)),)
        arrays = (np.array(self.vertices), np.array(self.uv), np.array(self.normals), np.array(self.triangles))
        return Mesh(*arrays, texture, pieces)
