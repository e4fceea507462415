"""What benchmarks work on: one moment of the quickstart store, and the gate's pictures on their fixed seeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.cli import load_experiment
from bench.experiment import Experiment
from bench.gate.command import GatePlan
from bench.gate.scenes import Scenes, make_scenes
from bench.regression.measurement import this_device
from bench.studies.pictures import PictureCache
from scenarios import Camera, Frame, Scenario
from sim import World, capture, studio_pictures
from vision import Gallery, Recognizer, gallery_of
from vision.pipeline import weights_path
from vision.runtimes import open_session
from vision.runtimes.session import RanOn


@pytest.fixture(scope="session")
def experiment() -> Experiment:
    return load_experiment(["experiment=quickstart"])[0]


@pytest.fixture(scope="session")
def scenario(experiment: Experiment) -> Scenario:
    return experiment.draw()[1]  # the first with shoppers


@pytest.fixture(scope="session")
def camera(experiment: Experiment) -> Camera:
    return next(rig for rig in experiment.rigs if rig.name == "angled").cameras[0]


@pytest.fixture(scope="session")
def world(scenario: Scenario) -> Iterator[World]:
    with World(scenario.layout) as world:
        yield world


@pytest.fixture(scope="session")
def frame(world: World, scenario: Scenario, camera: Camera) -> Frame:
    return capture(world, scenario, camera)[0]


@pytest.fixture(scope="session")
def recognizer() -> Recognizer:
    return Recognizer(open_session(weights_path("embed")))


@pytest.fixture(scope="session")
def gallery(scenario: Scenario, recognizer: Recognizer) -> Gallery:
    return gallery_of(studio_pictures(list(scenario.layout.catalog)), recognizer)


Told = Callable[[RanOn, dict[str, float]], None]
"""Says beside a benchmark what it ran on and what was right."""
NO_NETWORK = RanOn("", "fp32", "")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--runtime", default="onnxruntime-cpu", help="runtime of the benchmarks that read pictures")


@pytest.fixture(scope="session")
def runtime(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--runtime"))


@pytest.fixture(scope="session")
def scenes() -> Scenes:
    """The gate's pictures: small, on fixed seeds, rendered once."""
    plan = GatePlan("")
    return make_scenes(plan.first_seed, plan.scenarios, PictureCache(Path(plan.outputs) / "pictures", 20 * 10**9))


@pytest.fixture(scope="session")
def small_world(scenes: Scenes) -> Iterator[World]:
    with World(scenes.layout, lookalikes=scenes.scenarios[0].conditions.lookalikes) as world:
        yield world


@pytest.fixture(scope="session")
def small_gallery(scenes: Scenes, runtime: str) -> Gallery:
    studio: dict[str, list] = {}
    with np.load(scenes.studio) as pictures:
        for name in pictures.files:
            studio.setdefault(name.rsplit("\n", 1)[0], []).append(pictures[name])
    return gallery_of(studio, Recognizer(open_session(weights_path("embed"), runtime, threads=1)))


@pytest.fixture
def told(benchmark: BenchmarkFixture, scenes: Scenes, runtime: str) -> Told:
    def tell(ran_on: RanOn, accuracy: dict[str, float]) -> None:
        # One class a file: these figures stand beside those of the runtime that was asked for.
        device = this_device(runtime, "fp32" if ran_on is NO_NETWORK else ran_on.precision)
        timer = benchmark._timer.__name__  # of `--benchmark-timer`
        frames = f"{scenes.name}, threads 1, {timer}"
        benchmark.extra_info |= {"device": dataclasses.asdict(device), "frames": frames, "accuracy": accuracy}

    return tell
