"""How long reading a picture takes, stage by stage and whole, and beside it what was read right on fixed seeds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from bench.gate.accuracy import METRICS, score
from bench.gate.scenes import Scenes
from bench.regression.conftest import Told
from bench.scoring import HALF
from vision import Detector, Gallery, Pipeline, Recognizer, audit, fuse
from vision.pipeline import weights_path
from vision.recognize import ON_CORES, nearest
from vision.runtimes import Session, open_session

DETECTORS = ("yolo11n", "yolo26n")
TIMED = {"rounds": 30, "warmup_rounds": 3}
SHOPPER = 2
"""A picture of the second scenario, the first with somebody before the shelf."""


class Replay:
    """A session that answers at once what it answered to the same batch before."""

    def __init__(self, session: Session) -> None:
        self.session, self.known = session, {}  # type: ignore[var-annotated]
        self.input_shape, self.metadata, self.ran_on = session.input_shape, session.metadata, session.ran_on
        self.checksum, self.source = session.checksum, session.source

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        key = (batch.shape, float(batch.ravel()[::97].sum()))
        if key not in self.known:
            self.known[key] = self.session.run(batch)
        return self.known[key]


def shares(scenes: Scenes, pipeline: Pipeline) -> dict[str, float]:
    """What a pipeline reads right in all pictures."""
    readings = [pipeline(frame) for frame in scenes.frames]
    groups = [scenes.pictures_of(i) for i in range(len(scenes.scenarios))]
    places = [[r.places for i in group if (r := readings[i]).places is not None] for group in groups]
    said = [[(s.level, s.facings) for s in audit(scenes.layout, fuse(seen))] for seen in places]
    found = [
        {"xyxy": r.detections.xyxy, "confidence": r.detections.confidence, "class_id": r.detections.class_id}
        for r in readings
    ]
    counts = score(scenes, found, said)
    return {METRICS[m]: round(float(c[:, 0].sum() / c[:, 1].sum()), 4) for m, c in counts.items()}


@pytest.mark.parametrize("name", DETECTORS)
def test_detector(benchmark: BenchmarkFixture, name: str, scenes: Scenes, runtime: str, told: Told) -> None:
    session = open_session(weights_path(name), runtime, threads=1)
    benchmark.pedantic(Detector(session), (scenes.images[SHOPPER],), **TIMED)
    recall = shares(scenes, Pipeline(Detector(session), layout=scenes.layout))[METRICS["detection_recall"]]
    told(session.ran_on, {METRICS["detection_recall"]: recall})
    assert recall > 0.8


def test_recognizer_of_100_crops(
    benchmark: BenchmarkFixture, scenes: Scenes, small_gallery: Gallery, runtime: str, told: Told
) -> None:
    recognizer = Recognizer(open_session(weights_path("embed"), runtime, threads=1))
    boxes = [t.visible_box[t.visible_fraction >= HALF].astype(np.float32) for t in scenes.truths]
    hundred = np.array(list(itertools.islice(itertools.cycle(boxes[SHOPPER]), 100)))
    benchmark.pedantic(recognizer.embed, (scenes.images[SHOPPER], hundred), **TIMED)
    right, there = 0, 0
    for image, box, truth in zip(scenes.images, boxes, scenes.truths):
        skus, *_ = nearest(small_gallery, small_gallery.similarities(recognizer.embed(image, box)))
        right, there = right + int((skus == truth.sku[truth.visible_fraction >= HALF]).sum()), there + len(box)
    told(recognizer.session.ran_on, {"named right": round(right / there, 4)})
    assert right / there > 0.5


@pytest.mark.parametrize("name", DETECTORS)
def test_pipeline(
    benchmark: BenchmarkFixture, name: str, scenes: Scenes, small_gallery: Gallery, runtime: str, told: Told
) -> None:
    pipeline = Pipeline.load(name, "embed", small_gallery, scenes.layout, runtime, reuse=False, threads=1)
    benchmark.pedantic(pipeline, (scenes.frames[SHOPPER],), **TIMED)
    read = shares(scenes, pipeline)
    told(pipeline.detector.session.ran_on, read)
    assert min(read.values()) > 0.6


def test_pipeline_without_its_networks(
    benchmark: BenchmarkFixture, scenes: Scenes, small_gallery: Gallery, runtime: str, told: Told
) -> None:
    """Registration, counting and all else: the networks' answers are played back."""
    detector, recognizer = (Replay(open_session(weights_path(n), runtime, threads=1)) for n in ("yolo11n", "embed"))
    pipeline = Pipeline(Detector(detector), Recognizer(recognizer), small_gallery, scenes.layout, reuse=False)
    benchmark.pedantic(pipeline, (scenes.frames[SHOPPER],), **TIMED)
    crops = sum(len(answer) for answer in recognizer.known.values())
    assert (len(detector.known), len(recognizer.known)) == (1, -(-crops // ON_CORES))
    told(detector.ran_on, shares(scenes, pipeline))
