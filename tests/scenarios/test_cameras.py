import math
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from scenarios import Camera, CameraModel, InputError, Lens, Sensor
from scenarios.files import build
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


BARREL, PINCUSHION = Lens(k1=-0.226, k2=0.0283), Lens(k1=0.12)


@pytest.mark.parametrize("lens", [BARREL, PINCUSHION, Lens(k1=-0.1)], ids=["barrel", "pincushion", "turning"])
def test_a_distorted_picture_unprojects_and_projects_back(lens: Lens) -> None:
    camera = Camera("c", CameraModel("t", 640, 480, 1.4, 0.0, lens), (0.3, -2.0, 1.5), (0.0, 0.0, 1.0), roll=0.2)
    x, y = np.meshgrid(np.linspace(0, 640, 21), np.linspace(0, 480, 17))
    pixels = np.stack([x, y], axis=-1)
    back, depth = camera.project(camera.unproject(pixels, np.full(x.shape, 2.5)))
    np.testing.assert_allclose(back, pixels, atol=1e-6)
    np.testing.assert_allclose(depth, 2.5)


def test_a_barrel_draws_corners_in_and_keeps_the_stated_field_of_view() -> None:
    model = CameraModel("t", 640, 480, 1.4, 0.0, BARREL)
    camera = Camera("c", model, (0.0, -2.0, 1.0), (0.0, 0.0, 1.0))
    edge = camera.project([2.0 * math.tan(0.7), 0.0, 1.0])[0]
    np.testing.assert_allclose(edge, [640, 240], atol=1e-9)
    halfway = camera.project([1.0 * math.tan(0.7), 0.0, 1.0])[0]
    assert halfway[0] > 480 + 10


def test_what_lies_far_outside_never_folds_into_the_picture() -> None:
    camera = Camera("c", CameraModel("t", 640, 480, 1.4, 0.0, Lens(k1=-0.1)), (0.0, -2.0, 1.0), (0.0, 0.0, 1.0))
    across = np.linspace(2.0, 200.0, 400)
    pixels = camera.project(np.stack([across, np.zeros(400), np.ones(400)], axis=-1))[0]
    assert (pixels[:, 0] > 640).all()
    assert (np.diff(pixels[:, 0]) > 0).all()


def test_the_pinhole_camera_covers_the_distorted_picture() -> None:
    camera = Camera("c", CameraModel("t", 640, 480, 1.4, 0.0, BARREL), (0.3, -2.0, 1.5), (0.0, 0.0, 1.0))
    corners = camera.unproject(np.array([[0, 0], [640, 0], [0, 480], [640, 480], [320, 0], [0, 240]]), np.ones(6))
    assert camera.pinhole.in_frame(camera.pinhole.project(corners)[0]).all()
    assert camera.pinhole.model.focal_length == pytest.approx(camera.model.focal_length)
    straight = front_camera()
    assert straight.pinhole is straight


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"lens": {"k1": -0.4}}, "folds the picture"),
        ({"lens": {"f_number": 0}}, "f_number 0"),
        ({"lens": {"focus": -1}}, "focus -1"),
        ({"sensor": {"bits": 40}}, "6 to 16 bits"),
        ({"sensor": {"codec": "gif"}}, "codec 'gif'"),
        ({"sensor": {"codec": "h264", "quality": 60}}, "h264 quality 60; expected 0 to 51"),
        ({"sensor": {"read_noise": -1}}, "< 0"),
        ({"sensor": {"pixel_pitch": 0}}, "pixel_pitch 0"),
        ({"sensor": {"iso": 100}}, "unknown key 'iso'"),
    ],
)
def test_a_data_sheet_without_sense_is_refused_in_one_line(changes: dict, match: str) -> None:
    plain = {"name": "x", "width": 640, "height": 480, "horizontal_fov": 1.9, "price": 1.0, **changes}
    with pytest.raises(InputError, match=match) as error:
        build(CameraModel, plain, "rig.yaml")
    assert "\n" not in str(error.value)


def test_every_camera_model_of_the_package_is_sound() -> None:
    sheets = yaml.safe_load((Path(__file__).parents[2] / "conf" / "camera_models.yaml").read_text())
    models = {key: build(CameraModel, sheet, key) for key, sheet in sheets.items()}
    assert models["wide_1080p"] == CameraModel("wide 1080p", 1920, 1080, 1.13, 240.0, Lens(), Sensor())
    for model in models.values():
        # A lens of the stated focal length before pixels of the stated pitch: 2 to 8 mm, as small cameras have.
        assert 2.0 < model.focal_length * model.sensor.pixel_pitch / 1000 < 8.0
