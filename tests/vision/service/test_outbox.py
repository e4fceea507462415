"""Events on their way out: all arrive, in order, once, whoever was down meanwhile."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vision.service.receiver import SECRET, Receiver, eventually
from tests.vision.service.served import Caller, service_of
from tests.vision.watched import FULL, OUT
from vision.service.database import Database
from vision.service.metrics import Metrics
from vision.service.outbox import Outlet
from vision.service.settings import WebhookSettings
from vision.service.webhooks import TOLERANCE, Webhook, is_genuine, signature


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.down()


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "service.db")


def outlet_to(receiver: Receiver, database: Database) -> Outlet:
    return Outlet(Webhook("till", receiver.url, SECRET, ("alert",), "us"), database, Metrics(), pause=0.02)


def happen(database: Database, first: int, last: int) -> list[str]:
    """Alerts of these numbers, among other things that the receiver does not want."""
    before = database.last_event
    for n in range(first, last + 1):
        database.add_event("reading", "front", n, n, {})
        database.add_event("alert", "p", n, n, {"n": n})
    return [event.id for event in database.events(before, ("alert",))]


def test_what_happens_while_the_receiver_is_down_arrives_afterwards_once_in_order(receiver, database) -> None:
    happen(database, -3, 0)  # before anybody wanted to hear of it
    outlet = outlet_to(receiver, database)
    outlet.start()
    expected = happen(database, 1, 3)
    outlet.ring()
    eventually(lambda: len(receiver.ids) == 3)
    receiver.down()
    expected += happen(database, 4, 9)
    outlet.ring()
    eventually(lambda: "no answer" in outlet.why)
    assert outlet.waiting == 6
    receiver.up()
    eventually(lambda: outlet.done == database.last_event)
    outlet.stop()
    assert receiver.ids == expected
    assert [event["data"]["n"] for event in receiver.events] == list(range(1, 10))
    assert outlet.why == ""


@pytest.mark.parametrize("answers", [[500, 503], [429], [408, 425]])
def test_what_may_be_taken_later_is_tried_again(receiver, database, answers: list[int]) -> None:
    receiver.answers = answers
    outlet = outlet_to(receiver, database)
    expected = happen(database, 1, 2)
    outlet.start()
    eventually(lambda: outlet.done == database.last_event)
    outlet.stop()
    assert receiver.ids == expected


def test_what_is_refused_for_good_is_given_up_and_can_be_replayed(receiver, database) -> None:
    receiver.answers = [400]
    outlet = outlet_to(receiver, database)
    expected = happen(database, 1, 3)
    outlet.start()
    eventually(lambda: outlet.done == database.last_event)
    assert receiver.ids == expected[1:]
    assert outlet.given_up == [(2, "answered 400")]
    outlet.replay(after=0)
    eventually(lambda: len(receiver.ids) == 5)
    eventually(lambda: outlet.done == database.last_event)
    outlet.stop()
    assert receiver.ids[2:] == expected
    assert outlet.given_up == []


def test_a_delivery_that_was_not_written_down_comes_again_under_the_same_id(receiver, database) -> None:
    """As a kill between the two would have it."""
    expected = happen(database, 1, 1)
    outlet_to(receiver, database)
    database.connection.execute("UPDATE outlets SET done = 0")
    for _ in range(2):
        deliver_all(receiver, database)
        database.connection.execute("UPDATE outlets SET done = 0")
    assert receiver.ids == expected * 2


def deliver_all(receiver: Receiver, database: Database) -> None:
    outlet = outlet_to(receiver, database)
    outlet.start()
    eventually(lambda: outlet.done == database.last_event)
    outlet.stop()


def test_a_delivery_that_a_full_disk_keeps_from_being_written_down_does_not_come_again(
    receiver, database, monkeypatch
) -> None:
    outlet, plain, tries = outlet_to(receiver, database), Database.transaction, []

    def full(self: Database):
        if len(tries) < 2:
            tries.append(1)
            raise sqlite3.OperationalError("database or disk is full")
        return plain(self)

    expected = happen(database, 1, 2)
    monkeypatch.setattr(Database, "transaction", full)
    outlet.start()
    eventually(lambda: outlet.done == database.last_event)
    outlet.stop()
    assert len(tries) == 2
    assert receiver.ids == expected


def test_deliveries_are_signed_and_others_are_not_genuine(receiver, database) -> None:
    outlet = outlet_to(receiver, database)
    happen(database, 1, 1)
    outlet.start()
    eventually(lambda: receiver.bodies)
    outlet.stop()
    (headers,), (body,) = receiver.headers, receiver.bodies
    sent = int(headers["webhook-timestamp"])
    assert is_genuine(SECRET, headers, body)
    assert headers["webhook-id"] == receiver.ids[0]
    assert not is_genuine("another secret", headers, body)
    assert not is_genuine(SECRET, headers, body + b" ")
    assert not is_genuine(SECRET, {**headers, "webhook-id": "other"}, body)
    assert not is_genuine(SECRET, headers, body, now=sent + TOLERANCE + 1)
    assert not is_genuine(SECRET, {**headers, "webhook-timestamp": str(sent + 1)}, body)
    assert not is_genuine(SECRET, {"webhook-id": "x"}, body)
    rotated = {**headers, "webhook-signature": f"v1,other {headers['webhook-signature']}"}
    assert is_genuine(SECRET, rotated, body)


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """Computed with their own reference (HMAC-SHA256 of id.timestamp.body, base64)."""
    import base64
    import hashlib
    import hmac

    expected = base64.b64encode(hmac.new(b"secret", b"msg.1.{}", hashlib.sha256).digest()).decode()
    assert signature("secret", "msg", 1, b"{}") == f"v1,{expected}"


def test_an_alert_of_the_service_arrives_and_is_replayed_on_request(tmp_path: Path, receiver, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "secret").write_text(SECRET)
    hook = WebhookSettings("till", receiver.url, str(tmp_path / "secret"))
    with Caller(service_of(tmp_path / "state", webhooks=(hook,))) as caller:
        caller.play([FULL] * 3 + [OUT] * 6)
        eventually(lambda: receiver.ids)
        (alert,) = caller.http.get("/v1/alerts").json()
        (event,) = receiver.events
        assert (event["id"], event["specversion"], event["type"]) == (alert["id"], "1.0", "shelfwatch.alert")
        assert event["data"] == {"time": alert["time"], **alert["data"]}
        eventually(lambda: caller.http.get("/v1/outlets").json()[0]["done"] >= alert["seq"])
        assert caller.http.post("/v1/outlets/till/replay", json={"after": 0}).status_code == 202
        eventually(lambda: len(receiver.ids) == 2)
        assert caller.http.post("/v1/outlets/other/replay", json={"after": 0}).status_code == 404
        assert len(set(receiver.ids)) == 1
    assert SECRET not in caplog.text
    assert "of-the-url" not in caplog.text
