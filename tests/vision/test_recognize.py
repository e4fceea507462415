from pathlib import Path

import cv2
import numpy as np
import pytest

from scenarios import InputError
from tests.vision.fakes import FakeSession, boxes_session, mean_colour_session
from vision import Detector, Gallery, Pipeline, Recognizer, enroll
from vision.recognize import gallery_of, nearest
from vision.runtimes import RanOn

RED, BLUE = (250, 20, 20), (20, 20, 250)


def plain(colour, height=40, width=30) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def test_a_crop_is_named_after_its_nearest_picture() -> None:
    recognizer = Recognizer(mean_colour_session())
    gallery = gallery_of({"red": [plain(RED), plain((200, 60, 60))], "blue": [plain(BLUE)]}, recognizer)
    image = np.concatenate([plain(BLUE), plain(RED)], axis=1)
    boxes = np.array([[0, 0, 30, 40], [30, 0, 60, 40]], np.float32)
    skus, similarity, _ = nearest(gallery, gallery.similarities(recognizer.embed(image, boxes)))
    assert skus.tolist() == ["blue", "red"]
    assert similarity.min() > 0.99


def test_of_two_products_with_a_picture_that_near_the_one_whose_others_are_near_too_is_named() -> None:
    names = np.array(["b", "a", "b", "c", "a"])  # of every SKU in any order
    pictures = np.array([[0, 1, 0], [1, 0, 0], [1, 0, 0], [0, 0.6, 0.8], [0.8, 0.6, 0]], np.float32)
    similar = Gallery(names, pictures, "fake").similarities(np.array([[1, 0, 0]], np.float32))[0]
    np.testing.assert_allclose(similar[0], (1 + 1.8 / np.hypot(1.8, 0.6)) / 2, atol=1e-6)
    np.testing.assert_allclose(similar[1], (1 + np.sqrt(0.5)) / 2, atol=1e-6)
    np.testing.assert_allclose(similar[2], 0, atol=1e-6)  # of one picture: its cosine


def test_what_is_like_nothing_is_unknown() -> None:
    gallery = Gallery(np.array(["a"]), np.array([[1.0, 0.0]], np.float32), "fake")
    skus, _, _ = nearest(gallery, gallery.similarities(np.array([[0.0, 1.0]], np.float32)))
    assert skus.tolist() == [None]


def test_boxes_beyond_the_picture_and_slivers_can_be_embedded() -> None:
    recognizer = Recognizer(mean_colour_session())
    boxes = np.array([[-5, -5, 3, 3], [29.9, 39.9, 30, 40], [10, 10, 10, 10], [50, 60, 70, 80]], np.float32)
    assert recognizer.embed(plain(RED), boxes).shape == (4, 3)


def test_enrolling_names_what_it_skips(tmp_path: Path) -> None:
    (tmp_path / "category" / "red").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "category" / "red" / "1.png"), plain(RED)[..., ::-1])
    (tmp_path / "category" / "red" / "2.jpg").write_bytes(b"not a picture")
    cv2.imwrite(str(tmp_path / "blue__front.png"), plain(BLUE)[..., ::-1])
    skipped: list[str] = []
    gallery = enroll(tmp_path, Recognizer(mean_colour_session()), skipped.append)
    assert gallery.names.tolist() == ["blue", "red"]
    assert len(skipped) == 1
    assert "2.jpg" in skipped[0]


def test_a_gallery_reads_back_and_a_foreign_file_is_refused(tmp_path: Path) -> None:
    gallery = gallery_of({"red": [plain(RED)]}, Recognizer(mean_colour_session()))
    gallery.save(tmp_path / "g.npz")
    again = Gallery.load(tmp_path / "g.npz")
    np.testing.assert_array_equal(again.embeddings, gallery.embeddings)
    (tmp_path / "bad.npz").write_text("hello")
    with pytest.raises(InputError, match=r"bad.npz: not a gallery"):
        Gallery.load(tmp_path / "bad.npz")


def test_a_gallery_of_another_recognizer_is_refused() -> None:
    gallery = Gallery(np.array(["a"]), np.zeros((1, 3), np.float32), "another")
    with pytest.raises(InputError, match="another recognizer"):
        Pipeline(Detector(boxes_session([], [], [], 1.0)), Recognizer(mean_colour_session()), gallery)


def test_an_empty_or_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no readable picture"):
        enroll(tmp_path, Recognizer(mean_colour_session()))
    with pytest.raises(InputError, match="no such folder"):
        enroll(tmp_path / "none", Recognizer(mean_colour_session()))


@pytest.mark.parametrize(("runtime", "expected"), [("onnxruntime-cpu", [32, 32, 6]), ("tensorrt", [70])])
def test_on_the_processor_crops_go_in_slices_so_that_memory_stays_as_it_is(runtime: str, expected: list[int]) -> None:
    """A service's memory grew whenever more crops than ever were new at once."""
    session, runs = mean_colour_session(), []
    counted = FakeSession(lambda batch: (runs.append(len(batch)), session.answer(batch))[1], session.input_shape)
    counted.ran_on = RanOn(runtime, "fp32", "none")
    crops = np.random.default_rng(0).integers(0, 256, (70, *session.input_shape[2:], 3), np.uint8)
    found = Recognizer(counted).embed_crops(crops)
    assert runs == expected
    assert (found == Recognizer(session).embed_crops(crops)).all()
