"""Drift: a bumped camera is corrected from what the shelves show, and one that turned too far is refused."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from scenarios import Camera, CameraModel, Frame, InputError, Layout, Lens, load_scenario
from vision.calibrate import turned_camera
from vision.drift import find_drift

MODEL = CameraModel("test", 640, 360, 1.13, 0.0)
ANGLED = Camera("angled", MODEL, (1.0, -2.3, 2.1), (1.0, 0.0, 0.88))
OVERHEAD = Camera("overhead", MODEL, (3.0, -1.2, 2.85), (3.0, 0.0, 1.08))
DOME = Camera("dome", CameraModel("dome", 640, 360, 1.3, 0.0, Lens(k1=-0.2)), (2.0, -2.0, 2.2), (2.2, 0.0, 0.9))


@pytest.fixture(scope="module")
def layout() -> Layout:
    return load_scenario("quickstart").layout


def bumped(camera: Camera, degrees: float, axis: tuple[float, float, float]) -> Camera:
    """The camera turned about its centre, about an axis in its own frame."""
    turn = np.radians(degrees) * np.array(axis) / np.linalg.norm(axis)
    return turned_camera(camera, cv2.Rodrigues(turn)[0] @ camera.rotation, np.array(camera.position), 2.0)


def draw(layout: Layout, camera: Camera, seed: int = 0) -> np.ndarray:
    """A plain picture of the shelves: rails, and the fronts of nine in ten packs with a patch of artwork on each."""
    random = np.random.default_rng(seed)
    image = np.full((camera.model.height * 2, camera.model.width * 2, 3), 60, np.uint8)

    def fill(corners: np.ndarray, colour: np.ndarray) -> None:
        pixels, depth = camera.project(corners)
        if (depth > 0.2).all():
            cv2.fillConvexPoly(image, np.rint(pixels * 2).astype(np.int32), colour.tolist(), cv2.LINE_AA)

    for face in layout.places.faces:
        if random.random() < 0.9:
            fill(face, random.integers(90, 250, 3))
            middle = face.mean(axis=0)
            fill(middle + (face - middle) * random.uniform(0.2, 0.8), random.integers(30, 250, 3))
    for f in layout.store.fixtures:
        for shelf in f.shelves:
            low, high, wide = shelf.z - 0.038, shelf.z, f.width
            rail = [[0, -0.008, low], [wide, -0.008, low], [wide, -0.008, high], [0, -0.008, high]]
            fill(f.to_world(rail), np.array([225, 222, 215]))
    image = cv2.resize(image, (camera.model.width, camera.model.height), interpolation=cv2.INTER_AREA)
    noisy = cv2.GaussianBlur(image, (0, 0), 0.8) + random.normal(0, 3, image.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def off(layout: Layout, true: Camera, believed: Camera) -> float:
    """The largest distance in pixels, over the shelf fronts in the picture, that the believed camera is off."""
    fronts = np.concatenate(
        [
            f.to_world([[x, 0.0, shelf.z] for x in np.linspace(0, f.width, 9)])
            for f in layout.store.fixtures
            for shelf in f.shelves
        ]
    )
    pixels, depth = true.project(fronts)
    shown = true.in_frame(pixels) & (depth > 0.2)
    return float(np.linalg.norm(believed.project(fronts)[0] - pixels, axis=1)[shown].max())


@pytest.mark.parametrize(
    ("camera", "degrees", "axis"),
    [
        (ANGLED, 3.0, (1, 1, 0.3)),
        (OVERHEAD, 1.5, (-1, 0.5, 0.5)),
        (DOME, 2.0, (1, -1, -0.5)),
    ],
)
def test_a_small_turn_is_corrected(layout: Layout, camera: Camera, degrees: float, axis: tuple) -> None:
    true = bumped(camera, degrees, axis)
    drift = find_drift(Frame(draw(layout, true), camera), layout)
    assert drift.status == "corrected"
    assert off(layout, true, camera) > 5
    assert off(layout, true, drift.camera) < 3
    assert np.degrees(drift.angle) == pytest.approx(degrees, abs=0.25)
    assert drift.camera.model is camera.model


def test_a_camera_that_did_not_move_is_left_alone(layout: Layout) -> None:
    drift = find_drift(Frame(draw(layout, ANGLED), ANGLED), layout)
    assert drift.status == "fits"
    assert drift.camera is ANGLED


@pytest.mark.parametrize(("camera", "degrees", "axis"), [(ANGLED, 9, (0, 1, 0)), (OVERHEAD, 25, (0, 1, 1))])
def test_a_large_turn_is_reported_and_nothing_is_corrected(layout, camera, degrees, axis) -> None:
    drift = find_drift(Frame(draw(layout, bumped(camera, degrees, axis)), camera), layout)
    assert drift.status == "moved"
    assert drift.camera is camera


def striped(layout: Layout, camera: Camera) -> np.ndarray:
    """A picture in which rails stand out at the calibrated place, and again 2 degrees above it."""
    here, there = draw(layout, camera), draw(layout, bumped(camera, 2.0, (1, 0, 0)))
    return here // 2 + there // 2


def test_a_camera_is_not_given_up_where_shelves_look_alike_from_its_place_and_another(layout: Layout) -> None:
    """Two of four cameras of 640 pixels that never moved were given up as moved."""
    drift = find_drift(Frame(striped(layout, OVERHEAD), OVERHEAD), layout)
    assert drift.lead < 0.03
    assert drift.status == "unclear"
    assert drift.camera is OVERHEAD


@pytest.mark.slow
def test_what_the_calibration_itself_was_off_is_no_drift(layout: Layout) -> None:
    believed = bumped(ANGLED, 0.8, (1, 0, 0))
    first = find_drift(Frame(draw(layout, ANGLED), believed), layout)
    later = bumped(ANGLED, 1.5, (0, 1, 0))
    same = find_drift(Frame(draw(layout, ANGLED, seed=1), believed), layout, first.turn)
    moved = find_drift(Frame(draw(layout, later, seed=2), believed), layout, first.turn)
    assert (first.status, same.status, moved.status) == ("corrected", "fits", "corrected")
    assert np.degrees(moved.angle) == pytest.approx(1.5, abs=0.2)


@pytest.mark.parametrize("level", [0, 128])
def test_a_dark_or_covered_camera_says_nothing_of_its_place(layout: Layout, level: int) -> None:
    image = np.clip(np.random.default_rng(0).normal(level, 2, (360, 640, 3)), 0, 255).astype(np.uint8)
    drift = find_drift(Frame(image, ANGLED), layout)
    assert drift.status == "unclear"
    assert drift.camera is ANGLED


def test_a_frame_without_its_camera_or_of_another_size_is_refused(layout: Layout) -> None:
    image = np.zeros((180, 320, 3), np.uint8)
    with pytest.raises(InputError, match="no camera; expected a calibrated one"):
        find_drift(Frame(image), layout)
    with pytest.raises(InputError, match="320 x 180 pixels; expected 640 x 360"):
        find_drift(Frame(image, ANGLED), layout)
