"""The second look: whose print is on a crop that the recognizer cannot tell apart."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from scenarios import Camera, CameraModel, Frame, InputError
from tests.vision.fakes import boxes_session, mean_colour_session
from vision import Detector, Gallery, Pipeline, Recognizer, enroll
from vision.confidence import UNCALIBRATED
from vision.prints import agreement, print_of
from vision.recognize import gallery_of
from vision.second_look import SecondLook

CAMERA = Camera("c", CameraModel("c", 200, 260, 1.0, 0.0), (0.0, -1.0, 1.0), (0.0, 0.0, 1.0))


def pack(seed: int) -> NDArray[np.uint8]:
    """A grey pack with words of its own: in colour all are almost the same."""
    random = np.random.default_rng(seed)
    image = np.full((260, 200, 3), 180, np.uint8)
    for row in range(9):
        word = "".join(random.choice(list("ABDEGHKMNPRSTVWXZ"), 6))
        at = (int(random.integers(2, 30)), 26 + 27 * row)
        cv2.putText(image, word, at, int(random.integers(0, 4)), 0.9, (30, 30, 30), 2, cv2.LINE_AA)
    return np.clip(image.astype(float) - image.mean() + (150, 150 + seed, 150), 0, 255).astype(np.uint8)


def photographed(image: NDArray[np.uint8], turn: float = 4.0, scale: float = 0.6) -> NDArray[np.uint8]:
    """The same, turned, smaller, darker and noisy."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1.0)
    turned = cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    small = cv2.resize(turned, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    noise = np.random.default_rng(0).normal(0, 4, small.shape)
    return np.clip(small * 0.8 + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("turn", "scale"), [(0, 1.0), (4, 0.6), (-7, 0.5)])
def test_a_pack_agrees_with_its_own_picture_and_hardly_with_others(turn: float, scale: float) -> None:
    crop = print_of(photographed(pack(1), turn, scale))
    others = [agreement(crop, print_of(pack(seed))) for seed in (2, 3, 4)]
    assert agreement(crop, print_of(pack(1))) > 3 * max(*others, 5)


def test_what_bears_no_print_agrees_with_nothing() -> None:
    blank = print_of(np.full((50, 40, 3), 128, np.uint8))
    assert len(blank.marks) == 0
    assert agreement(blank, print_of(pack(1))) == agreement(print_of(pack(1)), blank) == agreement(blank, blank) == 0
    assert len(print_of(np.zeros((1, 1, 3), np.uint8)).marks) == 0


def test_a_crop_that_is_in_doubt_is_named_by_its_print_and_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer = Recognizer(mean_colour_session())
    gallery = gallery_of({f"sku-{i}": [pack(i)] for i in range(4)}, recognizer, second_look=True)
    seen = []
    monkeypatch.setattr("vision.second_look.print_of", lambda crop: seen.append(crop.shape) or print_of(crop))
    detector = Detector(boxes_session([(0, 0, 200, 260)], [0.9], [0], 1.0), score=0.25)
    read = Pipeline(detector, recognizer, gallery)
    for i in (2, 1):
        frame = Frame(pack(i), CAMERA, float(i))
        assert read(frame).detections.sku.tolist() == [f"sku-{i}"]
    told = len(seen)
    assert told == 2
    read(Frame(pack(1), CAMERA, 9.0))  # nothing has changed
    assert len(seen) == told


def test_what_is_not_in_doubt_is_left_alone() -> None:
    gallery = Gallery(np.array(["a", "b"]), np.eye(2, dtype=np.float32), "fake", (print_of(pack(1)), print_of(pack(2))))
    sure = np.array([[1.0, 0.0]], np.float32)
    box = np.array([[0, 0, 200, 260]], np.float32)
    look = SecondLook(gallery, UNCALIBRATED)
    assert np.array_equal(look(pack(2), box, sure, sure), sure)
    doubtful = np.array([[0.5, 0.5]], np.float32)
    assert look(pack(2), box, doubtful, doubtful).argmax() == 1


def test_a_gallery_keeps_its_prints(tmp_path: Path) -> None:
    recognizer = Recognizer(mean_colour_session())
    cv2.imwrite(str(tmp_path / "a.png"), pack(1))
    cv2.imwrite(str(tmp_path / "b.png"), np.full((30, 20, 3), 90, np.uint8))  # without a mark
    gallery = enroll(tmp_path, recognizer, second_look=True)
    gallery.save(tmp_path / "g.npz")
    again = Gallery.load(tmp_path / "g.npz")
    assert again.prints is not None
    assert gallery.prints is not None
    for kept, made in zip(again.prints, gallery.prints, strict=True):
        assert np.array_equal(kept.points, made.points)
        assert np.array_equal(kept.marks, made.marks)
    assert enroll(tmp_path, recognizer).prints is None
    arrays = dict(np.load(tmp_path / "g.npz")) | {"print_sizes": np.array([1])}
    np.savez(tmp_path / "cut.npz", **arrays)
    with pytest.raises(InputError, match="prints of 2 pictures"):
        Gallery.load(tmp_path / "cut.npz")
