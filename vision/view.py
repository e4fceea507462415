"""What a camera sees of the front-row places: where in its picture each is expected, and how well."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, Layout
from scenarios.planogram import SIDE_GAP

Floats = NDArray[np.float64]

FEWEST_PIXELS_PER_METRE = 120.0
"""A place seen with less is not judged."""
IN_FRAME = 0.7
"""The share of a place's expected box that has to lie inside the picture."""
LEAST_SHOWN = 0.25
"""The share of it that the board above has to leave free."""
RAIL = 0.018
"""Metres by which price rails, which hang before the boards and below them, lower what is seen past a board's edge."""
WITHOUT_BOARDS = ("pegwall",)
"""Kinds of fixtures whose goods hang: nothing above them hides them."""
SLICES = 9
"""Of the depth of a place, to find what the board above hides."""
CLEAR_PIXELS_PER_METRE, CLEAR_COSINE = 450.0, 0.6
"""A place is seen clearly with this many pixels per metre, from no further aside or above than this cosine to its
front. Of 2,350 packs in 30 pictures of training stores (val 900002 to 900007) 6 % were called a gap from steeper than
that, 2.5 % from less steep."""
NEAREST = 0.1
"""Metres before a fixture's front; a camera that is nearer, or above it, is taken to be there."""


@dataclass(frozen=True, eq=False)
class View:
    """Where a camera expects each front-row place (P): `box` (P, 4) xyxy pixels of what the board above leaves to be
    seen of it, `ppm` (P,) pixels per metre, `visible` (P,) whether that is in the frame and large enough to be judged,
    `clear` (P,) whether it is seen from near enough and not from too steep; `beside` (P,) the SKUs planned beside a
    place on top of a stack that the camera sees where that place is empty, none for those on the board."""

    box: Floats
    ppm: Floats
    visible: NDArray[np.bool_]
    clear: NDArray[np.bool_]
    beside: tuple[frozenset[str], ...]


def view_of(layout: Layout, camera: Camera) -> View:
    """Project every front-row place of the layout into the camera's picture."""
    places = layout.places
    pixels, depth = camera.project(places.corners)
    whole = box_around(pixels)
    box = _below_boards(layout, camera, whole)
    ppm = camera.pixels_per_metre(places.front, places.yaw)
    visible = (depth.min(axis=1) > 0.2) & in_frame(box, camera) & (ppm >= FEWEST_PIXELS_PER_METRE)
    visible &= _area(box) >= LEAST_SHOWN * _area(whole)
    clear = (ppm >= CLEAR_PIXELS_PER_METRE) & (_cosine(layout, camera) >= CLEAR_COSINE)
    return View(box, ppm, visible, clear, _beside(layout, camera))


def box_around(pixels: Floats) -> Floats:
    """The boxes (…, 4) xyxy around points (…, N, 2)."""
    return np.concatenate([pixels.min(axis=-2), pixels.max(axis=-2)], axis=-1)


def in_frame(box: Floats, camera: Camera) -> NDArray[np.bool_]:
    """Whether enough of boxes (N, 4) that are expected of places lies inside the picture for them to be judged."""
    size = np.array([camera.model.width, camera.model.height] * 2)
    return np.asarray(_area(np.clip(box, 0, size)) >= IN_FRAME * np.maximum(_area(box), 1e-9))


def _below_boards(layout: Layout, camera: Camera, whole: Floats) -> Floats:
    """The boxes (P, 4) of the places, less what the board above hides from a camera that hangs higher; (0, 0, 0, 0)
    where that is all. The topmost board of a fixture has none above."""
    box, first = whole.copy(), 0
    for p in layout.planogram.positions:
        places = slice(first, first + p.facings)
        first += p.facings
        fixture = layout.fixture(p)
        shelf = fixture.shelves[p.shelf]
        edge = shelf.z + shelf.clearance - RAIL
        eye = fixture.to_local(camera.position)
        topmost = shelf.z == max(s.z for s in fixture.shelves)
        if topmost or eye[2] <= edge or fixture.kind in WITHOUT_BOARDS:
            continue
        corners = fixture.to_local(layout.places.corners[places])
        low, high = corners.min(axis=1)[:, None], corners.max(axis=1)[:, None]  # (F, 1, 3)
        y = low[..., 1] + (high - low)[..., 1] * np.linspace(0, 1, SLICES)  # (F, SLICES)
        free = edge - np.maximum(y, 0) * (eye[2] - edge) / max(-eye[1], NEAREST)  # what is higher is hidden
        if (free >= high[..., 2]).all():
            continue
        points = np.empty((*y.shape, 4, 3))  # of each slice the corners of what is seen
        points[..., 0] = np.stack([low[..., 0], high[..., 0]] * 2, axis=-1)
        points[..., 1] = y[..., None]
        points[..., :2, 2], points[..., 2:, 2] = low[..., 2:], np.minimum(high[..., 2], free)[..., None]
        pixels, _ = camera.project(fixture.to_world(points))
        seen = (free >= low[..., 2])[..., None, None]
        left_top, right_bottom = (
            f(np.where(seen, pixels, v), axis=(1, 2)) for f, v in ((np.min, np.inf), (np.max, -np.inf))
        )
        box[places] = np.where(seen.any(axis=(1, 2)), np.concatenate([left_top, right_bottom], axis=1), 0.0)
    return box


def _beside(layout: Layout, camera: Camera) -> tuple[frozenset[str], ...]:
    """`View.beside`: what stands on the same board where the lines of sight through a place go on behind its front, as
    deep as the fixture is."""
    planned: dict[tuple[str, int], list[tuple[float, float, str]]] = {}
    for p in layout.planogram.positions:
        end = p.x + p.wide * (layout.product(p).width + SIDE_GAP)
        planned.setdefault((p.fixture, p.shelf), []).append((p.x, end, p.sku))
    found = []
    for p in layout.planogram.positions:
        fixture, pitch = layout.fixture(p), layout.product(p).width + SIDE_GAP
        eye = fixture.to_local(camera.position)
        steps = fixture.depth / max(-eye[1], NEAREST)  # sideways behind the front, for each metre before it
        for column in range(p.wide):
            left, right = p.x + column * pitch, p.x + (column + 1) * pitch
            left, right = left + min(0.0, (left - eye[0]) * steps), right + max(0.0, (right - eye[0]) * steps)
            seen = {sku for x0, x1, sku in planned[p.fixture, p.shelf] if x0 < right and x1 > left and sku != p.sku}
            found += [frozenset(seen if level else ()) for level in range(p.high)]
    return tuple(found)


def _cosine(layout: Layout, camera: Camera) -> Floats:
    """Of the angle between what each front-row place faces and the direction of the camera, (P,)."""
    places = layout.places
    front = np.stack([np.sin(places.yaw), -np.cos(places.yaw), np.zeros(len(places))], axis=1)
    front[places.from_above] = (0.0, 0.0, 1.0)
    towards = np.subtract(camera.position, places.front)
    return np.asarray((front * towards).sum(axis=1) / np.linalg.norm(towards, axis=1))


def _area(box: NDArray) -> Floats:
    size = np.maximum(box[..., 2:] - box[..., :2], 0)
    return size[..., 0] * size[..., 1]
