"""Links to the store's other systems: what they tell is kept once, and what they are told fits its schema."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.vision.service.listening import listening
from tests.vision.service.receiver import Receiver, eventually, free_port
from tests.vision.service.served import Caller, service_of
from tests.vision.watched import FIRST, FULL, OUT
from vision.service.settings import LinkSettings, WebhookSettings
from vision.service.webhooks import body_of, signature

SECRET = "a secret of the till"
EXAMPLES = Path(__file__).parents[3] / "deploy" / "examples"


@pytest.fixture
def linked(tmp_path: Path):
    (tmp_path / "till.secret").write_text(SECRET)
    links = (
        LinkSettings("till", str(tmp_path / "till.secret"), ("sale",)),
        LinkSettings("erp", str(tmp_path / "till.secret")),
    )
    with Caller(service_of(tmp_path / "service", links=links)) as caller:
        yield caller


def event(
    kind: str = "sale", id: str = "m-1", units: float = 2, sku: str = FIRST.sku, at: float = 100.0
) -> dict[str, Any]:
    data = {"time": at, "lines": [{"sku": sku, "units": units}]}
    return {"specversion": "1.0", "id": id, "source": "till-1", "type": f"store.{kind}", "data": data}


def tell(caller: Caller, what: Any, link: str = "till", secret: str = SECRET, age: float = 0.0):
    body = what if isinstance(what, bytes) else json.dumps(what).encode()
    now = int(time.time() - age)
    headers = {
        "webhook-id": "w-1", "webhook-timestamp": str(now), "webhook-signature": signature(secret, "w-1", now, body),
        "Authorization": "",
    }  # fmt: skip
    return caller.http.post(f"/v1/links/{link}", content=body, headers=headers)


def test_a_message_is_kept_once_however_often_it_comes(linked: Caller) -> None:
    assert [tell(linked, event()).status_code for _ in range(3)] == [201, 200, 200]
    assert tell(linked, event(id="m-2", units=3)).json() == {"new": True}
    other = tell(linked, event(units=9))
    assert (other.status_code, other.json()["title"]) == (409, "another message")
    (book,) = linked.http.get("/v1/books").json()
    assert (book["sku"], book["sold"], book["stock"]) == (FIRST.sku, 5.0, None)


WRONG = [
    ({"what": event(sku="sku-of-another-store")}, 422, "unknown sku"),
    ({"what": event("stock")}, 422, "not an event"),
    ({"what": event("gossip"), "link": "erp"}, 422, "not an event"),
    ({"what": {**event(), "specversion": "0.3"}}, 422, "not an event"),
    ({"what": {**event(), "id": ""}}, 422, "not an event"),
    ({"what": {**event(), "id": "\ud800"}}, 422, "not an event"),
    ({"what": event(units=-1)}, 422, "not an event"),
    (
        {"what": b'{"specversion":"1.0","id":"a","type":"store.sale","data":{"time":NaN,"lines":[]}}'},
        422,
        "not an event",
    ),
    ({"what": event(at=1e300)}, 422, "not an event"),
    ({"what": b"[" * 5000}, 422, "not an event"),
    ({"what": b"\xff"}, 422, "not an event"),
    ({"what": []}, 422, "not an event"),
    ({"what": {**event(), "data": {"time": 1, "lines": []}}}, 422, "not an event"),
    ({"what": event(), "secret": "another secret"}, 401, "not signed"),
    ({"what": event(), "age": 400}, 401, "not signed"),
    ({"what": event(), "link": "nobody"}, 404, "unknown"),
]


@pytest.mark.parametrize(("given", "status", "title"), WRONG)
def test_what_is_none_of_it_is_refused_and_not_kept(linked: Caller, given: dict, status: int, title: str) -> None:
    answer = tell(linked, **given)
    assert (answer.status_code, answer.json()["title"]) == (status, title)
    assert linked.http.get("/v1/books").json() == []


def test_an_unknown_sku_is_named_and_takes_the_whole_message_with_it(linked: Caller) -> None:
    what = event()
    what["data"]["lines"].append({"sku": "sku-of-another-store", "units": 1})
    assert "sku-of-another-store; expected SKUs of the catalog" in tell(linked, what).json()["detail"]
    assert linked.http.get("/v1/books").json() == []
    assert tell(linked, event()).status_code == 201  # under the same id, once it is right


def test_phantom_stock_is_what_the_books_have_and_no_shelf_has(linked: Caller) -> None:
    for kind, units, at in (("stock", 10, 50.0), ("order", 6, 60.0), ("offer", 4, 61.0)):
        assert tell(linked, event(kind, f"{kind}-1", units, at=at), "erp").status_code == 201
    assert tell(linked, event("sale", "s-0", 3, at=40.0)).status_code == 201  # the stock knows of it
    assert tell(linked, event("sale", "s-1", 4, at=55.0)).status_code == 201
    linked.play([FULL] * 3)
    (book,) = linked.http.get("/v1/books").json()
    assert (book["stock"], book["sold"], book["expected"], book["ordered"], book["offered"]) == (10, 4, 6, 6, 4)
    assert (book["levels"], book["phantom"]) == (["in_stock"], False)
    linked.play([OUT] * 8, start=15.0)
    (book,) = linked.http.get("/v1/books").json()
    assert (book["levels"], book["phantom"]) == (["out"], True)


def test_every_alert_has_its_task_and_every_product_its_availability(linked: Caller) -> None:
    database = linked.service.database
    linked.play([FULL] * 3 + [OUT] * 8)
    standing = linked.http.get("/v1/alerts/standing").json()
    if standing[0]["review"]:  # a person is asked first
        assert linked.http.get("/v1/tasks").json() == []
        linked.http.post("/v1/review", json={"id": standing[0]["id"], "right": True})
    (task,) = linked.http.get("/v1/tasks").json()
    assert (task["event"], task["position"], task["sku"]) == ("open", FIRST.id, FIRST.sku)
    assert task["units"] == FIRST.facings * FIRST.deep
    linked.play([FULL] * 10, start=60.0)
    assert linked.http.get("/v1/tasks").json() == []
    told = [(e.data["id"], e.data["event"]) for e in database.events(0, ("task",))]
    assert told == [(task["id"], "open"), (task["id"], "done")]
    said = [(e.subject, e.data["available"]) for e in database.events(0, ("availability",))]
    assert said == [(FIRST.sku, False), (FIRST.sku, True)]


def test_a_task_that_a_person_says_no_to_is_cancelled_or_was_never_told(linked: Caller) -> None:
    linked.play([FULL] * 3 + [OUT] * 8)
    (alert,) = linked.http.get("/v1/alerts/standing").json()
    opened = not alert["review"]
    linked.http.post("/v1/review", json={"id": alert["id"], "right": False})
    told = [e.data["event"] for e in linked.service.database.events(0, ("task",))]
    assert told == (["open", "cancelled"] if opened else [])


def test_all_that_goes_out_and_comes_in_fits_the_schema(linked: Caller) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    linked.play([FULL] * 3 + [OUT] * 8 + [FULL] * 8)
    schema = linked.http.get("/v1/events/schema").json()
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    database = linked.service.database
    events = database.events(0, ("alert", "shelf", "reading", "task", "availability"), 1000)
    assert {e.type for e in events} >= {"alert", "shelf", "reading", "availability"}
    for one in events:
        validator.validate(json.loads(body_of(one, linked.service.source_name)))
    for kind in ("sale", "stock", "order", "offer"):
        validator.validate(event(kind))
    assert not validator.is_valid(event("gossip"))
    assert not validator.is_valid({**json.loads(body_of(events[0], "s")), "data": {}})


@pytest.mark.slow
def test_the_examples_talk_to_a_service(tmp_path: Path) -> None:
    """A till that sells twice under one id, and a receiver of tasks that gets a replay."""
    port = free_port()
    environment = os.environ | {"SHELFWATCH_SECRET": SECRET}
    receiver = subprocess.Popen(
        [sys.executable, str(EXAMPLES / "tasks.py"), str(port)], env=environment, stdout=subprocess.PIPE, text=True
    )
    (tmp_path / "secret").write_text(SECRET)
    hook = WebhookSettings("tasks", f"http://127.0.0.1:{port}/", str(tmp_path / "secret"), ("task",))
    links = (LinkSettings("till", str(tmp_path / "secret"), ("sale",)),)
    try:
        with Caller(service_of(tmp_path / "service", links=links, webhooks=(hook,))) as caller:
            with listening(caller.app) as at:
                url = f"http://127.0.0.1:{at}/v1/links/till"
                sold = subprocess.run(
                    [sys.executable, str(EXAMPLES / "till.py"), url, f"{FIRST.sku}:2"], env=environment, text=True,
                    capture_output=True, timeout=60,
                )  # fmt: skip
                assert sold.stdout.strip() == "201", sold.stderr
                wrong = subprocess.run(
                    [sys.executable, str(EXAMPLES / "till.py"), url, "nothing:2"], env=environment, text=True,
                    capture_output=True, timeout=60,
                )  # fmt: skip
                assert "unknown sku" in wrong.stderr
            caller.play([FULL] * 3 + [OUT] * 8)
            (alert,) = caller.http.get("/v1/alerts/standing").json()
            if alert["review"]:
                caller.http.post("/v1/review", json={"id": alert["id"], "right": True})
            eventually(lambda: caller.service.outlets["tasks"].waiting == 0)
            caller.http.post("/v1/outlets/tasks/replay", json={"after": 0})
            caller.play([FULL] * 10, start=60.0)
            eventually(lambda: caller.service.outlets["tasks"].waiting == 0)
    finally:
        receiver.terminate()
    assert receiver.stdout is not None
    lines = [line.split()[0] for line in receiver.stdout.read().splitlines()]
    assert lines == ["open", "done"]  # the replay brought the first one again, and it was known


def test_tasks_are_signed_and_have_the_ids_of_the_outbox(tmp_path: Path) -> None:
    receiver = Receiver()
    (tmp_path / "secret").write_text(SECRET)
    hook = WebhookSettings("tasks", receiver.url, str(tmp_path / "secret"), ("task", "availability"))
    with Caller(service_of(tmp_path / "service", webhooks=(hook,))) as caller:
        caller.play([FULL] * 3 + [OUT] * 8)
        eventually(lambda: receiver.events)
        assert receiver.events[0]["type"] in ("shelfwatch.task", "shelfwatch.availability")
        assert receiver.headers[0]["webhook-id"] == receiver.events[0]["id"]
    receiver.down()
