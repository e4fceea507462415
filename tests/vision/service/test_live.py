"""Events as they happen, and what people answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from tests.vision.service.listening import listening
from tests.vision.service.receiver import eventually
from tests.vision.service.served import Caller, image_of, service_of
from tests.vision.watched import FIRST, FULL, OUT
from vision.pictures import Shown
from vision.service.settings import AccessSettings, HttpSettings, PictureSettings


class Listener:
    """One client of the stream of events."""

    def __init__(self, port: int, caller: Caller, query: str = "", **headers: str) -> None:
        self.events: list[tuple[str, dict]] = []
        self.ended, self.begun = threading.Event(), threading.Event()
        said = {"Authorization": caller.http.headers["Authorization"], **headers}
        url = f"http://127.0.0.1:{port}/v1/events{query}"
        threading.Thread(target=self._listen, args=(url, said), daemon=True).start()
        assert self.begun.wait(20)

    def _listen(self, url: str, headers: dict[str, str]) -> None:
        name = ""
        try:
            with httpx.stream("GET", url, headers=headers, timeout=60) as answer:
                for line in answer.iter_lines():
                    self.begun.set()
                    key, _, value = line.partition(": ")
                    name = value if key == "event" else name
                    if key == "data":
                        self.events.append((name, json.loads(value)))
        except httpx.HTTPError:
            pass
        self.ended.set()


@pytest.fixture
def heard(caller: Caller) -> Iterator[tuple[Caller, int]]:
    with listening(caller.app) as port:
        yield caller, port


def test_events_come_as_they_happen_and_from_where_a_client_was(heard) -> None:
    caller, port = heard
    alerts, all_ = Listener(port, caller, "?type=alert"), Listener(port, caller)
    caller.play([FULL] * 3 + [OUT] * 6)
    eventually(lambda: alerts.events)
    ((name, event),) = alerts.events
    assert (name, event["subject"], event["data"]["kind"]) == ("alert", FIRST.id, "out")
    eventually(lambda: len([1 for n, _ in all_.events if n == "reading"]) == 9)
    ids = [e["id"] for _, e in all_.events]
    assert len(set(ids)) == len(ids)
    assert {n for n, _ in all_.events} == {"alert", "shelf", "reading", "availability"}
    later = Listener(port, caller, **{"Last-Event-ID": ids[4]})
    eventually(lambda: len(later.events) == len(ids) - 5)
    assert [e["id"] for _, e in later.events] == ids[5:]


def test_streams_are_limited_and_end_with_their_token(tmp_path) -> None:
    http, access = HttpSettings(plain=True, streams=1), AccessSettings(token_seconds=3)
    with Caller(service_of(tmp_path, http=http, access=access)) as caller, listening(caller.app) as port:
        one = Listener(port, caller)
        refused = caller.http.get("/v1/events")
        assert (refused.status_code, refused.json()["title"]) == (429, "too many streams")
        assert one.ended.wait(20)
        eventually(lambda: caller.service.streams == 0)


@pytest.mark.parametrize("bad", ["?type=other", "?after=-1", "?after=99999999999999999999"])
def test_a_stream_of_nothing_is_refused(caller: Caller, bad: str) -> None:
    assert caller.http.get(f"/v1/events{bad}").status_code == 422
    assert caller.http.get("/v1/events", headers={"Last-Event-ID": "x"}).status_code == 422


def test_an_answer_is_kept_and_withdraws_the_alert_at_once(tmp_path) -> None:
    with Caller(service_of(tmp_path)) as caller:
        caller.play([FULL] * 3 + [OUT] * 6)
        (question,) = caller.http.get("/v1/review").json()
        assert question["text"].startswith("out: Brandbox")
        said = caller.http.post("/v1/review", json={"id": question["id"], "right": False, "by": "ada"})
        assert [(a["id"], a["event"]) for a in said.json()["alerts"]] == [(question["id"], "withdrawn")]
        assert caller.http.get("/v1/alerts/standing").json() == []
        assert caller.http.get("/v1/review").json() == []
        assert caller.http.post("/v1/review", json={"id": "other", "right": True}).status_code == 404
        assert caller.http.post("/v1/review", json={"id": question["id"]}).status_code == 422
        again = caller.http.post("/v1/review", json={"id": question["id"], "right": False})
        assert again.json() == {"alerts": []}
    service = service_of(tmp_path)
    queue = service.engine._ready().queue
    assert queue.verdict(question["id"]) is False
    rows = service.database.rows("SELECT data FROM review")
    assert [json.loads(r[0]).get("by") for r in rows] == [None, "ada", "all"]


def test_no_picture_is_stored_unless_asked(caller: Caller, tmp_path) -> None:
    caller.play([FULL, OUT])
    assert caller.http.get("/v1/cameras/front/picture").status_code == 404
    assert {p.name for p in tmp_path.iterdir()} <= {
        "service.db",
        "service.db-wal",
        "service.db-shm",
        "signing-key.json",
    }


def test_pictures_are_stored_without_people_and_for_a_set_time(tmp_path) -> None:
    def hide(image: np.ndarray, people: np.ndarray) -> Shown:
        assert people.shape == (0, 4)
        return Shown(np.full_like(image, 7))

    kept = PictureSettings(keep=True, every=10, hours=1)
    with Caller(service_of(tmp_path, hide=hide, pictures=kept)) as caller:
        caller.play([FULL] * 5)
        pictures = sorted((tmp_path / "pictures" / "front").iterdir())
        assert [p.name for p in pictures] == ["0.000.jpg", "10.000.jpg", "20.000.jpg"]
        answer = caller.http.get("/v1/cameras/front/picture")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
        assert answer.content == max(pictures).read_bytes()
        import cv2

        assert abs(cv2.imdecode(np.frombuffer(answer.content, np.uint8), 1).astype(int) - 7).max() <= 1
        assert abs(image_of(FULL).astype(int) - 7).max() > 100
        stored = caller.service.pictures
        assert stored is not None
        assert stored.forget(pictures[0].stat().st_mtime + 3500) == 0
        assert stored.forget(pictures[-1].stat().st_mtime + 3700) == 3
        assert caller.http.get("/v1/cameras/front/picture").status_code == 404
        assert caller.http.get("/v1/cameras/other/picture").status_code == 404
