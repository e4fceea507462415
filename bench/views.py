"""Cameras to see any store with, derived from its fixtures."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from scenarios import Camera, CameraModel, Fixture, Layout, Rig

EYE = 1.6
"""Height of a person's eyes in metres."""
FARTHEST = 3.4
"""Distance of a camera from the shelf front, at most, in metres."""
LONGEST = 5.0
"""What one view shows of a run of fixtures, at most, in metres."""
STEP = 0.05


def default_views(layout: Layout, width: int = 960, height: int = 540) -> Rig:
    """Three views of the store's longest run of fixtures: "eye" looks along the aisle as a shopper does, "opposite"
    straight at the shelf from across the aisle, "overhead" steeply down from below the ceiling."""
    run = _Run(layout, width, height)
    x, span, top, ceiling = run.middle, min(run.length, LONGEST), min(run.height, 2.2), layout.store.room.ceiling - 0.15
    eye = run.camera("eye", 1.45, (x - 0.45 * span, 1.7, EYE), (x + 0.15 * span, 0.55 * top))
    opposite = run.camera("opposite", 1.45, (x, FARTHEST, min(2.0, ceiling)), (x, 0.5 * top))
    overhead = run.camera("overhead", 1.13, (x, 1.2, min(3.4, ceiling)), (x, 0.55 * top))
    return Rig("views", (eye, opposite, overhead))


def near_view(layout: Layout, width: int, height: int) -> Camera:
    """A view of about a metre of shelf, in which packs can be told apart."""
    run = _Run(layout, width, height)
    x, z = run.middle - 0.1, min(0.62 * run.height, 1.25)
    return run.camera("near", 0.9, (x, 1.15, z + 0.15), (x, z))


def family_view(layout: Layout, width: int, height: int) -> Camera | None:
    """A view of the most look-alikes that stand side by side on one shelf; None if there are none."""
    shelves: dict[tuple[str, str, int], list[int]] = defaultdict(list)
    for i, p in enumerate(layout.planogram.positions):
        if layout.product(p).family:
            shelves[layout.product(p).family, p.fixture, p.shelf].append(i)
    if not shelves:
        return None
    (_, fixture, _), most = max(shelves.items(), key=lambda item: len(item[1]))
    middle = layout.places.front[np.isin(layout.places.position, most)].mean(axis=0)
    guide = layout.store.fixture(fixture)
    x, _, z = (float(v) for v in guide.to_local(middle))
    run = _Run(layout, width, height, guide)
    return run.camera("family", 0.7, (x, 1.0, z + 0.1), (x, z))


class _Run:
    """The fixtures of one front line that are widest together, or `guide` alone, in the frame of the first."""

    def __init__(self, layout: Layout, width: int, height: int, guide: Fixture | None = None) -> None:
        runs: dict[tuple[float, float], list[Fixture]] = defaultdict(list)
        for f in layout.store.fixtures:
            runs[round(f.yaw, 2), round(float(f.to_local((0.0, 0.0, 0.0))[1]), 1)].append(f)
        fixtures = [guide] if guide else max(runs.values(), key=lambda run: sum(f.width for f in run))
        self.layout, self.size, self.guide = layout, (width, height), fixtures[0]
        feet = np.concatenate([np.column_stack([f.footprint, np.zeros(4)]) for f in fixtures])
        ends = self.guide.to_local(feet)[:, 0]
        self.length = float(np.ptp(ends))
        self.middle = float(ends.min() + ends.max()) / 2
        self.height = max(f.height for f in fixtures)

    def camera(self, id: str, fov: float, at: tuple[float, float, float], target: tuple[float, float]) -> Camera:
        """A camera that hangs at x, up to so far off the front as there is room, at z; it looks at (x, z) of the
        front."""
        x, most, z = at
        away = 0.3
        while away < most and self._is_free(x, away + 2 * STEP, z):
            away += STEP
        points = self.guide.to_world([[x, -away, z], [target[0], 0.0, target[1]]])
        (px, py, pz), (tx, ty, tz) = points.round(3).tolist()
        return Camera(id, CameraModel("view", *self.size, fov, 0.0), (px, py, pz), (tx, ty, tz))

    def _is_free(self, x: float, away: float, z: float) -> bool:
        """Whether a camera is in the aisle there: neither inside anything nor above another fixture, which it
        would have in its picture's way."""
        points = self.guide.to_world([[x, -away, z], [x, -away, 0.3]])
        return all(self.layout.store.obstacle_at(tuple(point)) is None for point in points)
