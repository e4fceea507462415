"""Frames over HTTP: what is read, what is refused, and that a crowd is told to come back."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.vision.service.served import BlockSeer, Caller, beside, image_of, jpeg_of, service_of, still
from tests.vision.watched import FIRST, FULL, OUT
from vision import watch as module
from vision.service import readers
from vision.service.problems import Refused
from vision.service.settings import HttpSettings


def test_frames_become_readings_shelves_and_alerts(caller: Caller) -> None:
    answers = [caller.post(5.0 * i, OUT if i > 3 else FULL) for i in range(12)]
    assert [a.status_code for a in answers] == [201] * 12
    assert [a.json()["reading"] for a in answers] == list(range(1, 13))
    said = [(alert["kind"], alert["subject"]) for a in answers for alert in a.json()["alerts"]]
    assert said == [("out", FIRST.id)]
    kept = caller.http.get("/v1/readings", params={"after": 10}).json()
    assert [(r["seq"], r["camera"], r["time"]) for r in kept] == [(11, "front", 50.0), (12, "front", 55.0)]
    shelf = caller.http.get(f"/v1/shelves/{FIRST.id}").json()
    assert (shelf["level"], shelf["position"]) == ("out", FIRST.id)
    assert caller.http.get("/v1/shelves").json()["positions"][0] == shelf
    (standing,) = caller.http.get("/v1/alerts/standing").json()
    (alert,) = caller.http.get("/v1/alerts").json()
    assert alert["data"]["id"] == standing["id"]
    assert alert["data"]["text"].startswith("out: Brandbox Tomato Soup")
    figures = caller.http.get("/metrics").text
    assert 'shelfwatch_requests_total{method="GET",route="/v1/shelves",status="200"} 1.0' in figures
    assert 'shelfwatch_frames_read_total{camera="front"} 12.0' in figures
    assert 'shelfwatch_positions{level="out"} 1.0' in figures
    (camera,) = caller.http.get("/v1/cameras").json()
    assert (camera["id"], camera["last_time"], camera["silent"], camera["faults"]) == ("front", 55.0, False, [])


class Repeating(BlockSeer):
    """Every second frame shows nothing new."""

    def __call__(self, frame):
        found = super().__call__(frame)
        return replace(found, age=5.0) if frame.time % 10 else found


def test_a_reading_that_is_used_again_is_counted_and_its_age_told(tmp_path) -> None:
    with Caller(service_of(tmp_path, pipeline=Repeating())) as caller:
        caller.play([FULL] * 6)
        assert [r["age"] for r in caller.http.get("/v1/readings").json()] == [0.0, 5.0] * 3
        figures = caller.http.get("/metrics").text
    assert 'shelfwatch_frames_read_total{camera="front"} 6.0' in figures
    assert 'shelfwatch_frames_reused_total{camera="front"} 3.0' in figures


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def of_size(width: int, height: int) -> bytes:
    return cv2.imencode(".jpg", np.full((height, width, 3), 90, np.uint8))[1].tobytes()


def claims_to_be_huge() -> bytes:
    data = bytearray(jpeg_of(FULL))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    return bytes(data)


WRONG = [
    ("unknown camera", 404, {"camera": "other"}, None),
    ("seen twice", 409, {"time": 100}, None),
    ("out of order", 409, {"time": 99.5}, None),
    ("wrong size", 422, {}, of_size(320, 240)),
    ("wrong size", 422, {}, of_size(480, 640)),
    ("wrong size", 422, {}, claims_to_be_huge()),
    ("not a picture", 422, {}, b""),
    ("not a picture", 422, {}, b"no picture"),
    ("not a picture", 422, {}, b"\xff\xd8\xff"),
    ("not a picture", 422, {}, cut(jpeg_of(FULL))),
    ("not a picture", 422, {}, cv2.imencode(".png", image_of(FULL))[1].tobytes()),
    ("not a jpeg", 415, {"type": "image/png"}, None),
    ("too large", 413, {}, b"\xff\xd8" + bytes(8_000_000)),
    ("not valid", 422, {"time": "nan"}, None),
    ("not valid", 422, {"time": "inf"}, None),
    ("not valid", 422, {"time": -1}, None),
    ("not valid", 422, {"time": "soon"}, None),
]


@pytest.fixture(scope="module")
def one_frame(tmp_path_factory):
    """A service that has read one frame, of second 100."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "find_drift", still)
        with Caller(service_of(tmp_path_factory.mktemp("one"))) as made:
            assert made.post(100, FULL).status_code == 201
            yield made


@pytest.mark.parametrize(("code", "status", "how", "body"), WRONG)
def test_a_frame_that_is_wrong_is_refused_by_name_and_counted(one_frame: Caller, code, status, how, body) -> None:
    camera = how.get("camera", "front")
    name = "front" if camera == "front" else "unknown"
    before = counted(one_frame, name, code)
    answer = one_frame.http.post(
        f"/v1/cameras/{camera}/frames",
        params={"time": how.get("time", 105)},
        content=jpeg_of(FULL) if body is None else body,
        headers={"Content-Type": how.get("type", "image/jpeg")},
    )
    assert (answer.status_code, answer.json()["title"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(one_frame.http.get("/v1/readings").json()) == 1
    assert counted(one_frame, name, code) == before + (code != "not valid")


def counted(caller: Caller, camera: str, reason: str) -> float:
    labels = {"camera": camera, "reason": reason}
    return caller.service.metrics.registry.get_sample_value("shelfwatch_frames_refused_total", labels) or 0.0


def test_a_frame_from_the_future_is_refused_by_the_clock(tmp_path) -> None:
    with Caller(service_of(tmp_path, clock="wall")) as caller:
        assert caller.post(time.time() + 3600, FULL).json()["title"] == "in the future"
        assert caller.post(time.time() + 5, FULL).status_code == 201


class Gate(BlockSeer):
    """Reads only once it is opened."""

    def __init__(self) -> None:
        self.open, self.reading = threading.Event(), threading.Event()

    def __call__(self, frame):
        self.reading.set()
        assert self.open.wait(20)
        return super().__call__(frame)


def test_where_one_frame_waits_another_is_told_to_come_back(tmp_path) -> None:
    gate = Gate()
    with Caller(service_of(tmp_path, pipeline=gate)) as caller:
        answers = []
        threads = [threading.Thread(target=lambda t=t: answers.append(caller.post(t, FULL))) for t in (1.0, 2.0)]
        threads[0].start()
        assert gate.reading.wait(10)
        threads[1].start()
        while caller.service.engine._slots["front"] is None:
            time.sleep(0.005)
        refused = caller.post(3.0, FULL)
        assert (refused.status_code, refused.json()["title"]) == (429, "busy")
        assert int(refused.headers["retry-after"]) >= 1
        gate.open.set()
        for thread in threads:
            thread.join()
        assert [a.status_code for a in answers] == [201, 201]
        assert caller.post(3.0, FULL).status_code == 201


def test_cameras_take_turns(tmp_path) -> None:
    gate, order = Gate(), []
    service = service_of(tmp_path, [beside("a"), beside("b")], pipeline=gate)
    with Caller(service):
        first = service.engine.offer(_frame("a", 1.0, order))
        assert gate.reading.wait(10)
        others = [service.engine.offer(_frame("a", 2.0, order)), service.engine.offer(_frame("b", 1.0, order))]
        gate.open.set()
        taken = [f.result(10).seq for f in (first, *others)]
    assert taken == [1, 3, 2]


def test_two_readers_read_at_once_but_a_camera_s_frames_one_after_the_other(tmp_path) -> None:
    """The frame of a slow reader is taken in later; its camera's next one is not begun before that."""
    slow, quick = Gate(), BlockSeer()
    service = service_of(tmp_path, [beside(id) for id in "abc"], pipeline=slow, more=[quick])  # slow: a and c
    with Caller(service):
        first, last = (service.engine.offer(_frame(id, 1.0, [])) for id in "ac")
        assert slow.reading.wait(10)
        assert [service.engine.offer(_frame("b", at, [])).result(10).seq for at in (1.0, 2.0)] == [1, 2]
        assert not first.done()
        slow.open.set()
        assert [done.result(10).seq for done in (first, last)] == [3, 4]
        with pytest.raises(Refused, match="read before"):
            service.engine.offer(_frame("a", 1.0, [])).result(10)


def test_what_was_begun_is_kept_when_the_service_stops(tmp_path) -> None:
    gate = Gate()
    service = service_of(tmp_path, [beside("a"), beside("b")], pipeline=gate)
    service.engine.start()
    begun = service.engine.offer(_frame("a", 1.0, []))
    assert gate.reading.wait(10)
    waits = service.engine.offer(_frame("b", 1.0, []))
    threading.Timer(0.2, gate.open.set).start()
    service.engine.stop()
    assert begun.result(0).seq == 1
    with pytest.raises(Refused, match="stopping"):
        waits.result(0)


@pytest.mark.parametrize(
    ("wanted", "cameras", "runtime", "threads"),
    [
        (0, 4, "onnxruntime-cpu", [2, 2, 2, 2]),
        (0, 20, "openvino", [1] * 8),
        (0, 1, "onnxruntime-cpu", [8]),
        (0, 4, "tensorrt", [8]),
        (3, 4, "onnxruntime-cpu", [2, 2, 2]),
    ],
)
def test_readers_share_the_cores(monkeypatch, wanted: int, cameras: int, runtime: str, threads: list[int]) -> None:
    monkeypatch.setattr(readers, "cores", lambda: 8)
    assert readers.shares(wanted, cameras, runtime) == threads


def _frame(camera: str, at: float, order):
    from scenarios import Frame

    return Frame(image_of(FULL), beside(camera), at)


def test_a_slow_body_ends_with_408(tmp_path) -> None:
    """Over a real connection: the headers come, the picture does not."""
    import socket

    from tests.vision.service.listening import listening

    service = service_of(tmp_path, http=HttpSettings(plain=True, body_seconds=0.3))
    with Caller(service) as caller, listening(caller.app) as port:
        token = caller.http.headers["Authorization"]
        for path in ("/v1/cameras/front/frames?time=1", "/v1/review"):
            with socket.create_connection(("127.0.0.1", port), 10) as end:
                head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 1000\r\n"
                end.sendall(f"{head}Authorization: {token}\r\n\r\nfew".encode())
                answer = end.recv(65536)
                while b"}" not in answer:  # head and body may come apart
                    answer += end.recv(65536)
            assert b" 408 " in answer.split(b"\r\n")[0], answer
            assert json.loads(answer.split(b"\r\n\r\n")[1])["title"] == "too slow"
