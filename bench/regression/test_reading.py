"""How long reading a picture takes: each network, and the whole pipeline."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from scenarios import Frame, Scenario
from vision import Detector, Gallery, Pipeline, Recognizer
from vision.pipeline import weights_path
from vision.readings import PRODUCT
from vision.runtimes import open_session

DETECTORS = ("yolo11n", "yolo26n")


@pytest.mark.parametrize("name", DETECTORS)
def test_detector(benchmark: BenchmarkFixture, name: str, frame: Frame) -> None:
    detector = Detector(open_session(weights_path(name)))
    found = benchmark.pedantic(detector, (frame.image,), rounds=15, warmup_rounds=2)
    assert (found.class_id == PRODUCT).sum() > 50


def test_recognizer_of_100_crops(benchmark: BenchmarkFixture, frame: Frame, recognizer: Recognizer) -> None:
    found = Detector(open_session(weights_path("yolo11n")), score=0.05)(frame.image)
    boxes = found.xyxy[found.class_id == PRODUCT]
    boxes = boxes[[i % len(boxes) for i in range(100)]]
    embeddings = benchmark.pedantic(recognizer.embed, (frame.image, boxes), rounds=15, warmup_rounds=2)
    assert len(embeddings) == 100


@pytest.mark.parametrize("name", DETECTORS)
def test_pipeline(benchmark: BenchmarkFixture, name: str, frame: Frame, scenario: Scenario, gallery: Gallery) -> None:
    pipeline = Pipeline.load(name, "embed", gallery, scenario.layout)
    reading = benchmark.pedantic(pipeline, (frame,), rounds=15, warmup_rounds=2)
    exact = {position.id for position, state in zip(scenario.layout.planogram.positions, reading.states)
             if state.facings == position.facings}  # fmt: skip
    assert len(exact) > 20
