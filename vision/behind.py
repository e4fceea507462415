"""Behind the front row: what a camera that looks down on the packs' tops says of the rows that follow.

Rows of one product stand equally high, so that of each row behind the front one its top is what is seen, if the
board above leaves it free. Where a row stands its top looks like the top of the front pack, and the detector often
finds it; where none stands the board or the back of the shelf is seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, Layout
from scenarios.planogram import FRONT_MARGIN, ROW_GAP, SIDE_GAP
from vision.judge import judge
from vision.readings import PRODUCT, Detections
from vision.view import box_around

Floats = NDArray[np.float64]

DEEPEST = 12
"""Rows that are looked at; a deeper position is judged by its first ones."""
ACROSS, ALONG = 8, 6
"""Points at which a top is sampled."""
MIDDLE = 0.8
"""The share of a pack's width that is sampled: what is beside it is not its top."""
LEAST_FREE = 0.15
"""A top of which the board above leaves less free than this is not judged."""
FEWEST_PIXELS = 2.0
"""Nor is one that is seen lower than this."""

FEATURES = ("alike", "brightness", "brighter", "spread", "box", "differs", "step", "step_up")


@dataclass(frozen=True, eq=False)
class Tops:
    """The tops of the C columns' packs in R rows, the front one first: `points` (C, R, ACROSS × ALONG, 2) pixels at
    which they are sampled, `box` (C, R, 4) xyxy, and which are seen well enough to be judged (C, R)."""

    points: NDArray[np.int64]
    box: Floats
    seen: NDArray[np.bool_]

    @property
    def compared(self) -> NDArray[np.bool_]:
        """The tops (C, R) behind the front row that can be compared with the front one of their column."""
        return self.seen & self.seen[:, :1] & (np.arange(self.seen.shape[1]) > 0)


def columns(layout: Layout) -> NDArray[np.int64]:
    """The (C,) front places on top of each column of the planogram, in its order."""
    high = np.array([p.high for p in layout.planogram.positions])[layout.places.position]
    return np.flatnonzero(layout.places.level == high - 1)


def tops_of(layout: Layout, camera: Camera) -> Tops:
    """Project the tops of all rows of all columns."""
    across, along = np.linspace(-0.5, 0.5, ACROSS) * MIDDLE, np.linspace(0.05, 0.95, ALONG)
    corners, free = [], []
    for p in layout.planogram.positions:
        fixture, product = layout.fixture(p), layout.product(p)
        shelf = fixture.shelves[p.shelf]
        top = shelf.z + p.high * product.height
        furthest = _furthest_free(fixture.to_local(camera.position), top, shelf.z + shelf.clearance)
        if shelf.z == max(s.z for s in fixture.shelves):
            furthest = np.inf
        near = FRONT_MARGIN + np.arange(DEEPEST) * (product.depth + ROW_GAP)
        depth = np.clip(furthest - near, 0, product.depth)
        middle = p.x + (np.arange(p.wide) + 0.5) * (product.width + SIDE_GAP)
        points = np.empty((p.wide, DEEPEST, ALONG, ACROSS, 3))
        points[..., 0] = middle[:, None, None, None] + across * product.width
        points[..., 1] = near[:, None, None] + depth[:, None, None] * along[:, None]
        points[..., 2] = top
        corners.append(fixture.to_world(points).reshape(p.wide, DEEPEST, -1, 3))
        below = camera.position[2] > top
        free.append(np.tile(below & (depth >= LEAST_FREE * product.depth) & (np.arange(DEEPEST) < p.deep), (p.wide, 1)))
    pixels, distance = camera.project(np.concatenate(corners))
    box = box_around(pixels)
    inside = (box[..., :2] >= 0).all(axis=-1) & (box[..., 2:] <= [camera.model.width, camera.model.height]).all(axis=-1)
    large = box[..., 3] - box[..., 1] >= FEWEST_PIXELS
    seen = np.concatenate(free) & inside & large & (distance.min(axis=-1) > 0.2)
    return Tops(np.floor(pixels).astype(np.int64), box, seen)


def _furthest_free(eye: Floats, top: float, board: float) -> float:
    """How deep into the shelf (metres from its edge) the plane of the tops is seen below the board above, from an
    eye in the fixture's frame."""
    if eye[1] >= 0 or eye[2] <= board:
        return np.inf
    return float(eye[1] - eye[1] * (eye[2] - top) / (eye[2] - board))


def features(image: NDArray[np.uint8], tops: Tops, detections: Detections) -> Floats:
    """What tells a row from none, (C, R, 8), against the top of the front pack: the correlation of their pixels, by how
    much their brightness differs (logarithm; without and with sign), how much its own pixels vary, how well the
    best product box fits it, how much its pixels differ from those of the front when both have the same mean, and
    by how much its brightness differs from that of the row before it (again without and with sign). Zeros for the
    front row and for tops that are not seen."""
    found = np.zeros((*tops.seen.shape, len(FEATURES)))
    c, r = np.nonzero(tops.compared)
    column, row = tops.points[..., 0], tops.points[..., 1]
    here, first, before = (image[row[c, k], column[c, k]].astype(np.float64) / 255 for k in (r, 0, r - 1))
    a, b = (patch - patch.mean(axis=1, keepdims=True) for patch in (here, first))  # (K, points, 3)
    spread, of_first = (np.sqrt((patch**2).mean(axis=(1, 2))) for patch in (a, b))
    level, of_front, of_last = (np.log(patch.mean(axis=(1, 2)) + 0.05) for patch in (here, first, before))
    plain = (patch - patch.mean(axis=(1, 2), keepdims=True) for patch in (here, first))
    products = detections.class_id == PRODUCT
    xyxy, confidence = detections.xyxy[products].astype(float), detections.confidence[products]
    found[c, r] = np.stack(
        [
            (a * b).mean(axis=(1, 2)) / (spread * of_first + 1e-3),
            np.abs(level - of_front),
            level - of_front,
            spread,
            best_fit(tops.box[c, r], xyxy, confidence),
            np.sqrt((np.subtract(*plain) ** 2).mean(axis=(1, 2))),
            np.abs(level - of_last),
            level - of_last,
        ],
        axis=1,
    )
    return found


def best_fit(tops: Floats, xyxy: Floats, confidence: NDArray[np.float32]) -> Floats:
    """For every top (K) the greatest IoU with a box (N, 4), times the root of the box's confidence."""
    if len(xyxy) == 0:
        return np.zeros(len(tops))
    low, high = np.maximum(tops[:, None, :2], xyxy[:, :2]), np.minimum(tops[:, None, 2:], xyxy[:, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=-1)
    area, others = (np.prod(box[:, 2:] - box[:, :2], axis=-1) for box in (tops, xyxy))
    return (shared / (area[:, None] + others - shared) * np.sqrt(confidence)).max(axis=1)


def rows_behind(image: NDArray[np.uint8], tops: Tops, detections: Detections) -> NDArray[np.float32]:
    """How much likelier the picture is with a pack in each row (C, R) than without, as a logarithm; 0 for the front
    row and for what is not seen well enough. It holds for columns whose front is full of the planned product."""
    ratio = judge("behind", FEATURES)(features(image, tops, detections))
    return np.where(tops.compared, ratio, 0).astype(np.float32)
