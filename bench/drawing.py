"""Pictures for the report: what was read over what is there, and the plan of the store."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, Fixture, Frame, Layout, Rig
from sim import Truth
from vision.pictures import COLOURS
from vision.readings import GAP, PERSON, PRODUCT, Reading

HALF = 0.5
MISSED = (240, 228, 66)
"""RGB of a unit that the detector missed."""


def truth_and_reading(frame: Frame, truth: Truth, reading: Reading) -> NDArray[np.uint8]:
    """Draw a reading's boxes, and what is there and was missed, over the picture (H, W, 3) uint8 RGB."""
    image = frame.image.copy()
    found = reading.detections
    sure = found.confidence >= 0.25
    for class_id in (GAP, PERSON, PRODUCT):
        for box in found.xyxy[sure & (found.class_id == class_id)]:
            _box(image, box, COLOURS[class_id], 2)
    products = found.xyxy[sure & (found.class_id == PRODUCT)]
    for box in truth.visible_box[truth.visible_fraction >= HALF]:
        if not len(products) or _overlap(box, products).max() < HALF:
            _box(image, box, MISSED, 2)
    return image


def _box(image: NDArray[np.uint8], box: NDArray[np.float32], colour: tuple[int, ...], width: int) -> None:
    x0, y0, x1, y1 = (round(float(v)) for v in box)
    cv2.rectangle(image, (x0, y0), (x1 - 1, y1 - 1), colour, width)


def _overlap(box: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=1)
    area = np.prod(others[:, 2:] - others[:, :2], axis=1) + np.prod(box[2:] - box[:2])
    return shared / np.maximum(area - shared, 1e-9)


def plan_svg(layout: Layout, rig: Rig) -> str:
    """The store from above with the rig's cameras and what each sees of the floor, as SVG; 1 m = 60 units."""
    room, k = layout.store.room, 60.0

    def at(x: float, y: float) -> tuple[float, float]:
        return (x - room.x[0]) * k + 4, (room.y[1] - y) * k + 4

    width, height = (room.x[1] - room.x[0]) * k + 8, (room.y[1] - room.y[0]) * k + 8
    below, beside = 18, 44  # for the labels of cameras at the walls
    across = width + 2 * beside
    parts = [
        f'<svg viewBox="{-beside} 0 {across:.0f} {height + below:.0f}" style="max-width:{1.4 * across:.0f}px" '
        f'role="img" aria-label="plan of the store with rig {rig.name}">'
    ]
    parts.append(f'<rect x="4" y="4" width="{width - 8:.0f}" height="{height - 8:.0f}" class="room"/>')
    for camera in rig.cameras:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*p) for p in footprint(camera, layout)))
        parts.append(f'<polygon points="{points}" class="cone"/>')
    for fixture in layout.store.fixtures:
        corners = np.array([at(*corner) for corner in fixture.footprint.tolist()])
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners.tolist())
        x, y = corners.mean(axis=0)
        parts.append(f'<polygon points="{points}" class="bay"/>')
        parts.append(f'<text x="{x:.1f}" y="{y + 4:.1f}">{fixture.id}</text>')
    for camera in rig.cameras:
        x, y = at(camera.position[0], camera.position[1])
        tx, ty = at(camera.target[0], camera.target[1])
        turn = math.degrees(math.atan2(ty - y, tx - x))
        parts.append(
            f'<path transform="translate({x:.1f} {y:.1f}) rotate({turn:.0f})" '
            'd="M-7,-5 h9 v10 h-9 z M2,-3 l6,-3 v12 l-6,-3 z" class="camera"/>'
        )
        parts.append(f'<text x="{x:.1f}" y="{y + 18:.1f}">{camera.id}, {camera.position[2]:.1f} m up</text>')
    return "".join(parts) + "</svg>"


def footprint(camera: Camera, layout: Layout) -> list[tuple[float, float]]:
    """The camera and the stretch of shelf front that its picture covers at the height it aims at."""
    room, aim = layout.store.room, np.array(camera.target)
    fixture = min(layout.store.fixtures, key=lambda f: _off_front(f, aim))
    along = np.array([math.cos(fixture.yaw), math.sin(fixture.yaw), 0.0])
    front = aim + np.linspace(-1, 1, 400)[:, None] * along * max(np.ptp(room.x), np.ptp(room.y))
    pixels, depth = camera.project(front)
    (x0, x1), (y0, y1) = room.x, room.y
    within = (front[:, 0] >= x0) & (front[:, 0] <= x1) & (front[:, 1] >= y0) & (front[:, 1] <= y1)
    seen = front[camera.in_frame(pixels) & (depth > 0) & within, :2].tolist()
    ends = [(float(x), float(y)) for x, y in (seen[0], seen[-1])] if seen else []
    return [camera.position[:2], *ends]


def _off_front(fixture: Fixture, point: NDArray[np.float64]) -> float:
    """How far a point is off a fixture's front on the floor, metres."""
    x, y, _ = fixture.to_local(point)
    return math.hypot(x - min(max(x, 0.0), fixture.width), y)
