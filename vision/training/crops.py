"""Crops of products, cut out of a labelled data set's pictures, and its studio pictures."""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from scenarios import InputError
from vision.readings import PRODUCT
from vision.training.embeddings import CROP_HEIGHT, CROP_WIDTH

MARGIN = 0.06
"""Border around a box, as a share of its sides, kept in the crops so that training can shift them."""
SIZE = (round(CROP_WIDTH * (1 + 2 * MARGIN)), round(CROP_HEIGHT * (1 + 2 * MARGIN)))
"""Width and height of a crop with its margin."""


@dataclass(frozen=True, eq=False)
class Crops:
    """`images` (N, H, W, 3) uint8 with a margin, `labels` (N,) into `skus`, `studio` (N,) whether enrolment."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    studio: NDArray[np.bool_]
    skus: tuple[str, ...]


def load_crops(
    data: Path, held: bool, crops_per_sku: int, smallest: int = 0, seed: int = 0, products: int | None = None
) -> Crops:
    """Cut crops out of a data set's train split: those of a tenth of the brands, which training holds out, or those
    of the others. At most `crops_per_sku` of each product, no side below `smallest` pixels; studio pictures are whole
    and all there. `products` draws that many of them. Raises InputError where there is no data set."""
    coco_path = data / "train.json"
    if not coco_path.is_file():
        raise InputError(f"{coco_path}: no such file; expected a folder made by `shelfbench dataset`")
    coco = json.loads(coco_path.read_text())
    brands = json.loads((data / "brands.json").read_text())
    chosen = {sku for sku, brand in brands.items() if (zlib.crc32(brand.encode()) % 10 == 0) == held}
    if products is not None:
        chosen = set(np.random.default_rng(seed).permutation(sorted(chosen))[:products].tolist())
    samples: list[tuple[NDArray[np.uint8], str, bool]] = []
    for name, boxes in _drawn_boxes(coco, chosen, crops_per_sku, smallest, seed):
        picture = _picture(data / "images" / "train" / name)
        samples += [(_crop(picture, a["bbox"]), a["sku"], False) for a in boxes]
    for path in sorted((data / "studio").glob("*/*.png")):
        if path.parent.name in chosen:
            picture = _picture(path)
            h, w = picture.shape[:2]
            samples.append((_crop(picture, (0, 0, w, h)), path.parent.name, True))
    return _pack(samples)


def _drawn_boxes(
    coco: dict[str, Any], chosen: set[str], crops_per_sku: int, smallest: int, seed: int
) -> list[tuple[str, list[dict]]]:
    """The boxes that crops are cut from, by the picture's file name."""
    files = {image["id"]: image["file_name"] for image in coco["images"]}
    wanted: dict[int, list[dict]] = defaultdict(list)
    taken: dict[str, int] = defaultdict(int)
    for i in np.random.default_rng(seed).permutation(len(coco["annotations"])):
        a = coco["annotations"][i]
        if a["category_id"] != PRODUCT or min(a["bbox"][2:]) < smallest or a["visible_fraction"] < 0.6:
            continue
        if a["sku"] in chosen and taken[a["sku"]] < crops_per_sku:
            taken[a["sku"]] += 1
            wanted[a["image_id"]].append(a)
    return [(files[image_id], boxes) for image_id, boxes in sorted(wanted.items())]


def _picture(path: Path) -> NDArray[np.uint8]:
    return np.asarray(cv2.imread(str(path)), np.uint8)[..., ::-1]


def _crop(picture: NDArray[np.uint8], bbox: Any) -> NDArray[np.uint8]:
    x, y, w, h = bbox
    x0, y0 = x - MARGIN * w, y - MARGIN * h
    x1, y1 = x + (1 + MARGIN) * w, y + (1 + MARGIN) * h
    height, width = picture.shape[:2]
    part = picture[max(0, int(y0)) : min(height, int(y1 + 1)), max(0, int(x0)) : min(width, int(x1 + 1))]
    mode = cv2.INTER_AREA if part.shape[1] > SIZE[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(part, SIZE, interpolation=mode), np.uint8)


def _pack(samples: list[tuple[NDArray[np.uint8], str, bool]]) -> Crops:
    skus = tuple(sorted({s[1] for s in samples}))
    index = {sku: i for i, sku in enumerate(skus)}
    nothing = np.empty((0, SIZE[1], SIZE[0], 3), np.uint8)
    return Crops(
        np.stack([s[0] for s in samples]) if samples else nothing,
        np.array([index[s[1]] for s in samples], np.int64),
        np.array([s[2] for s in samples], bool),
        skus,
    )
