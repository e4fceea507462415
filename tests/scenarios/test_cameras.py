import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios import Camera, CameraModel
from tests.layouts import MODEL, front_camera

coordinate = st.floats(-3, 3)


@given(
    position=st.tuples(coordinate, coordinate, coordinate),
    target=st.tuples(coordinate, coordinate, coordinate),
    roll=st.floats(-3, 3),
    pixel=st.tuples(st.floats(0, 640), st.floats(0, 480)),
    depth=st.floats(0.2, 20),
)
def test_unproject_and_project_are_inverse(position, target, roll, pixel, depth) -> None:
    if math.dist(position, target) < 0.1:
        return
    camera = Camera("c", MODEL, position, target, roll)
    pixels, distance = camera.project(camera.unproject(pixel, depth))
    np.testing.assert_allclose(pixels, pixel, atol=1e-5)
    assert distance == pytest.approx(depth, abs=1e-8)


def test_what_is_right_and_above_appears_right_and_above() -> None:
    camera = front_camera()
    centre = camera.project([0.5, 0.0, 0.6])[0]
    np.testing.assert_allclose(centre, [320, 240], atol=1e-9)
    assert camera.project([0.7, 0.0, 0.6])[0][0] > centre[0]
    assert camera.project([0.5, 0.0, 0.9])[0][1] < centre[1]


def test_pixels_per_metre_of_a_frontal_camera_is_focal_length_over_distance() -> None:
    camera = Camera("c", MODEL, (0.0, -2.0, 1.0), (0.0, 0.0, 1.0))
    assert camera.pixels_per_metre([0.0, 0.0, 1.0]) == pytest.approx(MODEL.focal_length / 2.0, rel=1e-3)
    assert camera.pixels_per_metre([0.0, -5.0, 1.0]) == 0


def test_portrait_turns_the_picture() -> None:
    portrait = Camera("c", MODEL, (0.0, -2.0, 1.0), (0.0, 0.0, 1.0), roll=math.pi / 2)
    up = portrait.project([0.0, 0.0, 1.1])[0] - portrait.project([0.0, 0.0, 1.0])[0]
    assert abs(up[0]) > 10
    assert abs(up[1]) < 1e-6


def test_a_camera_model_without_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="field of view"):
        CameraModel("x", 640, 480, 4.0, 1.0)
