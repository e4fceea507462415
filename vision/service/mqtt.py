"""MQTT: events to a broker, each until the broker has said that it has it."""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Sequence
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from vision.service.database import Event
from vision.service.outbox import TryAgain
from vision.service.webhooks import body_of

ACKNOWLEDGED = 5.0
"""Seconds to wait for a broker's word before it is asked after again."""
log = logging.getLogger(__name__)


class Mqtt:
    """Publishes events with QoS 1 under TOPIC/alert/KIND, TOPIC/shelf/POSITION (retained: who subscribes later gets
    the last) and TOPIC/reading/CAMERA; TOPIC/online is "1", and "0" by the broker once the service is gone."""

    name = "mqtt"

    def __init__(
        self, host: str, port: int, topic: str, types: Sequence[str], source: str,
        username: str = "", password: str = "", ca: str = "", pause: float = 30.0,
    ) -> None:  # fmt: skip
        """`pause`: the most seconds between two tries to connect."""
        self.types, self.topic, self._source = types, topic, source
        self._pending: tuple[str, int] | None = None
        self._acknowledged: set[int] = set()
        self._changed = threading.Condition()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, f"shelfwatch-{source}", clean_session=False)
        self._client.will_set(f"{topic}/online", "0", qos=1, retain=True)
        self._client.reconnect_delay_set(1, max(1, int(pause)))
        self._client.on_connect, self._client.on_publish = self._greet, self._heard
        if username:
            self._client.username_pw_set(username, password)
        if ca:
            self._client.tls_set(ca_certs=None if ca == "system" else ca, tls_version=ssl.PROTOCOL_TLS_CLIENT)
        self._client.connect_async(host, port, keepalive=30)
        self._client.loop_start()

    def _greet(self, client: paho.Client, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            log.error("mqtt: the broker refuses: %s", reason)
        else:
            client.publish(f"{self.topic}/online", "1", qos=1, retain=True)

    def _heard(self, client: paho.Client, data: Any, mid: int, reason: Any, properties: Any) -> None:
        with self._changed:
            self._acknowledged.add(mid)
            self._changed.notify_all()

    def send(self, event: Event) -> None:
        """Deliver, or raise TryAgain. One that was handed to the client is not handed over again: the client itself
        sends it until the broker has it, over as many connections as that takes."""
        if self._pending is None or self._pending[0] != event.id:
            if not self._client.is_connected():
                raise TryAgain("no broker")
            body = body_of(event, self._source)
            # A topic is no place for what else may be in a name.
            subject = event.data.get("kind", event.subject) if event.type == "alert" else event.subject
            name = "".join("_" if c in "/#+\0 " else c for c in str(subject))
            info = self._client.publish(f"{self.topic}/{event.type}/{name}", body, 1, event.type == "shelf")
            self._pending = event.id, info.mid
        mid = self._pending[1]
        with self._changed:
            if not self._changed.wait_for(lambda: mid in self._acknowledged, ACKNOWLEDGED):
                raise TryAgain("the broker has not acknowledged", 0.2)
            self._acknowledged.clear()
        self._pending = None

    def close(self) -> None:
        """Say farewell, if there is a broker."""
        if self._client.is_connected():
            self._client.publish(f"{self.topic}/online", "0", qos=1, retain=True)
        self._client.disconnect()
        self._client.loop_stop()
