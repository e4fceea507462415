"""Detectors trained on one kind of pictures and read on another: average precision of each on each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bench.precision import Matches, match
from bench.results import estimate_row
from bench.scoring import precision_samples
from bench.statistics import interval
from scenarios import InputError
from vision import Detector
from vision.readings import PRODUCT
from vision.runtimes import open_session

LEAST_SCORE = 0.01
"""Boxes below this are no part of a precision curve that anybody would work on."""


def transfer(weights: dict[str, Path], data: dict[str, Path], split: str = "val") -> list[dict[str, Any]]:
    """AP50 and AP of `product` of every weights file (ONNX) on every data set's split, with 95 % intervals
    over stores. Units less visible than the data set labels are not in it, so that boxes on them count as false."""
    read = {name: labelled_pictures(folder, split) for name, folder in data.items()}
    detectors = {name: Detector(open_session(path), score=LEAST_SCORE) for name, path in weights.items()}
    rows = []
    for trained, detector in detectors.items():
        for name, (images, stores) in read.items():
            matches = [_match(detector, path, boxes) for path, boxes in images]
            samples = precision_samples(matches, np.array(stores), max(stores) + 1)
            rows.append(
                {
                    "trained_on": trained,
                    "read_on": name,
                    "pictures": len(images),
                    "stores": max(stores) + 1,
                    "ap50": estimate_row(interval(samples["detection_ap50"], 0.0, 1.0)),
                    "ap": estimate_row(interval(samples["detection_ap"], 0.0, 1.0)),
                }
            )
    return rows


def labelled_pictures(folder: Path, split: str) -> tuple[list[tuple[Path, np.ndarray]], list[int]]:
    """Of every picture of a split its path and its products' boxes (N, 4) xyxy; and the number of its store."""
    file = folder / f"{split}.json"
    if not file.is_file():
        raise InputError(f"{file}: no such file; expected a data set of `shelfbench dataset` with a split {split!r}")
    coco = json.loads(file.read_text())
    boxes: dict[int, list[list[float]]] = {image["id"]: [] for image in coco["images"]}
    for label in coco["annotations"]:
        if label["category_id"] == PRODUCT:
            x, y, w, h = label["bbox"]
            boxes[label["image_id"]].append([x, y, x + w, y + h])
    if not boxes:
        raise InputError(f"{file}: holds no pictures")
    number = {seed: i for i, seed in enumerate(dict.fromkeys(image["store_seed"] for image in coco["images"]))}
    pictures = [
        (folder / "images" / split / image["file_name"], np.array(boxes[image["id"]], float).reshape(-1, 4))
        for image in coco["images"]
    ]
    return pictures, [number[image["store_seed"]] for image in coco["images"]]


def _match(detector: Detector, path: Path, boxes: np.ndarray) -> Matches:
    picture = cv2.imread(str(path))
    if picture is None:
        raise InputError(f"{path}: no such picture, or not readable")
    found = detector(np.ascontiguousarray(picture[..., ::-1]))
    products = found.class_id == PRODUCT
    nothing = np.empty((0, 4))
    return match(found.xyxy[products].astype(float), found.confidence[products].astype(float), boxes, nothing)


def table(rows: list[dict[str, Any]]) -> str:
    """The table for the terminal."""
    lines = [f"{'trained on':16}{'read on':16}{'AP50':>24}{'AP':>24}"]
    for row in rows:
        parts = []
        for key in ("ap50", "ap"):
            e = row[key]
            parts.append("–" if e["value"] is None else f"{e['value']:.3f} [{e['low']:.3f}, {e['high']:.3f}]")
        lines.append(f"{row['trained_on']:16}{row['read_on']:16}{parts[0]:>24}{parts[1]:>24}")
    return "\n".join(lines)
