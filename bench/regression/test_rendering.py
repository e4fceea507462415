"""How long a picture with its truth takes, and beside it how much of the shelf the truth says is seen."""

from __future__ import annotations

import numpy as np
from pytest_benchmark.fixture import BenchmarkFixture

from bench.gate.scenes import CAMERAS, Scenes
from bench.regression.conftest import NO_NETWORK, Told
from bench.scoring import HALF
from sim import World, capture, studio_pictures


def test_picture_and_truth(benchmark: BenchmarkFixture, scenes: Scenes, small_world: World, told: Told) -> None:
    scenario = scenes.scenarios[1]
    frame, truth = benchmark.pedantic(
        capture, (small_world, scenario, CAMERAS[0]), rounds=15, warmup_rounds=1
    )  # the same again: what a camera more costs
    assert np.array_equal(frame.image, scenes.images[scenes.pictures_of(1)[0]])
    told(NO_NETWORK, {"seen": round(float((truth.visible_fraction >= HALF).mean()), 4)})


def test_four_scenarios_in_the_same_world(
    benchmark: BenchmarkFixture, scenes: Scenes, small_world: World, told: Told
) -> None:
    """Bodies are moved, and what changed is rendered again: the same four each time, since scenarios differ."""

    def four() -> list[float]:
        truths = [capture(small_world, s, CAMERAS[0])[1] for s in scenes.scenarios[:4]]
        return [float((t.visible_fraction >= HALF).mean()) for t in truths]

    seen = benchmark.pedantic(four, rounds=7, warmup_rounds=1)
    told(NO_NETWORK, {"seen": round(float(np.mean(seen)), 4)})


def test_studio_pictures_of_five_products(benchmark: BenchmarkFixture, scenes: Scenes, told: Told) -> None:
    products = list(scenes.layout.catalog)[:5]
    pictures = benchmark.pedantic(studio_pictures, (products,), rounds=7, warmup_rounds=1)
    whole = [view.size > 0 for views in pictures.values() for view in views]
    told(NO_NETWORK, {"views": sum(whole) / (3 * len(products))})
    assert all(whole)
