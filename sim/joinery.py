"""Building furniture: blocks and panels in a fixture's own frame, over one atlas of materials."""

from __future__ import annotations

import numpy as np
from PIL import Image

from scenarios import Fixture
from sim.meshes import Mesh, MeshBuilder

Point = tuple[float, float, float]
FACES = {
    "front": ((0, 0, 0), (1, 0, 0), (1, 0, 1), (0, 0, 1)),
    "right": ((1, 0, 0), (1, 1, 0), (1, 1, 1), (1, 0, 1)),
    "back": ((1, 1, 0), (0, 1, 0), (0, 1, 1), (1, 1, 1)),
    "left": ((0, 1, 0), (0, 0, 0), (0, 0, 1), (0, 1, 1)),
    "top": ((0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)),
    "bottom": ((0, 1, 0), (1, 1, 0), (1, 0, 0), (0, 0, 0)),
}
"""Corners of a unit cuboid's faces, anticlockwise seen from outside, the lower left one first."""
ATLAS_WIDTH = 512


class Joinery:
    """Collects faces; every material is a picture in one atlas."""

    def __init__(self, **materials: Image.Image) -> None:
        self._builder = MeshBuilder()
        self._materials: dict[str, Image.Image] = {}
        self._faces: list[tuple[tuple[Point, ...], str]] = []
        for name, picture in materials.items():
            self.material(name, picture)

    def __bool__(self) -> bool:
        return bool(self._faces)

    def material(self, name: str, picture: Image.Image) -> str:
        self._materials.setdefault(name, picture)
        return name

    def panel(self, corners: tuple[Point, ...], material: str) -> None:
        """A flat quad, lower left corner first, anticlockwise seen from outside; the whole picture on it."""
        self._faces.append((corners, material))

    def block(self, low: Point, high: Point, material: str, without: str = "", **faces: str) -> None:
        """A cuboid; `faces` names faces of another material, `without` those that nobody sees."""
        corners = (low, high)
        for name, places in FACES.items():
            if name not in without.split():
                quad = tuple((corners[i][0], corners[j][1], corners[k][2]) for i, j, k in places)
                self.panel(quad, faces.get(name, material))

    def mesh(self, fixture: Fixture | None = None) -> Mesh:
        """All of it as one mesh, moved to where the fixture stands."""
        texture, rects = self._atlas()
        for corners, material in self._faces:
            u0, v0, u1, v1 = rects[material]
            points = fixture.to_world(corners) if fixture else np.array(corners, float)
            self._builder.polygon([tuple(p) for p in points], [(u0, v0), (u1, v0), (u1, v1), (u0, v1)])
        return self._builder.mesh(texture)

    def _atlas(self) -> tuple[Image.Image, dict[str, tuple[float, float, float, float]]]:
        """Pack the pictures in rows; uv rectangles lie half a texel inside, for nearest sampling."""
        used = {material for _, material in self._faces}
        pictures = sorted(((n, p) for n, p in self._materials.items() if n in used), key=lambda item: -item[1].height)
        width = max(ATLAS_WIDTH, *(p.width for _, p in pictures))
        places, x, y, row = {}, 0, 0, 0
        for name, picture in pictures:
            if x + picture.width > width:
                x, y, row = 0, y + row, 0
            places[name] = (x, y)
            x, row = x + picture.width, max(row, picture.height)
        atlas = Image.new("RGB", (width, y + row))
        rects = {}
        for name, picture in pictures:
            x, y = places[name]
            atlas.paste(picture, (x, y))
            w, h = atlas.size
            rects[name] = (
                (x + 0.5) / w,
                1 - (y + picture.height - 0.5) / h,
                (x + picture.width - 0.5) / w,
                1 - (y + 0.5) / h,
            )
        return atlas, rects
