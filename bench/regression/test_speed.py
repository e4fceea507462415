"""What reading costs beside the bare networks, on one 640 px picture with 200 products.

Side by side, in pairs that change their order, in processor time on one thread: other programs on the machine stretch
that less than the clock. Threads that spin while they wait would count: the networks have one, and numpy has one with
OPENBLAS_NUM_THREADS=1, as `make bench` sets it. `-s` shows the figures.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scenarios import Camera, CameraModel, Frame, load_scenario
from sim import World, capture
from vision import Detector, Gallery, Pipeline, Recognizer
from vision.pipeline import weights_path
from vision.readings import PRODUCT
from vision.recognize import ON_CORES
from vision.runtimes import Session, open_session

CAMERA = Camera("square", CameraModel("square", 640, 640, 1.3, 0.0), (2.0, -2.0, 1.5), (2.0, 0.0, 0.95))
PAIRS = 15


class Recorder:
    """A session that keeps the batches that it is given."""

    def __init__(self, name: str) -> None:
        self.session: Session = open_session(weights_path(name), threads=1)
        self.input_shape, self.metadata = self.session.input_shape, self.session.metadata
        self.checksum, self.source = self.session.checksum, self.session.source
        self.ran_on = self.session.ran_on
        self.batches: list[NDArray[np.float32]] = []

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        self.batches.append(batch)
        return self.session.run(batch)


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def ratio(work: Callable[[], object], bare: Callable[[], object]) -> float:
    """The median over pairs of what `work` takes, in times of `bare`."""
    work(), bare()
    ratios = []
    for i in range(PAIRS):
        first, second = (work, bare) if i % 2 else (bare, work)
        took = seconds(first), seconds(second)
        ratios.append(took[0] / took[1] if i % 2 else took[1] / took[0])
    return statistics.median(ratios)


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    """Two moments of a shelf that nobody touches: what differs is the sensor's noise."""
    scenario = load_scenario("quickstart", 1)
    with World(scenario.layout) as world:
        frame, truth = capture(world, scenario, CAMERA)
    in_view = int((truth.visible_fraction > 0).sum())
    print(f"\nproducts at least half visible: {(truth.visible_fraction >= 0.5).sum()}, visible at all: {in_view}")
    noise = np.random.default_rng(0).normal(0, 2, frame.image.shape)
    again = np.clip(frame.image + noise, 0, 255).round().astype(np.uint8)
    return [frame, Frame(again, frame.camera, frame.time + 1)]


def pipeline(detector: Recorder, recognizer: Recorder, reuse: bool) -> Pipeline:
    """The whole pipeline. Its gallery has three pictures of every product; which one is named makes no difference to
    the time."""
    layout = load_scenario("quickstart", 1).layout
    skus = np.repeat([product.sku for product in layout.catalog], 3)
    embeddings = np.random.default_rng(0).normal(size=(len(skus), 128)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    gallery = Gallery(skus, embeddings, recognizer.checksum)
    return Pipeline(Detector(detector), Recognizer(recognizer), gallery, layout, reuse=reuse)


@pytest.mark.parametrize("reuse", [False, True], ids=["every crop", "unchanged crops reused"])
def test_the_whole_pipeline_costs_little_more_than_its_networks(reuse: bool, frames: list[Frame]) -> None:
    detector, recognizer = Recorder("yolo11n"), Recorder("embed")
    read = pipeline(detector, recognizer, reuse)
    reading = read(frames[0])
    (picture,), slices = list(detector.batches), list(recognizer.batches)
    crops = np.concatenate(slices)
    assert len(crops) >= 200
    assert len(slices) == -(-len(crops) // ON_CORES)

    def bare(batches: Sequence[NDArray[np.float32]]) -> Callable[[], None]:
        def run() -> None:
            detector.session.run(picture)
            for batch in batches:
                recognizer.session.run(batch)

        return run

    turns = iter(range(1000))
    took, of_one = (ratio(lambda: read(frames[next(turns) % 2]), bare(some)) for some in (slices, [crops]))
    products = (reading.detections.class_id == PRODUCT).sum()
    print(f"{products} products, {len(crops)} crops: pipeline ÷ (detector + recognizer) = {took:.3f}")
    print(f"… ÷ the same with all crops in one batch = {of_one:.3f}")
    assert took <= (1.0 if reuse else 1.25)


def test_detection_is_faster_than_ultralytics_with_the_same_network(
    frames: list[Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    ultralytics = pytest.importorskip("ultralytics", reason="ultralytics is not installed (extra: train)")
    onnxruntime = pytest.importorskip("onnxruntime")
    whole = onnxruntime.InferenceSession

    def on_one_thread(source: str, options: Any = None, **others: Any) -> Any:
        options = options or onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        return whole(source, options, **others)

    monkeypatch.setattr(onnxruntime, "InferenceSession", on_one_thread)  # ultralytics takes a thread for every core
    path = weights_path("yolo11n")
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    model = ultralytics.YOLO(str(path), task="detect")
    image = np.ascontiguousarray(frames[0].image[..., ::-1])
    options = {"imgsz": 640, "conf": 0.25, "iou": 0.6, "max_det": 1000, "device": "cpu", "verbose": False}
    theirs = model.predict(image, **options)[0].boxes.xyxy.cpu().numpy()
    detector = Detector(open_session(path, threads=1))
    ours = detector(frames[0].image)
    assert abs(len(ours) - len(theirs)) <= 0.05 * len(theirs)
    by_us = ratio(lambda: detector(frames[0].image), lambda: model.predict(image, **options))
    print(f"{len(ours)} and {len(theirs)} boxes: detector ÷ ultralytics' predict = {by_us:.3f}")
    assert by_us < 1
