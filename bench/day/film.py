"""A day as a film: a camera's view with what was read of it, the shelves with states and alerts, and a timeline."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bench.day.agreement import Both
from bench.day.alerting import LEVELS, Followed
from bench.day.rendered import shots
from bench.day.takers import TakerBodies
from scenarios import Camera, Layout, Scenario
from scenarios.demand import HOUR
from scenarios.events import Sale
from scenarios.timeline import Timeline
from sim import World
from vision.readings import PlaceReadings, PlaceState
from vision.view import view_of

Image = NDArray[np.uint8]
Colour = tuple[int, int, int]

SIZE = (1600, 900)
"""Pixels of a picture, across and down."""
VIEW = (1120, 630)
"""… of which so many are the camera's view; beside it is the plan, below it the timeline."""
SPEED = 12.0
"""Pictures a second."""
INK, PAPER, GREY = (30, 30, 30), (250, 250, 250), (185, 185, 185)
GREEN, ORANGE, YELLOW, PURPLE, BLUE = (0, 158, 115), (213, 94, 0), (240, 228, 66), (204, 121, 167), (0, 114, 178)
"""RGB: of Okabe and Ito's colour-blind-safe set."""
LEVEL_COLOURS = dict(zip(LEVELS, (GREEN, YELLOW, ORANGE, GREY)))
WORD_COLOURS = {PlaceState.OWN: GREEN, PlaceState.EMPTY: ORANGE, PlaceState.FOREIGN: PURPLE}


def write_film(path: Path, base: Scenario, scenario: Scenario, day: Both, camera: Camera, renderer: str) -> None:
    """Write a day as one camera saw it, a picture a frame of it. Raises OSError where no film can be written."""
    looks = {look.time: look for look in day.looks if look.camera == camera.id}
    kept = [n for n, at in enumerate(day.rendered.times.tolist()) if at in looks]
    times = day.rendered.times[kept].tolist()
    film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), SPEED, SIZE)
    if not film.isOpened():
        raise OSError(f"{path}: OpenCV cannot write MPEG-4")
    plan, line = Plan(base.layout), Line(day.timeline, day.rendered)
    boxes = view_of(base.layout, camera).box * np.tile(VIEW, 2) / np.tile((camera.model.width, camera.model.height), 2)
    places = None
    with World(base.layout, lookalikes=base.conditions.lookalikes) as world:
        frames = shots(world, TakerBodies(world), (scenario, day.timeline), camera, times, renderer)
        for n, (frame, _, _) in tqdm(zip(kept, frames), total=len(kept), desc="film", disable=None):
            places = looks[frame.time].places or places
            page = np.full((SIZE[1], SIZE[0], 3), PAPER, np.uint8)
            page[: VIEW[1], : VIEW[0]] = _view(frame.image, boxes, places)
            plan.draw(page[: VIEW[1], VIEW[0] :], day.rendered, n, line.out[n])
            line.draw(page[VIEW[1] :], n)
            film.write(page[..., ::-1])
    film.release()


def _view(image: Image, boxes: NDArray[np.float64], places: PlaceReadings | None) -> Image:
    """A camera's picture, made smaller, with the places that were read: own, empty or foreign."""
    small = cv2.resize(image, VIEW, interpolation=cv2.INTER_AREA)
    for n, box in enumerate(boxes if places is not None else ()):
        colour = WORD_COLOURS.get(PlaceState(int(places.state[n]))) if places is not None else None
        if colour is not None:
            x0, y0, x1, y1 = np.round(box).astype(int).tolist()
            cv2.rectangle(small, (x0 + 2, y0 + 2), (x1 - 2, y1 - 2), colour, 1 if colour == GREEN else 2)
    return np.asarray(small, np.uint8)


class Plan:
    """The shelves from the front, bay by bay, each position a rectangle."""

    def __init__(self, layout: Layout) -> None:
        self.cells = list(_cells(layout))

    def draw(self, page: Image, followed: Followed, moment: int, out: NDArray[np.bool_]) -> None:
        """The states (colours), alerts (a thick frame) and what is truly out (a cross) at a moment, (Q,) each."""
        for q, (x0, y0, x1, y1) in enumerate(self.cells):
            colour = LEVEL_COLOURS[LEVELS[followed.level[moment, q]]]
            cv2.rectangle(page, (x0, y0), (x1, y1), colour, -1)
            if followed.told[moment, q]:
                cv2.rectangle(page, (x0 - 1, y0 - 1), (x1 + 1, y1 + 1), INK, 3)
            if out[q]:
                cv2.line(page, (x0, y0), (x1, y1), INK, 1, cv2.LINE_AA)
                cv2.line(page, (x0, y1), (x1, y0), INK, 1, cv2.LINE_AA)
        for n, (name, colour) in enumerate((k.replace("_", " "), v) for k, v in LEVEL_COLOURS.items()):
            cv2.rectangle(page, (20 + 110 * n, 592), (36 + 110 * n, 608), colour, -1)
            _write(page, name, (42 + 110 * n, 606))
        _write(page, "cross: truly out    thick frame: alert", (20, 626))


def _cells(layout: Layout) -> Iterator[tuple[int, int, int, int]]:
    """The rectangle of every position, pixels; two bays side by side."""
    fixtures = layout.store.fixtures
    wide = max(f.width for f in fixtures)
    high = max(s.z + s.clearance for f in fixtures for s in f.shelves)
    rows = -(-len(fixtures) // 2)
    scale = min(215 / wide, (580 / rows - 14) / high)
    where = {f.id: divmod(n, 2) for n, f in enumerate(fixtures)}
    for p in layout.planogram.positions:
        row, column = where[p.fixture]
        product, z = layout.product(p), layout.fixture(p).shelves[p.shelf].z
        left, floor = 20 + 225 * column, (row + 1) * 580 / rows
        x0, x1 = left + scale * p.x, left + scale * (p.x + p.wide * product.width)
        yield round(x0), round(floor - scale * (z + p.high * product.height)), round(x1) - 1, round(floor - scale * z)


class Line:
    """The day as a line: how many positions are out and alerts standing over time, and what is sold."""

    def __init__(self, timeline: Timeline, followed: Followed) -> None:
        self.followed, self.times = followed, followed.times
        self.out = timeline.units_at(self.times.tolist()) == 0
        self.sales = np.array([e.time for e in timeline.events if isinstance(e, Sale)])
        self._most = max(1, int(self.out.sum(axis=1).max()), int(followed.told.sum(axis=1).max()))

    def draw(self, page: Image, moment: int) -> None:
        """All until now, and a mark where now is."""
        height, width = page.shape[:2]
        left, right, top, bottom = 60, width - 30, 34, height - 62
        end = float(self.times[-1])

        def x(at: float) -> int:
            return round(left + (right - left) * at / end)

        def y(count: float) -> int:
            return round(bottom - (bottom - top) * count / self._most)

        now = float(self.times[moment])
        for hour in range(int(end / HOUR) + 1):
            cv2.line(page, (x(hour * HOUR), top), (x(hour * HOUR), bottom + 22), GREY, 1)
            _write(page, f"{hour} h", (x(hour * HOUR) + 3, bottom + 54))
        for at in self.sales[self.sales <= now].tolist():
            cv2.line(page, (x(at), bottom + 8), (x(at), bottom + 20), BLUE, 1)
        for counts, colour in ((self.out, INK), (self.followed.told, ORANGE)):
            points = [(x(t), y(c)) for t, c in zip(self.times[: moment + 1], counts[: moment + 1].sum(axis=1))]
            cv2.polylines(page, [np.array(points, np.int32)], False, colour, 2, cv2.LINE_AA)
        cv2.line(page, (x(now), top), (x(now), bottom + 22), ORANGE, 1)
        _write(page, str(self._most), (20, top + 6))
        _write(page, "0", (20, bottom + 4))
        minutes = int(now // 60)
        words = f"{minutes // 60:02d}:{minutes % 60:02d} since opening   "
        _write(page, words + "black: positions out   orange: alerts that they are   blue: sales", (left, 22))


def _write(page: Image, words: str, at: tuple[int, int]) -> None:
    cv2.putText(page, words, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, INK, 1, cv2.LINE_AA)
