"""How well products are named, by the recognizer alone: the detector's boxes of 1080p pictures of a store whose
products, brands and artwork training never saw, by studio pictures of the products that stand there.

    python -m bench.tuning.recognition [SCENARIO] [WEIGHTS] [--seeds N] [--cameras N] [--distance D]

prints, of boxes at 600 pixels a metre and more: the share with the right name by one, three and five pictures a
product, outside (top1) and inside of look-alike families at the given distance (0 the same artwork, 1 unrelated
artwork); of products that are not in the gallery (half of the SKUs, drawn ten times) the share that is called unknown
where 95 of 100 known ones are named, at a threshold chosen for that, and at the shipped one; the same apart for those
with a look-alike in the gallery; and the milliseconds that naming takes a crop among 5,000 SKUs of three pictures each.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.tuning.shelf_crops import ShelfCrops, enrol, first_pictures, joined, shoot
from scenarios import Camera, CameraModel, Layout, Lookalikes, load_scenario
from sim import World
from vision import Detector, Gallery, Recognizer
from vision.confidence import Calibration, features, logistic
from vision.pipeline import weights_path
from vision.recognize import nearest
from vision.runtimes import open_session

FIRST_SEED = 500_000
RECALL = 0.95
PIXELS_PER_METRE = 600
DRAWS = 10
INDEX = (5000, 3)
"""SKUs and pictures each of the gallery whose search is timed."""


def opposite(layout: Layout, count: int) -> list[Camera]:
    """Cameras of 1080p two metres off the shelf, opposite up to `count` of the fixtures in rows: 750 px/m there."""
    model = CameraModel("opposite", 1920, 1080, 1.13, 0.0)
    cameras, fixtures = [], [f for f in layout.store.fixtures if f.kind != "endcap"]
    for fixture in fixtures[:: -(-len(fixtures) // count)]:
        x = fixture.width / 2
        place, target = fixture.to_world([[x, -2.0, 1.5], [x, 0.0, 1.0]]).tolist()
        cameras.append(Camera(fixture.id, model, tuple(place), tuple(target)))
    return cameras


def top1(crops: ShelfCrops, gallery: Gallery) -> NDArray[np.bool_]:
    """Whether the nearest SKU of each crop (N,) is its own."""
    return gallery.names[crops.similarities(gallery).argmax(axis=1)] == crops.skus


def open_set(
    crops: ShelfCrops, gallery: Gallery, calibration: Calibration, chosen: NDArray[np.bool_]
) -> dict[str, float]:
    """Draw galleries of half of the SKUs and look at the `chosen` crops of both halves: the mean of `DRAWS` draws.

    `auroc` ranks known over unknown; `calibration_error` is the expected one of the chance that a product is known, in
    ten bins, known and unknown weighing alike.
    """
    similarities, random, rows = crops.similarities(gallery)[chosen], np.random.default_rng(0), []
    skus, families = crops.skus[chosen], crops.families[chosen]
    for _ in range(DRAWS):
        half = np.sort(random.permutation(len(gallery.names))[: len(gallery.names) // 2])
        known = np.isin(skus, gallery.names[half])
        chance = logistic(calibration.known, features(similarities[:, half]))
        twin = (families != "") & np.isin(families, families[known])
        least = np.quantile(chance[known], 1 - RECALL)
        rows.append(
            {
                "unknown_rejected": (chance[~known] < least).mean(),
                "unknown_rejected_no_lookalike": (chance[~known & ~twin] < least).mean(),
                "unknown_rejected_lookalike": (chance[~known & twin] < least).mean(),
                "unknown_rejected_as_shipped": (chance[~known] < calibration.least_known).mean(),
                "known_named_as_shipped": (chance[known] >= calibration.least_known).mean(),
                "auroc": auroc(chance[known], chance[~known]),
                "calibration_error": calibration_error(chance, known),
            }
        )
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def auroc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """The chance that a positive ranks above a negative; ties count half (Mann and Whitney 1947)."""
    below = np.searchsorted(np.sort(negative), positive, "left") + np.searchsorted(np.sort(negative), positive, "right")
    return float(below.mean() / 2 / len(negative))


def calibration_error(chance: NDArray[np.float64], true: NDArray[np.bool_], bins: int = 10) -> float:
    """The expected calibration error of chances (N,), with both outcomes weighing alike."""
    weight = np.where(true, 0.5 / max(true.sum(), 1), 0.5 / max((~true).sum(), 1))
    index = np.minimum((chance * bins).astype(int), bins - 1)
    return float(np.abs(np.bincount(index, weight * (true - chance), bins)).sum())


def index_milliseconds(embeddings: NDArray[np.float32]) -> float:
    """Processor milliseconds that naming one of these crops (N, D) takes in a gallery of `INDEX` random pictures."""
    skus, pictures = INDEX
    vectors = np.random.default_rng(0).normal(size=(skus * pictures, embeddings.shape[1])).astype(np.float32)
    gallery = Gallery(np.repeat([f"sku-{i:05d}" for i in range(skus)], pictures), vectors, "random")
    nearest(gallery, gallery.similarities(embeddings))
    start = time.process_time()
    nearest(gallery, gallery.similarities(embeddings))
    return (time.process_time() - start) * 1000 / len(embeddings)


def measure(name: str, weights: str, seeds: int, cameras: int, distance: float) -> dict[str, Any]:
    """Everything that is asked, of one named scenario: see the module."""
    path = weights_path(weights)
    recognizer, detector = Recognizer(open_session(path)), Detector(open_session(weights_path("yolo11n")))
    calibration = Calibration.of(path, recognizer.session.checksum)
    base = load_scenario(name)
    scenario = replace(base, conditions=replace(base.conditions, lookalikes=Lookalikes(distance)))
    views = opposite(scenario.layout, cameras)
    with World(scenario.layout, lookalikes=scenario.conditions.lookalikes) as world:
        moments = (scenario.draw(FIRST_SEED + i, 0) for i in range(seeds))
        crops = joined([shoot(moment, views, detector, recognizer, world) for moment in moments])
    products = [p for p in scenario.layout.catalog if p.sku in set(crops.skus)]
    gallery = enrol(products, scenario.conditions.lookalikes, recognizer)
    near, alike = crops.pixels_per_metre >= PIXELS_PER_METRE, crops.lookalike
    rows: dict[str, Any] = {
        "enrolled": len(gallery.names),
        "crops": int(near.sum()),
        "of look-alikes": int((near & alike).sum()),
    }
    for count in (1, 3, 5):
        right = top1(crops, first_pictures(gallery, count))
        rows[f"top1_{count}"] = float(right[near & ~alike].mean())
        rows[f"top1_lookalike_{count}"] = float(right[near & alike].mean())
    rows |= open_set(crops, first_pictures(gallery, 3), calibration, near)
    return rows | {"index_ms": index_milliseconds(crops.embeddings[:200])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", nargs="?", default="supermarket_aisle", help="a named scenario or a folder")
    parser.add_argument("weights", nargs="?", default="embed", help="a shipped recognizer or a file")
    parser.add_argument("--seeds", type=int, default=1, help="moments of the store that are looked at")
    parser.add_argument("--cameras", type=int, default=7, help="fixtures that a camera stands opposite")
    parser.add_argument("--distance", type=float, default=0.2, help="of look-alikes")
    given = parser.parse_args()
    for key, value in measure(given.scenario, given.weights, given.seeds, given.cameras, given.distance).items():
        print(f"{key:30s} {value:.3f}" if isinstance(value, float) else f"{key:30s} {value}")


if __name__ == "__main__":
    main()
