"""Pictures on disk: reading them, and drawing what was seen on them."""

from __future__ import annotations

from pathlib import Path
from typing import NewType

import cv2
import numpy as np
from numpy.typing import NDArray

from scenarios import InputError
from vision.readings import CLASSES, Detections

Shown = NewType("Shown", np.ndarray)
"""A picture (H, W, 3) uint8 RGB that may be stored or sent. `vision.privacy` makes them, what draws on one gives one
back, and nothing else is written."""
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
COLOURS = ((0, 158, 115), (213, 94, 0), (86, 180, 233), (204, 121, 167))
"""RGB of product, gap, price_tag and person: four of Okabe and Ito's colour-blind-safe set."""


def load_picture(path: Path) -> NDArray[np.uint8]:
    """Read a picture as (H, W, 3) uint8 RGB, upright by its EXIF orientation.

    Grey becomes RGB, of 16 bits the upper 8 are kept, what is transparent has the colour that the file gives it.
    Raises InputError, also for a file that ends too early.
    """
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise InputError(f"{path}: not readable: {error.strerror}") from None
    if is_cut_off(data.tobytes()):
        raise InputError(f"{path}: the picture ends too early; expected a whole file")
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    except cv2.error:  # more pixels than OpenCV takes
        image = None
    if image is None:
        raise InputError(f"{path}: not readable as a picture; expected {', '.join(PICTURE_SUFFIXES)}")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def is_cut_off(data: bytes) -> bool:
    """Whether a JPEG or PNG lacks its end. Decoders fill the rest with grey and say nothing."""
    if data.startswith(b"\x89PNG"):
        return b"IEND" not in data[-64 * 1024 :]
    if not data.startswith(b"\xff\xd8"):
        return False
    at = 2
    while data[at : at + 1] == b"\xff" and data[at + 1 : at + 2] != b"\xda":  # segments before the scan
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return data.find(b"\xff\xd9", at) < 0  # cannot occur within a scan


def save_picture(path: Path, image: Shown, quality: int = 88) -> None:
    """Write a picture as JPEG. Raises OSError if it cannot be written."""
    path.write_bytes(jpeg(image, quality))


def jpeg(image: Shown, quality: int, widest: int = 0) -> bytes:
    """A picture as a JPEG file, scaled down to `widest` pixels across if it is wider."""
    if 0 < widest < image.shape[1]:
        scale = widest / image.shape[1]
        image = Shown(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    code = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return code.tobytes()


def annotate(image: Shown, detections: Detections) -> Shown:
    """Draw boxes by class and the SKUs that are known, on a copy of the image."""
    drawn = image.copy()
    thin = max(1, round(max(image.shape[:2]) / 1400))
    for box, class_id, sku in zip(detections.xyxy, detections.class_id, detections.sku):
        x0, y0, x1, y1 = (round(float(v)) for v in box)
        cv2.rectangle(drawn, (x0, y0), (x1, y1), COLOURS[class_id], thin)
        if sku is not None:
            _label(drawn, str(sku), (x0, y0), COLOURS[class_id], thin)
    _legend(drawn, detections)
    return Shown(drawn)


def _label(image: NDArray[np.uint8], text: str, corner: tuple[int, int], colour: tuple[int, ...], thin: int) -> None:
    scale = 0.32 * thin
    (w, h), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thin)
    x, y = corner[0], corner[1] + h + 2
    cv2.rectangle(image, (x, y - h - 2), (x + w, y + 2), colour, -1)
    cv2.putText(image, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), thin, cv2.LINE_AA)


def _legend(image: NDArray[np.uint8], detections: Detections) -> None:
    scale = max(0.4, image.shape[1] / 2600)
    x = y = round(22 * scale * 1.6)
    for i, name in enumerate(CLASSES):
        count = int((detections.class_id == i).sum())
        if count:
            text = f"{name} {count}"
            cv2.putText(image, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, (0, 0, 0), 4, cv2.LINE_AA)
            cv2.putText(image, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, COLOURS[i], 1, cv2.LINE_AA)
            y += round(30 * scale)
