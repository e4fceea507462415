"""Slicing on a field of boxes that a network without mistakes would find: nothing is doubled, nothing lost."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vision.fakes import FakeSession
from vision import Detector
from vision.slicing import OVERLAP, tiles


def field(width: int, height: int, sizes: list[int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture of boxes side by side, each in a colour of its own, and the boxes (N, 4)."""
    random = np.random.default_rng(seed)
    image = np.zeros((height, width, 3), np.uint8)
    boxes, y = [], 0
    while y < height:
        x, row = 0, int(random.choice(sizes))
        while x < width:
            wide = int(random.choice(sizes))
            box = (x, y, min(x + wide, width), min(y + row, height))
            number = len(boxes) + 1
            if min(box[2] - box[0], box[3] - box[1]) >= 15:  # of a sliver, pixels of jitter are a large part
                image[box[1] : box[3], box[0] : box[2]] = (number & 255, number >> 8, 255)
                boxes.append(box)
            x += wide + int(random.integers(0, 3))
        y += row + 2
    return image, np.array(boxes, float)


def seeing_session(jitter: float = 0.0) -> FakeSession:
    """A detector that finds every patch of one colour of its input, and of what its input cuts the part in it.

    `jitter` moves the sides by so many pixels, another way each time."""
    random = np.random.default_rng(0)

    def answer(batch: np.ndarray) -> np.ndarray:
        red, green, blue = np.round(batch[0] * 255).astype(int)
        number = np.where(blue == 255, red + 256 * green, 0)
        found = []
        for n in np.unique(number[number > 0]):
            rows, columns = np.nonzero(number == n)
            found.append((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
        xyxy = np.array(found, float).reshape(-1, 4) + random.uniform(-jitter, jitter, (len(found), 4))
        raw = np.zeros((1, 8, len(found)))
        raw[0, :2], raw[0, 2:4] = ((xyxy[:, :2] + xyxy[:, 2:]) / 2).T, (xyxy[:, 2:] - xyxy[:, :2]).T
        raw[0, 4] = random.uniform(0.5, 0.9, len(found))
        return raw

    return FakeSession(answer)


def assert_found_once(found: np.ndarray, boxes: np.ndarray) -> None:
    low, high = np.maximum(found[:, None, :2], boxes[:, :2]), np.minimum(found[:, None, 2:], boxes[:, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=-1)
    areas = [np.prod(b[:, 2:] - b[:, :2], axis=1) for b in (found, boxes)]
    overlap = shared / (areas[0][:, None] + areas[1] - shared)
    assert (overlap > 0.6).sum(axis=0).tolist() == [1] * len(boxes)
    assert len(found) == len(boxes)


# The session sees pictures at their own size, so that no colour is mixed: the network is as large as the picture.
@pytest.mark.parametrize(("width", "height"), [(700, 500), (900, 120), (130, 640), (257, 256), (256, 256)])
@pytest.mark.parametrize("jitter", [0.0, 1.5])
def test_every_box_of_a_dense_field_is_found_once(width: int, height: int, jitter: float) -> None:
    image, boxes = field(width, height, [25, 40, 55], seed=width)
    found = Detector(seeing_session(jitter), size=1024, tile=256)(image)
    assert_found_once(found.xyxy, boxes)


def test_what_is_larger_than_the_overlap_is_found_once_too() -> None:
    image, boxes = field(700, 500, [30, 90, 180, 300], seed=4)
    found = Detector(seeing_session(), size=1024, tile=256)(image)
    assert_found_once(found.xyxy, boxes)


def test_only_pictures_larger_than_a_tile_are_cut() -> None:
    shapes: list[tuple[int, ...]] = []

    def answer(batch: np.ndarray) -> np.ndarray:
        shapes.append(batch.shape[2:])
        return np.zeros((1, 8, 0))

    detector = Detector(FakeSession(answer), size=128, tile=256)
    detector(np.zeros((200, 256, 3), np.uint8))
    assert len(shapes) == 1
    detector(np.zeros((200, 448, 3), np.uint8))
    assert shapes[1:] == [(64, 128), (128, 128), (128, 128)]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(64, 1500))
def test_tiles_cover_the_picture_and_overlap(width: int, height: int, side: int) -> None:
    found = tiles(width, height, side)
    for low, high, length in ((0, 2, width), (1, 3, height)):
        spans = sorted({(int(t[low]), int(t[high])) for t in found})
        assert spans[0][0] == 0
        assert spans[-1][1] == length
        for (_, end), (start, _) in itertools.pairwise(spans):
            assert end - start >= OVERLAP * side - 1


def test_it_finds_what_the_slicer_of_supervision_finds() -> None:
    supervision = pytest.importorskip("supervision", reason="supervision is not installed: its slicer is not compared")
    image, boxes = field(700, 500, [25, 40, 55], seed=1)
    detector = Detector(seeing_session(), size=1024)

    def callback(part: np.ndarray) -> object:
        found = detector(np.ascontiguousarray(part))
        return supervision.Detections(found.xyxy, confidence=found.confidence, class_id=found.class_id)

    slicer = supervision.InferenceSlicer(
        callback, slice_wh=(256, 256), overlap_wh=(64, 64), iou_threshold=0.6,
        overlap_metric=supervision.OverlapMetric.IOS,
    )  # fmt: skip
    theirs = slicer(image).xyxy
    ours = Detector(seeing_session(), size=1024, tile=256)(image).xyxy
    assert_found_once(np.asarray(theirs), boxes)
    assert_found_once(ours, np.asarray(theirs, float))
