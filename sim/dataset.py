"""Labelled data sets: pictures of many stores, as YOLO text files and as COCO JSON.

A store seed is one task: its pictures, labels and annotations are written, and last a marker file
that names it done, so that an interrupted run goes on where it stopped. The studio pictures of the
products are tasks of their own: they take as long as all the rest, and of small tasks no worker waits
long for the last one.
"""

from __future__ import annotations

import itertools
import json
import math
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
from tqdm import tqdm

from scenarios import Conditions, InputError, Layout, Lookalikes, Product, Scenario, rng
from sim.capture import capture
from sim.dressing import dressing_meshes
from sim.labels import CLASSES, label_boxes
from sim.render import renderer as renderer_named
from sim.studio import studio_pictures
from sim.training_draws import draw_conditions, draw_view, is_dense
from sim.workers import worker_pool
from sim.world import World

VIEWS_A_MOMENT = 3
PRODUCTS_A_TASK = 32
"""Whose studio pictures are one task: about 5 s, of which 1 s is the studio's."""

LayoutMaker = Callable[[int, str], Layout]


@dataclass(frozen=True)
class DatasetPlan:
    """Which pictures to make: `stores` store seeds from `first_seed`, each with `pictures_per_store`.

    `size` is the side of a square picture in pixels; labels need `min_visible` of a unit to be seen. A share `dense`
    of the stores is full and photographed from the front, the others are seen as cameras on walls and ceilings do.
    `segmentation` adds the masks of the products. `conditions` None draws the dials of every moment. `source` names
    what the stores are.
    """

    folder: Path
    split: str
    first_seed: int
    stores: int
    pictures_per_store: int = 24
    size: int = 640
    dense: float = 0.5
    min_visible: float = 0.5
    workers: int = 2
    renderer: str = "raster"
    segmentation: bool = False
    source: str = "random training stores"
    conditions: Conditions | None = None

    def __post_init__(self) -> None:
        if min(self.stores, self.pictures_per_store, self.workers) < 1 or self.size < 64:
            raise InputError(
                f"dataset: stores, pictures_per_store and workers must be 1 or more and size 64 or more; got {self}"
            )
        if self.first_seed < 0 or not 0 < self.min_visible <= 1 or not 0 <= self.dense <= 1:
            raise InputError(
                f"dataset: first_seed {self.first_seed}, min_visible {self.min_visible}, dense {self.dense}; "
                "expected a seed of 0 or more, a share above 0, at most 1, and a share from 0 to 1"
            )

    @property
    def seeds(self) -> range:
        return range(self.first_seed, self.first_seed + self.stores)

    def marker(self, seed: int) -> Path:
        return self.folder / "done" / self.split / f"{seed:06d}.json"

    @property
    def fingerprint(self) -> dict[str, Any]:
        """What pictures of one store depend on, besides its seed."""
        keys = (
            "pictures_per_store",
            "size",
            "dense",
            "min_visible",
            "renderer",
            "segmentation",
            "source",
            "conditions",
        )
        return json.loads(json.dumps({k: v for k, v in asdict(self).items() if k in keys}))


def make_dataset(plans: Sequence[DatasetPlan], layout_of: LayoutMaker) -> Path:
    """Make (or go on with) the splits of one data set and return its folder. `layout_of` turns a store seed and its
    split into a layout. Raises InputError where the folder holds pictures of another plan."""
    for plan in plans:
        renderer_named(plan.renderer)
    stores = [(plan, seed) for plan in plans for seed in plan.seeds]
    missing = [(plan, seed) for plan, seed in stores if not _is_done(plan, seed)]
    for plan, kind in itertools.product(plans, ("images", "labels", "done")):
        (plan.folder / kind / plan.split).mkdir(parents=True, exist_ok=True)
    studio = Studio(plans[0].folder / "studio")
    # One pool for all splits: at the end of each, a worker would wait for the other's last store.
    with worker_pool(plans[0].workers) as pool:
        try:
            tasks = [pool.submit(make_store, plan, seed, layout_of) for plan, seed in missing]
            for plan, seed in stores:
                if plan.marker(seed).exists() and studio.lacks(_brands(plan, seed)):
                    studio.submit(pool, layout_of(seed, plan.split))
            for task in tqdm(as_completed(tasks), total=len(tasks), desc="stores", disable=None):
                studio.submit(pool, task.result())
            for task in tqdm(as_completed(studio.tasks), total=len(studio.tasks), desc="studio", disable=None):
                task.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    for plan in plans:
        _collect(plan)
    return plans[0].folder


def _is_done(plan: DatasetPlan, seed: int) -> bool:
    path = plan.marker(seed)
    if not path.exists():
        return False
    made = json.loads(path.read_text())["plan"]
    for key, value in plan.fingerprint.items():
        if made.get(key) != value:
            raise InputError(
                f"{path}: made with {key}={made.get(key)}, now {value}; go on as it was begun or give another folder"
            )
    return True


def _brands(plan: DatasetPlan, seed: int) -> dict[str, str]:
    """Brand of every SKU of a store that is done."""
    return json.loads(plan.marker(seed).read_text())["brands"]


def make_store(plan: DatasetPlan, seed: int, layout_of: LayoutMaker) -> Layout:
    """Render one store's pictures and write them with their labels. Returns the store's layout."""
    layout = layout_of(seed, plan.split)
    random = rng(seed, "dataset")
    density = float(random.choice([600, 800, 1000]))
    lookalikes = (
        plan.conditions.lookalikes if plan.conditions else Lookalikes(round(float(random.uniform(0.1, 0.9)), 2))
    )
    entries = []
    with World(layout, density=density, look=seed, lookalikes=lookalikes) as world:
        for mesh in dressing_meshes(layout, seed) if plan.conditions is None else ():
            world.add("fixture", mesh)
        for number, (scenario, camera) in enumerate(_moments(plan, world, seed, random)):
            frame, truth = capture(world, scenario, camera, plan.renderer)
            name = f"{seed:06d}-{number:03d}"
            path = plan.folder / "images" / plan.split / f"{name}.jpg"
            cv2.imwrite(str(path), frame.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
            boxes = label_boxes(scenario, truth, plan.min_visible, plan.segmentation)
            _write_yolo(plan.folder / "labels" / plan.split / f"{name}.txt", boxes, plan.size)
            dials = _flat(asdict(scenario.conditions))
            entries.append(
                {"file_name": f"{name}.jpg", "scenario": scenario.hash, "dials": dials, "annotations": boxes}
            )
    brands = {product.sku: product.brand for product in layout.catalog}
    store = {"plan": plan.fingerprint, "pictures": entries, "brands": brands}
    # The marker is there whole or not at all.
    draft = plan.marker(seed).with_suffix(".draft")
    draft.write_text(json.dumps(store))
    draft.replace(plan.marker(seed))
    return layout


def _moments(plan: DatasetPlan, world: World, seed: int, random: Any) -> Iterator[tuple[Scenario, Any]]:
    """The moments and cameras of one store, a few views each."""
    left, dense = plan.pictures_per_store, is_dense(seed, plan.dense)
    for moment in range(math.ceil(left / VIEWS_A_MOMENT)):
        conditions = plan.conditions or draw_conditions(random, world.lookalikes, dense)
        scenario = Scenario(world.layout, conditions, seed=seed * 1000 + moment)
        for _ in range(min(VIEWS_A_MOMENT, left)):
            yield scenario, draw_view(world, scenario, random, plan.size, dense)
        left -= VIEWS_A_MOMENT


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, float | list[float] | None]:
    """Nested dials by dotted names, without those that are no numbers."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        elif not isinstance(value, str):
            flat[prefix + key] = [round(v, 4) for v in value] if isinstance(value, tuple) else value
    return flat


class Studio:
    """The enrolment pictures of a data set's products, a folder for each SKU, made a few products at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tasks: list[Future] = []
        folder.mkdir(parents=True, exist_ok=True)
        for draft in folder.glob(".*"):  # of workers that were killed
            shutil.rmtree(draft)
        self._known = {path.name for path in folder.iterdir()}

    def lacks(self, skus: Iterable[str]) -> bool:
        return not self._known.issuperset(skus)

    def submit(self, pool: Executor, layout: Layout) -> None:
        """Have the products of a layout photographed that no earlier one held."""
        new = [product for product in layout.catalog if product.sku not in self._known]
        self._known.update(product.sku for product in new)
        for i in range(0, len(new), PRODUCTS_A_TASK):
            self.tasks.append(pool.submit(_photograph, self.folder, new[i : i + PRODUCTS_A_TASK]))


def _photograph(folder: Path, products: list[Product]) -> None:
    for sku, pictures in studio_pictures(products).items():
        draft = folder / f".{sku}"
        draft.mkdir()
        for i, picture in enumerate(pictures):
            cv2.imwrite(str(draft / f"{i}.png"), picture[..., ::-1])
        draft.rename(folder / sku)


def _write_yolo(path: Path, labels: list[dict], size: int) -> None:
    lines = []
    for label in labels:
        x, y, w, h = (v / size for v in label["bbox"])
        lines.append(f"{label['category_id']} {x + w / 2:.6f} {y + h / 2:.6f} {w:.6f} {h:.6f}\n")
    path.write_text("".join(lines))


def _collect(plan: DatasetPlan) -> None:
    """Write the COCO file of a split, the brand of every SKU, and the YAML that YOLO trainers read."""
    images: list[dict] = []
    annotations: list[dict] = []
    brands: dict[str, str] = {}
    for seed in plan.seeds:
        store = json.loads(plan.marker(seed).read_text())
        brands |= store["brands"]
        for picture in store["pictures"]:
            labels = picture.pop("annotations")
            image = {"id": len(images), "width": plan.size, "height": plan.size, "store_seed": seed} | picture
            images.append(image)
            for label in labels:
                area = round(label["bbox"][2] * label["bbox"][3], 2)
                numbers = {"id": len(annotations) + 1, "image_id": image["id"], "iscrowd": 0, "area": area}
                annotations.append(numbers | label)
    categories = [{"id": i, "name": name} for i, name in enumerate(CLASSES)]
    coco = {"images": images, "annotations": annotations, "categories": categories}
    (plan.folder / f"{plan.split}.json").write_text(json.dumps(coco))
    known = plan.folder / "brands.json"
    if known.exists():
        brands |= json.loads(known.read_text())
    known.write_text(json.dumps(brands, indent=0, sort_keys=True))
    names = "".join(f"  {i}: {name}\n" for i, name in enumerate(CLASSES))
    # Lists, not folders: pictures of stores that this plan does not have may lie there from one that did.
    listed = "".join(f"./images/{plan.split}/{image['file_name']}\n" for image in images)
    (plan.folder / f"{plan.split}.txt").write_text(listed)
    splits = sorted(p.stem for p in plan.folder.glob("*.txt"))
    # YOLO trainers ask for both: a split that is missing is stood for by the other, never by what tests.
    own = next((s for s in ("train", "val") if s in splits), splits[0])
    lists = {"train": own, "val": own} | {s: s for s in splits}
    lines = "".join(f"{split}: {name}.txt\n" for split, name in lists.items())
    (plan.folder / "data.yaml").write_text(f"path: {plan.folder.resolve()}\n{lines}names:\n{names}")
