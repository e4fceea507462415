"""Drift: does a camera still look where it was calibrated? Small turns are found from shelf edges and corrected."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, Frame, InputError, Layout
from vision.calibrate import check_size, triple, turned_camera

Floats = NDArray[np.float64]

BOARDED = ("gondola", "endcap", "cooler")
"""Fixtures with boards that carry a price rail."""
RAIL_HEIGHT, RAIL_DEPTH = 0.038, 0.008
"""Metres that a price rail reaches down from the board's upper surface and stands before it, as sim/fixtures has
them; rails for labels of 39 mm, the most common, are as high."""
PIECE = 0.25
"""Metres of rail that are judged together."""
SAMPLES = 6
"""Points looked at along one edge."""
REACH, STEP, ROLL_STEP = np.radians([3.5, 0.35, 0.7])
"""Turns about each axis of the picture that are searched; a step moves the picture by about 4 pixels of COARSE."""
COARSE, FINE = 640, 1280
"""Widths in pixels that the picture is scaled down to for the search and for the last steps."""
MOST_EDGES, MOST_ROWS = 2000, 20_000
"""Edges in all, and edges times turns in one step of the search: cv2.remap takes at most 32,767 rows."""
FEWEST_EDGES = 8
LEAST_CONTRAST = 4.0
"""Grey levels below which nothing counts as contrast: noise of the sensor stays under it."""
LEAST_SCORE, LEAST_SUPPORT = 0.35, 0.7
"""Below these the edges are not where any small turn would have them. Three pictures of the quickstart's rigs
(seed 500000, 800 pixels wide) gave 0.43 to 0.55 and 0.85 to 0.92 unturned, 0.17 to 0.26 and 0.47 to 0.61 at 8°."""
CANDIDATES, APART = 10, np.radians(0.75)
"""Turns that are followed to their summits, and how far two of them are apart at least (radians)."""
LEAST_LEAD = 0.03
"""Less than this above the score of another turn, the shelves look alike from both. The same rigs, other seeds:
0.033 to 0.091 in five turns of 1 and 2 degrees that were found; 0.006 to 0.075 in 24 frames of four cameras of 640
pixels that had not turned."""
FITS = 1.0
"""Shift of the shelf fronts, in pixels of COARSE, that is not worth a correction."""

Status = Literal["fits", "corrected", "moved", "unclear"]


@dataclass(frozen=True)
class Drift:
    """What a frame says of its camera's calibration.

    `status`: it "fits", was "corrected", has "moved" too far, or is "unclear": the frame shows too little, or shelves
    that look alike from where it was calibrated and from another turn. `camera` is the one to go on with: the
    corrected one, else the one that was given. `turn` is the rotation vector, in the camera's axes, with which the
    edges fit best; `angle` (radians) and `shift` (pixels, median over the edges) say how far that is from `zero`.
    `support` is the share of the rails that stand out there, `score` how well rails and packs lie on edges of the
    picture (2 at most), `lead` by how much it exceeds that of any other turn.
    """

    status: Status
    camera: Camera
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)
    angle: float = 0.0
    shift: float = 0.0
    support: float = 0.0
    score: float = 0.0
    lead: float = 0.0


def find_drift(frame: Frame, layout: Layout, zero: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Drift:
    """Compare the edges of shelves and packs that the frame's camera expects with the picture, and find the turn of
    the camera about its centre that brings them together.

    `zero` is the `turn` that the picture of the calibration itself gave: what rails look like, in this light and from
    this side, sets their visible edges off by some millimetres, and a constant offset is no drift.
    Raises InputError without a camera, or for a picture of another size than it was calibrated with.
    """
    camera = frame.camera
    if camera is None:
        raise InputError("the frame has no camera; expected a calibrated one")
    check_size(camera, frame.image)
    edges = _edges(layout, camera)
    if edges.rail.sum() < FEWEST_EDGES:
        return Drift("unclear", camera)
    coarse, fine = (_Field(frame.image, camera, width, blur) for width, blur in ((COARSE, 3.0), (FINE, 1.5)))
    if coarse.empty:
        return Drift("unclear", camera)
    tops = [_climb(fine, edges, turn) for turn in _search(coarse, edges)]
    scores = fine.score(edges, _rotations(np.array(tops)))
    seen, score = tops[int(scores.argmax())], float(scores.max())
    rivals = scores[np.linalg.norm(np.array(tops) - seen, axis=1) > APART]
    lead = score - float(rivals.max(initial=0.0))
    as_before = scores[np.linalg.norm(np.array(tops) - zero, axis=1) <= APART]
    support = fine.support(edges, seen)
    turn = cv2.Rodrigues(_rotations(seen)[0] @ _rotations(np.array(zero))[0].T)[0].ravel()
    rotation = _rotations(turn)[0] @ camera.rotation
    reach = float(np.linalg.norm(np.subtract(camera.target, camera.position)))
    turned = turned_camera(camera, rotation, np.array(camera.position), reach)
    before, after = fine.pixels(edges, _rotations(np.stack([0 * turn, turn])))
    shift = float(np.median(np.linalg.norm(after - before, axis=-1))) / fine.scale
    found = (triple(seen), float(np.linalg.norm(turn)), shift, support, score, lead)
    if support < LEAST_SUPPORT or np.abs(seen).max() > REACH:
        return Drift("moved", camera, *found)
    if score < LEAST_SCORE or lead < LEAST_LEAD:
        # Where nothing fits better than the place of the calibration there is no reason to give the camera up.
        here = score - float(as_before.max(initial=0.0)) < LEAST_LEAD
        return Drift("unclear" if here else "moved", camera, *found)
    if shift * coarse.scale < FITS:
        return Drift("fits", camera, *found)
    return Drift("corrected", turned, *found)


@dataclass(frozen=True, eq=False)
class _Edges:
    """`points` (S, SAMPLES, 3) along straight edges, in the axes of the camera; `rail` (S,) whether of a price rail,
    else the side of a planned pack, upwards on its left and downwards on its right."""

    points: Floats
    rail: NDArray[np.bool_]


def _edges(layout: Layout, camera: Camera) -> _Edges:
    """The edges that the camera expects within its picture, of what faces it."""
    ends, outward, rail = [], [], []
    for f in layout.store.fixtures:
        if f.kind not in BOARDED:
            continue
        cuts = np.linspace(0, f.width, max(1, round(f.width / PIECE)) + 1)
        normal = f.to_world([0, -1, 0]) - f.to_world([0, 0, 0])
        for z in (z for shelf in f.shelves for z in (shelf.z, shelf.z - RAIL_HEIGHT)):
            for left, right in itertools.pairwise(cuts):
                ends.append(f.to_world([[left, -RAIL_DEPTH, z], [right, -RAIL_DEPTH, z]]))
                outward.append(normal)
                rail.append(True)
    places = layout.places
    for sides in ((0, 3), (2, 1)):
        chosen = ~places.from_above
        ends += list(places.faces[chosen][:, sides])
        outward += list(np.stack([np.sin(places.yaw), -np.cos(places.yaw), 0 * places.yaw], axis=1)[chosen])
        rail += [False] * int(chosen.sum())
    share = (np.arange(SAMPLES) + 0.5)[:, None] / SAMPLES
    both = np.array(ends)
    points = both[:, :1] * (1 - share) + both[:, 1:] * share
    pixels, depth = camera.project(points)
    seen = (camera.in_frame(pixels) & (depth > 0.2)).all(axis=1)
    seen &= ((np.array(camera.position) - points[:, 0]) * np.array(outward)).sum(axis=1) > 0
    kept = np.flatnonzero(seen)
    kept = kept[:: 1 + len(kept) // MOST_EDGES]
    return _Edges((points[kept] - camera.position) @ camera.rotation.T, np.array(rail)[kept])


class _Field:
    """The contrast across edges in a picture: its gradient, after every part has been brought to like contrast."""

    def __init__(self, image: NDArray[np.uint8], camera: Camera, width: int, blur: float) -> None:
        self.scale = min(1.0, width / image.shape[1])
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        if self.scale < 1:
            grey = cv2.resize(grey, None, fx=self.scale, fy=self.scale, interpolation=cv2.INTER_AREA)
        grey = grey.astype(np.float32)
        around = grey.shape[1] / 24
        mean = cv2.GaussianBlur(grey, (0, 0), around)
        deviation = np.sqrt(np.maximum(cv2.GaussianBlur(grey**2, (0, 0), around) - mean**2, 0))
        self.empty = bool(np.median(deviation) < LEAST_CONTRAST)
        smooth = cv2.GaussianBlur((grey - mean) / (deviation + LEAST_CONTRAST), (0, 0), blur)
        self.across, self.down = (cv2.Scharr(smooth, cv2.CV_32F, *d) / 32 * blur for d in ((1, 0), (0, 1)))
        self.focal, self.lens = camera.model.focal_length * self.scale, camera.model.lens
        self.centre = np.array([camera.model.width, camera.model.height]) / 2 * self.scale

    def pixels(self, edges: _Edges, turns: Floats) -> Floats:
        """Where the points lie in the scaled picture (T, S, K, 2) once the camera is turned by rotations (T, 3, 3)."""
        local = edges.points @ np.swapaxes(turns, 1, 2)[:, None]
        plane = local[..., :2] / local[..., 2:]
        if self.lens.distorts:
            radius = np.linalg.norm(plane, axis=-1, keepdims=True)
            plane = plane * self.lens.bend(radius) / np.maximum(radius, 1e-12)
        return plane * self.focal + self.centre

    def contrast(self, pixels: Floats) -> Floats:
        """Mean contrast (...) across each edge of points (..., K, 2). It is signed, so that what has one sign all
        along counts most."""
        along = pixels[..., -1, :] - pixels[..., 0, :]
        along /= np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-9)
        flat = pixels.astype(np.float32).reshape(-1, pixels.shape[-2], 2) - np.float32(0.5)
        x, y = (np.ascontiguousarray(flat[..., i]) for i in (0, 1))
        across, down = (
            cv2.remap(g, x, y, cv2.INTER_LINEAR).mean(axis=1).reshape(along.shape[:-1])
            for g in (self.across, self.down)
        )
        return down * along[..., 0] - across * along[..., 1]

    def score(self, edges: _Edges, turns: Floats) -> Floats:
        """How well the edges lie on the picture's after each of the turns (T, 3, 3): rails and packs count alike.

        A rail may be darker or brighter than what is beside it; a pack is brighter than the gap beside it. Without
        that a pack's left side is as happy on the right side of its neighbour, a few millimetres off.
        """
        found = np.clip(self.contrast(self.pixels(edges, turns)), -1.0, 1.0)
        packs = found[:, ~edges.rail].mean(axis=1) if (~edges.rail).any() else 0.0
        return np.abs(found[:, edges.rail]).mean(axis=1) + packs

    def support(self, edges: _Edges, turn: Floats) -> float:
        """The share of the rails that stand out: more contrast than at most of the places beside them."""
        pixels = self.pixels(edges, _rotations(turn))[0, edges.rail]
        along = pixels[:, -1] - pixels[:, 0]
        normal = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.linalg.norm(along, axis=1)[:, None]
        beside = [np.abs(self.contrast(pixels + d * normal[:, None])) for d in (-12, -9, -6, 6, 9, 12)]
        return float((np.abs(self.contrast(pixels)) > 1.5 * np.median(beside, axis=0)).mean())


def _search(field: _Field, edges: _Edges) -> list[Floats]:
    """The CANDIDATES best of all turns within REACH, by some of the edges, none near a better one."""
    few = np.concatenate([np.flatnonzero(kind)[:: 1 + int(kind.sum()) // 60] for kind in (edges.rail, ~edges.rail)])
    some = _Edges(edges.points[few][:, 1::2], edges.rail[few])
    tilts, rolls = (np.arange(-round(REACH / s), round(REACH / s) + 1) * s for s in (STEP, ROLL_STEP))
    turns = np.stack(np.meshgrid(tilts, tilts, rolls), axis=-1).reshape(-1, 3)
    parts = np.array_split(turns, 1 + len(turns) * len(few) // MOST_ROWS)
    scores = np.concatenate([field.score(some, _rotations(part)) for part in parts])
    best: list[Floats] = []
    for turn in turns[np.argsort(-scores, kind="stable")]:
        if all(np.linalg.norm(turn - other) > APART for other in best):
            best.append(turn)
        if len(best) == CANDIDATES:
            break
    return best


def _climb(field: _Field, edges: _Edges, turn: Floats) -> Floats:
    """Go uphill from a turn, with steps that shrink to a hundredth of a degree."""
    moves = np.concatenate([np.zeros((1, 3)), np.eye(3), -np.eye(3)])
    step = STEP / 2
    while step > np.radians(0.01):
        best = int(field.score(edges, _rotations(turn + step * moves)).argmax())
        turn = turn + step * moves[best]
        if best == 0:
            step /= 2
    return turn


def _rotations(turns: Floats) -> Floats:
    """Rotation matrices (T, 3, 3) of rotation vectors (3,) or (T, 3)."""
    return np.stack([cv2.Rodrigues(turn)[0] for turn in np.atleast_2d(turns)])
