"""The points file of a calibration: known places on shelf edges and the pixels where a picture shows them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, InputError, Store
from scenarios.files import read_csv, write_csv
from vision.calibrate import Fit
from vision.pictures import Shown

Floats = NDArray[np.float64]

EDGE, RIGHT, WRONG = (240, 228, 66), (86, 180, 233), (213, 94, 0)
"""RGB of projected shelf edges, points that agree and points that do not: of Okabe and Ito's set."""


@dataclass(frozen=True)
class PointRow:
    """One row: pixel (u, v) from the picture's upper left corner, and its place. With a `fixture` and `shelf` (0 at
    the bottom) the place is `x` metres along its front edge from its left end; `y` (into the shelf) and `z` (above
    the board) shift it, for a price rail that stands out, say. Without a fixture x, y, z are the store's own."""

    fixture: str = ""
    shelf: int | None = None
    x: float | None = None
    y: float | None = None
    z: float | None = None
    u: float | None = None
    v: float | None = None


@dataclass(frozen=True, eq=False)
class Points:
    """`world` (N, 3) metres, `pixels` (N, 2), and the `row` of the file that each comes from."""

    world: Floats
    pixels: Floats
    row: tuple[int, ...]


def load_points(path: Path, store: Store, size: tuple[int, int]) -> Points:
    """Read a points file; rows without u and v are passed over. Raises InputError that names row and column."""
    world, pixels, numbers = [], [], []
    for number, row in enumerate(read_csv(path, PointRow), start=2):
        where = f"{path}, row {number}"
        if row.u is None and row.v is None:
            continue
        if row.u is None or row.v is None:
            raise InputError(f"{where}: {'u' if row.u is None else 'v'} is missing; expected both u and v, or neither")
        if not (0 <= row.u <= size[0] and 0 <= row.v <= size[1]):
            raise InputError(f"{where}: pixel {row.u:g}, {row.v:g}; expected one within {size[0]} x {size[1]}")
        world.append(_place(row, store, where))
        pixels.append((row.u, row.v))
        numbers.append(number)
    return Points(np.array(world).reshape(-1, 3), np.array(pixels, float).reshape(-1, 2), tuple(numbers))


def write_form(path: Path, store: Store) -> None:
    """Write a points file with both ends of every shelf and u and v left empty, to be filled in."""
    ends = [(f, n, x) for f in store.fixtures for n in range(len(f.shelves)) for x in (0.0, f.width)]
    write_csv(path, [PointRow(f.id, n, x, 0.0) for f, n, x in ends], optional=("z",))


def draw_fit(image: Shown, fit: Fit, points: Points, store: Store) -> Shown:
    """The image (H, W, 3) with every known shelf edge as the camera expects it, and each point with a line to where
    it ought to be."""
    drawn = image.copy()
    thick = max(2, round(image.shape[1] / 1000))
    for line in shelf_lines(fit.camera, store):
        cv2.polylines(drawn, [np.rint(line * 8 - 4).astype(np.int32)], False, EDGE, thick, cv2.LINE_AA, 3)
    expected = fit.camera.project(points.world)[0]
    for pixel, there, right, row in zip(points.pixels, expected, fit.right, points.row):
        colour = RIGHT if right else WRONG
        at = (round(float(pixel[0])), round(float(pixel[1])))
        cv2.circle(drawn, at, 5 * thick, colour, thick, cv2.LINE_AA)
        if np.abs(there - pixel).max() < 2 * max(image.shape):
            cv2.line(drawn, at, (round(float(there[0])), round(float(there[1]))), colour, thick, cv2.LINE_AA)
        place = (at[0] + 6 * thick, at[1] - 6 * thick)
        cv2.putText(drawn, str(row), place, cv2.FONT_HERSHEY_SIMPLEX, 0.4 * thick, colour, thick, cv2.LINE_AA)
    return Shown(drawn)


def shelf_lines(camera: Camera, store: Store) -> list[Floats]:
    """The front edge of every shelf that is before the camera, as (K, 2) pixels along it."""
    lines = []
    for fixture in store.fixtures:
        for shelf in fixture.shelves:
            along = np.linspace(0, fixture.width, 25)
            edge = fixture.to_world(np.stack([along, np.zeros(25), np.full(25, shelf.z)], axis=1))
            pixels, depth = camera.project(edge)
            seen = (depth > 0.2) & (np.abs(pixels) < 4 * max(camera.model.width, camera.model.height)).all(axis=1)
            if seen.sum() >= 2:
                lines.append(pixels[seen])
    return lines


def _place(row: PointRow, store: Store, where: str) -> Floats:
    if not row.fixture:
        if row.x is None or row.y is None or row.z is None:
            raise InputError(f"{where}: no fixture; expected fixture, shelf and x, or the store's x, y and z")
        return np.array([row.x, row.y, row.z])
    known = {f.id: f for f in store.fixtures}
    if row.fixture not in known:
        raise InputError(f"{where}: fixture {row.fixture!r}; expected one of {', '.join(known)}")
    fixture = known[row.fixture]
    if row.shelf is None or not 0 <= row.shelf < len(fixture.shelves):
        raise InputError(f"{where}: shelf {row.shelf}; {fixture.id} has shelves 0 to {len(fixture.shelves) - 1}")
    if row.x is None:
        raise InputError(f"{where}: x is missing; expected metres from the left end of {fixture.id}")
    return fixture.to_world([row.x, row.y or 0.0, fixture.shelves[row.shelf].z + (row.z or 0.0)])
