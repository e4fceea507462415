import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.vision.fakes import FakeSession, boxes_session
from vision import Detector
from vision.detect import letterbox, suppress
from vision.readings import Detections


def naive_suppress(xyxy, scores, classes, overlap):
    kept = []
    for i in np.argsort(-scores, kind="stable"):
        for k in kept:
            low, high = np.maximum(xyxy[i, :2], xyxy[k, :2]), np.minimum(xyxy[i, 2:], xyxy[k, 2:])
            shared = np.prod(np.maximum(high - low, 0))
            union = np.prod(xyxy[i, 2:] - xyxy[i, :2]) + np.prod(xyxy[k, 2:] - xyxy[k, :2]) - shared
            if classes[i] == classes[k] and shared / union > overlap:
                break
        else:
            kept.append(i)
    return kept


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 60))
def test_suppression_is_that_of_the_definition(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    low = random.uniform(0, 80, (count, 2))
    xyxy = np.concatenate([low, low + random.uniform(5, 40, (count, 2))], axis=1).astype(np.float32)
    scores = random.permutation(count).astype(np.float32) / 100 + 0.1
    classes = random.integers(0, 3, count)
    assert suppress(xyxy, scores, classes, 0.5).tolist() == naive_suppress(xyxy, scores, classes, 0.5)


SIZES = [(640, 480), (480, 640), (1920, 1080), (100, 90), (333, 777)]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_boxes_come_back_in_pixels_of_the_picture(width: int, height: int) -> None:
    image = np.zeros((height, width, 3), np.uint8)
    _, scale = letterbox(image, 640)
    box = (10.0, 20.0, 60.0, 80.0)
    found = Detector(boxes_session([box], [0.9], [2], scale), size=640)(image)
    np.testing.assert_allclose(found.xyxy, [box], atol=0.01)
    assert found.class_id.tolist() == [2]


def test_a_small_picture_is_not_enlarged() -> None:
    """Enlarged, phone photographs of packs were full of persons."""
    batch, scale = letterbox(np.zeros((90, 100, 3), np.uint8), 640)
    assert scale == 1
    assert batch.shape == (1, 3, 96, 128)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_network_gets_multiples_of_32_and_the_picture_undistorted(width: int, height: int) -> None:
    batch, scale = letterbox(np.full((height, width, 3), 255, np.uint8), 640)
    assert batch.shape[2] % 32 == 0
    assert batch.shape[3] % 32 == 0
    assert batch[0, 0, : round(height * scale), : round(width * scale)].min() == 1
    assert scale <= 2


def test_scores_and_numbers_are_bounded_and_boxes_end_at_the_frame() -> None:
    image = np.zeros((640, 640, 3), np.uint8)
    boxes = [(i * 60.0, 10.0, i * 60.0 + 50, 700.0) for i in range(10)]
    detector = Detector(boxes_session(boxes, [0.05 * (i + 1) for i in range(10)], [0] * 10, 1.0), 0.2, 0.6, 5, 640)
    found = detector(image)
    assert len(found) == 5
    assert found.confidence.tolist() == sorted(found.confidence.tolist(), reverse=True)
    assert found.confidence.min() >= 0.2
    assert found.xyxy.max() <= 640


def test_nothing_found_is_an_empty_answer() -> None:
    found = Detector(FakeSession(lambda _: np.zeros((1, 8, 100))), size=640)(np.zeros((64, 64, 3), np.uint8))
    assert len(found) == 0
    assert found.xyxy.shape == (0, 4)


BAD_SHAPES = [
    ((3, 5), 3, 3, "xyxy has shape"),
    ((3, 4), 2, 3, "confidence has shape"),
    ((3, 4), 3, 1, "class_id has shape"),
]


@pytest.mark.parametrize(("boxes", "scores", "classes", "message"), BAD_SHAPES)
def test_detections_check_their_shapes(boxes, scores, classes, message) -> None:
    with pytest.raises(ValueError, match=message):
        Detections(np.zeros(boxes, np.float32), np.zeros(scores, np.float32), np.zeros(classes, np.int64))


@settings(max_examples=20, deadline=None)
@given(arrays(np.uint8, (40, 50, 3)))
def test_any_picture_can_be_letterboxed(image) -> None:
    batch, _ = letterbox(image, 64)
    assert 0 <= batch.min() <= batch.max() <= 1
