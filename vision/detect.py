"""Detection: a picture in, boxes of products, gaps, price tags and persons out."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from scenarios import InputError
from vision.readings import CLASSES, PERSON, Detections
from vision.runtimes import Session
from vision.slicing import tiles, too_large, uncut

STRIDE = 32
PADDING = np.float32(114 / 255)
CANDIDATES = 6000
"""Boxes that enter the suppression of doubles, the most certain first."""


class Detector:
    """A YOLO network with its pre- and post-processing.

    The session maps (1, 3, H, W) RGB in 0..1, H and W multiples of 32, to (1, 4 + classes, A): centre
    x, centre y, width, height in input pixels and a score for each class. An engine takes one H and W only; pictures
    are then fitted into them.

    Persons are found down to `person_score`, all else down to `score`. With `tile`, pictures with a longer side are
    read in tiles of that many pixels, each scaled to the network's `size` (see `vision.slicing`).
    """

    def __init__(
        self,
        session: Session,
        score: float = 0.25,
        overlap: float = 0.6,
        max_detections: int = 1000,
        size: int = 0,
        person_score: float | None = None,
        tile: int = 0,
    ) -> None:
        classes = session.metadata.get("classes", ",".join(CLASSES))
        if classes != ",".join(CLASSES):
            raise InputError(f"{session.source}: a network of the classes {classes}; expected {','.join(CLASSES)}")
        height, width = session.input_shape[2:]
        if (height or 0) % STRIDE or (width or 0) % STRIDE or bool(height) != bool(width):
            sizes = "a free size, or multiples of 32"
            raise InputError(f"{session.source}: takes {(height, width)} pixels only; expected {sizes}")
        self.fixed = (height, width) if height and width else None
        self.session = session
        self.score = score
        self.person_score = score if person_score is None else person_score
        self.overlap = overlap
        self.max_detections = max_detections
        self.size = size or int(session.metadata.get("image_size", 1280))
        self.tile = tile

    def __call__(self, image: NDArray[np.uint8]) -> Detections:
        """Find what is in an image (H, W, 3) uint8 RGB; boxes in its pixels, the most certain first."""
        height, width = image.shape[:2]
        found = self._view(image)
        if self.tile and max(height, width) > self.tile:
            parts = [found.where(too_large(found.xyxy, self.tile))]
            for tile in tiles(width, height, self.tile):
                x0, y0, x1, y1 = tile
                part = self._view(image[y0:y1, x0:x1], (x0, y0))
                parts.append(part.where(uncut(part.xyxy, tile, width, height)))
            found = _joined(parts)
            found = found.where(suppress(found.xyxy, found.confidence, found.class_id, self.overlap))
        # Persons below `score` are for privacy: they come last, and are no reason to leave one out.
        found = found.where((np.arange(len(found)) < self.max_detections) | (found.confidence < self.score))
        size = np.array([width, height, width, height], np.float32)
        return Detections(np.clip(found.xyxy, 0, size), found.confidence, found.class_id)

    def _view(self, image: NDArray[np.uint8], origin: tuple[int, int] = (0, 0)) -> Detections:
        """What is in a picture, or in a part of it whose upper left corner lies at `origin`."""
        batch, scale = letterbox(image, self.size, self.fixed)
        raw = self.session.run(batch)[0]
        if raw.ndim != 2 or len(raw) != 4 + len(CLASSES):
            raise InputError(f"{self.session.source}: answers {raw.shape}; expected ({4 + len(CLASSES)}, boxes)")
        scores, classes = raw[4:].max(axis=0), raw[4:].argmax(axis=0)
        chosen = np.flatnonzero(scores >= np.where(classes == PERSON, self.person_score, self.score))
        if len(chosen) > CANDIDATES:
            chosen = chosen[np.argpartition(-scores[chosen], CANDIDATES)[:CANDIDATES]]
        raw, scores, classes = raw[:, chosen], scores[chosen].astype(np.float32), classes[chosen].astype(np.int64)
        centre, half = raw[:2].T, raw[2:4].T / 2
        xyxy = (np.concatenate([centre - half, centre + half], axis=1) / scale + (*origin, *origin)).astype(np.float32)
        return Detections(xyxy, scores, classes).where(suppress(xyxy, scores, classes, self.overlap))


def _joined(parts: list[Detections]) -> Detections:
    return Detections(*(np.concatenate([getattr(p, n) for p in parts]) for n in ("xyxy", "confidence", "class_id")))


def letterbox(
    image: NDArray[np.uint8], size: int, fixed: tuple[int, int] | None = None
) -> tuple[NDArray[np.float32], float]:
    """Scale an image down so that its long side is at most `size`, pad right and below to multiples of 32, or to the
    height and width of `fixed`, which it is then scaled down to fit in.

    Returns the batch (1, 3, H, W) float32 in 0..1 and the scale; the origin stays in its corner. A small
    picture is not enlarged: that adds no detail, and packs beyond the sizes of training.
    """
    height, width = image.shape[:2]
    scale = min(size / max(height, width), 1.0)
    if fixed is not None:
        scale = min(scale, fixed[0] / height, fixed[1] / width)
    w, h = max(1, round(width * scale)), max(1, round(height * scale))
    mode = cv2.INTER_AREA if scale < 0.6 else cv2.INTER_LINEAR
    resized = image if (w, h) == (width, height) else cv2.resize(image, (w, h), interpolation=mode)
    batch = np.empty((1, 3, *(fixed or (-(-h // STRIDE) * STRIDE, -(-w // STRIDE) * STRIDE))), np.float32)
    batch[..., h:, :] = batch[..., :h, w:] = PADDING
    # One pass from pixels to the network's input: each copy of a picture costs as much as the next.
    np.multiply(resized.transpose(2, 0, 1), np.float32(1 / 255), out=batch[0, :, :h, :w])
    return batch, scale


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
