"""The calibration of a recognizer, from 1080p pictures of training stores whose brands its training left out.

    python -m bench.tuning.calibration [WEIGHTS] [STORES]

renders that many stores (14) of the splits `val` and `test` of the training brands, with one camera that looks steeply
down and one from across the aisle, draws galleries of half of their products, so that the others are unknown, and
writes WEIGHTS.json beside the weights (embed), and its figures into their card. Seeds 900001 and 950001 on; no store
that is reported is among them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from bench.stores.training import training_layout
from bench.tuning.shelf_crops import ShelfCrops, enrol, first_pictures, joined, shoot
from scenarios import Camera, CameraModel, Catalog, Conditions, Layout, Lookalikes, Product, Scenario
from sim import World
from vision import Detector, Gallery, Recognizer
from vision.confidence import Calibration, logistic
from vision.pipeline import weights_path
from vision.runtimes import open_session
from vision.training.calibration import draw_galleries, fit

FIRST_SEEDS = {"val": 900_001, "test": 950_001}
LOOKALIKES = Lookalikes(0.35)
LEAST_PIXELS_PER_METRE = 500
PICTURES = 3
"""Enrolled of each product."""
MODEL = CameraModel("wide 1080p", 1920, 1080, 1.13, 0.0)


def cameras(layout: Layout) -> list[Camera]:
    """As the rigs overhead and angled have them, in the middle of the first two bays; nearer in a narrow aisle."""
    a, b, *across = layout.store.fixtures
    x, aisle = (a.x + b.x + b.width) / 2, (-across[0].y if across else -layout.store.room.y[0]) - 0.1
    high = min(2.85, layout.store.room.ceiling - 0.05)
    return [
        Camera("overhead", MODEL, (x, -min(1.2, aisle), high), (x, 0.0, 1.08)),
        Camera("angled", MODEL, (x, -min(2.3, aisle), 2.1), (x, 0.0, 0.88)),
    ]


def gondolas(count: int) -> list[tuple[int, Layout]]:
    """The first stores of plain shelves of both splits, with their seeds."""
    found: list[tuple[int, Layout]] = []
    for split, first in FIRST_SEEDS.items():
        seed, wanted = first, len(found) + (count + (split == "val")) // 2
        while len(found) < wanted:
            layout = training_layout(seed, split)
            if layout.store.fixtures[0].kind == "gondola":
                found.append((seed, layout))
            seed += 1
    return found


def calibration(recognizer: Recognizer, detector: Detector, stores: int) -> tuple[Calibration, dict[str, float]]:
    """The curves, and figures of the fit."""
    parts: list[ShelfCrops] = []
    products: dict[str, Product] = {}
    for seed, layout in gondolas(stores):
        scenario = Scenario(layout, Conditions("calibration", lookalikes=LOOKALIKES), seed)
        with World(layout, lookalikes=LOOKALIKES) as world:
            parts.append(shoot(scenario, cameras(layout), detector, recognizer, world))
        products |= {p.sku: p for p in layout.catalog}
    everything = Catalog(tuple(products.values()))
    parts = [p.with_catalog(everything) for p in parts]
    gallery = first_pictures(enrol(list(everything), LOOKALIKES, recognizer), PICTURES)
    return fit_to(parts, gallery)


def fit_to(parts: list[ShelfCrops], gallery: Gallery) -> tuple[Calibration, dict[str, float]]:
    """Fit to crops that are large enough."""
    crops = joined(parts)
    near = crops.pixels_per_metre >= LEAST_PIXELS_PER_METRE
    everything = np.ones(len(gallery.names), bool)
    draws = draw_galleries(crops.similarities(gallery)[near], gallery.names, crops.skus[near], everything)
    made = fit(draws, gallery.network)
    unknown = logistic(made.known, draws.values[~draws.known]) < made.least_known
    figures = {
        "products": float(len(gallery.names)),
        "crops": float(near.sum()),
        "top-1 of the products in the gallery": float(draws.right[draws.known].mean()),
        "unknown products rejected at 0.95 recall, where it was fitted": float(unknown.mean()),
    }
    return made, figures


def write_figures(card: Path, stores: int, figures: dict[str, float]) -> None:
    """Put the figures at the end of the card, in place of those of an earlier calibration."""
    before = card.read_text().split("\nCalibration (")[0]
    lines = [
        f"Calibration ({card.stem}.json): made by `python -m bench.tuning.calibration {card.stem}` on one overhead and "
        f"one angled 1080p picture of each of {stores} stores of the splits val and test (training brands that the "
        f"training of these weights left out), {LEAST_PIXELS_PER_METRE} px/m and more, {PICTURES} studio pictures a "
        "product, galleries of half of the products:",
        "",
        *(f"- {name}: {value:.4g}" for name, value in figures.items()),
    ]
    card.write_text(before + "\n" + "\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", nargs="?", default="embed")
    parser.add_argument("stores", nargs="?", type=int, default=14)
    given = parser.parse_args()
    path = weights_path(given.weights)
    detector = Detector(open_session(weights_path("yolo11n")))
    made, figures = calibration(Recognizer(open_session(path)), detector, given.stores)
    written: Path = path.with_suffix(".json")
    made.save(written)
    if path.with_suffix(".md").is_file():
        write_figures(path.with_suffix(".md"), given.stores, figures)
    for name, value in figures.items():
        print(f"{name}  {value:.4g}")
    print(written)


if __name__ == "__main__":
    main()
