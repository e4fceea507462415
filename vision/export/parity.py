"""How near an exported network is to its FP32 weights, on the same frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.detect import Detector
from vision.pictures import PICTURE_SUFFIXES, load_picture
from vision.readings import PRODUCT, Detections
from vision.recognize import Recognizer, clip_boxes
from vision.runtimes import Session

FRAMES = Path(__file__).parent.parent / "weights" / "frames"
"""The frames that every export is compared on."""
SAME = 0.5
"""Overlap (IoU) from which on two boxes are one."""
SAID, DOUBTED = 0.25, 0.15
"""Boxes from the first score on are said. One that is said here and doubted there is no other box: a score that lies
at the edge falls on either side of it by chance."""
LEAST_FOUND = {"fp32": 0.999, "fp16": 0.99, "int8": 0.95}
"""Share of the FP32 boxes that has to be found again, and of the new boxes that FP32 has, …"""
LEAST_COSINE = {"fp32": 0.9999, "fp16": 0.999, "int8": 0.97}
"""… and the mean cosine of embeddings of the same crops."""
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Parity:
    """What was compared, and whether it is near enough for its precision."""

    figures: dict[str, Any]
    passed: bool
    told: str


def frames(folder: Path = FRAMES) -> list[Image]:
    """The pictures of a folder (H, W, 3), in the order of their names. Raises InputError for one that is broken."""
    return [load_picture(p) for p in sorted(folder.iterdir()) if p.suffix.lower() in PICTURE_SUFFIXES]


def is_recognizer(session: Session) -> bool:
    """Whether a network takes crops of one size: recognizers name no classes."""
    return "classes" not in session.metadata and all(session.input_shape[2:])


def compare_detectors(reference: Session, other: Session, images: Sequence[Image]) -> Parity:
    """Compare boxes: `found` is the share of what the reference says that the other says or doubts, of the same class,
    `true` the share of what the other says that the reference says or doubts."""
    both = [Detector(session, DOUBTED) for session in (reference, other)]
    again = right = new = total = 0
    overlaps: list[float] = []
    scores: list[float] = []
    for image in images:
        a, b = (detector(image) for detector in both)
        for i, j, overlap in same_boxes(a, b):
            first, second = float(a.confidence[i]), float(b.confidence[j])
            again += first >= SAID
            right += second >= SAID
            if first >= SAID:
                overlaps.append(overlap)
                scores.append(abs(first - second))
        total += int((a.confidence >= SAID).sum())
        new += int((b.confidence >= SAID).sum())
    least = LEAST_FOUND[other.ran_on.precision]
    shares = (again / total if total else 1.0, right / new if new else 1.0)
    figures = {
        "frames": len(images),
        "boxes_fp32": total,
        "boxes": new,
        "found": round(shares[0], 4),
        "true": round(shares[1], 4),
        "mean_overlap": round(float(np.mean(overlaps)), 4) if overlaps else None,
        "largest_score_difference": round(max(scores), 4) if scores else None,
        "expected": least,
    }
    told = f"{shares[0]:.3f} of FP32's {total} boxes found again, {shares[1]:.3f} of {new} boxes are FP32's"
    return Parity(figures, total > 0 and min(shares) >= least, f"{told}; expected {least:g}")


def compare_recognizers(reference: Session, other: Session, crops: NDArray[np.uint8]) -> Parity:
    """Compare the embeddings of crops (N, height, width, 3) by their cosines."""
    a, b = (Recognizer(session).embed_crops(crops) for session in (reference, other))
    cosines = (a * b).sum(axis=1) / np.maximum(np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1), 1e-9)
    least = LEAST_COSINE[other.ran_on.precision]
    mean = float(cosines.mean()) if len(cosines) else 0.0
    figures = {
        "crops": len(crops),
        "mean_cosine": round(mean, 5),
        "least_cosine": round(float(cosines.min()), 5) if len(cosines) else None,
        "expected": least,
    }
    return Parity(figures, mean >= least, f"mean cosine {mean:.4f} over {len(crops)} crops; expected {least:g}")


def same_boxes(a: Detections, b: Detections) -> list[tuple[int, int, float]]:
    """Pairs of boxes of one class that overlap, each box in one pair at most: (index, index, overlap)."""
    if not len(a) or not len(b):
        return []
    low = np.maximum(a.xyxy[:, None, :2], b.xyxy[None, :, :2])
    high = np.minimum(a.xyxy[:, None, 2:], b.xyxy[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=-1)
    area = [np.prod(np.maximum(d.xyxy[:, 2:] - d.xyxy[:, :2], 0), axis=-1) for d in (a, b)]
    overlap = shared / np.maximum(area[0][:, None] + area[1][None] - shared, 1e-9)
    overlap[a.class_id[:, None] != b.class_id[None]] = 0
    pairs: list[tuple[int, int, float]] = []
    taken: tuple[set[int], set[int]] = (set(), set())
    rows, columns = np.nonzero(overlap >= SAME)
    for n in np.argsort(-overlap[rows, columns], kind="stable"):
        i, j = int(rows[n]), int(columns[n])
        if i not in taken[0] and j not in taken[1]:
            taken[0].add(i)
            taken[1].add(j)
            pairs.append((i, j, float(overlap[i, j])))
    return pairs


def crops_of(images: Sequence[Image], detector: Detector, height: int, width: int, most: int) -> NDArray[np.uint8]:
    """Products in pictures, found by `detector` and scaled to what a recognizer takes: (N, height, width, 3)."""
    crops = []
    for image in images:
        found = detector(image)
        for x0, y0, x1, y1 in clip_boxes(found.xyxy[found.class_id == PRODUCT], image):
            crops.append(cv2.resize(image[y0:y1, x0:x1], (width, height), interpolation=cv2.INTER_AREA))
    chosen = crops[:: max(1, len(crops) // most)][:most]
    return np.array(chosen, np.uint8).reshape(-1, height, width, 3)
