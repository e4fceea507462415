"""Crops that have not changed are not embedded again; what has changed always is."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from scenarios import (
    Camera,
    CameraModel,
    Catalog,
    Conditions,
    Fixture,
    Frame,
    Layout,
    Lookalikes,
    Planogram,
    Position,
    Room,
    Scenario,
    Shelf,
    Store,
)
from tests.layouts import TIDY, front_camera, product
from tests.vision.fakes import FakeSession, boxes_session, mean_colour_session
from vision import Detector, Gallery, Pipeline, Recognizer
from vision.readings import PRODUCT, Detections, Reading
from vision.unchanged import Unchanged

sim = pytest.importorskip("sim", reason="the simulator is not installed here")
World, capture = sim.World, sim.capture

BOXES = np.array([[20, 20, 60, 80], [70, 20, 110, 80], [120, 20, 160, 80]], np.float32)


def counted() -> tuple[Recognizer, list[int]]:
    """A recognizer, and how many crops each of its runs had."""
    session, runs = mean_colour_session(), []
    plain = session.answer

    def answer(batch: NDArray) -> NDArray:
        runs.append(len(batch))
        return plain(batch)

    return Recognizer(FakeSession(answer, session.input_shape)), runs


class Crops:
    """One camera's crops, frame after frame."""

    def __init__(self, recognizer: Recognizer, read_anew: float = 0.0) -> None:
        self.unchanged, self.time = Unchanged(recognizer, read_anew), 0.0

    def embed(self, image: NDArray[np.uint8], xyxy: NDArray[np.float32], seconds: float = 1.0) -> NDArray[np.float32]:
        frame, self.time = Frame(image, None, self.time), self.time + seconds
        self.unchanged.look(frame)
        found = self.unchanged.embed(image, xyxy)
        nothing = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))
        self.unchanged.keep(Reading(None, frame.time, image.shape[1::-1], nothing))
        return found


def shelf(seed: int, noise: float = 3.0) -> NDArray[np.uint8]:
    """Three packs with a label each, as a sensor sees them."""
    image = np.full((100, 180, 3), 120, float)
    for (x0, y0, x1, y1), colour in zip(BOXES.astype(int), ((200, 40, 40), (40, 160, 60), (50, 60, 190))):
        image[y0:y1, x0:x1] = colour
        image[y0 + 20 : y0 + 30, x0 + 8 : x1 - 8] = 240
    image += np.random.default_rng(seed).normal(0, noise, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8)


def test_a_static_shelf_is_embedded_once_whatever_noise_and_trembling_boxes() -> None:
    recognizer, runs = counted()
    crops = Crops(recognizer)
    first = crops.embed(shelf(0), BOXES)
    for seed in range(1, 6):
        tremble = np.random.default_rng(seed).uniform(-1.5, 1.5, BOXES.shape).astype(np.float32)
        again = crops.embed(shelf(seed), (BOXES + tremble)[::-1])
        np.testing.assert_array_equal(again[::-1], first)
    assert runs == [3]


def brighter(image: NDArray) -> NDArray:
    return np.clip(image * 1.3, 0, 255)


def exposed(image: NDArray) -> NDArray:
    return image * (0.94, 0.95, 0.96)


def other_label(image: NDArray) -> NDArray:
    image[62:68, 82:98] = (240, 200, 60)
    return image


def swapped(image: NDArray) -> NDArray:
    image[20:80, 70:110] = image[20:80, 120:160]
    return image


@pytest.mark.parametrize(
    ("change", "embedded"),
    [(swapped, 1), (other_label, 1), (brighter, 3), (exposed, 0)],
    ids=["pack", "band", "light", "exposure"],
)
def test_only_what_has_changed_is_embedded_again(change, embedded: int) -> None:
    recognizer, runs = counted()
    crops = Crops(recognizer)
    crops.embed(shelf(0), BOXES)
    image = change(shelf(1).astype(float)).astype(np.uint8)
    found = crops.embed(image, BOXES)
    assert sum(runs) == 3 + embedded
    if embedded:
        np.testing.assert_allclose(found[1], recognizer.embed(image, BOXES)[1], atol=1e-6)


def test_slow_drift_is_seen_in_the_end() -> None:
    recognizer, runs = counted()
    crops = Crops(recognizer)
    for step in range(16):
        crops.embed(np.clip(shelf(step) * (1 - 0.02 * step), 0, 255).astype(np.uint8), BOXES)
    assert len(runs) > 1


def test_frames_without_products_and_new_boxes_are_read() -> None:
    recognizer, runs = counted()
    crops = Crops(recognizer)
    none = np.empty((0, 4), np.float32)
    assert len(crops.embed(shelf(0), none)) == 0
    assert len(crops.embed(shelf(1), BOXES[:1])) == 1
    assert len(crops.embed(shelf(2), BOXES)) == 3
    assert len(crops.embed(shelf(3), none)) == 0
    assert len(crops.embed(shelf(4), BOXES)) == 3
    assert runs == [1, 2, 3]


def test_a_crop_that_somebody_stood_before_is_not_embedded_again_unless_it_is_too_old() -> None:
    for read_anew, runs_of_it in ((0.0, [3, 2]), (10.0, [3]), (2.0, [3, 3])):
        recognizer, runs = counted()
        crops = Crops(recognizer, read_anew)
        crops.embed(shelf(0), BOXES)
        hidden = shelf(1)
        hidden[15:85, 15:112] = 90
        crops.embed(hidden, BOXES[2:])
        crops.embed(shelf(2), BOXES)
        assert [n for n in runs if n] == runs_of_it


def test_a_pack_that_changed_while_somebody_stood_before_it_is_embedded_anew() -> None:
    recognizer, runs = counted()
    crops = Crops(recognizer, 10.0)
    crops.embed(shelf(0), BOXES)
    hidden = shelf(1)
    hidden[15:85, 15:112] = 90
    crops.embed(hidden, BOXES[2:])
    image = swapped(shelf(2).astype(float)).astype(np.uint8)
    found = crops.embed(image, BOXES)
    assert runs == [3, 1]
    np.testing.assert_allclose(found[1], recognizer.embed(image, BOXES)[1], atol=1e-6)


def test_each_camera_remembers_its_own_crops_and_pictures_of_no_camera_none() -> None:
    recognizer, runs = counted()
    gallery = Gallery(np.array(["a"]), np.eye(1, 3, dtype=np.float32), "fake")
    scores, classes = [0.9] * 3, [PRODUCT] * 3
    pipeline = Pipeline(Detector(boxes_session(BOXES.tolist(), scores, classes, 1.0)), recognizer, gallery)
    one = dataclasses.replace(front_camera(), model=CameraModel("small", 180, 100, 1.1, 0.0))
    other = dataclasses.replace(one, id="other")
    for camera in (one, other, one, other, None, None):
        pipeline(Frame(shelf(0), camera))
    assert runs == [3, 3, 3, 3]


def test_a_look_alike_put_in_another_s_place_is_never_taken_for_it() -> None:
    """Rendered, at the distance of the wall of look-alikes (0.12) and with the sensor's noise."""
    family = [dataclasses.replace(product(f"soup-{v}"), variant=v, brand="Brand", family="soup") for v in "abcd"]
    shelf = Fixture("bay", 0.0, 0.0, 1.0, 0.45, (Shelf(0.7, 0.3),))
    room = Room((-1.0, 2.0), (-2.4, 0.45), 3.0)
    camera = Camera("near", CameraModel("near", 480, 320, 0.85, 0.0), (0.45, -1.0, 1.1), (0.45, 0.0, 0.8))
    frames, boxes = [], []
    for order in ([0, 1, 2, 3], [0, 1, 2, 3], [1, 0, 3, 2]):
        slots = tuple(Position(f"p{i}", "bay", 0, 0.05 + 0.2 * i, family[j].sku, 1, 1, 1, 0)
                      for i, j in enumerate(order))  # fmt: skip
        layout = Layout(Store("store", room, (shelf,)), Catalog(tuple(family)), Planogram(slots))
        conditions = Conditions("wall", mess=TIDY, lookalikes=Lookalikes(0.12))
        scenario = Scenario(layout, conditions, 3).at(float(len(frames)))
        with World(layout, lookalikes=conditions.lookalikes) as world:
            frame, truth = capture(world, scenario, camera)
        frames.append(frame.image)
        boxes.append(truth.visible_box[np.argsort(truth.visible_box[:, 0])])
    recognizer, runs = counted()
    crops = Crops(recognizer)
    for image in frames:
        crops.embed(image, boxes[0])
    assert runs == [4, 4]
