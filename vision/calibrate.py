"""Calibration: from points of known fixtures in one picture to a camera."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, CameraModel, InputError, Lens, rng
from scenarios.files import read_yaml, write_yaml

Floats = NDArray[np.float64]

FEWEST_POINTS, FEWEST_FOR_FOCAL, FEWEST_FOR_K1 = 4, 6, 8
"""Points that a pose needs, one with focal length, and one with k1: two measurements each against 6, 7 and 8
unknowns, and some to spare that betray a wrong click."""
TOLERANCE = 1 / 320
"""A click farther off than this share of the picture's width is wrong: 6 pixels at 1080p."""
CLICK = 0.5 / 1920
"""Least standard deviation of a click, as a share of the width, that uncertainties are reckoned with."""
FOCAL_UNCERTAINTY, K1_UNCERTAINTY, PLACE_UNCERTAINTY = 0.05, 0.03, 0.15
"""Above these standard deviations (share; none; metres) the points do not tell focal length, k1 or position."""
LEAST_RIGHT = 0.6
"""The share of the points that has to agree."""
FIELDS_OF_VIEW = (0.6, 0.85, 1.15, 1.5, 1.9)
BARRELS = (0.0, -0.15, -0.3)
"""Horizontal fields of view (radians) and k1 of which the search starts: wider than conf/camera_models.yaml."""
DRAWS = 40
"""Fours of points that are tried. With 30 % wrong points all 40 hold one in 2e-5 of the cases: (1 - 0.7**4)**40."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted camera; `error` (N,) pixels of each point, `right` (N,) whether it agrees with the camera, and
    the names of what was `fitted`: pose, focal length, k1."""

    camera: Camera
    error: Floats
    right: NDArray[np.bool_]
    fitted: tuple[str, ...]

    @property
    def rms(self) -> float:
        """Root mean square of the error of the points that agree, pixels."""
        return float(np.sqrt((self.error[self.right] ** 2).mean()))

    @property
    def worst(self) -> float:
        """The largest error of a point that agrees, pixels."""
        return float(self.error[self.right].max())


def load_camera(path: Path) -> Camera:
    """Read a camera that `save_camera` wrote. Raises InputError."""
    return read_yaml(path, Camera)


def save_camera(camera: Camera, path: Path, note: str) -> None:
    write_yaml(path, camera, note, defaults=False)


def check_size(camera: Camera, image: NDArray[np.uint8]) -> None:
    """Raise InputError unless the image (H, W, 3) has the size that the camera was calibrated with."""
    size, expected = image.shape[1::-1], (camera.model.width, camera.model.height)
    if size != expected:
        raise InputError(
            f"camera {camera.id}: the picture has {size[0]} x {size[1]} pixels; "
            f"expected {expected[0]} x {expected[1]}, with which it was calibrated"
        )


def turned_camera(camera: Camera, rotation: Floats, position: Floats, reach: float) -> Camera:
    """The camera hung at `position` with this rotation (3, 3) from world to camera axes, aimed `reach` metres ahead."""
    target = position + reach * rotation[2]
    level = replace(camera, position=triple(position), target=triple(target), roll=0.0)
    right, down, _ = level.rotation
    return replace(level, roll=float(np.arctan2(rotation[0] @ down, rotation[0] @ right)))


def model_of(name: str, size: tuple[int, int], focal: float, k1: float = 0.0, k2: float = 0.0) -> CameraModel:
    """A camera model of a focal length in pixels. Raises ValueError for a lens that folds the picture."""
    lens = Lens(k1=k1, k2=k2)
    fov = 2 * float(np.arctan(lens.straighten(size[0] / 2 / focal)))
    return CameraModel(name, size[0], size[1], fov, 0.0, lens)


def fit_camera(
    camera_id: str, world: Floats, pixels: Floats, size: tuple[int, int], model: CameraModel | None = None
) -> Fit:
    """Fit a camera to world points (N, 3) in metres and their pixels (N, 2) in a picture of `size` (width, height).

    With a `model` only the pose is fitted; else the focal length too, and k1 where there are points enough to tell
    it. A few wrong points are found and left out. Raises InputError for points that do not tell where the camera is.
    """
    _check_points(world, pixels, size, model)
    problem = _Problem(world, pixels, size, model)
    kinds = [2] if model is None and len(world) >= FEWEST_FOR_K1 else []
    for free in [*kinds, 0 if model else 1]:
        answer = _solve(problem, free)
        if answer is None:
            continue
        values, right = answer
        spread = problem.uncertainty(values, right, free)
        if free == 2 and not spread[7] < K1_UNCERTAINTY:
            continue
        return _fit(camera_id, problem, values, right, free, spread)
    raise InputError(
        f"no camera agrees with {LEAST_RIGHT:.0%} of the {len(world)} points to "
        f"{problem.tolerance:.1f} pixels; check fixture, shelf and x of each point"
    )


class _Problem:
    """The points, and the picture that a camera would make of them.

    A camera is (9,) values: rotation vector and position (m) of the world in it, log of the focal length (pixels),
    k1, k2. `free` 0 fits the pose, 1 focal length too, 2 also k1.
    """

    def __init__(self, world: Floats, pixels: Floats, size: tuple[int, int], model: CameraModel | None) -> None:
        self.world, self.pixels, self.size, self.model = world, pixels, size, model
        self.centre = np.array(size) / 2
        self.tolerance = TOLERANCE * size[0]

    def project(self, values: Floats) -> Floats:
        local = self.world @ cv2.Rodrigues(values[:3])[0].T + values[3:6]
        plane = local[:, :2] / np.where(np.abs(local[:, 2:]) < 1e-9, 1e-9, local[:, 2:])
        square = (plane**2).sum(axis=1, keepdims=True)
        bent = plane * (1 + values[7] * square + values[8] * square**2)
        pixels = bent * np.exp(values[6]) + self.centre
        return np.where(local[:, 2:] > 0.05, pixels, 1e6)

    def error(self, values: Floats) -> Floats:
        """Distance (N,) in pixels from each point to where the camera would see it."""
        return np.linalg.norm(self.project(values) - self.pixels, axis=1)

    def cost(self, values: Floats) -> float:
        """The mean squared error, no point counting more than at the tolerance."""
        return float((np.minimum(self.error(values), self.tolerance) ** 2).mean())

    def jacobian(self, values: Floats, free: int) -> Floats:
        """Derivative (2N, 6 + free) of the pixels by the fitted values."""
        steps = np.eye(9)[: 6 + free] * 1e-6
        columns = [(self.project(values + s) - self.project(values - s)).ravel() / 2e-6 for s in steps]
        return np.stack(columns, axis=1)

    def refine(self, values: Floats, right: NDArray[np.bool_], free: int) -> Floats:
        """Least squares over the points `right` (N,), after Levenberg and Marquardt."""
        rows, damping = np.repeat(right, 2), 1e-3
        residual = (self.pixels - self.project(values)).ravel()[rows]
        for _ in range(40):
            slope = self.jacobian(values, free)[rows]
            square = slope.T @ slope
            step = np.zeros(9)
            step[: 6 + free] = np.linalg.lstsq(
                square + damping * np.diag(np.diag(square) + 1e-9), slope.T @ residual, rcond=None
            )[0]
            left = (self.pixels - self.project(values + step)).ravel()[rows]
            if left @ left < residual @ residual:
                done = residual @ residual - left @ left < 1e-8 * (residual @ residual) + 1e-14
                values, residual, damping = values + step, left, damping / 5
                if done:
                    break
            else:
                damping *= 8
                if damping > 1e6:
                    break
        return values

    def uncertainty(self, values: Floats, right: NDArray[np.bool_], free: int) -> Floats:
        """Standard deviations of the fitted values (6 + free,), the position in place of values 3 to 5."""
        slope = self.jacobian(values, free)[np.repeat(right, 2)]
        spare = max(1, len(slope) - slope.shape[1])
        noise = max(CLICK * self.size[0], float(np.sqrt((self.error(values)[right] ** 2).sum() / spare)))
        _, s, vt = np.linalg.svd(slope, full_matrices=False)
        covariance = (vt.T / np.maximum(s, 1e-9) ** 2) @ vt * noise**2
        turn = np.eye(6 + free)
        # The camera's place is -R' t: with its rotation it moves too.
        place = lambda v: -cv2.Rodrigues(v[:3])[0].T @ v[3:6]  # noqa: E731
        for i in range(6 + free):
            step = np.eye(9)[i] * 1e-6
            turn[3:6, i] = (place(values + step) - place(values - step)) / 2e-6
        return np.sqrt(np.diag(turn @ covariance @ turn.T))


def _solve(problem: _Problem, free: int) -> tuple[Floats, NDArray[np.bool_]] | None:
    """The values that most points agree with, and which do; None if too few do."""
    best: tuple[float, Floats, NDArray[np.bool_]] | None = None
    for values in _guesses(problem, free)[:5]:
        right = np.argsort(problem.error(values), kind="stable").argsort() < max(
            FEWEST_POINTS, int(LEAST_RIGHT * len(problem.world))
        )
        for _ in range(12):
            values = problem.refine(values, right, free)
            agree = problem.error(values) <= problem.tolerance
            if (agree == right).all() or agree.sum() < FEWEST_POINTS:
                break
            right = agree
        cost = problem.cost(values)
        if best is None or cost < best[0]:
            best = cost, values, problem.error(values) <= problem.tolerance
    fewest = (FEWEST_POINTS, FEWEST_FOR_FOCAL, FEWEST_FOR_K1)[free]
    if best is None or best[2].sum() < max(fewest, LEAST_RIGHT * len(problem.world)):
        return None
    return best[1], best[2]


def _guesses(problem: _Problem, free: int) -> list[Floats]:
    """Poses of four points each (SQPnP: Terzakis and Lourakis 2020) for every lens of the search, the best first."""
    model, size = problem.model, problem.size
    if model is not None:
        lenses = [(model.focal_length, model.lens)]
    else:
        chosen = itertools.product(FIELDS_OF_VIEW, BARRELS if free == 2 else BARRELS[:1])
        models = [_model_or_none(size, fov, k1) for fov, k1 in chosen]
        lenses = [(m.focal_length, m.lens) for m in models if m is not None]
    random = rng(0, "calibrate")
    fours = [random.permutation(len(problem.world))[:4] for _ in range(DRAWS)]
    found: list[tuple[float, int, Floats]] = []
    for focal, lens in lenses:
        plane = (problem.pixels - problem.centre) / focal
        radius = np.linalg.norm(plane, axis=1, keepdims=True)
        plane = plane * lens.straighten(radius) / np.maximum(radius, 1e-12)
        for four in fours:
            for turn, shift in _poses(problem.world[four], plane[four]):
                values = np.concatenate([turn, shift, [np.log(focal), lens.k1, lens.k2]])
                found.append((problem.cost(values), len(found), values))
    return [values for _, _, values in sorted(found)]


def _poses(world: Floats, plane: Floats) -> list[tuple[Floats, Floats]]:
    try:
        count, turns, shifts, _ = cv2.solvePnPGeneric(world, plane, np.eye(3), None, flags=cv2.SOLVEPNP_SQPNP)
    except cv2.error:  # four points on one line
        return []
    pairs = list(zip(turns, shifts))[:count]
    found = [(np.asarray(turn, float).ravel(), np.asarray(shift, float).ravel()) for turn, shift in pairs]
    return [(turn, shift) for turn, shift in found if np.isfinite(turn).all() and np.isfinite(shift).all()]


def _model_or_none(size: tuple[int, int], fov: float, k1: float) -> CameraModel | None:
    try:
        return CameraModel("guess", size[0], size[1], float(fov), 0.0, Lens(k1=k1))
    except ValueError:  # it folds
        return None


def _fit(camera_id: str, problem: _Problem, values: Floats, right: NDArray[np.bool_], free: int, spread: Floats) -> Fit:
    far = float(np.linalg.norm(spread[3:6]))
    if free and not spread[6] < FOCAL_UNCERTAINTY:
        raise InputError(
            f"the points leave the focal length open to {spread[6]:.0%}, as one plane seen straight on does; "
            "give --model, or points at another depth"
        )
    if not far < PLACE_UNCERTAINTY:
        raise InputError(
            f"the points leave the camera's position open to {far:.2f} m; expected points all over the picture, "
            "on two shelves or more"
        )
    try:
        model = problem.model or model_of(camera_id, problem.size, float(np.exp(values[6])), float(values[7]))
    except ValueError:
        raise InputError("the points ask for a lens that folds the picture; check them, or give --model") from None
    rotation, shift = np.asarray(cv2.Rodrigues(values[:3])[0], float), values[3:6]
    reach = float(np.median((problem.world @ rotation.T + shift)[right, 2]))
    start = Camera(camera_id, model, (0.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    camera = turned_camera(start, rotation, -rotation.T @ shift, reach)
    error = np.linalg.norm(camera.project(problem.world)[0] - problem.pixels, axis=1)
    return Fit(camera, error, right, ("pose", "focal length", "k1")[: 1 + free])


def _check_points(world: Floats, pixels: Floats, size: tuple[int, int], model: CameraModel | None) -> None:
    if model is not None and (model.width, model.height) != size:
        raise InputError(
            f"the model {model.name} has {model.width} x {model.height} pixels; expected {size[0]} x {size[1]}, "
            "those of the picture"
        )
    fewest = FEWEST_POINTS if model else FEWEST_FOR_FOCAL
    distinct = min(len(np.unique(world.round(4), axis=0)), len(np.unique(pixels.round(2), axis=0)))
    if distinct < fewest:
        what = "the pose" if model else "pose and focal length (give --model to need 4)"
        raise InputError(f"{distinct} distinct points; expected {fewest} or more for {what}")
    for name, points in (("in the store", world), ("in the picture", pixels)):
        spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
        if spread[1] < 0.02 * spread[0]:
            raise InputError(f"the points lie on one line {name}; expected points of two shelves or more")


def triple(values: Floats) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in values)
    return x, y, z
