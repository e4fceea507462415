"""Privacy: people are made unrecognisable before a picture is stored or sent, and stored pictures do not stay."""

from __future__ import annotations

import re
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.detect import STRIDE, suppress
from vision.pictures import PICTURE_SUFFIXES, Shown
from vision.runtimes import Session

FACE_SIZE = 960
"""Long side in pixels at which faces are looked for."""
FACE_SCORE = 0.3
"""Lowest score of a face. Of 25 photographs of packs without people it found 2 faces, at 0.2 nine, at 0.1 forty-nine;
the five faces of ultralytics' two photographs are found at all three."""
FACE_OVERLAP = 0.3
"""Faces that share more than this (IoU) are one, as in CenterFace's own decoding."""
FACE_CELL = 4
"""Pixels of the network's input for each cell of its answer."""
HEAD = 1.8
"""Side of the square that is hidden, in longer sides of the face in it: a face found from the side ends at the
cheekbone and is half as long as the head with its hair is deep."""
MARGIN = 0.1
"""What is hidden around a person's box, in its widths and heights: of 137 heads of simulated shoppers it took the
share that is covered to nine tenths or more from 0.93 to 0.97 when it was 0.05."""
CELLS = 4
"""Colours across the shorter side of what is hidden. A person's head is less than half as wide as the person, and a
face a bit more than half of its square, so at most three are left of a face that is not cut by the frame. Networks
still told 40 faces apart in mosaics of about 6 by 7 (McPherson et al., "Defeating Image Obfuscation with Deep
Learning", 2016)."""
RESULT_NAME = re.compile(r"\.?\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d")
"""How `outputs.result_folder` names a result, and a draft that was left behind."""


class Privacy:
    """Hides people by their boxes, and faces that CenterFace finds where no person was found (Xu et al.,
    "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2019).

    The session maps (1, 3, H, W) RGB in 0..255, H and W multiples of 32, to (1, 5, H / 4, W / 4): the score of
    a face's centre being in the cell, the logarithms of its height and width in cells, and the centre's offset down
    and right in cells.
    """

    def __init__(self, session: Session) -> None:
        self.session = session

    def __call__(self, image: NDArray[np.uint8], people: NDArray[np.float32]) -> Shown:
        """A copy of an image (H, W, 3) uint8 RGB without recognisable people; `people` (N, 4) as in `Reading`."""
        return hide(image, np.concatenate([_enlarged(people), _heads(self.faces(image))]))

    def faces(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The faces (N, 4) in an image (H, W, 3) uint8 RGB, as xyxy in its pixels."""
        height, width = image.shape[:2]
        scale = min(FACE_SIZE / max(height, width), 1.0)
        # Stretched by a few pixels to what the network takes, not padded: an edge of padding looks like a face's.
        w, h = (max(1, round(side * scale / STRIDE)) * STRIDE for side in (width, height))
        small = cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        raw = self.session.run(np.asarray(cv2.dnn.blobFromImage(small), np.float32))[0]
        row, column = np.nonzero(raw[0] >= FACE_SCORE)
        score, log_height, log_width, down, right = raw[:, row, column]
        centre = np.stack([column + right + 0.5, row + down + 0.5], axis=1)
        half = np.exp(np.stack([log_width, log_height], axis=1)) / 2
        to_pixels = FACE_CELL * np.tile([width / w, height / h], 2)
        xyxy = (np.concatenate([centre - half, centre + half], axis=1) * to_pixels).astype(np.float32)
        return xyxy[suppress(xyxy, score, np.zeros(len(score), np.int64), FACE_OVERLAP)]


def with_people(image: NDArray[np.uint8]) -> Shown:
    """The picture as it is, for who asked for that."""
    return Shown(image)


def hide(image: NDArray[np.uint8], xyxy: NDArray[np.float32]) -> Shown:
    """A copy of an image (H, W, 3) uint8 RGB in which no more than a few colours, blurred into one another, are left
    of each box (N, 4). What is lost cannot be computed back: CELLS colours across the shorter side are all there is."""
    hidden = image.copy()
    height, width = image.shape[:2]
    low = np.maximum(np.floor(xyxy[:, :2]), 0).astype(int)
    high = np.minimum(np.ceil(xyxy[:, 2:]), [width, height]).astype(int)
    for (x0, y0), (x1, y1) in zip(low, high):
        if x1 <= x0 or y1 <= y0:
            continue
        size = np.array([x1 - x0, y1 - y0])
        columns, rows = (int(n) for n in np.maximum(1, np.minimum(size, np.round(size / size.min() * CELLS))))
        few = cv2.resize(hidden[y0:y1, x0:x1], (columns, rows), interpolation=cv2.INTER_AREA)
        hidden[y0:y1, x0:x1] = cv2.resize(few, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
    return Shown(hidden)


def _enlarged(people: NDArray[np.float32]) -> NDArray[np.float32]:
    """All of a person, not the top of the box: who bends down or is seen from above has the head elsewhere. Of 137
    simulated heads the upper half covered 0.85 to nine tenths or more, the whole box 0.97."""
    margin = (people[:, 2:] - people[:, :2]) * MARGIN
    return np.concatenate([people[:, :2] - margin, people[:, 2:] + margin], axis=1)


def _heads(faces: NDArray[np.float32]) -> NDArray[np.float32]:
    centre = (faces[:, :2] + faces[:, 2:]) / 2
    half = (faces[:, 2:] - faces[:, :2]).max(axis=1, keepdims=True) * HEAD / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def forget_pictures(results: Path, hours: float, now: float | None = None) -> int:
    """Delete the pictures older than `hours` in the result folders under `results` (outputs/read) and return how many
    there were. Readings stay, and so does what no result folder holds. `now` in seconds since the epoch."""
    oldest = (time.time() if now is None else now) - hours * 3600
    deleted = 0
    for folder in results.iterdir() if results.is_dir() else ():
        if folder.is_symlink() or not folder.is_dir() or not RESULT_NAME.match(folder.name):
            continue
        for path in folder.rglob("*"):
            if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file() and path.stat().st_mtime < oldest:
                path.unlink()
                deleted += 1
    return deleted
