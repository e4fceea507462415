"""Webhooks: events to somebody's HTTP server, signed as https://www.standardwebhooks.com describes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from vision.service.database import Event
from vision.service.outbox import GiveUp, TryAgain

for _name in ("httpx", "httpcore.http11", "httpcore.connection"):
    # They write whole URLs, which may hold keys.
    logging.getLogger(_name).addFilter(lambda record: False)
TOLERANCE = 300.0
"""Seconds that a delivery's timestamp may be off, for who receives."""
TIMEOUT = 10.0
LATER = (408, 425, 429)
"""Answers below 500 after which the same may be taken later."""


def body_of(event: Event, source: str) -> bytes:
    """An event as it is sent out: a CloudEvents 1.0 envelope (https://cloudevents.io) in JSON. `time` within `data`
    is the cameras' clock."""
    envelope: dict[str, Any] = {
        "specversion": "1.0", "id": event.id, "source": source, "type": f"shelfwatch.{event.type}",
        "subject": event.subject, "datacontenttype": "application/json", "data": {"time": event.time, **event.data},
    }  # fmt: skip
    return json.dumps(envelope, allow_nan=False).encode()


def signature(secret: str, id: str, timestamp: int, body: bytes) -> str:
    """What a delivery is signed with: HMAC-SHA256 over id, time and body."""
    signed = f"{id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


def is_genuine(secret: str, headers: Mapping[str, str], body: bytes, now: float | None = None) -> bool:
    """Whether a delivery comes from who knows the secret, and was sent just now. For who receives."""
    try:
        timestamp = int(headers["webhook-timestamp"])
        id, said = headers["webhook-id"], headers["webhook-signature"]
    except (KeyError, ValueError):
        return False
    fresh = abs((time.time() if now is None else now) - timestamp) <= TOLERANCE
    expected = signature(secret, id, timestamp, body).encode()
    return fresh and any(hmac.compare_digest(one.encode(), expected) for one in said.split())


class Webhook:
    """Sends events to one URL. Follows no redirects."""

    def __init__(self, name: str, url: str, secret: str, types: Sequence[str], source: str) -> None:
        self.name, self.types = name, types
        self._url, self._secret, self._source = url, secret, source
        self._client = httpx.Client(timeout=TIMEOUT, headers={"User-Agent": "shelfwatch"})

    def send(self, event: Event) -> None:
        """Deliver, or raise TryAgain or GiveUp. The URL, which may hold a key, is in no message."""
        body, now = body_of(event, self._source), int(time.time())
        headers = {
            "Content-Type": "application/cloudevents+json", "webhook-id": event.id, "webhook-timestamp": str(now),
            "webhook-signature": signature(self._secret, event.id, now, body),
        }  # fmt: skip
        try:
            # The answer's body is of no interest, however long it may be.
            with self._client.stream("POST", self._url, content=body, headers=headers) as answer:
                status, after = answer.status_code, answer.headers.get("retry-after", "")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise TryAgain(f"no answer ({type(error).__name__})") from None
        if 200 <= status < 300:
            return
        if status >= 500 or status in LATER:
            raise TryAgain(f"answered {status}", float(after) if after.isdigit() else None)
        raise GiveUp(f"answered {status}")

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()
