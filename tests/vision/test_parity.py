"""The same frames through every runtime give the same readings.

OpenCV's own engine, which every device has and which shares no code with ONNX Runtime, is read through as well, so that
there are two wherever this runs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from scenarios import Frame, Mess
from tests.layouts import front_camera, small_scenario
from tests.vision.shipped import DETECTORS, RECOGNIZERS
from vision import Detections, Detector, Gallery, Pipeline, Reading, Recognizer, gallery_of
from vision.pipeline import weights_path
from vision.runtimes import RUNTIMES, RanOn, Session, available_runtimes, open_session

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra: cpu)")

PAIRS = [*((name, "embed") for name in DETECTORS), *(("yolo11n", name) for name in RECOGNIZERS if name != "embed")]
BOX, SCORE, COSINE = 0.1, 2e-3, 2e-3
"""By how much boxes (pixels), scores and cosines may differ. OpenCV's differed by 6e-5, 5e-7 and 2e-7 when written;
the rest is for GPUs, which multiply with fewer digits. One within SCORE of the threshold may be there or not."""


class OpenCvSession:
    """A network on OpenCV's engine."""

    def __init__(self, path: Path) -> None:
        known = open_session(path)
        self.input_shape, self.metadata, self.checksum = known.input_shape, known.metadata, known.checksum
        self.source, self.ran_on = str(path), RanOn("opencv", "fp32", f"opencv {cv2.__version__}")
        self._network = cv2.dnn.readNetFromONNX(str(path))

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        self._network.setInput(batch)
        return self._network.forward()


def opened_by(runtime: str) -> Callable[[Path], Session]:
    if runtime == "opencv":
        return OpenCvSession
    if runtime not in available_runtimes():
        pytest.skip(f"{runtime} is not on this machine")
    return lambda path: open_session(path, runtime)


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    """A tidy shelf and one in disorder."""
    pytest.importorskip("pybullet", reason="pybullet is not installed (extra: sim)")
    from sim import World, capture

    tidy, messy = small_scenario(1), small_scenario(2, Mess(out=0.3, misplaced=0.3))
    scenes = [tidy, dataclasses.replace(messy, layout=tidy.layout)]
    with World(scenes[0].layout) as world:
        return [capture(world, scene, front_camera())[0] for scene in scenes]


@pytest.fixture(scope="module")
def galleries(frames: list[Frame]) -> dict[str, Gallery]:
    from sim import studio_pictures

    pictures = studio_pictures(list(small_scenario().layout.catalog))
    return {name: gallery_of(pictures, Recognizer(open_session(weights_path(name)))) for name in RECOGNIZERS}


def readings(detector: str, recognizer: str, runtime: str, gallery: Gallery, frames: list[Frame]) -> list[Reading]:
    opened = opened_by(runtime)
    found, named = Detector(opened(weights_path(detector))), Recognizer(opened(weights_path(recognizer)))
    pipeline = Pipeline(found, named, gallery, small_scenario().layout)
    return [pipeline(frame) for frame in frames]


def assert_found_again(some: Detections, others: Detections, threshold: float) -> None:
    """Every surely found thing is among the others, with its box, score, SKU and cosine."""
    for i in np.flatnonzero(some.confidence > threshold + SCORE):
        near = np.abs(others.xyxy - some.xyxy[i]).max(axis=1) <= BOX
        near &= (np.abs(others.confidence - some.confidence[i]) <= SCORE) & (others.class_id == some.class_id[i])
        near &= np.abs(others.similarity - some.similarity[i]) <= COSINE
        assert (others.sku[near] == some.sku[i]).any(), (some.xyxy[i], some.confidence[i], some.sku[i])


@pytest.mark.parametrize(("detector", "recognizer"), PAIRS)
@pytest.mark.parametrize("runtime", [*(name for name in RUNTIMES if name != "onnxruntime-cpu"), "opencv"])
def test_every_runtime_reads_the_same(
    runtime: str, detector: str, recognizer: str, frames: list[Frame], galleries: dict[str, Gallery]
) -> None:
    reference, others = (
        readings(detector, recognizer, name, galleries[recognizer], frames) for name in ("onnxruntime-cpu", runtime)
    )
    for one, other in zip(reference, others):
        assert len(one.detections) >= 15
        assert_found_again(one.detections, other.detections, 0.25)
        assert_found_again(other.detections, one.detections, 0.25)
        said = [[(s.level, s.facings, s.units, s.intruder) for s in reading.states] for reading in (one, other)]
        assert said[0] == said[1]
        confidence = [np.array([s.confidence for s in reading.states]) for reading in (one, other)]
        np.testing.assert_allclose(*confidence, atol=0.01)
