"""Average precision equals pycocotools' on the same detections: ignore regions, crowded boxes, ties, empty pictures."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from bench.precision import MAX_DETECTIONS, Floats, PrecisionSamples, match

Picture = tuple[Floats, Floats, Floats, Floats]
"""Boxes found (N, 4), their scores (N,), objects (G, 4) and ignore regions (I, 4)."""


def theirs(classes: Sequence[Sequence[Picture]]) -> Floats:
    """pycocotools' AP of each class (C, 10) at the ten thresholds; `classes` holds every class's pictures."""
    annotations, found = [], []
    for category, pictures in enumerate(classes, start=1):
        for image, (boxes, scores, objects, ignored) in enumerate(pictures, start=1):
            for crowd, some in enumerate((objects, ignored)):
                for x0, y0, x1, y1 in some.tolist():
                    area = (x1 - x0) * (y1 - y0)
                    box = [x0, y0, x1 - x0, y1 - y0]
                    row = {"id": len(annotations) + 1, "image_id": image, "category_id": category}
                    annotations.append(row | {"bbox": box, "area": area, "iscrowd": crowd})
            for (x0, y0, x1, y1), score in zip(boxes.tolist(), scores.tolist()):
                box = [x0, y0, x1 - x0, y1 - y0]
                found.append({"image_id": image, "category_id": category, "score": score, "bbox": box})
    images = [{"id": i, "width": 1000, "height": 1000} for i in range(1, len(classes[0]) + 1)]
    categories = [{"id": c, "name": str(c)} for c in range(1, len(classes) + 1)]
    truth = COCO()
    truth.dataset = {"images": images, "annotations": annotations, "categories": categories}
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        detections = COCO()
        detections.dataset = {**truth.dataset, "annotations": []}
        detections.createIndex()
        run = COCOeval(truth, truth.loadRes(found) if found else detections, "bbox")
        run.params.maxDets = [1, 100, MAX_DETECTIONS]
        run.params.areaRng, run.params.areaRngLbl = [[0, 1e10]], ["all"]
        run.evaluate()
        run.accumulate()
    return np.asarray(run.eval["precision"][:, :, :, 0, -1].mean(axis=1).T)


def ours(pictures: Sequence[Picture]) -> tuple[Floats, tuple[float, float]]:
    """AP at the ten thresholds as resamples have it, and AP50 and AP as they are reported."""
    samples = PrecisionSamples([match(*p) for p in pictures], np.arange(len(pictures)), len(pictures))
    return samples.average_precision(np.ones(len(pictures))), samples.reference()


def check(classes: Sequence[Sequence[Picture]]) -> None:
    for pictures, expected in zip(classes, theirs(classes)):
        got, reported = ours(pictures)
        if expected[0] == -1:  # pycocotools' word for nothing to find
            assert np.isnan(got).all()
            assert np.isnan(reported).all()
        else:
            np.testing.assert_allclose(got, expected, atol=1e-6)
            assert reported == pytest.approx((expected[0], expected.mean()), abs=1e-6)


def shelf(seed: int, objects: int = 60, found: int = 90) -> Picture:
    """Crowded rows: boxes displaced, doubled and missed; a fifth of them to be ignored, scores in tenths."""
    random = np.random.default_rng(seed)
    left, width = random.uniform(0, 900, objects), random.uniform(15, 60, objects)
    top = random.choice([0.0, 120.0, 240.0], objects)
    truth = np.stack([left, top, left + width, top + random.uniform(40, 110, objects)], axis=1)
    boxes = truth[random.integers(objects, size=found)] + random.normal(0, 3, (found, 4))
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
    ignored = random.random(objects) < 0.2
    return boxes, random.integers(1, 10, found) / 10, truth[~ignored], truth[ignored]


EMPTY: Picture = (np.empty((0, 4)), np.empty(0), np.empty((0, 4)), np.empty((0, 4)))


@pytest.mark.parametrize("seed", range(4))
def test_crowded_shelves_with_ties_and_ignore_regions(seed: int) -> None:
    check([[shelf(10 * seed + i) for i in range(5)]])


def test_each_class_by_itself() -> None:
    check([[shelf(1), shelf(2), EMPTY], [shelf(3, 8, 30), EMPTY, shelf(4)], [EMPTY, EMPTY, shelf(5, 5, 2)]])


@pytest.mark.parametrize("kind", ["nothing at all", "nothing found", "nothing there", "an empty one among others"])
def test_empty_pictures(kind: str) -> None:
    boxes, scores, objects, ignored = shelf(6)
    found: Picture = (boxes, scores, EMPTY[2], ignored)
    there: Picture = (EMPTY[0], EMPTY[1], objects, ignored)
    cases = {
        "nothing at all": [EMPTY, EMPTY],
        "nothing found": [there, EMPTY],
        "nothing there": [found, EMPTY],
        "an empty one among others": [EMPTY, shelf(7), found, there],
    }
    check([cases[kind]])


def _boxes(most: int) -> st.SearchStrategy[Floats]:
    """Whole numbers, close together: overlaps are equal often, and exactly at a threshold."""
    sides = st.integers(0, most).flatmap(lambda n: arrays(np.int64, (n, 4), elements=st.integers(0, 12)))
    return sides.map(lambda a: np.concatenate([a[:, :2], a[:, :2] + 1 + a[:, 2:]], axis=1).astype(float))


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    boxes = draw(_boxes(8))
    scores = np.array(draw(st.lists(st.integers(1, 4), min_size=len(boxes), max_size=len(boxes))), float) / 4
    return boxes, scores, draw(_boxes(6)), draw(_boxes(3))


@settings(max_examples=60, deadline=None)
@given(st.lists(pictures(), min_size=1, max_size=3))
def test_any_detections(some: list[Picture]) -> None:
    check([some])
