"""What is really in a picture, measured in the same render that made it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, Layout, Level, Stock, Unit
from sim.render import Render
from sim.silhouettes import polygon_pixels, silhouette_pixels
from sim.world import World


@dataclass(frozen=True, eq=False)
class Truth:
    """The truth of one picture, as parallel arrays over the scenario's units (N, in `Stock` order).

    Boxes are xyxy pixels, float32. `visible_box` bounds the pixels that show the unit (zeros if
    none), `amodal_box` its whole silhouette, also outside the frame; `visible_fraction` is visible
    pixels ÷ silhouette pixels. `place` indexes `Layout.places` for front-row units, -1 behind them.
    """

    sku: NDArray[np.object_]
    place: NDArray[np.int64]
    visible_box: NDArray[np.float32]
    amodal_box: NDArray[np.float32]
    visible_fraction: NDArray[np.float32]
    gap_box: NDArray[np.float32]
    """(G, 4) for every front-row place without a unit: the amodal box of the pack that is missing."""
    gap_place: NDArray[np.int64]
    gap_visible_fraction: NDArray[np.float32]
    price_tag_box: NDArray[np.float32]
    """(T, 4) visible boxes of price tags of which at least half is seen."""
    person_box: NDArray[np.float32]
    """(K, 4) visible boxes of the shoppers that are seen at all."""
    mask: NDArray[np.int32]
    """(H, W): index of the unit that each pixel shows, -1 for anything else."""
    depth: NDArray[np.float32]
    """(H, W) metres along the camera's axis."""

    @property
    def front(self) -> NDArray[np.bool_]:
        """(N,) which units stand in the front row."""
        return self.place >= 0


@dataclass(frozen=True)
class PositionTruth:
    """What a position holds, whether or not a camera sees it."""

    position: str
    units: int
    facings: int
    level: Level
    intruder: str | None


def position_truths(layout: Layout, stock: Stock) -> tuple[PositionTruth, ...]:
    """The truth of every position of the planogram, in its order."""
    truths = []
    for p in layout.planogram.positions:
        units = stock.units_of(p)
        level: Level = "out" if units == 0 else "low" if units <= p.low_at else "in_stock"
        truths.append(PositionTruth(p.id, units, stock.facings_of(p), level, stock.intruder_of(p)))
    return tuple(truths)


def measure(world: World, camera: Camera, render: Render) -> Truth:
    """Read the truth of the world's present moment out of one render.

    The silhouette of a unit is the union of the convex hulls of its projected mesh pieces, counted
    on the pixel grid that the renderer samples; what the render shows of it is its visible part.
    """
    units, bodies = world.stock.units, world.unit_bodies
    height, width = render.body.shape
    unit_of_body = np.full(max(int(render.body.max()), int(bodies.max(initial=0))) + 2, -1, np.int32)
    unit_of_body[bodies] = np.arange(len(units))
    mask = unit_of_body[render.body]  # body -1 (nothing) reads the last entry, which stays -1
    visible_pixels, visible_box = _visible(mask, len(units))
    amodal_box = np.zeros((len(units), 4), np.float32)
    fraction = np.zeros(len(units), np.float32)
    for i, unit in enumerate(units):
        mesh = world.packs[unit.sku]
        pixels, depth = camera.project(_posed(mesh.vertices, unit))
        if depth.min() <= 0:
            continue
        amodal_box[i] = [*pixels.min(axis=0), *pixels.max(axis=0)]
        if visible_pixels[i]:
            total = silhouette_pixels([pixels[piece] for piece in mesh.pieces])
            fraction[i] = min(1.0, visible_pixels[i] / max(total, 1))
    place = _places_of(world.layout, world.stock)
    gap_place = np.setdiff1d(np.arange(len(world.layout.places)), place)
    gap_box, gap_fraction = _gaps(world.layout, gap_place, camera, render.depth)
    tags = world.tag_corners
    tag_fraction = np.array([_seen_share(c, camera, render.depth) for c in tags])
    tag_pixels, tag_depth = camera.project(tags)
    tags_seen = (tag_fraction >= 0.5) & (tag_depth.min(axis=1) > 0)
    people = [render.body == body for body in world.shopper_bodies]
    return Truth(
        sku=np.array([u.sku for u in units], object),
        place=place,
        visible_box=visible_box,
        amodal_box=amodal_box,
        visible_fraction=fraction,
        gap_box=gap_box,
        gap_place=gap_place,
        gap_visible_fraction=gap_fraction,
        price_tag_box=_clip(_bounds(tag_pixels[tags_seen]), width, height),
        person_box=np.array([_mask_box(m) for m in people if m.any()], np.float32).reshape(-1, 4),
        mask=mask,
        depth=render.depth,
    )


def _posed(vertices: NDArray[np.float64], unit: Unit) -> NDArray[np.float64]:
    cos, sin = np.cos(unit.yaw), np.sin(unit.yaw)
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    return vertices @ turn.T + (unit.x, unit.y, unit.z)


def _visible(mask: NDArray[np.int32], count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Pixels and bounding box of every index in the mask."""
    rows, columns = np.nonzero(mask >= 0)
    index = mask[rows, columns]
    pixels = np.bincount(index, minlength=count)
    low, high = np.full((count, 2), 1 << 30), np.zeros((count, 2), np.int64)
    for axis, values in enumerate((columns, rows)):
        np.minimum.at(low[:, axis], index, values)
        np.maximum.at(high[:, axis], index, values + 1)
    box = np.concatenate([low, high], axis=1).astype(np.float32)
    box[pixels == 0] = 0
    return pixels, box


def _places_of(layout: Layout, stock: Stock) -> NDArray[np.int64]:
    first, offset = {}, 0
    for p in layout.planogram.positions:
        first[p.id] = (offset, p.high)
        offset += p.facings
    places = [
        first[u.position][0] + u.column * first[u.position][1] + u.level if front else -1
        for u, front in zip(stock.units, stock.foremost)
    ]
    return np.array(places, np.int64)


def _gaps(
    layout: Layout, places: NDArray[np.int64], camera: Camera, depth: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    corners = layout.places.corners[places]
    pixels, distance = camera.project(corners)
    boxes = _bounds(pixels)
    boxes[distance.min(axis=1, initial=np.inf) <= 0] = 0
    fronts = corners[:, [0, 2, 3, 1]]
    return boxes, np.array([_seen_share(front, camera, depth) for front in fronts], np.float32)


def _seen_share(quad: NDArray[np.float64], camera: Camera, depth: NDArray[np.float32]) -> float:
    """The share of a flat convex quad (4, 3) in front of which the render shows nothing."""
    pixels, distance = camera.project(quad)
    if distance.min() <= 0.05:
        return 0.0
    height, width = depth.shape
    rows, columns, total = polygon_pixels(pixels, width, height)
    if total == 0 or len(rows) == 0:
        return 0.0
    normal = np.cross(quad[1] - quad[0], quad[2] - quad[0])
    rays = camera.unproject(np.stack([columns + 0.5, rows + 0.5], axis=-1), np.ones(len(rows))) - camera.position
    with np.errstate(divide="ignore"):
        plane = ((quad[0] - camera.position) @ normal) / (rays @ normal)
    return float((depth[rows, columns] >= plane - 0.01).sum() / total)


def _bounds(pixels: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.concatenate([pixels.min(axis=1), pixels.max(axis=1)], axis=1).astype(np.float32)


def _clip(boxes: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    return np.clip(boxes, 0, np.array([width, height, width, height], np.float32))


def _mask_box(mask: NDArray[np.bool_]) -> list[int]:
    rows, columns = np.nonzero(mask)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
