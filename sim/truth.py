"""What is really in a picture, measured in the same render that made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, Layout, Level, Stock, Unit
from sim.lens import pinhole_pixels
from sim.poses import rotations
from sim.render import Render
from sim.silhouettes import EDGE_PARTS, Bend, Spans, pieces_of, polygon_spans, silhouettes
from sim.world import FIRST_UNIT, World

HIDERS = ("unit", "shelf", "person", "obstacle", "frame")
"""What can hide a unit: another unit; a fixture, price tag or wall; people; things in the aisle; the picture's edge."""
_HIDER_OF = {"unit": 0, "fixture": 1, "tag": 1, "room": 1, "person": 2, "obstacle": 3}
TOUCH = 0.01
"""What is less than this before a place or tag does not hide it, metres."""
TOO_NEAR = 0.01
"""What comes nearer to the camera's plane than this is not measured, metres."""


@dataclass(frozen=True, eq=False)
class Truth:
    """The truth of one picture, as parallel arrays over the scenario's units (N, in `Stock` order).

    Boxes are xyxy pixels, float32. `visible_box` bounds the pixels that show the unit (zeros if
    none), `amodal_box` those that would if nothing hid it, also outside the frame (of units wholly outside,
    the cuboid around them; zeros behind the camera); `visible_fraction` is visible pixels ÷ silhouette pixels.
    `place` indexes `Layout.places` for front-row units, -1 behind them.
    """

    sku: NDArray[np.object_]
    place: NDArray[np.int64]
    visible_box: NDArray[np.float32]
    amodal_box: NDArray[np.float32]
    visible_fraction: NDArray[np.float32]
    hidden: NDArray[np.float32]
    """(N, 5) shares of the silhouette that each of `HIDERS` hides; with `visible_fraction` they add up to 1.
    What is behind the camera, or too small for a pixel, is all hidden by the frame."""
    gap_box: NDArray[np.float32]
    """(G, 4) for every front-row place without a unit: the amodal box of the pack that is missing."""
    gap_place: NDArray[np.int64]
    gap_visible_fraction: NDArray[np.float32]
    price_tag_box: NDArray[np.float32]
    """(T, 4) visible boxes of the price tags that are seen at all."""
    price_tag_visible_fraction: NDArray[np.float32]
    person_box: NDArray[np.float32]
    """(K, 4) visible boxes of the shoppers that are seen at all."""
    person_visible_fraction: NDArray[np.float32]
    """(K,) of their silhouettes, also outside the frame; 0 for one who stands beside the camera, partly behind it."""
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
    units: dict[str, list[Unit]] = {p.id: [] for p in layout.planogram.positions}
    for unit in stock.units:
        units[unit.position].append(unit)
    truths = []
    for p in layout.planogram.positions:
        here = Stock(tuple(units[p.id]))
        count = here.units_of(p)
        level: Level = "out" if count == 0 else "low" if count <= p.low_at else "in_stock"
        truths.append(PositionTruth(p.id, count, here.facings_of(p), level, here.intruder_of(p)))
    return tuple(truths)


def measure(world: World, camera: Camera, render: Render) -> Truth:
    """Read the truth of the world's present moment out of one render.

    The silhouette of a unit is the union of the convex hulls of its projected mesh pieces, counted
    on the pixel grid that the renderer samples; what the render shows of it is its visible part.
    """
    units, count = world.stock.units, len(world.stock.units)
    height, width = render.body.shape
    mask = np.where(render.body >= FIRST_UNIT, render.body - FIRST_UNIT, -1).astype(np.int32)
    runs = _runs(render.body)
    pixels, boxes = runs.pixels(FIRST_UNIT + count), runs.boxes(FIRST_UNIT + count)
    place = _places_of(world.layout, world.stock)
    gap_place = np.setdiff1d(np.arange(len(world.layout.places)), place)
    gap_corners = world.layout.places.corners[gap_place]
    tag_box = _boxes(camera, world.tag_corners)
    quads = np.concatenate([world.layout.places.faces[gap_place], world.tag_corners])
    seen = seen_shares(quads, camera, render.depth)
    gap_seen, tag_seen = seen[: len(gap_place)], seen[len(gap_place) :]
    amodal_box, fraction, hidden = _hidden(world, camera, render, pixels[FIRST_UNIT:])
    people = [body for body in world.shopper_bodies if pixels[body]]
    return Truth(
        sku=np.array([u.sku for u in units], object),
        place=place,
        visible_box=boxes[FIRST_UNIT:],
        amodal_box=amodal_box,
        visible_fraction=fraction,
        hidden=hidden,
        gap_box=_boxes(camera, gap_corners),
        gap_place=gap_place,
        gap_visible_fraction=gap_seen,
        price_tag_box=np.clip(tag_box[tag_seen > 0], 0, np.array([width, height] * 2, np.float32)),
        price_tag_visible_fraction=tag_seen[tag_seen > 0],
        person_box=boxes[people].reshape(-1, 4),
        person_visible_fraction=_persons_seen(world, camera, people, pixels),
        mask=mask,
        depth=render.depth,
    )


def _runs(body: NDArray[np.int32]) -> Spans:
    """The pixels of every id in the picture, as runs of equal pixels."""
    begins = np.ones(body.shape, bool)
    np.not_equal(body[:, 1:], body[:, :-1], out=begins[:, 1:])
    start = np.flatnonzero(begins)
    row, first = np.divmod(start, body.shape[1])
    last = first + np.diff(start, append=body.size)
    owner = body.ravel()[start].astype(np.int64)
    kept = owner >= 0
    return Spans(owner[kept], row[kept], first[kept], last[kept])


def _hidden(
    world: World, camera: Camera, render: Render, visible: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Amodal boxes (N, 4), visible fractions (N,) and what hides the rest (N, 5)."""
    count = len(visible)
    height, width = render.body.shape
    amodal = _boxes(camera, world.unit_corners)
    in_frame = (amodal[:, 0] < width) & (amodal[:, 1] < height) & (amodal[:, 2] > 0) & (amodal[:, 3] > 0)
    spans = _unit_spans(world, camera, np.flatnonzero(in_frame))
    whole = spans.pixels(count)
    amodal[whole > 0] = spans.boxes(count)[whole > 0]
    inside = spans.inside(width, height)
    in_picture = inside.pixels(count)
    parts = np.zeros((count, len(HIDERS)))
    parts[:, 4] = outside = whole - in_picture
    if camera.model.lens.distorts:
        in_picture = _sampled(_unit_spans(world, camera.pinhole, np.flatnonzero(in_frame)), camera, count)
        whole = outside + in_picture
    hiders = np.ones(max(world.instances, default=0) + 2, np.int8)  # nothing, read by body -1, is wall
    for body, o in world.instances.items():
        hiders[body] = _HIDER_OF[o.kind]
    hider = np.where(render.body < FIRST_UNIT, hiders[np.minimum(render.body, len(hiders) - 1)], 0)
    for kind in range(1, 4):
        if (hider == kind).any():
            parts[:, kind] = inside.sums(hider == kind, count)
    parts[:, 0] = np.maximum(in_picture - parts[:, 1:4].sum(axis=1) - visible, 0)
    parts[whole == 0, 4] = 1
    fraction = np.minimum(visible / np.maximum(whole, 1), 1.0)
    total = parts.sum(axis=1)
    hidden = parts * ((1 - fraction) / np.where(total > 0, total, 1))[:, None]
    fraction[total == 0] = 1.0  # a pixel or two on its outline may be counted differently: nothing hides it
    return amodal, fraction.astype(np.float32), hidden.astype(np.float32)


def _unit_spans(world: World, camera: Camera, which: NDArray[np.int64]) -> Spans:
    """The silhouettes of some units."""
    if len(which) == 0:
        return polygon_spans(np.empty((0, 2)), which, which)
    outlines = [pieces_of(world.packs[world.stock.units[i].sku]) for i in which]
    points = [p @ turn.T for (p, _), turn in zip(outlines, rotations(world.unit_poses[which, 3:]))]
    unit = np.repeat(which, [len(p) for p in points])
    pixels, _ = camera.pinhole.project(np.concatenate(points) + world.unit_poses[unit, :3])
    sizes = np.concatenate([s for _, s in outlines])
    return silhouettes(pixels, sizes, np.repeat(which, [len(s) for _, s in outlines]), _bend_of(camera))


def _persons_seen(world: World, camera: Camera, people: list[int], pixels: NDArray[np.int64]) -> NDArray[np.float32]:
    """The visible fractions of `people`, of the pixels that every body has in the picture."""
    seen = np.zeros(len(people), np.float32)
    for i, body in enumerate(people):
        person = world.instances[body]
        turn = rotations(np.array([person.orientation]))[0]
        flat, distance = camera.pinhole.project(person.mesh.vertices @ turn.T + np.asarray(person.position))
        if distance.min() > TOO_NEAR:
            corners, size = flat[person.mesh.triangles].reshape(-1, 2), np.full(len(person.mesh.triangles), 3)
            whole = silhouettes(corners, size, np.zeros(len(size), np.int64), _bend_of(camera)).pixels(1)[0]
            seen[i] = min(pixels[body] / max(whole, 1), 1.0)
    return seen


def _sampled(spans: Spans, camera: Camera, owners: int) -> NDArray[np.int64]:
    """How many pixels of the distorted picture have their value from the pinhole's pixels in `spans`: an edge that
    runs along the pixels is moved by up to half of one, the same way as in the picture."""
    size = camera.pinhole.model.width, camera.pinhole.model.height
    x, y = (np.rint(grid).astype(np.int64).ravel() for grid in pinhole_pixels(camera.model))
    uses = np.bincount(y * size[0] + x, minlength=size[0] * size[1]).reshape(size[1], size[0])
    return spans.inside(*size).sums(uses, owners)


def _bend_of(camera: Camera) -> Bend | None:
    return camera.bend if camera.model.lens.distorts else None


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


def _boxes(camera: Camera, corners: NDArray[np.float64]) -> NDArray[np.float32]:
    """Boxes (N, 4) of projected convex sets with corners (N, K, 3); zeros where one reaches behind the camera."""
    if camera.model.lens.distorts:  # what lies farthest out need be no corner
        i, j = np.triu_indices(corners.shape[1], 1)
        share = np.linspace(0, 1, EDGE_PARTS, endpoint=False)[1:, None, None, None]
        between = corners[:, i] * (1 - share) + corners[:, j] * share
        corners = np.concatenate([corners, *between], axis=1)
    pixels, distance = camera.project(corners)
    boxes = np.concatenate([pixels.min(axis=1), pixels.max(axis=1)], axis=1).astype(np.float32)
    boxes[distance.min(axis=1, initial=np.inf) <= TOO_NEAR] = 0
    return boxes


def seen_shares(quads: NDArray[np.float64], camera: Camera, depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """The share (Q,) of flat convex quads (Q, 4, 3) in front of which the `depth` (H, W) of a render shows nothing."""
    pixels, distance = camera.pinhole.project(quads)
    shares = np.zeros(len(quads), np.float32)
    front = np.flatnonzero(distance.min(axis=1, initial=np.inf) > 0.05)
    pixels, inverse = pixels[front], 1 / distance[front]
    lengths = np.full(len(front), 4)
    spans = polygon_spans(pixels.reshape(-1, 2), lengths, np.arange(len(front)), _bend_of(camera))
    owner, row, column = spans.inside(depth.shape[1], depth.shape[0]).unfold()
    # On a plane the inverse of depth is linear in the pinhole's picture: its gradient from three corners.
    (ax, ay), (bx, by) = (pixels[:, 1] - pixels[:, 0]).T, (pixels[:, 2] - pixels[:, 0]).T
    a, b = inverse[:, 1] - inverse[:, 0], inverse[:, 2] - inverse[:, 0]
    area = ax * by - ay * bx
    area[area == 0] = np.inf
    slope_x, slope_y = (a * by - b * ay) / area, (b * ax - a * bx) / area
    level = inverse[:, 0] - slope_x * (pixels[:, 0, 0] - 0.5) - slope_y * (pixels[:, 0, 1] - 0.5)
    x: NDArray[Any] = column
    y: NDArray[Any] = row
    if camera.model.lens.distorts:
        x, y = (grid[row, column] for grid in pinhole_pixels(camera.model))
    plane = 1 / (level[owner] + slope_x[owner] * x + slope_y[owner] * y)
    free = depth[row, column] >= plane - TOUCH
    shares[front] = np.bincount(owner, free, len(front)) / np.maximum(spans.pixels(len(front)), 1)
    return shares
