"""What cameras, hands and light do to a pack's picture, drawn anew each time a recognizer sees it."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.training.embeddings import CROP_HEIGHT, CROP_WIDTH

Pixels = NDArray[np.uint8]
CORNERS = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
TURN, CORNER_SHIFT, LOOSE = 6.0, 0.05, (0.8, 1.1)
"""Degrees (standard deviation) that a pack leans, share of a side that its corners move (perspective), and how much of
a crop the pack fills: a detector's box is never tight."""
QUALITY = (25, 90)
"""JPEG's."""


def augment(torch: Any, images: Pixels, random: np.random.Generator) -> Any:
    """Turn, warp, blur, compress, recolour, shade and hide parts of crops (N, H, W, 3) with margin.

    Returns (N, 3, h, w) in 0..1.
    """
    out = np.empty((len(images), CROP_HEIGHT, CROP_WIDTH, 3), np.uint8)
    for i, image in enumerate(images):
        crop = _seen_from_elsewhere(image, images[random.integers(len(images))], random)
        if random.random() < 0.5:
            crop = _from_further_away(crop, random.uniform(0.15, 0.8))
        if random.random() < 0.15:
            crop = _moved(crop, random)
        if random.random() < 0.3:
            crop = _compressed(crop, int(random.integers(*QUALITY)))
        out[i] = crop
    x = torch.from_numpy(out).permute(0, 3, 1, 2).float() / 255  # channels last in memory
    n = len(out)

    def draw(low: float, high: float, *shape: int) -> Any:
        return torch.from_numpy(random.uniform(low, high, shape).astype(np.float32))

    x.pow_(draw(0.75, 1.35, n, 1, 1, 1))
    light = draw(0.6, 1.45, n, 1, 1, 1) * draw(0.86, 1.14, n, 3, 1, 1)
    contrast = draw(0.7, 1.25, n, 1, 1, 1)
    grey = (x.mean(dim=(2, 3), keepdim=True) * light).mean(dim=1, keepdim=True)
    x.mul_(light * contrast).add_(grey * (1 - contrast))
    for shone in np.flatnonzero(random.random(n) < 0.2):
        x[shone] += torch.from_numpy(_highlight(random))
    noise = torch.Generator().manual_seed(int(random.integers(2**31)))
    x.add_(torch.randn(out.shape, generator=noise).permute(0, 3, 1, 2).mul_(draw(0, 0.04, n, 1, 1, 1)))
    for hidden in np.flatnonzero(random.random(n) < 0.25):  # a neighbour or a shopper's arm in front
        top, left = random.integers(0, CROP_HEIGHT // 2), random.integers(0, CROP_WIDTH // 2)
        x[hidden, :, top : top + CROP_HEIGHT // 3, left : left + CROP_WIDTH // 3] = float(random.random())
    return x.clamp_(0, 1)


def _seen_from_elsewhere(image: Pixels, behind: Pixels, random: np.random.Generator) -> Pixels:
    """A crop shifted within its margin; of every second one the pack leans, is seen aslant, or fills less of the crop,
    and what was outside shows another pack."""
    size = np.array([CROP_WIDTH, CROP_HEIGHT], np.float32)
    room = np.array([image.shape[1], image.shape[0]], np.float32) - size
    corners = CORNERS * size + np.floor(random.uniform(0, 1, 2) * (room + 1)).clip(0, room).astype(np.float32)
    if random.random() < 0.5:
        x0, y0 = corners[0].astype(int)
        return image[y0 : y0 + CROP_HEIGHT, x0 : x0 + CROP_WIDTH]
    turn = math.radians(random.normal(0, TURN))
    turned = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]], np.float32)
    middle = corners.mean(axis=0)
    corners = (corners - middle) @ turned.T / np.float32(random.uniform(*LOOSE)) + middle
    corners += (random.uniform(-CORNER_SHIFT, CORNER_SHIFT, (4, 2)) * size).astype(np.float32)
    warp = cv2.getPerspectiveTransform(corners.astype(np.float32), CORNERS * size)
    where = (CROP_WIDTH, CROP_HEIGHT)
    out = cv2.resize(behind, where, interpolation=cv2.INTER_AREA)
    cv2.warpPerspective(image, warp, where, dst=out, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT)
    return np.asarray(out, np.uint8)


def _from_further_away(crop: Pixels, scale: float) -> Pixels:
    size = (max(8, int(CROP_WIDTH * scale)), max(10, int(CROP_HEIGHT * scale)))
    small = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (CROP_WIDTH, CROP_HEIGHT), interpolation=cv2.INTER_LINEAR), np.uint8)


def _moved(crop: Pixels, random: np.random.Generator) -> Pixels:
    """Smeared along a line of up to seven pixels: the camera or the hand moved while the shutter was open."""
    length = int(random.integers(3, 8))
    line = np.zeros((length, length), np.float32)
    angle, middle = random.uniform(0, math.pi), (length - 1) / 2
    reach = np.array([math.cos(angle), math.sin(angle)]) * middle
    ends = [tuple(round(v) for v in middle + sign * reach) for sign in (-1, 1)]
    cv2.line(line, ends[0], ends[1], 1.0)
    return np.asarray(cv2.filter2D(crop, -1, line / line.sum(), borderType=cv2.BORDER_REPLICATE), np.uint8)


def _compressed(crop: Pixels, quality: int) -> Pixels:
    coded = cv2.imencode(".jpg", np.ascontiguousarray(crop[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]


def _highlight(random: np.random.Generator) -> NDArray[np.float32]:
    """A soft bright spot or streak (h, w), as a lamp makes on foil and glass."""
    y, x = np.mgrid[0:CROP_HEIGHT, 0:CROP_WIDTH].astype(np.float32)
    middle, reach = random.uniform(0, 1, 2) * (CROP_HEIGHT, CROP_WIDTH), random.uniform(4, 30, 2)
    spot = np.exp(-(((y - middle[0]) / reach[0]) ** 2) - ((x - middle[1]) / reach[1]) ** 2)
    return np.asarray(random.uniform(0.2, 0.9) * spot, np.float32)
