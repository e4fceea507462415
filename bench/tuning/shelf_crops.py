"""What the recognizer makes of products on shelves: the detector's boxes of rendered pictures, with their true SKUs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench.precision import match
from scenarios import Camera, Catalog, Layout, Lookalikes, Product, Scenario
from sim import World, capture, studio_pictures
from sim.studio import FURTHER_VIEWS, VIEWS
from sim.workers import worker_pool
from vision import Detector, Gallery, Recognizer, gallery_of
from vision.readings import PRODUCT
from vision.sizes import WEIGHT, sizes_of

LEAST_VISIBLE = 0.5
BORDER = 2
"""Pixels from the picture's edge within which a pack is taken to be cut by it, and left out."""


@dataclass(frozen=True, eq=False)
class ShelfCrops:
    """Crops of pictures: `embeddings` (N, D), the true `skus` (N,), `pixels_per_metre` (N,), `families` (N,) of
    look-alikes or "", and for every picture its store, camera and boxes, so that sizes can be compared."""

    embeddings: NDArray[np.float32]
    skus: NDArray[np.str_]
    pixels_per_metre: NDArray[np.float64]
    families: NDArray[np.str_]
    boxes: tuple[tuple[Layout, Camera, NDArray[np.float32]], ...]

    @property
    def lookalike(self) -> NDArray[np.bool_]:
        return self.families != ""

    def with_catalog(self, catalog: Catalog) -> ShelfCrops:
        """The same crops in stores that know the sizes of these products."""
        boxes = tuple((replace(layout, catalog=catalog), camera, xyxy) for layout, camera, xyxy in self.boxes)
        return replace(self, boxes=boxes)

    def similarities(self, gallery: Gallery) -> NDArray[np.float32]:
        """To the SKUs of a gallery, (N, K), less what the boxes' sizes tell against them, as in the pipeline."""
        misfits = [sizes_of(layout, camera, gallery.names).misfit(xyxy) for layout, camera, xyxy in self.boxes]
        return gallery.similarities(self.embeddings) - WEIGHT * np.concatenate(misfits)


def joined(parts: Sequence[ShelfCrops]) -> ShelfCrops:
    """The crops of all parts."""
    names = ("embeddings", "skus", "pixels_per_metre", "families")
    arrays = {name: np.concatenate([getattr(p, name) for p in parts]) for name in names}
    return ShelfCrops(**arrays, boxes=tuple(b for p in parts for b in p.boxes))


def shoot(
    scenario: Scenario, cameras: Sequence[Camera], detector: Detector, recognizer: Recognizer, world: World
) -> ShelfCrops:
    """Embed what the detector finds of a scenario's front row: the box of every unit that is half visible
    and not cut by the picture's edge."""
    layout, parts = scenario.layout, []
    for camera in cameras:
        frame, truth = capture(world, scenario, camera)
        found = detector(frame.image)
        products = found.where(found.class_id == PRODUCT)
        whole = _inside(truth.visible_box, camera)
        seen = np.flatnonzero(truth.front & whole & (truth.visible_fraction >= LEAST_VISIBLE))
        visible = truth.visible_box[seen].astype(float)
        matches = match(products.xyxy.astype(float), products.confidence.astype(float), visible, visible[:0])
        hit = matches.hit[0]  # of overlaps from 0.5
        unit, box = seen[hit[hit >= 0]], matches.boxes[hit >= 0].astype(np.float32)
        skus = truth.sku[unit].astype(str)
        ppm = camera.pixels_per_metre(layout.places.front, layout.places.yaw)[truth.place[unit]]
        families = np.array([layout.catalog[s].family or "" for s in skus], str)
        embeddings = recognizer.embed(frame.image, box)
        parts.append(ShelfCrops(embeddings, skus, ppm, families, ((layout, camera, box),)))
    return joined(parts)


def _inside(xyxy: NDArray[np.floating], camera: Camera) -> NDArray[np.bool_]:
    size = np.array([camera.model.width, camera.model.height])
    return np.asarray(((xyxy[:, :2] >= BORDER) & (xyxy[:, 2:] <= size - BORDER)).all(axis=1))


def enrol(products: Sequence[Product], lookalikes: Lookalikes, recognizer: Recognizer, workers: int = 2) -> Gallery:
    """The studio pictures of products, five each: the front first."""
    with worker_pool(workers) as pool:
        photograph = partial(studio_pictures, lookalikes=lookalikes, views=(*VIEWS, *FURTHER_VIEWS))
        parts = list(pool.map(photograph, [products[k::8] for k in range(8) if products[k::8]]))
    return gallery_of({sku: pictures for part in parts for sku, pictures in part.items()}, recognizer)


def first_pictures(gallery: Gallery, count: int) -> Gallery:
    """The gallery with the first `count` pictures of every SKU, which stand together."""
    starts = np.flatnonzero(np.append(True, gallery.skus[1:] != gallery.skus[:-1]))
    rank = np.arange(len(gallery.skus)) - np.repeat(starts, np.diff(np.append(starts, len(gallery.skus))))
    return Gallery(gallery.skus[rank < count], gallery.embeddings[rank < count], gallery.network)
