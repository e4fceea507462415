"""How long a picture with its truth takes."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from scenarios import Camera, Scenario
from sim import World, capture, studio_pictures


def test_picture_and_truth(benchmark: BenchmarkFixture, world: World, scenario: Scenario, camera: Camera) -> None:
    frame, truth = benchmark.pedantic(capture, (world, scenario, camera), rounds=5, warmup_rounds=1)
    assert frame.image.shape == (camera.model.height, camera.model.width, 3)
    assert (truth.visible_fraction >= 0.5).sum() > 50


def test_another_scenario_in_the_same_world(
    benchmark: BenchmarkFixture, world: World, scenario: Scenario, camera: Camera
) -> None:
    """Bodies are moved and what changed is rendered again."""
    seeds = iter(range(scenario.seed + 1, scenario.seed + 100))

    def another() -> None:
        capture(world, scenario.draw(next(seeds), 2), camera)

    benchmark.pedantic(another, rounds=4, warmup_rounds=1)


def test_studio_pictures_of_ten_products(benchmark: BenchmarkFixture, scenario: Scenario) -> None:
    pictures = benchmark.pedantic(studio_pictures, (list(scenario.layout.catalog)[:10],), rounds=3)
    assert all(len(views) == 3 for views in pictures.values())
