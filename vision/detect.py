"""Detection: a picture in, boxes of products, gaps, price tags and persons out."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.readings import Detections
from vision.runtimes import Session

STRIDE = 32
PADDING = 114
CANDIDATES = 6000
"""Boxes that enter the suppression of doubles, the most certain first."""


class Detector:
    """A YOLO network with its pre- and post-processing.

    The session maps (1, 3, H, W) RGB in 0..1, H and W multiples of 32, to (1, 4 + classes, A): centre
    x, centre y, width, height in input pixels and a score for each class.
    """

    def __init__(
        self, session: Session, score: float = 0.25, overlap: float = 0.6, max_detections: int = 1000, size: int = 0
    ) -> None:
        self.session = session
        self.score = score
        self.overlap = overlap
        self.max_detections = max_detections
        self.size = size or int(session.metadata.get("image_size", 1280))

    def __call__(self, image: NDArray[np.uint8]) -> Detections:
        """Find what is in an image (H, W, 3) uint8 RGB; boxes in its pixels, the most certain first."""
        batch, scale = letterbox(image, self.size)
        return self._decode(self.session.run(batch)[0], scale, image.shape[1], image.shape[0])

    def _decode(self, raw: NDArray[np.float32], scale: float, width: int, height: int) -> Detections:
        scores = raw[4:].max(axis=0)
        chosen = np.flatnonzero(scores >= self.score)
        if len(chosen) > CANDIDATES:
            chosen = chosen[np.argpartition(-scores[chosen], CANDIDATES)[:CANDIDATES]]
        raw, scores = raw[:, chosen], scores[chosen]
        classes = raw[4:].argmax(axis=0)
        centre, half = raw[:2].T, raw[2:4].T / 2
        xyxy = (np.concatenate([centre - half, centre + half], axis=1) / scale).astype(np.float32)
        kept = suppress(xyxy, scores, classes, self.overlap)[: self.max_detections]
        boxes = np.clip(xyxy[kept], 0, np.array([width, height, width, height], np.float32)).astype(np.float32)
        return Detections(boxes, scores[kept].astype(np.float32), classes[kept].astype(np.int64))


def letterbox(image: NDArray[np.uint8], size: int) -> tuple[NDArray[np.float32], float]:
    """Scale an image down so that its long side is at most `size`, pad right and below to multiples of 32.

    Returns the batch (1, 3, H, W) float32 in 0..1 and the scale; the origin stays in its corner. A small
    picture is not enlarged: that adds no detail, and packs beyond the sizes of training.
    """
    height, width = image.shape[:2]
    scale = min(size / max(height, width), 1.0)
    w, h = max(1, round(width * scale)), max(1, round(height * scale))
    mode = cv2.INTER_AREA if scale < 0.6 else cv2.INTER_LINEAR
    resized = image if (w, h) == (width, height) else cv2.resize(image, (w, h), interpolation=mode)
    canvas = np.full((-(-h // STRIDE) * STRIDE, -(-w // STRIDE) * STRIDE, 3), PADDING, np.uint8)
    canvas[:h, :w] = resized
    return np.asarray(cv2.dnn.blobFromImage(canvas, 1 / 255.0), np.float32), scale


def suppress(
    xyxy: NDArray[np.float32], scores: NDArray[np.float32], classes: NDArray[np.int64], overlap: float
) -> NDArray[np.int64]:
    """Drop boxes that overlap a more certain one of their class by more than `overlap` (IoU).

    Returns the indices (K,) of what is kept, the most certain first.
    """
    if len(scores) == 0:
        return np.empty(0, np.int64)
    size = np.maximum(xyxy[:, 2:] - xyxy[:, :2], 0)
    # Classes are moved apart, so that one pass serves them all.
    shift = classes[:, None] * (float(np.abs(xyxy).max()) * 2 + 1)
    boxes = np.concatenate([xyxy[:, :2] + shift, size], axis=1)
    kept = np.asarray(cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), 0.0, overlap), np.int64).reshape(-1)
    return kept[np.argsort(-scores[kept], kind="stable")]
