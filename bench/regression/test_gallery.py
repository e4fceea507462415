"""What naming a crop costs beside its embedding: a gallery of 5,000 SKUs, and crops that have not changed."""

from __future__ import annotations

import statistics
import time

import numpy as np
import pytest

from scenarios import Frame
from vision import Detector, Gallery, Recognizer
from vision.pipeline import weights_path
from vision.readings import PRODUCT, Reading
from vision.recognize import nearest
from vision.runtimes import open_session
from vision.unchanged import Unchanged

SKUS, PICTURES, DIMENSIONS = 5000, 3, 128


@pytest.mark.parametrize("crops", [50, 200])
def test_five_thousand_skus_are_searched_in_less_than_a_millisecond_a_crop(crops: int) -> None:
    vectors = np.random.default_rng(0).normal(size=(SKUS * PICTURES, DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    gallery = Gallery(np.repeat([f"sku-{i:04d}" for i in range(SKUS)], PICTURES), vectors, "fake")
    nearest(gallery, gallery.similarities(vectors[:crops]))
    took = []
    for _ in range(9):
        start = time.process_time()
        skus, *_ = nearest(gallery, gallery.similarities(vectors[: crops * PICTURES : PICTURES]))
        took.append((time.process_time() - start) * 1000 / crops)
    print(f"{crops} crops: {statistics.median(took):.3f} ms of processor a crop")
    assert skus[1] == "sku-0001"
    assert statistics.median(took) < 1


def test_unchanged_crops_cost_a_fraction(frame: Frame, recognizer: Recognizer) -> None:
    """The same shelf with other noise: how many crops are embedded again, and what that takes."""
    found = Detector(open_session(weights_path("yolo11n")), score=0.05)(frame.image)
    boxes, random = found.xyxy[found.class_id == PRODUCT], np.random.default_rng(0)
    unchanged, took = Unchanged(recognizer), []
    for n in range(4):
        image = np.clip(frame.image + random.normal(0, 2, frame.image.shape), 0, 255).astype(np.uint8)
        start = time.process_time()
        unchanged.look(Frame(image, None, float(n)))
        unchanged.embed(image, boxes)
        unchanged.keep(Reading(None, float(n), image.shape[1::-1], found))
        took.append((time.process_time() - start) * 1000)
    print(f"{len(boxes)} crops: first {took[0]:.0f} ms of processor, unchanged {statistics.median(took[1:]):.0f} ms")
    assert statistics.median(took[1:]) < 0.3 * took[0]
