"""The lens: distortion of a pinhole picture, defocus and vignetting."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, CameraModel
from sim.render import Render

FOREGROUND_BLUR = 2.0
"""What is blurred by this many pixels more than the picture on the whole is blurred by itself."""
FOREGROUND_SHARE = 0.002
"""Of the picture's pixels: a smaller foreground is left as sharp as the rest."""


def distort(render: Render, camera: Camera) -> Render:
    """Bend what `camera.pinhole` saw into the picture of `camera`: colours and light between pixels, body ids and
    depth from the nearest. Truth is then measured in the picture that is delivered."""
    if not camera.model.lens.distorts:
        return render
    x, y = pinhole_pixels(camera.model)
    height, width = render.body.shape
    rows, columns = render.luminance.shape[:2]
    size = (max(1, round(columns * camera.model.width / width)), max(1, round(rows * camera.model.height / height)))
    # The coarse map is bent on its own grid: its pixel (i, j) lies at ((i + 0.5) · width / columns, …).
    u = (cv2.resize(x, size, interpolation=cv2.INTER_AREA) + 0.5) * columns / width - 0.5
    v = (cv2.resize(y, size, interpolation=cv2.INTER_AREA) + 0.5) * rows / height - 0.5
    return Render(
        _bent(render.image, x, y, cv2.INTER_LINEAR),
        _bent(render.depth, x, y, cv2.INTER_NEAREST),
        _nearest(render.body, x, y),
        _bent(render.luminance, u, v, cv2.INTER_LINEAR),
    )


def blur(light: NDArray[np.float32], depth: NDArray[np.float32], camera: Camera) -> NDArray[np.float32]:
    """The picture (H, W, 3) through a lens of finite sharpness and depth of field.

    Of the blur by depth two layers are made: the scene at its median depth, and a foreground that is
    blurred by at least FOREGROUND_BLUR pixels more.
    """
    circle = blur_circle(depth[::4, ::4], camera)
    common = float(np.median(circle))
    picture = cv2.GaussianBlur(light, (0, 0), _deviation(common, camera.model.lens.spread))
    near = circle - common > FOREGROUND_BLUR
    if near.mean() < FOREGROUND_SHARE:
        return picture  # type: ignore[return-value]
    own = float(circle[near].mean())
    mask = (blur_circle(depth, camera) - common > FOREGROUND_BLUR).astype(np.float32)
    deviation = _deviation(own, camera.model.lens.spread)
    cover = cv2.GaussianBlur(mask, (0, 0), deviation)[..., None]
    front = cv2.GaussianBlur(light * mask[..., None], (0, 0), deviation)
    return picture * (1 - cover) + front  # type: ignore[return-value]


def blur_circle(depth: NDArray[np.float32], camera: Camera) -> NDArray[np.float32]:
    """Diameter in pixels of the circle that a point at `depth` (…) metres becomes: f² / N · |1/s - 1/d|, with
    focal length f, f-number N and focus at s (the thin lens, for s much greater than f)."""
    model = camera.model
    focus = model.lens.focus or float(np.linalg.norm(np.subtract(camera.target, camera.position)))
    scale = model.focal_length**2 * model.sensor.pixel_pitch * 1e-6 / model.lens.f_number
    return np.asarray(scale * np.abs(1 / focus - 1 / np.maximum(depth, 0.05)), np.float32)


@lru_cache(maxsize=32)
def vignetting(model: CameraModel, columns: int, rows: int) -> NDArray[np.float32]:
    """Share of the light (rows, columns, 1) that the lens leaves: cos⁴ of the field angle, less what the camera
    makes good."""
    x, y = np.meshgrid((np.arange(columns) + 0.5) / columns - 0.5, (np.arange(rows) + 0.5) / rows - 0.5)
    square = ((x * model.width) ** 2 + (y * model.height) ** 2) / model.focal_length**2
    return ((1 + square) ** (-2 * (1 - model.lens.shading_corrected))).astype(np.float32)[..., None]


def _deviation(circle: float, spread: float) -> float:
    """Standard deviation of a disc (a quarter of its diameter) and of the point spread together, pixels."""
    return max(0.2, float(np.hypot(circle / 4, spread)))


@lru_cache(maxsize=8)
def pinhole_pixels(model: CameraModel) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where each pixel of the distorted picture lies in the pinhole's, x and y (H, W): the centre of its first pixel
    is at (0, 0), as `cv2.remap` wants it."""
    camera = Camera("", model, (0.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    x, y = np.meshgrid(np.arange(model.width) + 0.5, np.arange(model.height) + 0.5)
    pixels = np.stack([x, y], axis=-1)
    straight = camera.pinhole.project(camera.unproject(pixels, np.ones(x.shape)))[0] - 0.5
    return straight[..., 0].astype(np.float32), straight[..., 1].astype(np.float32)


def _bent(values: NDArray[Any], x: NDArray[np.float32], y: NDArray[np.float32], by: int) -> Any:
    return cv2.remap(values, x, y, by, borderMode=cv2.BORDER_REPLICATE)


def _nearest(values: NDArray[np.int32], x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.int32]:
    height, width = values.shape
    rows = np.clip(np.rint(y).astype(np.int32), 0, height - 1)
    columns = np.clip(np.rint(x).astype(np.int32), 0, width - 1)
    return values[rows, columns]
