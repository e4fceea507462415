"""What virtual cameras send to a service, and what comes back of it."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import Any

import cv2
import httpx

from bench.hardware.client import Client, problem
from scenarios import Frame, InputError

QUALITY = 90
REMEMBERED = 4096
"""Frames whose time of sending is kept, for the alerts that they lead to."""
AGAIN = 1.0
"""Seconds before a service that does not answer is tried again."""
PASSING = (408, 409, 429, 503)
"""Answers after which the next frame may be taken."""


@dataclass
class Counts:
    """What became of frames, and how long each took to be acknowledged (ms)."""

    sent: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    """By the reason."""
    acknowledged_ms: list[float] = field(default_factory=list)


class Sender:
    """One camera's way to the service, in a thread of its own. One frame waits; a newer one takes its place."""

    def __init__(self, client: Client, camera: str, sent_at: SentAt) -> None:
        self.client, self.camera, self.counts = client, camera, Counts()
        self.error: InputError | None = None
        self._sent_at = sent_at
        self._waiting: tuple[float, bytes] | None = None
        self._busy, self._stop = False, False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"camera {camera}", daemon=True)
        self._thread.start()

    def offer(self, at: float, jpeg: bytes, patient: bool = False) -> None:
        """Send a frame of a time as soon as its turn comes; `patient` waits for that turn, and drops nothing."""
        with self._changed:
            if patient:
                self._changed.wait_for(lambda: self._stop or (self._waiting is None and not self._busy))
            elif self._waiting is not None:
                self.counts.dropped["a newer one came"] += 1
            self._waiting = (at, jpeg)
            self._changed.notify_all()

    def stop(self) -> None:
        """End; what is under way is waited for."""
        with self._changed:
            self._stop = True
            self._changed.notify_all()
        self._thread.join(timeout=30.0)

    def settle(self, seconds: float) -> None:
        """Wait until nothing is on its way, so long at most."""
        with self._changed:
            self._changed.wait_for(lambda: self._stop or (self._waiting is None and not self._busy), seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stop or self._waiting is not None)
                if self._stop:
                    return
                assert self._waiting is not None
                (at, jpeg), self._waiting, self._busy = self._waiting, None, True
            try:
                self._send(at, jpeg)
            except InputError as error:
                self.error = error
                return
            finally:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()

    def _send(self, at: float, jpeg: bytes) -> None:
        path, begun = f"/v1/cameras/{self.camera}/frames", time.monotonic()
        self._sent_at.note(at)
        try:
            answer = self.client.request(
                "POST", path, params={"time": repr(at)}, content=jpeg, headers={"Content-Type": "image/jpeg"}
            )
        except (httpx.HTTPError, InputError) as error:
            if self.counts.sent == 0 and isinstance(error, InputError):
                raise  # it never worked: the address or the secret is wrong
            self.counts.dropped["no answer"] += 1
            time.sleep(AGAIN)
            return
        if answer.status_code == 201:
            self.counts.sent += 1
            self.counts.acknowledged_ms.append((time.monotonic() - begun) * 1000)
        elif answer.status_code in PASSING:
            self.counts.dropped[_title(answer)] += 1
            time.sleep(min(AGAIN, float(answer.headers.get("retry-after", 0))))
        else:
            raise InputError(f"{self.client.url}{path}: {problem(answer)}")


def _title(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["title"])
    except (ValueError, KeyError, TypeError):
        return str(answer.status_code)


class SentAt:
    """When frames of which times were sent, by `time.monotonic`."""

    def __init__(self) -> None:
        self._times: OrderedDict[float, float] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, at: float) -> None:
        with self._lock:
            self._times.setdefault(at, time.monotonic())
            while len(self._times) > REMEMBERED:
                self._times.popitem(last=False)

    def get(self, at: float) -> float | None:
        with self._lock:
            return self._times.get(at)


@dataclass(frozen=True)
class Heard:
    """An alert as it came by the stream of events. `after_ms`: since the frame that it comes from was sent."""

    kind: str
    subject: str
    event: str
    time: float
    after_ms: float | None


class Listener:
    """Somebody who listens to a service's alerts, as its page does."""

    def __init__(self, client: Client, sent_at: SentAt) -> None:
        self.client, self.alerts = client, list[Heard]()
        self._sent_at, self._last, self._stop = sent_at, "", False
        self._answer: httpx.Response | None = None
        self.begun = threading.Event()
        threading.Thread(target=self._run, name="listener", daemon=True).start()

    def stop(self) -> None:
        """Listen no more."""
        self._stop = True
        if self._answer is not None:
            self._answer.close()

    def _run(self) -> None:
        while not self._stop:
            try:
                headers = {"Last-Event-ID": self._last} if self._last else {}
                with self.client.stream("/v1/events", headers, type="alert") as answer:
                    self._answer = answer
                    self._listen(answer)
            except (httpx.HTTPError, httpx.StreamError, InputError, OSError):
                pass  # it went away, or was closed here
            time.sleep(0.2)

    def _listen(self, answer: httpx.Response) -> None:
        for line in answer.iter_lines():
            self.begun.set()
            name, _, value = line.partition(": ")
            if self._stop:
                return
            if name == "id":
                self._last = value
            elif name == "data":
                self.alerts.append(self._heard(json.loads(value)["data"], time.monotonic()))

    def _heard(self, data: dict[str, Any], now: float) -> Heard:
        sent = self._sent_at.get(float(data["time"]))
        after = None if sent is None else (now - sent) * 1000
        return Heard(data["kind"], data["subject"], data["event"], float(data["time"]), after)


def jpeg_of(frame: Frame, quality: int = QUALITY) -> bytes:
    """A frame as a camera sends it."""
    done, data = cv2.imencode(".jpg", frame.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return data.tobytes()
