"""Pictures that are read by themselves: the reading comes to the last bit, and nothing of it is kept."""

from __future__ import annotations

import dataclasses
import json
import struct
import time
import zlib

import cv2
import numpy as np
import pytest

from scenarios import Frame
from tests.layouts import front_camera
from tests.vision.service.served import BlockSeer, Caller, image_of, jpeg_of, service_of
from tests.vision.watched import FULL, OUT
from vision.readings import Detections, PlaceReadings, Reading, as_exact, from_exact

CAMERA = json.dumps(dataclasses.asdict(front_camera()))


def png_of(what: int) -> bytes:
    return cv2.imencode(".png", image_of(what)[..., ::-1])[1].tobytes()


def tried(caller: Caller, body: bytes | None = None, type: str = "image/png", **params):
    given = {"camera": CAMERA, "time": 7.25, **params}
    content = png_of(OUT) if body is None else body
    return caller.http.post("/v1/trial-frames", params=given, content=content, headers={"Content-Type": type})


def alike(a: Reading, b: Reading) -> None:
    """Both say the same to the last bit, in arrays of the same types."""
    for one, other in ((a.detections, b.detections), (a.places, b.places)):
        assert one is not None
        for field in dataclasses.fields(one):
            x, y = getattr(one, field.name), getattr(other, field.name)
            assert (x is None) == (y is None), field.name
            if x is not None:
                assert x.dtype == y.dtype, field.name
                assert x.shape == y.shape, field.name
                assert list(x.ravel()) == list(y.ravel()), field.name
    assert (a.states, a.camera, a.time, a.size, a.latency_ms) == (b.states, b.camera, b.time, b.size, b.latency_ms)
    assert np.array_equal(a.people, b.people)


def test_a_reading_comes_back_to_the_last_bit(caller: Caller) -> None:
    told = tried(caller).json()
    expected = BlockSeer()(Frame(image_of(OUT), front_camera(), 7.25))
    alike(from_exact(told["reading"]), expected)
    laps = told["device_ms"]
    assert abs(told["received"] - time.time()) < 60
    assert laps["all"] >= laps["decode"] + laps["wait"] + laps["read"] > 0


def test_a_jpeg_may_be_tried_as_well(caller: Caller) -> None:
    assert tried(caller, jpeg_of(FULL), "image/jpeg").status_code == 200


def test_a_trial_leaves_no_trace(caller: Caller) -> None:
    caller.play([FULL] * 3)
    before = caller.http.get("/v1/shelves").json()
    for _ in range(8):
        assert tried(caller).status_code == 200
    assert caller.http.get("/v1/shelves").json() == before
    assert len(caller.http.get("/v1/readings").json()) == 3
    assert caller.http.get("/v1/cameras").json()[0]["last_time"] == 10.0


def bomb() -> bytes:
    """A PNG of a few bytes that says it had 100,000 by 100,000 pixels."""
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
        + struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    )  # fmt: skip


def described(**changes) -> str:
    data = json.loads(CAMERA)
    for key, value in changes.items():
        part = data["model"] if key in data["model"] else data
        part[key] = value
    return json.dumps(data)


WRONG = [
    ({"type": "image/gif"}, 415, "not a picture type"),
    ({"body": b""}, 422, "not a picture"),
    ({"body": png_of(FULL)[:-40]}, 422, "not a picture"),
    ({"body": bomb()}, 422, "wrong size"),
    ({"body": bomb(), "camera": described(width=100_000, height=100_000)}, 413, "too large"),
    ({"camera": described(width=320)}, 422, "wrong size"),
    ({"camera": "{}"}, 422, "not a camera"),
    ({"camera": "["}, 422, "not a camera"),
    ({"camera": "[" * 3000}, 422, "not a camera"),
    ({"camera": described(roll=float("nan"))}, 422, "not a camera"),
    ({"camera": described(horizontal_fov=9)}, 422, "not a camera"),
    ({"camera": described(target="nowhere")}, 422, "not a camera"),
    ({"camera": "x" * 5000}, 422, "not valid"),
    ({"time": "nan"}, 422, "not valid"),
    ({"body": bytes(8_000_001)}, 413, "too large"),
]


@pytest.mark.parametrize(("given", "status", "title"), WRONG)
def test_what_cannot_be_tried_is_refused(caller: Caller, given: dict, status: int, title: str) -> None:
    answer = tried(caller, **given)
    assert (answer.status_code, answer.json()["title"]) == (status, title)


def test_a_camera_that_makes_no_sense_ends_in_an_answer_and_not_in_an_error(tmp_path) -> None:
    class Lost(BlockSeer):
        def __call__(self, frame: Frame):
            assert frame.camera is not None
            if frame.camera.id == "lost":
                raise ValueError("it looks at itself")
            return super().__call__(frame)

    with Caller(service_of(tmp_path, pipeline=Lost())) as caller:
        caller.play([FULL])
        watch = caller.service.engine._watch
        answer = tried(caller, camera=described(id="lost"))
        assert (answer.status_code, answer.json()["title"]) == (422, "not a camera")
        assert caller.service.engine._watch is watch  # what is known is not read anew for it
        assert tried(caller).status_code == 200


def test_the_device_says_what_it_is(caller: Caller) -> None:
    before = time.time()
    about = caller.http.get("/v1/about").json()
    assert before <= about["arrived"] <= about["answered"] <= time.time()
    assert about["source"] == caller.service.source_name
    assert about["clock"] == "frames"
    assert about["skus"] == 0


def test_arrays_without_elements_and_without_sight_come_back() -> None:
    nothing = np.empty(0, np.float32)
    places = PlaceReadings(np.empty(0, np.int8), np.empty(0, object), nothing, nothing, np.empty((0, 3), np.float32))
    found = Detections(np.empty((0, 4), np.float32), nothing, np.empty(0, np.int64))
    reading = Reading(None, 0.5, (3, 2), found, places)
    plain = json.loads(json.dumps(as_exact(reading)))
    again = from_exact(plain)
    assert again.detections.xyxy.shape == (0, 4)
    assert again.places is not None
    assert again.places.sight is None
