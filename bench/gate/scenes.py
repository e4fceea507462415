"""The gate's pictures: one store on fixed seeds, seen by small cameras; rendered once, then found in the cache."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bench.studies.pictures import PictureCache, as_arrays, picture_key, picture_of, studio_key
from bench.studies.study import code_version, digest
from scenarios import Camera, CameraModel, Frame, Layout, Scenario, load_scenario
from sim import PositionTruth, Truth, World, capture, position_truths, studio_pictures

SCENARIO = "corner_shop"
OUT = 0.3
"""Of the positions: more than that store has, so that there are gaps enough to find."""
SEEN = CameraModel("gate", 320, 256, 0.75, 0.0)
"""275 pixels per metre from where the cameras hang: near the least at which packs are found, where a worse version is
the first to miss some."""
CAMERAS = (
    Camera("left", SEEN, (0.8, -1.5, 1.05), (0.8, 0.0, 0.95)),
    Camera("right", SEEN, (1.95, -1.5, 1.05), (1.95, 0.0, 0.95)),
)
HASHED = ("vision/**/*.py", "scenarios/**/*.py", "vision/weights/*.onnx")
"""What decides a gallery, beside the studio pictures."""


@dataclass(frozen=True, eq=False)
class Scenes:
    """Pictures (N, H, W, 3) with their truths; the pictures of a scenario lie together, one a camera."""

    scenarios: tuple[Scenario, ...]
    images: NDArray[np.uint8]
    truths: tuple[Truth, ...]
    positions: tuple[tuple[PositionTruth, ...], ...]
    studio: Path
    name: str
    """Of everything that decides the pictures."""

    @property
    def layout(self) -> Layout:
        return self.scenarios[0].layout

    @property
    def frames(self) -> list[Frame]:
        return [Frame(image, CAMERAS[i % len(CAMERAS)]) for i, image in enumerate(self.images)]

    def pictures_of(self, scenario: int) -> list[int]:
        return list(range(scenario * len(CAMERAS), (scenario + 1) * len(CAMERAS)))


def draw(first_seed: int, scenarios: int) -> list[Scenario]:
    """The scenarios; in every second one somebody stands before the shelf."""
    base = load_scenario(SCENARIO)
    mess = dataclasses.replace(base.conditions.mess, out=OUT)
    base = dataclasses.replace(base, conditions=dataclasses.replace(base.conditions, mess=mess))
    return [base.draw(first_seed + i, i % 2) for i in range(scenarios)]


def make_scenes(first_seed: int, scenarios: int, cache: PictureCache) -> Scenes:
    """Find the pictures, or render what is missing."""
    drawn = draw(first_seed, scenarios)
    layout = drawn[0].layout
    hashes = [s.hash for s in drawn]
    keys = [(s, c, picture_key(h, c, "raster")) for s, h in zip(drawn, hashes) for c in CAMERAS]
    missing = [k for k in keys if not (cache.folder / f"{k[2]}.npz").is_file()]
    if missing:
        with World(layout, lookalikes=drawn[0].conditions.lookalikes) as world:
            for scenario, camera, key in tqdm(missing, desc="render", unit="picture", disable=None):
                frame, truth = capture(world, scenario, camera)
                cache.put(key, as_arrays(frame.image, truth))
                cache.rendered += 1
    products, lookalikes = tuple(layout.catalog), drawn[0].conditions.lookalikes
    studio = studio_key(products, layout.catalog.artwork, lookalikes)
    if not (cache.folder / f"{studio}.npz").is_file():
        made = studio_pictures(products, lookalikes=lookalikes)
        cache.put(studio, {f"{sku}\n{i}": p for sku, some in made.items() for i, p in enumerate(some)})
    pairs = []
    for scenario, camera, key in keys:
        entry = cache.get(key)
        if entry is None:  # damaged, or gone since: the next run renders it
            raise FileNotFoundError(2, "a picture of the gate went while it was read; run again", str(cache.folder))
        pairs.append(picture_of(entry, scenario, camera))
    return Scenes(
        tuple(drawn),
        np.stack([frame.image for frame, _ in pairs]),
        tuple(truth for _, truth in pairs),
        tuple(position_truths(layout, s.stock) for s in drawn),
        cache.folder / f"{studio}.npz",
        digest([key for *_, key in keys]),
    )


def gallery_path(side: str, tree: Path, scenes: Scenes) -> Path:
    """Where a version's gallery lies: enrolled once for the same code, weights and studio pictures."""
    return scenes.studio.with_name(f"gallery-{side}-{digest([scenes.studio.stem, code_version(HASHED, tree)])}.npz")


def task(scenes: Scenes, frames: Path, gallery: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """What a worker has to know, as plain data that no version has to understand as a class."""
    model = SEEN
    return settings | {
        "scenario": str(Path(load_scenario.__code__.co_filename).parent / SCENARIO),
        "studio": str(scenes.studio),
        "gallery": str(gallery),
        "frames": str(frames),
        "cameras": [
            {
                "id": c.id, "position": c.position, "target": c.target,
                "model": (model.name, model.width, model.height, model.horizontal_fov, model.price),
            }
            for c in CAMERAS
        ],
        "camera_of": [i for _ in scenes.scenarios for i in range(len(CAMERAS))],
    }  # fmt: skip
