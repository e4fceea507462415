"""One moment of the quickstart store, seen by one camera, that every benchmark works on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.cli import load_experiment
from bench.experiment import Experiment
from scenarios import Camera, Frame, Scenario
from sim import World, capture, studio_pictures
from vision import Gallery, Recognizer, gallery_of
from vision.pipeline import weights_path
from vision.runtimes import open_session


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
