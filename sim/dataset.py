"""Labelled data sets: pictures of many stores, as YOLO text files and as COCO JSON.

A store seed is one task: its pictures, labels and annotations are written, and last a marker file
that names it done, so that an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from scenarios import Camera, CameraModel, Conditions, Crowd, InputError, Layout, Lighting, Mess, Scenario, rng
from sim.capture import capture
from sim.studio import studio_pictures
from sim.truth import Truth
from sim.workers import worker_pool
from sim.world import World

CLASSES = ("product", "gap", "price_tag", "person")
SMALLEST = 4.0
"""Boxes narrower or lower than this, in pixels, are not labelled."""
NEIGHBOUR = 0.03
"""Empty places closer than this, in metres, are one gap."""

LayoutMaker = Callable[[int], Layout]


@dataclass(frozen=True)
class DatasetPlan:
    """Which pictures to make: `stores` store seeds from `first_seed`, each with `pictures_per_store`.

    `size` is the side of a square picture in pixels; labels need `min_visible` of a unit to be seen.
    """

    folder: Path
    split: str
    first_seed: int
    stores: int
    pictures_per_store: int = 24
    size: int = 416
    min_visible: float = 0.5
    workers: int = 2

    def __post_init__(self) -> None:
        if min(self.stores, self.pictures_per_store, self.workers) < 1 or self.size < 64:
            raise InputError(
                f"dataset: stores, pictures_per_store and workers must be 1 or more and size 64 or more; got {self}"
            )


def make_dataset(plan: DatasetPlan, layout_of: LayoutMaker) -> Path:
    """Make (or go on with) a data set and return its folder. `layout_of` turns a store seed into a layout."""
    for kind in ("images", "labels", "done"):
        (plan.folder / kind / plan.split).mkdir(parents=True, exist_ok=True)
    seeds = range(plan.first_seed, plan.first_seed + plan.stores)
    missing = [s for s in seeds if not _marker(plan, s).exists()]
    with worker_pool(plan.workers) as pool:
        tasks = [pool.submit(make_store, plan, seed, layout_of) for seed in missing]
        for task in tqdm(as_completed(tasks), total=len(tasks), desc=f"{plan.split} stores", disable=None):
            task.result()
    _collect(plan, list(seeds))
    return plan.folder


def make_store(plan: DatasetPlan, seed: int, layout_of: LayoutMaker) -> None:
    """Render one store's pictures and write them with their labels."""
    layout = layout_of(seed)
    random = rng(seed, "dataset")
    entries = []
    with World(layout, density=float(random.choice([600, 800, 1000])), look=seed) as world:
        for moment in range(math.ceil(plan.pictures_per_store / 4)):
            scenario = Scenario(layout, draw_conditions(random), seed=seed * 1000 + moment)
            for view in range(moment * 4, min(moment * 4 + 4, plan.pictures_per_store)):
                camera = draw_camera(layout, random, plan.size)
                frame, truth = capture(world, scenario, camera)
                name = f"{seed:06d}-{view:03d}"
                path = plan.folder / "images" / plan.split / f"{name}.jpg"
                cv2.imwrite(str(path), frame.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
                boxes = label_boxes(layout, truth, plan.size, plan.min_visible)
                _write_yolo(plan.folder / "labels" / plan.split / f"{name}.txt", boxes, plan.size)
                entries.append({"file_name": f"{name}.jpg", "scenario": scenario.hash, "annotations": boxes})
    _write_studio(plan.folder / "studio", layout)
    brands = {product.sku: product.brand for product in layout.catalog}
    _marker(plan, seed).write_text(json.dumps({"pictures": entries, "brands": brands}))


def _write_studio(folder: Path, layout: Layout) -> None:
    """Add the enrolment pictures of products that no earlier store held."""
    new = [product for product in layout.catalog if not (folder / product.sku).is_dir()]
    for sku, pictures in studio_pictures(new).items() if new else ():
        (folder / sku).mkdir(parents=True, exist_ok=True)
        for i, picture in enumerate(pictures):
            cv2.imwrite(str(folder / sku / f"{i}.png"), picture[..., ::-1])


def draw_conditions(random: np.random.Generator) -> Conditions:
    """Draw the dials of one training moment, wider than any test has them."""
    low = float(random.uniform(250, 800))
    return Conditions(
        "training",
        Lighting((low, low * 1.5), (3000.0, 6000.0)),
        Crowd(int(random.choice([0, 0, 1, 2]))),
        Mess(
            out=float(random.uniform(0, 0.25)), plugged=0.2, misplaced=0.05, empty_column=float(random.uniform(0, 0.3)),
            shift=float(random.uniform(0, 0.003)), turn=float(random.uniform(0, 0.08)),
        ),
    )  # fmt: skip


def draw_camera(layout: Layout, random: np.random.Generator, size: int) -> Camera:
    """Draw a camera in the aisle that looks at some point of the shelves: frontal, angled or steep."""
    fixtures = layout.store.fixtures
    left, right = min(f.x for f in fixtures), max(f.x + f.width for f in fixtures)
    top = max(f.height for f in fixtures)
    front = min(f.y for f in fixtures)
    target = (float(random.uniform(left + 0.2, right - 0.2)), front, float(random.uniform(0.25, top - 0.2)))
    azimuth = float(random.normal(0, 0.32))
    lowest, highest = [(-0.1, 0.3), (0.2, 0.7), (0.6, 1.15)][int(random.choice(3, p=[0.45, 0.35, 0.2]))]
    for _ in range(100):
        elevation, distance = random.uniform(lowest, highest), random.uniform(0.7, 2.8)
        level = math.cos(elevation) * distance
        position = (
            target[0] + level * math.sin(azimuth),
            front - level * math.cos(azimuth),
            target[2] + distance * math.sin(elevation),
        )
        if layout.store.obstacle_at(position) is None and position[1] < front - 0.25:
            break
    else:
        position = (target[0], front - 0.8, target[2])
        distance = 0.8
    pixels_per_metre = math.exp(random.uniform(math.log(200), math.log(800)))
    model = CameraModel("training", size, size, 2 * math.atan(size / 2 / (pixels_per_metre * distance)), 0.0)
    return Camera("training", model, position, target, roll=float(random.normal(0, 0.03)))


def label_boxes(layout: Layout, truth: Truth, size: int, min_visible: float) -> list[dict]:
    """List what a detector should find, as COCO annotations without ids: xywh boxes of the visible part.

    Neighbouring empty places are one gap: nothing in a picture says where one missing pack would end
    and the next begin.
    """
    labels: list[dict] = []
    for i in np.flatnonzero(truth.visible_fraction >= min_visible):
        labels.append(
            _label(0, truth.visible_box[i], size)
            | {
                "sku": truth.sku[i],
                "place": int(truth.place[i]),
                "amodal_box": [round(float(v), 1) for v in truth.amodal_box[i]],
                "visible_fraction": round(float(truth.visible_fraction[i]), 3),
            }
        )
    seen = (truth.gap_visible_fraction >= min_visible) & (layout.places.level[truth.gap_place] == 0)
    labels += [_label(1, box, size) for box in merge_gaps(layout, truth.gap_place[seen], truth.gap_box[seen])]
    labels += [_label(2, box, size) for box in truth.price_tag_box[truth.price_tag_visible_fraction >= min_visible]]
    labels += [_label(3, box, size) for box in truth.person_box]
    return [label for label in labels if min(label["bbox"][2:]) >= SMALLEST]


def merge_gaps(layout: Layout, places: NDArray[np.int64], boxes: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Join the boxes (G, 4) of empty places that stand side by side on one board."""
    base, half = layout.places.base[places], layout.places.size[places][:, 0] / 2
    merged: list[NDArray[np.float32]] = []
    last: tuple[float, float] | None = None
    for i in np.lexsort((base[:, 0], base[:, 2])):
        left, right, z = base[i, 0] - half[i], base[i, 0] + half[i], base[i, 2]
        if last is not None and abs(z - last[1]) < 1e-6 and left - last[0] < NEIGHBOUR:
            merged[-1] = np.concatenate(
                [np.minimum(merged[-1][:2], boxes[i, :2]), np.maximum(merged[-1][2:], boxes[i, 2:])]
            )
        else:
            merged.append(boxes[i])
        last = (right, z)
    return merged


def _label(category: int, box: NDArray[np.float32], size: int) -> dict:
    x0, y0, x1, y1 = np.clip(box.astype(float), 0, size)
    return {"category_id": category, "bbox": [round(v, 2) for v in (x0, y0, x1 - x0, y1 - y0)]}


def _write_yolo(path: Path, labels: list[dict], size: int) -> None:
    lines = []
    for label in labels:
        x, y, w, h = (v / size for v in label["bbox"])
        lines.append(f"{label['category_id']} {x + w / 2:.6f} {y + h / 2:.6f} {w:.6f} {h:.6f}\n")
    path.write_text("".join(lines))


def _marker(plan: DatasetPlan, seed: int) -> Path:
    return plan.folder / "done" / plan.split / f"{seed:06d}.json"


def _collect(plan: DatasetPlan, seeds: list[int]) -> None:
    """Write the COCO file of a split, the brand of every SKU, and the YAML that YOLO trainers read."""
    images: list[dict] = []
    annotations: list[dict] = []
    brands: dict[str, str] = {}
    for seed in seeds:
        store = json.loads(_marker(plan, seed).read_text())
        brands |= store["brands"]
        for picture in store["pictures"]:
            image = {"id": len(images), "width": plan.size, "height": plan.size, "store_seed": seed}
            images.append(image | {"file_name": picture["file_name"], "scenario": picture["scenario"]})
            for label in picture["annotations"]:
                area = label["bbox"][2] * label["bbox"][3]
                annotations.append(
                    {"id": len(annotations) + 1, "image_id": image["id"], "iscrowd": 0, "area": area} | label
                )
    categories = [{"id": i, "name": name} for i, name in enumerate(CLASSES)]
    coco = {"images": images, "annotations": annotations, "categories": categories}
    (plan.folder / f"{plan.split}.json").write_text(json.dumps(coco))
    known = plan.folder / "brands.json"
    if known.exists():
        brands |= json.loads(known.read_text())
    known.write_text(json.dumps(brands, indent=0, sort_keys=True))
    names = "".join(f"  {i}: {name}\n" for i, name in enumerate(CLASSES))
    yaml = f"path: {plan.folder.resolve()}\ntrain: images/train\nval: images/val\nnames:\n{names}"
    (plan.folder / "data.yaml").write_text(yaml)
