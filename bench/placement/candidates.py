"""Candidates: every camera model at every mount with every aim that geometry and rules leave.

What a candidate could see if nothing hid it is kept with it: the places that are in its picture far enough for the
pipeline to judge them, with px/m and angle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bench.placement.mounts import Mounts
from bench.response.samples import faces_of, sight_of
from scenarios import Camera, CameraModel, InputError, Layout, Rig
from vision.view import box_around, in_frame

Floats = NDArray[np.float64]

AIM_OFF = 0.02
"""An aim lies this far before the shelf's front, so that the line to it does not end in the shelf, metres."""
NEAREST = 0.4
"""No aim is nearer than this, metres."""
FARTHER = 1.5
"""Places as many times as far off as the farthest aim are looked at."""
GRAZING = 1.5
"""Faces are looked at to this angle off their normals, radians: steeper than cameras are aimed. Bottom boards below a
camera on the ceiling are seen so, and read."""
ACROSS = np.array([[a, b] for a in (1 / 6, 1 / 2, 5 / 6) for b in (1 / 6, 1 / 2, 5 / 6)])
"""Where on a face it is tried whether that lies in the picture: shares of its two sides."""


@dataclass(frozen=True)
class Aims:
    """Where cameras are aimed: at every bay, every `spacing` metres along it at each of `heights` (metres over the
    floor), from at most `reach` metres and `steepest` radians off the shelf's normal. `least_px_per_m`: what less is
    seen with is not looked at."""

    spacing: float
    heights: tuple[float, ...]
    reach: float
    steepest: float
    least_px_per_m: float

    def __post_init__(self) -> None:
        if not self.heights or min(self.spacing, self.reach, self.least_px_per_m) <= 0 or not 0 < self.steepest < 1.57:
            raise ValueError(
                f"aims {self}; expected spacing, reach and least_px_per_m > 0, heights, and steepest within 0 to 1.57"
            )


@dataclass(frozen=True, eq=False)
class Views:
    """Which places every candidate has in its picture, as parallel arrays cut by `start` (C + 1,): index of the place,
    px/m on its face, angle to its normal (radians), the share of the face that is in the picture, and how far to the
    side of it the camera hangs (radians, 0 before it)."""

    start: NDArray[np.int64]
    place: NDArray[np.int32]
    px_per_m: NDArray[np.float32]
    angle: NDArray[np.float32]
    inside: NDArray[np.float32]
    aside: NDArray[np.float32]

    def of(self, i: int) -> slice:
        """The entries of one candidate."""
        return slice(int(self.start[i]), int(self.start[i + 1]))


@dataclass(frozen=True, eq=False)
class Candidates:
    """`mount` (C,) indexes `mounts`, `model` (C,) indexes `models`; `aim` (C, 3) in metres."""

    mounts: Mounts
    models: tuple[CameraModel, ...]
    mount: NDArray[np.int64]
    aim: Floats
    model: NDArray[np.int64]
    views: Views

    def __len__(self) -> int:
        return len(self.mount)

    @property
    def place(self) -> Floats:
        """(C, 3) where each hangs."""
        return self.mounts.place[self.mount]

    @cached_property
    def kind(self) -> NDArray[np.object_]:
        """(C,) of mount."""
        return np.asarray(self.mounts.kind[self.mount], object)

    def camera(self, i: int, name: str = "") -> Camera:
        position, target = self.place[i].tolist(), self.aim[i].tolist()
        return Camera(name or f"candidate-{i}", self.models[self.model[i]], tuple(position), tuple(target))


def candidates(layout: Layout, mounts: Mounts, models: Sequence[CameraModel], aims: Aims, most: int) -> Candidates:
    """All candidates, of each mount those that see most where there would be more than `most`. Raises InputError where
    no mount sees a shelf."""
    targets, normals, owner = _targets(layout, aims)
    mount, target = np.nonzero(_in_reach(layout, mounts, targets, normals, owner, aims))
    drawn = [(m, t, k) for m, t in zip(mount.tolist(), target.tolist()) for k in range(len(models))]
    faces, facing = faces_of(layout), _facing(layout, mounts, aims)
    seen, worth = [], []
    for m, t, k in drawn:
        camera = Camera("view", models[k], tuple(mounts.place[m].tolist()), tuple(targets[t].tolist()))
        seen.append(_view(layout, faces, facing[m], camera, aims))
        worth.append(float(seen[-1][3].sum()))
    kept = _kept(np.array([m for m, _, _ in drawn], int), np.array(worth), most)
    if not len(kept):
        raise InputError(
            f"{layout.store.name}: none of {len(mounts)} mounts sees a shelf within {aims.reach} m, "
            f"{np.degrees(aims.steepest):.0f}° and {aims.least_px_per_m:g} px/m; expected mounts before the shelves"
        )
    chosen = [drawn[i] for i in kept]
    at, aim, model = (np.array(column, np.int64) for column in zip(*chosen))
    return Candidates(mounts, tuple(models), at, targets[aim], model, _views([seen[i] for i in kept]))


def of_rig(layout: Layout, rig: Rig, aims: Aims) -> Candidates:
    """The cameras of a rig as candidates, in its order, to be looked at and rated as others are."""
    models = tuple(dict.fromkeys(c.model for c in rig.cameras))
    place = np.array([c.position for c in rig.cameras])
    mounts = Mounts(place, np.full(len(place), "rig", object), np.zeros(len(place)))
    faces, facing = faces_of(layout), _facing(layout, mounts, aims)
    seen = [_view(layout, faces, among, camera, aims) for among, camera in zip(facing, rig.cameras)]
    aim, model = np.array([c.target for c in rig.cameras]), np.array([models.index(c.model) for c in rig.cameras])
    return Candidates(mounts, models, np.arange(len(place)), aim, model, _views(seen))


def _views(seen: Sequence[tuple[NDArray, ...]]) -> Views:
    start = np.concatenate([[0], np.cumsum([len(part[0]) for part in seen])])
    place, *others = (np.concatenate(column) for column in zip(*seen))
    return Views(start, place.astype(np.int32), *(part.astype(np.float32) for part in others))


def _targets(layout: Layout, aims: Aims) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Points before the fronts of all bays (T, 3), or over the tops of chests, their normals, and whose they are."""
    points, normals, owner = [], [], []
    for number, f in enumerate(layout.store.fixtures):
        count = max(1, round(f.width / aims.spacing))
        chest = f.kind == "freezer"
        heights = [f.height] if chest else [z for z in aims.heights if z < f.height] or [f.height / 2]
        for u in (np.arange(count) + 0.5) * f.width / count:
            for z in heights:
                points.append(f.to_world([u, f.depth / 2 if chest else -AIM_OFF, z + AIM_OFF * chest]))
                normals.append([0.0, 0.0, 1.0] if chest else [np.sin(f.yaw), -np.cos(f.yaw), 0.0])
                owner.append(number)
    return np.array(points).round(3), np.array(normals), np.array(owner)


def _in_reach(
    layout: Layout, mounts: Mounts, targets: Floats, normals: Floats, owner: NDArray[np.int64], aims: Aims
) -> NDArray[np.bool_]:
    """(M, T) which mounts may be aimed at which targets."""
    towards = mounts.place[:, None] - targets
    distance = np.linalg.norm(towards, axis=2)
    cosine = (towards * normals).sum(axis=2) / np.maximum(distance, 1e-9)
    may = (distance >= NEAREST) & (distance <= aims.reach) & (cosine >= np.cos(aims.steepest))
    m, t = np.nonzero(may)
    hidden = np.zeros(len(m), bool)
    for fixture in layout.store.fixtures:
        hidden |= _crosses(fixture.to_local(mounts.place[m]), fixture.to_local(targets[t]),
                           np.array([fixture.width, fixture.depth, fixture.height]))  # fmt: skip
    may[m[hidden], t[hidden]] = False
    return may


def _crosses(a: Floats, b: Floats, size: Floats) -> NDArray[np.bool_]:
    """Which lines from `a` to `b` (N, 3) go through the box from the origin to `size`."""
    step = np.where(np.abs(b - a) < 1e-12, 1e-12, b - a)
    low, high = (0 - a) / step, (size - a) / step
    enters, leaves = np.minimum(low, high).max(axis=1), np.maximum(low, high).min(axis=1)
    return np.asarray((enters < leaves) & (leaves > 0) & (enters < 1))


def _facing(layout: Layout, mounts: Mounts, aims: Aims) -> list[NDArray[np.int64]]:
    """Of every mount the places whose faces it is before, not farther off than aims and some bay beside them."""
    points, normal, _, _ = faces_of(layout)
    found = []
    for place in mounts.place:
        towards = place - points
        distance = np.linalg.norm(towards, axis=1)
        cosine = (towards * normal).sum(axis=1) / distance
        found.append(np.flatnonzero((cosine >= np.cos(GRAZING)) & (distance <= FARTHER * aims.reach)))
    return found


def _view(
    layout: Layout, faces: tuple[Floats, ...], among: NDArray[np.int64], camera: Camera, aims: Aims
) -> tuple[NDArray, ...]:
    """Places, of some, px/m, angles, shares inside and angles aside of one camera."""
    points, normal, along, up = (part[among] for part in faces)
    seen = sight_of((points, normal, along, up), camera)
    at = np.flatnonzero(seen.px_per_m >= aims.least_px_per_m)
    place = among[at]
    corner, right, _, up_left = np.moveaxis(layout.places.faces[place], 1, 0)[:, :, None]
    spots = corner + ACROSS[:, :1] * (right - corner) + ACROSS[:, 1:] * (up_left - corner)
    pixels, depth = camera.project(spots)
    inside = (camera.in_frame(pixels) & (depth > 0)).mean(axis=1)
    corners, _ = camera.project(layout.places.corners[place])
    kept = (inside > 0) & in_frame(box_around(corners), camera)
    at = at[kept]
    return place[kept], seen.px_per_m[at], seen.angle[at], inside[kept], np.abs(seen.horizontal[at])


def _kept(mount: NDArray[np.int64], worth: Floats, most: int) -> NDArray[np.int64]:
    """Which candidates stay: as many of every mount, those that see most, and none that sees nothing."""
    order = np.lexsort((-worth, mount))
    rank = np.zeros(len(mount), int)
    rank[order] = np.arange(len(mount)) - np.searchsorted(mount[order], mount[order])
    left = np.flatnonzero(worth > 0)
    if len(left) > most:
        left = left[rank[left] < max(np.sort(rank[left])[most], 1)]
    return left
