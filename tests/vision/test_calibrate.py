"""Calibration: known points give back the camera that saw them, wrong ones are found, and bad input is refused."""

from __future__ import annotations

import csv
import dataclasses
import gc
import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scenarios import Camera, CameraModel, Frame, InputError, Lens
from scenarios.files import read_yaml, write_yaml
from tests.layouts import MODEL, front_camera, small_layout
from tests.refusal import refusal
from tests.vision.fakes import boxes_session
from vision import Detector, Pipeline
from vision.boards import Board, fit_board
from vision.calibrate import fit_camera, load_camera, save_camera, turned_camera
from vision.cli import main
from vision.pictures import load_picture, save_picture
from vision.pipeline import PLACES
from vision.points import load_points, write_form
from vision.view import View

SIZE = (MODEL.width, MODEL.height)
CORNERS = np.array([[x, 0.0, z] for z in (0.3, 0.7, 1.05) for x in (0.0, 0.25, 0.5, 0.75, 1.0)])
"""Points on the front plane of the small store's bay."""


def apart(a: Camera, b: Camera, points: np.ndarray = CORNERS) -> float:
    """The largest distance in pixels between what two cameras make of points."""
    return float(np.linalg.norm(a.project(points)[0] - b.project(points)[0], axis=1).max())


@settings(max_examples=12, deadline=None)
@given(
    place=st.tuples(st.floats(-0.2, 1.2), st.floats(-2.4, -1.4), st.floats(1.0, 2.2)),
    target=st.tuples(st.floats(0.3, 0.7), st.floats(0.4, 0.8)),
    roll=st.floats(-1.6, 1.6),
    k1=st.sampled_from((-0.25, -0.1, 0.0, 0.1)),
)
def test_the_pose_behind_exact_points_is_found(place, target, roll, k1) -> None:
    model = dataclasses.replace(MODEL, horizontal_fov=1.0, lens=Lens(k1=k1))
    camera = Camera("c", model, place, (target[0], 0.0, target[1]), roll)
    pixels = camera.project(CORNERS)[0]
    fit = fit_camera("c", CORNERS, pixels, SIZE, model)
    assert fit.rms < 1e-4
    assert math.dist(fit.camera.position, place) < 1e-4
    np.testing.assert_allclose(fit.camera.rotation, camera.rotation, atol=1e-4)
    assert apart(fit.camera, camera, CORNERS + np.array([0.0, 0.3, 0.0])) < 0.01


@settings(max_examples=5, deadline=None)
@given(
    side=st.sampled_from((-1, 1)),
    height=st.floats(1.5, 2.2),
    fov=st.floats(0.8, 1.3),
    k1=st.sampled_from((-0.2, -0.1, 0.0, 0.05)),
)
def test_focal_length_and_distortion_come_out_of_a_slanted_view(side, height, fov, k1) -> None:
    model = CameraModel("m", *SIZE, fov, 0.0, Lens(k1=k1))
    camera = Camera("c", model, (0.5 + 0.8 * side, -1.3, height), (0.5, 0.0, 0.65))
    pixels = camera.project(CORNERS)[0]
    assume(camera.in_frame(pixels).sum() >= 8)
    fit = fit_camera("c", CORNERS[camera.in_frame(pixels)], pixels[camera.in_frame(pixels)], SIZE)
    assert fit.fitted == ("pose", "focal length", "k1")
    assert fit.camera.model.focal_length == pytest.approx(model.focal_length, rel=1e-3)
    assert fit.camera.model.lens.k1 == pytest.approx(k1, abs=2e-3)
    assert math.dist(fit.camera.position, camera.position) < 2e-3


def test_wrong_clicks_are_named_and_left_out() -> None:
    camera = dataclasses.replace(front_camera(), position=(1.1, -1.4, 1.7))
    random = np.random.default_rng(3)
    pixels = camera.project(CORNERS)[0] + random.normal(0, 0.4, (len(CORNERS), 2))
    wrong = [1, 7, 12]
    pixels[wrong] += [[40, 5], [-15, 60], [9, -12]]
    fit = fit_camera("c", CORNERS, pixels, SIZE, camera.model)
    assert list(np.flatnonzero(~fit.right)) == wrong
    assert fit.error[wrong].min() > 10
    assert fit.rms < 1
    assert fit.worst < 2
    assert apart(fit.camera, camera) < 1.5


@given(
    position=st.tuples(st.floats(-3, 3), st.floats(-3, 3), st.floats(0.5, 3)),
    turn=st.tuples(st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3)),
)
def test_any_rotation_becomes_a_camera_with_that_rotation(position, turn) -> None:
    rotation = cv2.Rodrigues(np.array(turn))[0]
    camera = turned_camera(front_camera(), rotation, np.array(position), 2.0)
    np.testing.assert_allclose(camera.rotation, rotation, atol=1e-6)
    assert camera.position == position


SLANTED = dataclasses.replace(front_camera(), position=(1.2, -1.3, 1.8))
STRAIGHT = Camera("c", MODEL, (0.5, -1.6, 0.65), (0.5, 0.0, 0.65))


@pytest.mark.parametrize(
    ("camera", "chosen", "model", "match"),
    [
        (SLANTED, [0, 4, 12], MODEL, "3 distinct points; expected 4 or more for the pose"),
        (SLANTED, [0, 4, 10, 14, 7], None, "5 distinct points; expected 6 or more"),
        (SLANTED, [0, 0, 0, 4, 4, 14], MODEL, "3 distinct points"),
        (SLANTED, [0, 1, 2, 3, 4], MODEL, "lie on one line in the store"),
        (STRAIGHT, list(range(7)), None, "focal length open to"),
        (SLANTED, list(range(15)), dataclasses.replace(MODEL, width=1280, height=960), "1280 x 960 pixels; expected"),
    ],
)
def test_points_that_do_not_tell_are_refused(camera, chosen, model, match) -> None:
    with pytest.raises(InputError, match=match) as error:
        fit_camera("c", CORNERS[chosen], camera.project(CORNERS[chosen])[0], SIZE, model)
    assert "\n" not in str(error.value)


def test_points_without_a_camera_behind_them_are_refused() -> None:
    pixels = np.random.default_rng(0).uniform(0, 480, (len(CORNERS), 2))
    with pytest.raises(InputError, match="no camera agrees with 60%"):
        fit_camera("c", CORNERS, pixels, SIZE, MODEL)


def test_a_saved_camera_is_loaded_again(tmp_path: Path) -> None:
    camera = Camera("c", dataclasses.replace(MODEL, lens=Lens(k1=-0.1)), (0.1, -2.0, 1.5), (0.5, 0.0, 0.7), 0.1)
    save_camera(camera, tmp_path / "camera.yaml", "a note")
    assert load_camera(tmp_path / "camera.yaml") == camera
    (tmp_path / "camera.yaml").write_text("id: c\n")
    with pytest.raises(InputError, match="key 'model' is missing"):
        load_camera(tmp_path / "camera.yaml")


def test_a_frame_of_another_resolution_than_its_calibration_is_refused() -> None:
    pipeline = Pipeline(Detector(boxes_session([], [], [], 1.0)), layout=small_layout())
    with pytest.raises(InputError, match="320 x 240 pixels; expected 640 x 480, with which it was calibrated"):
        pipeline(Frame(np.zeros((240, 320, 3), np.uint8), front_camera()))
    assert pipeline(Frame(np.zeros((480, 640, 3), np.uint8), front_camera())).places is not None


def test_a_camera_that_is_found_elsewhere_again_and_again_does_not_fill_the_memory() -> None:
    """Each small turn that a service corrects is another camera to the pipeline, which kept 6 MB of all of them: a
    service of four cameras grew by 200 MB in 45 minutes."""
    pipeline = Pipeline(Detector(boxes_session([], [], [], 1.0)), layout=small_layout())
    image = np.zeros((480, 640, 3), np.uint8)

    def views() -> int:
        gc.collect()
        return sum(isinstance(o, View) for o in gc.get_objects())

    before = views()
    for n in range(8):
        turned = dataclasses.replace(front_camera(), roll=0.001 * n)
        pipeline(Frame(image, turned))
        pipeline(Frame(image, dataclasses.replace(turned, id="other")))
    assert views() - before == 2 * PLACES


def fill_in(form: Path, camera: Camera, every: int = 1) -> None:
    """Fill in a form as a person would, with whole pixels, where the picture shows the point."""
    store = small_layout().store
    with form.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows[::every]:
        fixture = store.fixture(row["fixture"])
        z = fixture.shelves[int(row["shelf"])].z
        u, v = camera.project(fixture.to_world([float(row["x"]), float(row["y"]), z]))[0]
        row["u"], row["v"] = str(round(u)), str(round(v))
    with form.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_calibrate_writes_a_form_and_then_the_camera(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_picture(tmp_path / "shelf.jpg", np.full((480, 640, 3), 90, np.uint8))
    write_yaml(tmp_path / "store.yaml", small_layout().store, "small")
    write_yaml(tmp_path / "model.yaml", MODEL, "test")
    command = ["calibrate", str(tmp_path / "shelf.jpg"), "--store", str(tmp_path), "--outputs", str(tmp_path / "out")]
    main(command)
    form = tmp_path / "out" / "latest" / "points.csv"
    fill_in(form, SLANTED)
    points = tmp_path / "points.csv"
    form.rename(points)
    main([*command, "--points", str(points), "--model", str(tmp_path / "model.yaml"), "--id", "aisle-3"])
    latest = tmp_path / "out" / "latest"
    camera = load_camera(latest / "camera.yaml")
    assert camera.id == "aisle-3"
    assert apart(camera, SLANTED) < 2
    drawn = load_picture(latest / "fit.jpg")
    line = camera.project([[x, 0.0, 0.7] for x in (0.3, 0.5, 0.7)])[0]
    assert all(np.ptp(drawn[round(v) - 2 : round(v) + 2, round(u)].astype(int), axis=0).max() > 40 for u, v in line)
    result = json.loads((latest / "result.json").read_text())
    assert result["rms"] < 1
    assert [p["row"] for p in result["points"]] == [2, 3, 4, 5]
    assert "px RMS" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("fixture,shelf,x,u,v\nbay-9,0,0.0,10,10\n", "row 2: fixture 'bay-9'; expected one of bay-1"),
        ("fixture,shelf,x,u,v\nbay-1,7,0.0,10,10\n", "row 2: shelf 7; bay-1 has shelves 0 to 1"),
        ("fixture,shelf,x,u,v\nbay-1,1,,10,10\n", "row 2: x is missing"),
        ("fixture,shelf,x,u,v\nbay-1,1,0.0,10,\n", "row 2: v is missing"),
        ("x,y,u,v\n0,0,10,10\n", "row 2: no fixture; expected fixture, shelf and x, or"),
        ("x,y,z,u,v\n0,0,1,10,900\n", "row 2: pixel 10, 900; expected one within 640 x 480"),
        ("x,y,z,u,v\n0,0,up,10,90\n", "row 2: z: expected float, got 'up'"),
    ],
)
def test_a_wrong_row_is_named(text: str, match: str, tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text(text)
    with pytest.raises(InputError, match=match):
        load_points(tmp_path / "points.csv", small_layout().store, SIZE)


def test_a_place_of_a_turned_fixture_is_in_the_world(tmp_path: Path) -> None:
    store = small_layout().store
    turned = dataclasses.replace(store.fixtures[0], x=2.0, y=1.0, yaw=math.pi / 2)
    store = dataclasses.replace(store, fixtures=(turned,))
    write_form(tmp_path / "form.csv", store)
    assert len(load_points(tmp_path / "form.csv", store, SIZE).row) == 0
    (tmp_path / "points.csv").write_text("fixture,shelf,x,y,u,v\nbay-1,1,0.4,-0.01,10,20\n")
    points = load_points(tmp_path / "points.csv", store, SIZE)
    np.testing.assert_allclose(points.world, [[2.01, 1.4, 0.7]], atol=1e-9)


LENS = CameraModel("board", 480, 360, 1.1, 0.0, Lens(k1=-0.2, k2=0.02))


def shot(board: Board, turn: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """A picture of a board through LENS: every pixel's ray is followed to the board's plane."""
    side = 40
    if board.markers:
        marks = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, f"DICT_{board.markers}"))
        drawn = cv2.aruco.CharucoBoard((board.columns, board.rows), 1.0, 0.75, marks)
        art = drawn.generateImage((board.columns * side, board.rows * side), marginSize=0)
    else:
        checks = np.add.outer(np.arange(board.rows), np.arange(board.columns)) % 2 * 255
        art = np.kron(checks, np.ones((side, side))).astype(np.uint8)
    art = cv2.copyMakeBorder(art, side, side, side, side, cv2.BORDER_CONSTANT, value=255)
    camera = Camera("c", LENS, (0.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    x, y = np.meshgrid(np.arange(LENS.width) + 0.5, np.arange(LENS.height) + 0.5)
    rays = camera.unproject(np.stack([x, y], axis=-1), np.ones(x.shape)) @ camera.rotation.T
    rotation = cv2.Rodrigues(turn)[0]
    origin = centre - rotation @ [board.columns / 2, board.rows / 2, 0.0]
    distance = (rotation[:, 2] @ origin) / (rays @ rotation[:, 2])
    place = (rays * distance[..., None] - origin) @ rotation
    u, v = ((place[..., i] + 1) * side - 0.5 for i in (0, 1))
    grey = cv2.remap(art, u.astype(np.float32), v.astype(np.float32), cv2.INTER_AREA, borderValue=110)
    return np.repeat(cv2.GaussianBlur(grey, (0, 0), 0.8)[..., None], 3, axis=2)


def board_pictures(board: Board, count: int = 6) -> list[np.ndarray]:
    random = np.random.default_rng(5)
    side = random.uniform(-1, 1, (count, 2))
    turns = [np.array([0.5 * math.cos(k), 0.5 * math.sin(k), 0.1 * k]) for k in range(count)]
    return [shot(board, t, np.array([1.6 * s[0], 1.0 * s[1], 9.5])) for t, s in zip(turns, side)]


@pytest.mark.parametrize("board", [Board(8, 6), Board(8, 6, "4X4_50")], ids=["chessboard", "charuco"])
def test_pictures_of_a_board_give_the_lens(board: Board) -> None:
    fit = fit_board("board", board_pictures(board), board)
    assert len(fit.pictures) >= 4
    assert fit.rms < 0.4
    assert fit.model.focal_length == pytest.approx(LENS.focal_length, rel=0.01)
    edge = np.linspace(0.1, 0.6, 6)
    np.testing.assert_allclose(fit.model.lens.bend(edge), LENS.lens.bend(edge), atol=0.006)


def test_a_board_that_is_not_there_is_said_so() -> None:
    blank = [np.full((120, 160, 3), 90, np.uint8)] * 4
    with pytest.raises(InputError, match="8 x 6 squares was found in 0 of 4 pictures; expected 4 or more"):
        fit_board("x", blank, Board(8, 6))
    with pytest.raises(InputError, match="expected one size"):
        fit_board("x", [*blank, np.zeros((100, 160, 3), np.uint8)], Board(8, 6))


def test_calibrate_with_a_board_writes_a_model(tmp_path: Path) -> None:
    (tmp_path / "board").mkdir()
    board = Board(8, 6, "4X4_50")
    for i, picture in enumerate(board_pictures(board)):
        save_picture(tmp_path / "board" / f"{i}.jpg", picture, quality=95)
    command = ["calibrate", str(tmp_path / "board"), "--board", "8x6", "--markers", "4X4_50", "--id", "dome"]
    main([*command, "--outputs", str(tmp_path / "out")])
    model = read_yaml(tmp_path / "out" / "latest" / "model.yaml", CameraModel)
    assert (model.name, model.width, model.height) == ("dome", 480, 360)
    assert model.focal_length == pytest.approx(LENS.focal_length, rel=0.02)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["shelf.jpg"], "expected --store with the shelves in the picture, or --board"),
        (["shelf.jpg", "--store", "nowhere"], "nowhere: no such file"),
        (["empty", "--board", "8x6"], "empty: no pictures in it"),
        (["empty", "--board", "8x2"], "board of 8 x 2 squares; expected 4 x 4 or more"),
        (["empty", "--board", "8x6", "--markers", "9X9"], "markers '9X9'; expected one of 4X4_100"),
    ],
)
def test_wrong_options_get_one_line(
    arguments: list[str], match: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    save_picture(tmp_path / "shelf.jpg", np.full((48, 64, 3), 90, np.uint8))
    (tmp_path / "empty").mkdir()
    assert match in refusal(main, ["calibrate", *arguments], capsys)
    assert not (tmp_path / "outputs").exists()
