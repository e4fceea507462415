"""Prints: corners of letters and drawings on a picture of a pack, and how many of them lie alike on two pictures.

They are found and described by SIFT (D. Lowe, Distinctive image features from scale-invariant keypoints, IJCV 2004) and
compared as RootSIFT (Arandjelović and Zisserman, CVPR 2012). Nothing of it is learned from packs, so that it holds
where a recognizer meets what it never saw: real ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 320
"""Pixels that the long side of a picture is scaled to."""
MARKS = 400
"""Of a picture, at most."""
DIFFERENT = 0.8
"""A mark is paired where the nearest mark of the other picture is so much nearer than the second (Lowe's ratio)."""
NEAR = SIDE / 40
"""Pixels that a paired mark may lie off where the others say."""
CHANCE = 6
"""So many marks agree by chance."""


@dataclass(frozen=True, eq=False)
class Print:
    """The marks of one picture: `points` (M, 2) float32 pixels of the scaled picture, `marks` (M, 128) uint8."""

    points: NDArray[np.float32]
    marks: NDArray[np.uint8]

    @cached_property
    def roots(self) -> NDArray[np.float32]:
        """The marks as unit vectors whose scalar product compares them as distributions (RootSIFT)."""
        plain = self.marks.astype(np.float32)
        return np.sqrt(plain / np.maximum(plain.sum(axis=1, keepdims=True), 1e-9))


def print_of(image: NDArray[np.uint8]) -> Print:
    """The marks of a picture (H, W, 3) uint8 RGB that is cut to its pack."""
    scale = SIDE / max(image.shape[:2])
    size = tuple(max(1, round(n * scale)) for n in image.shape[1::-1])
    mode = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    grey = cv2.cvtColor(cv2.resize(image, size, interpolation=mode), cv2.COLOR_RGB2GRAY)
    found, marks = cv2.SIFT.create(MARKS).detectAndCompute(grey, None)
    if marks is None:
        return Print(np.empty((0, 2), np.float32), np.empty((0, 128), np.uint8))
    return Print(np.array([mark.pt for mark in found], np.float32), marks.astype(np.uint8))


def agreement(a: Print, b: Print) -> int:
    """How many marks of `a` lie on `b` alike, under one shift, turn and scale."""
    if len(a.marks) < 2 or len(b.marks) < 2:
        return 0
    alike, rows = a.roots @ b.roots.T, np.arange(len(a.marks))
    best = alike.argmax(axis=1)
    nearest = alike[rows, best]
    alike[rows, best] = -1
    apart, next_apart = (np.sqrt(np.maximum(2 - 2 * s, 0)) for s in (nearest, alike.max(axis=1)))
    paired = apart < DIFFERENT * next_apart
    if paired.sum() <= CHANCE:
        return 0
    found, inside = cv2.estimateAffinePartial2D(
        a.points[paired], b.points[best[paired]], ransacReprojThreshold=NEAR, maxIters=300
    )
    return int(inside.sum()) if found is not None else 0


def joined(prints: Sequence[Print]) -> dict[str, NDArray]:
    """Prints as arrays that lie in one file."""
    return {
        "print_sizes": np.array([len(p.marks) for p in prints], np.int64),
        "print_points": np.concatenate([p.points for p in prints]),
        "print_marks": np.concatenate([p.marks for p in prints]),
    }


def parted(arrays: Mapping[str, NDArray]) -> tuple[Print, ...] | None:
    """What `joined` made into arrays; None where there is none among them."""
    if "print_sizes" not in arrays:
        return None
    ends = np.cumsum(arrays["print_sizes"])[:-1]
    pairs = zip(np.split(arrays["print_points"], ends), np.split(arrays["print_marks"], ends))
    return tuple(Print(points, marks) for points, marks in pairs)
