"""What is lost on the way from the camera: JPEG, and an approximation of H.264."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

BLOCK = 8
ROUNDING = 1 / 3
"""Of a quantisation step, in intra pictures: H.264's reference encoder (JM) rounds so."""


def jpeg(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """The picture (H, W, 3) RGB after baseline JPEG with 4:2:0 chroma."""
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
    settings += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]
    code = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), settings)[1]
    return cv2.cvtColor(cv2.imdecode(code, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)  # type: ignore[return-value, arg-type]


def h264(picture: NDArray[np.uint8], qp: int) -> NDArray[np.uint8]:
    """The picture (H, W, 3) RGB much as an intra picture of H.264 High at quantisation parameter `qp`.

    Honoured: 4:2:0 chroma, the 8×8 transform, the uniform quantiser with its step of 0.625 · 2^(qp/6)
    (ITU-T H.264, 8.5.9) and smoothing across block edges. Not honoured: prediction between blocks and
    between pictures, and a rate control that varies `qp`.
    """
    height, width = picture.shape[:2]
    luma, cr, cb = np.moveaxis(np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb), np.uint8), -1, 0)
    half = ((width + 1) // 2, (height + 1) // 2)
    planes = [_quantise(luma, qp)]
    for chroma in (cr, cb):
        small = np.asarray(cv2.resize(chroma, half, interpolation=cv2.INTER_AREA), np.uint8)
        stretched = cv2.resize(_quantise(small, qp), (width, height), interpolation=cv2.INTER_LINEAR)
        planes.append(np.asarray(stretched, np.uint8))
    return cv2.cvtColor(cv2.merge(planes), cv2.COLOR_YCrCb2RGB)  # type: ignore[return-value]


def _quantise(plane: NDArray[np.uint8], qp: int) -> NDArray[np.uint8]:
    height, width = plane.shape
    padded = np.pad(plane, ((0, -height % BLOCK), (0, -width % BLOCK)), mode="edge").astype(np.float32) - 128
    step = np.float32(0.625 * 2 ** (qp / 6))
    coefficients = _transform(padded, _DCT)
    kept = np.sign(coefficients) * np.floor(np.abs(coefficients) / step + ROUNDING) * step
    decoded = _deblock(_transform(kept, _DCT.T), step)
    return (np.clip(decoded + 128, 0, 255) + 0.5).astype(np.uint8)[:height, :width]


def _transform(plane: NDArray[np.float32], basis: NDArray[np.float32]) -> NDArray[np.float32]:
    """Every block B of the plane becomes basis · B · basis^T."""
    height, width = plane.shape
    across = plane.reshape(-1, BLOCK) @ basis.T
    down = np.ascontiguousarray(across.reshape(height, width).T).reshape(-1, BLOCK) @ basis.T
    return np.ascontiguousarray(down.reshape(width, height).T)


def _deblock(plane: NDArray[np.float32], step: np.float32) -> NDArray[np.float32]:
    """Move the two pixels beside every block edge a quarter of their difference towards each other, where that
    difference is small enough to come from quantisation."""
    for view in (plane, plane.T):
        before, after = view[BLOCK - 1 : -1 : BLOCK], view[BLOCK::BLOCK]
        difference = after - before
        move = np.where(np.abs(difference) < step, difference / 4, 0)
        before += move
        after -= move
    return plane


def _dct() -> NDArray[np.float32]:
    k, n = np.mgrid[:BLOCK, :BLOCK]
    basis = np.sqrt(2 / BLOCK) * np.cos(np.pi * (2 * n + 1) * k / (2 * BLOCK))
    basis[0] /= np.sqrt(2)
    return basis.astype(np.float32)


_DCT = _dct()
