"""A service whose broker and webhook receiver are both down for a while, a second here:
`SERVICE_OUTAGE=60 pytest tests/vision/service/test_outage.py` has them down for a minute."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path

from tests.vision.service.receiver import SECRET, Receiver, eventually
from tests.vision.service.served import Caller, service_of
from tests.vision.service.test_mqtt import Broker, Subscriber
from tests.vision.service.test_mqtt import pytestmark as pytestmark
from tests.vision.watched import FULL, OUT
from vision.service.outbox import LONGEST_PAUSE
from vision.service.settings import MqttSettings, WebhookSettings

OUTAGE = float(os.environ.get("SERVICE_OUTAGE", 1))
TYPES = ("alert", "task", "availability", "shelf", "reading")


def test_what_happens_while_all_outlets_are_down_arrives_afterwards_once_in_order(tmp_path: Path) -> None:
    broker, receiver = Broker(tmp_path), Receiver()
    (tmp_path / "hook").write_text(SECRET)
    settings = {
        "mqtt": MqttSettings("127.0.0.1", broker.port, types=TYPES),
        "webhooks": (WebhookSettings("till", receiver.url, str(tmp_path / "hook"), TYPES),),
    }
    broker.up()
    heard = Subscriber(broker.port)

    def new() -> list[str]:
        """What was heard, but for what the broker keeps of each shelf and says again to who comes back."""
        return [body["id"] for _, body, retained in heard.messages if not retained]

    shown, times = itertools.cycle([FULL] * 6 + [OUT] * 6), itertools.count(0.0, 5.0)
    try:
        with Caller(service_of(tmp_path / "state", **settings)) as caller:
            outlets = list(caller.service.outlets.values())

            def play(frames: int) -> None:
                for _ in range(frames):
                    assert caller.post(next(times), next(shown)).status_code == 201

            play(12)
            eventually(lambda: all(outlet.waiting == 0 for outlet in outlets))
            broker.down()
            receiver.down()
            until, before = time.monotonic() + OUTAGE, caller.service.database.last_event
            while time.monotonic() < until:
                play(12)
                time.sleep(0.2)
            assert all(outlet.why and outlet.waiting for outlet in outlets)
            happened = caller.service.database.events(before, ("alert",), 100_000)
            assert {event.data["event"] for event in happened} == {"raised", "resolved"}
            broker.up()
            receiver.up()
            eventually(lambda: all(outlet.waiting == 0 for outlet in outlets), 30 + 3 * LONGEST_PAUSE)
            expected = [event.id for event in caller.service.database.events(0, TYPES, 100_000)]
            eventually(lambda: len(new()) >= len(expected))
    finally:
        heard.end()
        broker.down()
        receiver.down()
    assert receiver.ids == expected
    assert new() == expected
