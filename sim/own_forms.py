"""Pack forms that are clothed in the user's pictures: six flat panels, or a picture around a round body."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from scenarios import Product
from sim.meshes import Floats, Mesh, MeshBuilder

SEGMENTS = 24
"""Sides of a round pack: its silhouette is off by at most 0.9 % of the radius."""
PROFILE_TOLERANCE = 0.012
"""How far a straight band of a round pack may be from the outline in the picture, in widths."""

UV = list[tuple[float, float]]


class _Panels:
    """Panels side by side in one texture."""

    def __init__(self, panels: Mapping[str, Image.Image]) -> None:
        width, height = sum(p.width for p in panels.values()), max(p.height for p in panels.values())
        self.texture = Image.new("RGB", (width, height))
        self.rects: dict[str, tuple[float, float, float, float]] = {}
        x = 0
        for name, panel in panels.items():
            # Below a panel, its last row goes on: no texel of the texture is without colour.
            self.texture.paste(
                panel.crop((0, panel.height - 1, panel.width, panel.height)).resize((panel.width, height)), (x, 0)
            )
            self.texture.paste(panel, (x, 0))
            # Half a texel inside, so that nearest sampling never reads the neighbouring panel.
            self.rects[name] = (
                (x + 0.5) / width, 1 - (panel.height - 0.5) / height, (x + panel.width - 0.5) / width, 1 - 0.5 / height
            )  # fmt: skip
            x += panel.width

    def quad(self, name: str, low: float = 0.0, high: float = 1.0) -> UV:
        """uv of lower left, lower right, upper right and upper left between two shares of the height."""
        u0, v0, u1, v1 = self.rects[name]
        a, b = v0 + (v1 - v0) * low, v0 + (v1 - v0) * high
        return [(u0, a), (u1, a), (u1, b), (u0, b)]


def _walls(b: MeshBuilder, panels: _Panels, w: float, d: float, top: float, high: float) -> None:
    x, y = w / 2, d / 2
    corners = [(-x, -y), (x, -y), (x, y), (-x, y)]
    for i, name in enumerate(("front", "right", "back", "left")):
        (ax, ay), (bx, by) = corners[i], corners[(i + 1) % 4]
        b.polygon([(ax, ay, 0), (bx, by, 0), (bx, by, top), (ax, ay, top)], panels.quad(name, 0, high))
    b.polygon([(-x, y, 0), (x, y, 0), (x, -y, 0), (-x, -y, 0)], panels.quad("bottom"))


def _box(product: Product, sides: Mapping[str, Image.Image]) -> Mesh:
    panels, b = _Panels(sides), MeshBuilder()
    w, h, d = product.width, product.height, product.depth
    _walls(b, panels, w, d, h, 1.0)
    x, y = w / 2, d / 2
    b.polygon([(-x, -y, h), (x, -y, h), (x, y, h), (-x, y, h)], panels.quad("top"))
    return b.mesh(panels.texture)


def _carton(product: Product, sides: Mapping[str, Image.Image]) -> Mesh:
    """A gable top: a picture of the front shows the roof's slope above the wall, and the fin above that."""
    panels, b = _Panels(sides), MeshBuilder()
    w, h, d = product.width, product.height, product.depth
    wall, roof = 0.80, 0.94
    _walls(b, panels, w, d, h * wall, wall)
    x, y, fin, z0, z1 = w / 2, d / 2, d * 0.03, h * wall, h * roof
    b.polygon([(-x, -y, z0), (x, -y, z0), (x, -fin, z1), (-x, -fin, z1)], panels.quad("front", wall, roof))
    b.polygon([(x, y, z0), (-x, y, z0), (-x, fin, z1), (x, fin, z1)], panels.quad("back", wall, roof))
    left, right = panels.quad("left", wall, roof), panels.quad("right", wall, roof)
    b.polygon([(x, -y, z0), (x, y, z0), (x, 0, z1)], [right[0], right[1], right[2]])
    b.polygon([(-x, y, z0), (-x, -y, z0), (-x, 0, z1)], [left[0], left[1], left[2]])
    body = len(b.vertices)
    strip, rear = panels.quad("front", roof, 1), panels.quad("back", roof, 1)
    b.polygon([(-x, -fin, z1), (x, -fin, z1), (x, -fin, h), (-x, -fin, h)], strip)
    b.polygon([(x, fin, z1), (-x, fin, z1), (-x, fin, h), (x, fin, h)], rear)
    b.polygon([(-x, -fin, h), (x, -fin, h), (x, fin, h), (-x, fin, h)], panels.quad("top"))
    b.polygon([(x, -fin, z1), (x, fin, z1), (x, fin, h), (x, -fin, h)], panels.quad("right", roof, 1))
    b.polygon([(-x, fin, z1), (-x, -fin, z1), (-x, -fin, h), (-x, fin, h)], panels.quad("left", roof, 1))
    return b.mesh(panels.texture, (np.arange(body), np.arange(body, len(b.vertices))))


def _pouch(product: Product, sides: Mapping[str, Image.Image]) -> Mesh:
    """Full at the foot, closed to seams at the sides and the top. Convex: the half thickness is a
    geometric mean of two concave functions."""
    panels, columns, rows = _Panels(sides), 11, 9
    w, h, d = product.width, product.height, product.depth
    s, t = np.meshgrid(np.sin(np.linspace(-1, 1, columns) * math.pi / 2), 1 - np.linspace(1, 0, rows) ** 2)
    depth = d / 2 * np.sqrt((1 - s**2) * (1 - t))
    points, uv, normals, triangles = [], [], [], []
    for side, name in ((-1, "front"), (1, "back")):
        u0, v0, u1, v1 = panels.rects[name]
        u = (s if side < 0 else -s) / 2 + 0.5
        points.append(np.stack([s * w / 2, side * depth, t * h], -1).reshape(-1, 3))
        uv.append(np.stack([u0 + u * (u1 - u0), v0 + t * (v1 - v0)], -1).reshape(-1, 2))
        slope = np.stack([s * d / w * 0.8, np.full_like(s, float(side)), np.full_like(s, 0.5 * d / h)], -1)
        normals.append((slope / np.linalg.norm(slope, axis=-1, keepdims=True)).reshape(-1, 3))
        start = 0 if side < 0 else columns * rows
        for j in range(rows - 1):
            for i in range(columns - 1):
                a = start + j * columns + i
                ring = (a, a + 1, a + columns + 1, a + columns)[::-side]
                triangles += [(ring[0], ring[1], ring[2]), (ring[0], ring[2], ring[3])]
    foot = columns * rows
    for i in range(columns - 1):
        triangles += [(foot + i, foot + i + 1, i + 1), (foot + i, i + 1, i)]
    corners, faces = np.concatenate(points), np.array(triangles)
    a, b, c = np.moveaxis(corners[faces], 1, 0)
    solid = np.linalg.norm(np.cross(b - a, c - a), axis=1) > 1e-12
    arrays = (corners, np.concatenate(uv), np.concatenate(normals), faces[solid])
    return Mesh(*arrays, panels.texture, (np.arange(2 * foot),))


def round_pack(product: Product, cut: Mapping[str, tuple[Image.Image, NDArray[np.bool_]]], density: float) -> Mesh:
    """A body of revolution with the outline of the front picture (a straight can where it has none). The front
    picture is wrapped over the half that it shows; behind goes the back's, or the front's, mirrored and soft."""
    picture, seen = cut["front"]
    left, right = _outline(seen, straight=product.form == "can")
    rings = _rings((right - left) / (right - left).max())
    width, height = max(8, round(math.pi * product.width * density)), max(8, round(product.height * density))
    front = _unrolled(picture, left, right, width // 2, height)
    if "back" in cut:
        back = _unrolled(cut["back"][0], *_outline(cut["back"][1], product.form == "can"), width - width // 2, height)
    else:
        back = front.transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((width - width // 2, height))
        back = back.filter(ImageFilter.GaussianBlur(width / 25))
    label = Image.new("RGB", (width, height))
    quarter = back.width // 2
    label.paste(back.crop((quarter, 0, back.width, height)), (0, 0))
    label.paste(front, (back.width - quarter, 0))
    label.paste(back.crop((0, 0, quarter, height)), (back.width - quarter + front.width, 0))
    lid = cut["top"][0] if "top" in cut else front.crop((0, 0, front.width, max(1, height // 40))).resize((1, 1))
    side = max(4, round(product.width * density * 2 * rings[-1][1] / 2))
    panels = _Panels(
        {
            "label": label,
            "lid": lid.resize((side, side)),
            "base": front.crop((0, height - 2, front.width, height)).resize((1, 1)).resize((4, 4)),
        }
    )
    return _lathe(product, rings, panels)


def _outline(seen: NDArray[np.bool_], straight: bool) -> tuple[Floats, Floats]:
    """Left and right end of the pack in each row of its picture (H,), in pixels; smoothed."""
    h, w = seen.shape
    if straight:
        return np.zeros(h), np.full(h, float(w))
    left, right = np.argmax(seen, axis=1).astype(float), w - np.argmax(seen[:, ::-1], axis=1).astype(float)
    empty = ~seen.any(axis=1)
    rows = np.arange(h)
    size = max(3, h // 40 | 1)
    ends = []
    for end in (left, right):
        end = np.interp(rows, rows[~empty], end[~empty])
        ends.append(np.median(np.lib.stride_tricks.sliding_window_view(np.pad(end, size // 2, "edge"), size), axis=1))
    return ends[0], np.maximum(ends[1], ends[0] + 1)


def _rings(radius: Floats) -> list[tuple[float, float]]:
    """Height and radius, both as shares, of rings from the foot up, whose bands follow the outline `radius` (H,)."""
    share = (np.arange(len(radius)) + 0.5) / len(radius)
    curve = np.column_stack([1 - share, radius / 2]).astype(np.float32)
    few = cv2.approxPolyDP(curve[:, None], PROFILE_TOLERANCE, closed=False)[::-1, 0]
    few[0, 0], few[-1, 0] = 0.0, 1.0
    # The widest ring is as wide as the catalog says, and none is a point.
    return [(float(z), float(max(r, 0.04 * few[:, 1].max()) / few[:, 1].max())) for z, r in few]


def _unrolled(picture: Image.Image, left: Floats, right: Floats, width: int, height: int) -> Image.Image:
    """The half of a round pack that a picture shows, as a flat label (height, width)."""
    angle = (np.arange(width) + 0.5) / width * math.pi - math.pi / 2
    row = np.clip((np.arange(height) + 0.5) / height * picture.height - 0.5, 0, picture.height - 1)
    at = np.round(row).astype(int)
    centre, radius = (left + right)[at] / 2, (right - left)[at] / 2
    # The outermost pixels are mixed with the background.
    x = centre[:, None] + np.maximum(radius - 1.5, 0.5)[:, None] * np.sin(angle) - 0.5
    y = np.repeat(row[:, None], width, axis=1)
    pixels = cv2.remap(
        np.asarray(picture),
        x.astype(np.float32),
        y.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return Image.fromarray(pixels)


def _lathe(product: Product, rings: list[tuple[float, float]], panels: _Panels) -> Mesh:
    """Turn rings about the z axis, with a lid and a base; every band is a convex piece."""
    n = SEGMENTS
    angles = np.linspace(0, 2 * math.pi, n + 1)
    # Angle 0 is the back, so that the label's middle faces the front.
    circle = np.stack([-np.sin(angles), np.cos(angles)], -1)
    axes = np.array([product.width, product.depth]) / 2
    u0, v0, u1, v1 = panels.rects["label"]
    points, uv, normals, triangles = [], [], [], []
    for i, (z, r) in enumerate(rings):
        below, above = rings[max(0, i - 1)], rings[min(len(rings) - 1, i + 1)]
        rise = math.atan2((below[1] - above[1]) * axes[0], max((above[0] - below[0]) * product.height, 1e-9))
        points.append(np.column_stack([circle * r * axes, np.full(n + 1, z * product.height)]))
        uv.append(np.column_stack([u0 + angles / (2 * math.pi) * (u1 - u0), np.full(n + 1, v0 + (v1 - v0) * z)]))
        normals.append(np.column_stack([circle * math.cos(rise), np.full(n + 1, math.sin(rise))]))
        if i:
            a = (i - 1) * (n + 1) + np.arange(n)
            triangles += [np.column_stack([a, a + 1, a + n + 2]), np.column_stack([a, a + n + 2, a + n + 1])]
    for ring, name, up in ((rings[-1], "lid", 1.0), (rings[0], "base", -1.0)):
        p0, q0, p1, q1 = panels.rects[name]
        start = sum(map(len, points))
        points.append(np.column_stack([circle[:-1] * ring[1] * axes, np.full(n, ring[0] * product.height)]))
        uv.append(
            np.column_stack([p0 + (circle[:-1, 0] + 1) / 2 * (p1 - p0), q0 + (circle[:-1, 1] + 1) / 2 * (q1 - q0)])
        )
        normals.append(np.tile([0.0, 0.0, up], (n, 1)))
        k = np.arange(1, n - 1)
        fan = np.column_stack([np.full(n - 2, start), start + k, start + k + 1])
        triangles.append(fan if up > 0 else fan[:, ::-1])
    pieces = tuple(np.arange(i * (n + 1), (i + 2) * (n + 1)) for i in range(len(rings) - 1))
    arrays = (np.concatenate(points), np.concatenate(uv), np.concatenate(normals), np.concatenate(triangles))
    return Mesh(*arrays, panels.texture, pieces)


FLAT_BUILDERS: dict[str, Callable[[Product, Mapping[str, Image.Image]], Mesh]] = {
    "box": _box, "multipack": _box, "carton": _carton, "pouch": _pouch, "bag": _pouch,
}  # fmt: skip
