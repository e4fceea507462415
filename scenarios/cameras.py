"""Cameras: models, poses, rigs, and the projection between world and picture.

Pictures have their origin at the upper left corner; the centre of pixel (column i, row j) is at
(i + 0.5, j + 0.5).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scenarios.optics import Lens, Sensor

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CameraModel:
    """What is bought: resolution in pixels, horizontal field of view in radians, price mounted, and the
    data sheets of its lens and sensor."""

    name: str
    width: int
    height: int
    horizontal_fov: float
    price: float
    lens: Lens = field(default_factory=Lens)
    sensor: Sensor = field(default_factory=Sensor)

    def __post_init__(self) -> None:
        if self.width < 16 or self.height < 16 or not 0.05 < self.horizontal_fov < 3.0:
            raise ValueError(
                f"camera model {self.name!r}: expected 16 pixels or more and a field of view of 0.05 to 3 rad"
            )
        last = 0.95 * self.lens.turning_radius
        edge = math.tan(self.horizontal_fov / 2)
        corner = float(self.lens.bend(edge)) * math.hypot(1, self.height / self.width)
        if math.isfinite(last) and (edge > last or corner > self.lens.bend(last)):
            raise ValueError(
                f"camera model {self.name!r}: distortion k1 {self.lens.k1}, k2 {self.lens.k2} folds the picture within "
                "its corners; expected coefficients for r = tan(field angle) that grow up to there"
            )

    @property
    def focal_length(self) -> float:
        """Focal length in pixels (square pixels, principal point in the centre): the field of view is that of
        the delivered, distorted picture."""
        return self.width / 2 / float(self.lens.bend(math.tan(self.horizontal_fov / 2)))


@dataclass(frozen=True)
class Camera:
    """A camera model hung at `position`, aimed at `target` (metres). `roll` turns it about its axis
    (radians; pi/2 hangs it in portrait)."""

    id: str
    model: CameraModel
    position: tuple[float, float, float]
    target: tuple[float, float, float]
    roll: float = 0.0

    @cached_property
    def rotation(self) -> Floats:
        """The (3, 3) rotation from world to camera axes: right, down, forward."""
        forward = np.subtract(self.target, self.position)
        if not np.linalg.norm(forward) > 1e-9:
            raise ValueError(f"camera {self.id!r} aims at its own position")
        forward = forward / np.linalg.norm(forward)
        up = np.array([0.0, 0.0, 1.0]) if abs(forward[2]) < 0.999 else np.array([0.0, 1.0, 0.0])
        right = np.cross(forward, up)
        right /= np.linalg.norm(right)
        down = np.cross(forward, right)
        cos, sin = math.cos(self.roll), math.sin(self.roll)
        return np.stack([cos * right + sin * down, cos * down - sin * right, forward])

    def project(self, points: ArrayLike) -> tuple[Floats, Floats]:
        """Project world points (…, 3) to pixels (…, 2), distorted as the lens does, and depth along the axis
        (…) in metres.

        Pixels of points behind the camera (depth <= 0) are meaningless.
        """
        local = (np.asarray(points, float) - self.position) @ self.rotation.T
        depth = local[..., 2]
        scale = self.model.focal_length / np.where(np.abs(depth) < 1e-9, 1e-9, depth)
        if self.model.lens.distorts:
            radius = np.linalg.norm(local[..., :2] * scale[..., None], axis=-1) / self.model.focal_length
            scale = scale * self.model.lens.bend(radius) / np.maximum(radius, 1e-12)
        pixels = local[..., :2] * scale[..., None] + self._centre
        return pixels, depth

    def unproject(self, pixels: ArrayLike, depth: ArrayLike) -> Floats:
        """Return world points (…, 3) of pixels (…, 2) at a depth (…) along the axis in metres."""
        depth = np.asarray(depth, float)[..., None]
        plane = (np.asarray(pixels, float) - self._centre) / self.model.focal_length
        if self.model.lens.distorts:
            radius = np.linalg.norm(plane, axis=-1, keepdims=True)
            plane = plane * self.model.lens.straighten(radius) / np.maximum(radius, 1e-12)
        plane = plane * depth
        return np.concatenate([plane, depth], axis=-1) @ self.rotation + self.position

    def pixels_per_metre(self, points: ArrayLike, yaw: ArrayLike = 0.0) -> Floats:
        """Pixels per metre at world points (…, 3) on vertical shelf fronts of fixtures turned by `yaw` (…).

        The geometric mean of the two image scales of that plane, so foreshortening counts.
        """
        points, yaw = np.asarray(points, float), np.asarray(yaw, float)
        step = 1e-4
        here, depth = self.project(points)
        aside = np.stack([np.cos(yaw), np.sin(yaw), np.zeros_like(yaw)], axis=-1)
        along = (self.project(points + step * aside)[0] - here) / step
        up = (self.project(points + np.array([0.0, 0.0, step]))[0] - here) / step
        area = np.abs(along[..., 0] * up[..., 1] - along[..., 1] * up[..., 0])
        return np.where(depth > 0, np.sqrt(area), 0.0)

    def in_frame(self, pixels: ArrayLike) -> NDArray[np.bool_]:
        """Which pixels (…, 2) lie inside the picture."""
        pixels = np.asarray(pixels)
        size = (self.model.width, self.model.height)
        return np.asarray(((pixels >= 0) & (pixels < size)).all(axis=-1))

    @cached_property
    def pinhole(self) -> Camera:
        """The camera without distortion, of the same focal length, whose picture covers this one's: itself if
        the lens does not distort. Renderers draw through it; `sim.lens` bends what they give."""
        model = self.model
        if not model.lens.distorts:
            return self
        x, y = model.width / 2, model.height / 2
        border = [(u, v) for u in np.linspace(0, x, 33) for v in (y,)] + [(x, v) for v in np.linspace(0, y, 33)]
        radius = np.linalg.norm(border, axis=1) / model.focal_length
        reach = (np.array(border) * (model.lens.straighten(radius) / radius)[:, None]).max(axis=0)
        grow = np.ceil(np.maximum(reach, 16) - (x, y)).astype(int) + 2  # a pixel for interpolation, one to spare
        width, height = model.width + 2 * int(grow[0]), model.height + 2 * int(grow[1])
        fov = 2 * math.atan(width / 2 / model.focal_length)
        lens = replace(model.lens, k1=0.0, k2=0.0)
        return replace(self, model=replace(model, width=width, height=height, horizontal_fov=fov, lens=lens))

    def bend(self, pixels: ArrayLike) -> Floats:
        """Where pixels (…, 2) of the pinhole's picture come to lie in this camera's."""
        plane = (np.asarray(pixels, float) - self.pinhole._centre) / self.model.focal_length
        radius = np.linalg.norm(plane, axis=-1, keepdims=True)
        scale = self.model.focal_length * self.model.lens.bend(radius) / np.maximum(radius, 1e-12)
        return plane * scale + self._centre

    @property
    def _centre(self) -> Floats:
        return np.array([self.model.width / 2, self.model.height / 2])


@dataclass(frozen=True)
class Rig:
    """A set of cameras that is bought and hung together."""

    name: str
    cameras: tuple[Camera, ...]

    @property
    def cost(self) -> float:
        return sum(camera.model.price for camera in self.cameras)
