"""Designed views of training stores, to fit and to check responses on: every axis is varied by itself.

Of a store that no other figure rests on, every picture has another stock, light and camera; look-alikes are drawn once
a store, at distances spread evenly over all stores. A store's samples lie in one file, so that a run that was stopped
goes on where it was.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from tqdm import tqdm

from bench.experiment import Model
from bench.response.samples import samples_of
from bench.stores.training import training_layout
from scenarios import Camera, CameraModel, Conditions, Crowd, Layout, Lighting, Lookalikes, Room, Scenario, rng
from sim import World, capture, studio_pictures
from sim.training_draws import draw_conditions
from sim.workers import worker_pool
from vision import Pipeline, Recognizer, gallery_of
from vision.pipeline import WEAKEST_EVIDENCE, weights_path
from vision.runtimes import open_session

KINDS = ("gondola", "cooler", "endcap")
"""Shelves that packs stand on singly: in racks and on pallets stand cases, which less than a pack's pixels tell."""
FIRST_SEEDS = {"val": 900_001, "test": 950_001}
"""Where the seeds of stores begin whose brands trained no network: they fit, and they check."""
DISTANCES, PIXELS_PER_METRE, LUX = (0.8, 5.0), (50.0, 1500.0), (80.0, 1500.0)
"""Metres, px/m in the middle of the picture and mean lux on the shelves: drawn evenly in their logarithms."""
AZIMUTHS, ELEVATIONS = (-65.0, 65.0), (-10.0, 65.0)
"""Of the camera as seen from the shelf, degrees."""
SIZE, PICTURE_SIDE = (1024, 768), 1920
"""A view is a window of a camera's picture of so many pixels a side, and is read at the scale that the detector reads
that picture at: px/m mean what they mean for a 1080p camera, at a quarter of the rendering."""
GOLDEN = (math.sqrt(5) - 1) / 2
"""Its multiples, less their whole parts, lie evenly between 0 and 1, however many of them are taken."""
WIDEST, NARROWEST = math.radians(80), 0.06
"""Fields of view, radians: a camera model takes none of less than 0.05."""
PEOPLED = 0.3
"""Share of the pictures that may have people and things in the aisle."""
ROOM = 5.5
"""Free metres before and beside the shelves: as far as a camera is drawn."""


@dataclass(frozen=True)
class Views:
    """How many stores and pictures are drawn of a split, and what reads them."""

    split: str
    stores: int
    pictures: int
    models: tuple[Model, ...]
    runtime: str = "onnxruntime-cpu"

    def __post_init__(self) -> None:
        if self.split not in FIRST_SEEDS or self.stores < 1 or self.pictures < 1 or not self.models:
            raise ValueError(
                f"split {self.split!r}, stores {self.stores}, pictures {self.pictures}, models {len(self.models)}; "
                f"expected {' or '.join(FIRST_SEEDS)}, and 1 or more of each"
            )

    @property
    def key(self) -> str:
        """A name for what a store's samples depend on, beside its seed. Raises InputError for missing weights."""
        weights = [weights_path(w).read_bytes() for m in self.models for w in (m.detector, m.recognizer)]
        names = repr([self.split, self.pictures, self.models, self.runtime])
        return hashlib.sha256(b"".join([names.encode(), *weights])).hexdigest()[:10]


def draw_samples(views: Views, folder: Path, workers: int = 2) -> list[Path]:
    """The Parquet files of `views.stores` stores of one of `KINDS`, the first of their split; those that `folder`
    lacks are rendered and read. Stores of other kinds leave an empty table."""
    folder.mkdir(parents=True, exist_ok=True)
    seeds, key = itertools.count(FIRST_SEEDS[views.split]), views.key
    made: list[Path] = []
    bar = tqdm(total=views.stores, desc=f"draw {views.split}", unit="store", disable=None)
    with bar, worker_pool(workers) as pool:
        while len(made) < views.stores:
            batch = [(seed, folder / f"{seed}-{key}.parquet") for seed in itertools.islice(seeds, views.stores)]
            tasks = [None if path.is_file() else pool.submit(_write_store, views, seed, path) for seed, path in batch]
            for task, (_, path) in zip(tasks, batch):
                if len(made) == views.stores:
                    if task is not None:
                        task.cancel()
                    continue
                if task is not None:
                    task.result()
                if pq.read_metadata(path).num_rows:
                    made.append(path)
                    bar.update()
    return made


def _write_store(views: Views, seed: int, path: Path) -> None:
    table = store_samples(views, seed)
    part = path.with_suffix(f".{os.getpid()}.part")
    table.to_parquet(part)
    os.replace(part, path)


def store_samples(views: Views, seed: int) -> pd.DataFrame:
    """Render the pictures of one store and read them with all models; empty for a store of another kind."""
    layout = training_layout(seed, views.split)
    if layout.store.fixtures[0].kind not in KINDS:
        return pd.DataFrame()
    layout = roomy(layout)
    alike = Lookalikes(round(seed * GOLDEN % 1, 3))
    pipelines = {model.name: pipeline_of(model, views.runtime, layout, alike) for model in views.models}
    tables = []
    with World(layout, lookalikes=alike) as world:
        for moment in range(views.pictures):
            random = rng(seed, "response", moment)
            scenario = Scenario(layout, view_conditions(random, alike), seed * 1000 + moment)
            camera = view_camera(layout, random)
            frame, truth = capture(world, scenario, camera)
            for name, pipeline in pipelines.items():
                table = samples_of(scenario, camera, truth, pipeline(frame))
                tables.append(table.assign(model=name, picture_side=PICTURE_SIDE))
    return pd.concat(tables, ignore_index=True)


def pipeline_of(model: Model, runtime: str, layout: Layout, alike: Lookalikes) -> Pipeline:
    """A pipeline that knows the store's products by studio pictures of the packs as they differ there."""
    recognizer = Recognizer(open_session(weights_path(model.recognizer), runtime))
    gallery = gallery_of(studio_pictures(list(layout.catalog), lookalikes=alike), recognizer)
    pipeline = Pipeline.load(model.detector, model.recognizer, gallery, layout, runtime, WEAKEST_EVIDENCE, reuse=False)
    pipeline.detector.size = round(pipeline.detector.size * max(SIZE) / PICTURE_SIDE)
    return pipeline


def roomy(layout: Layout) -> Layout:
    """The store with its first run of bays alone, in a room that leaves cameras as far off as they are drawn."""
    fixtures = tuple(f for f in layout.store.fixtures if not f.yaw)
    kept = {f.id for f in fixtures}
    positions = tuple(p for p in layout.planogram.positions if p.fixture in kept)
    left, right = min(f.x for f in fixtures), max(f.x + f.width for f in fixtures)
    room = Room((left - ROOM, right + ROOM), (-ROOM, layout.store.room.y[1]), layout.store.room.ceiling)
    store = replace(layout.store, room=room, fixtures=fixtures, windows=())
    return replace(layout, store=store, planogram=replace(layout.planogram, positions=positions))


def view_conditions(random: np.random.Generator, alike: Lookalikes) -> Conditions:
    """The dials of a training picture with light of its own strength, and mostly without people."""
    lux = _between(random, LUX)
    drawn = draw_conditions(random, alike)
    lighting = Lighting((lux, lux), drawn.lighting.kelvin, drawn.lighting.failed, drawn.lighting.flicker)
    crowd = drawn.crowd if random.random() < PEOPLED else Crowd()
    return replace(drawn, lighting=lighting, crowd=crowd)


def view_camera(layout: Layout, random: np.random.Generator) -> Camera:
    """A camera that looks at some point of the shelves from some distance and angle, with some pixels per metre."""
    fixtures = layout.store.fixtures
    fixture = fixtures[int(random.integers(len(fixtures)))]
    for _ in range(100):
        target = fixture.to_world([random.uniform(0, fixture.width), 0.0, random.uniform(0.2, fixture.height - 0.1)])
        distance, azimuth, elevation = (
            _between(random, DISTANCES), *(math.radians(random.uniform(*span)) for span in (AZIMUTHS, ELEVATIONS))
        )  # fmt: skip
        level = math.cos(elevation)
        off = np.array([math.sin(azimuth) * level, -math.cos(azimuth) * level, math.sin(elevation)])
        position = target + distance * off
        if layout.store.obstacle_at(tuple(position)) is None:
            break
    else:
        raise RuntimeError(f"no place for a camera in {layout.store.name}")
    foreshortened = math.sqrt(math.cos(azimuth) * level)
    view = 2 * math.atan(SIZE[0] / 2 * foreshortened / (_between(random, PIXELS_PER_METRE) * distance))
    model = CameraModel("view", *SIZE, float(np.clip(view, NARROWEST, WIDEST)), 0.0)
    return Camera("view", model, tuple(position.tolist()), tuple(target.tolist()))


def _between(random: np.random.Generator, span: tuple[float, float]) -> float:
    return math.exp(random.uniform(math.log(span[0]), math.log(span[1])))
