"""A service that is killed while frames come in, and what is left of it.

By itself: `python -m tests.vision.service.kills 20` kills it 20 times and says what became of what it acknowledged.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.vision.service.receiver import SECRET, Receiver, eventually, free_port
from tests.vision.service.served import jpeg_of, still
from tests.vision.watched import frame, story, watcher
from vision import watch as module

ROOT = Path(__file__).parents[3]


@dataclass
class Told:
    """What the world was told: acknowledged frames, events as the receiver got them, and the service's own lists."""

    acknowledged: list[float] = field(default_factory=list)
    kills: int = 0
    received: list[tuple[str, str, str]] = field(default_factory=list)
    alerts: list[tuple[str, str]] = field(default_factory=list)
    readings: list[float] = field(default_factory=list)


class _Child:
    """The service as a process of its own, at one port over all its lives."""

    def __init__(self, folder: Path, receiver: Receiver) -> None:
        self.port = free_port()
        self.folder, self.hook = folder, receiver.url
        (folder / "hook").write_text(SECRET)
        self.url = f"http://127.0.0.1:{self.port}"
        self.headers: dict[str, str] = {}
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.vision.service.served", str(self.folder), str(self.port), self.hook]
        self.process = subprocess.Popen(command, cwd=ROOT)
        eventually(self._ready, 120)
        if not self.headers:
            secret = (self.folder / "secret").read_text()
            form = {"grant_type": "client_credentials"}
            token = httpx.post(f"{self.url}/oauth/token", data=form, auth=("all", secret), timeout=30).json()
            self.headers = {"Authorization": f"Bearer {token['access_token']}", "Content-Type": "image/jpeg"}

    def _ready(self) -> bool:
        assert self.process.poll() is None
        try:
            return httpx.get(f"{self.url}/ready", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def get(self, path: str) -> list:
        return list(httpx.get(f"{self.url}{path}", headers=self.headers, timeout=30).json())

    def post(self, at: float, what: int, kill_after: float | None) -> int:
        """Post a frame, and kill the service so many seconds later; the status, 0 without an answer."""
        killer = threading.Timer(kill_after, self.process.send_signal, (signal.SIGKILL,)) if kill_after else None
        if killer:
            killer.start()
        try:
            url, params = f"{self.url}/v1/cameras/front/frames", {"time": at}
            return httpx.post(url, params=params, content=jpeg_of(what), headers=self.headers, timeout=60).status_code
        except httpx.HTTPError:
            return 0
        finally:
            if killer:
                killer.join()
                self.process.wait()


def play(folder: Path, frames: int, kills: int, seed: int) -> Told:
    """Post the frames of a story, five seconds apart, again whenever there is no answer, with so many kills."""
    random_ = random.Random(seed)
    told, receiver = Told(), Receiver()
    doomed = set(random_.sample(range(frames), kills))
    child = _Child(folder, receiver)
    took = 0.02
    try:
        for i, what in enumerate(story(frames)):
            status, kill = 0, i in doomed
            while status not in (201, 409):
                begun = time.monotonic()
                status = child.post(5.0 * i, what, random_.uniform(0.001, 2 * took) if kill else None)
                if kill:
                    told.kills += 1
                    child.start()
                elif status == 201:
                    took = 0.7 * took + 0.3 * (time.monotonic() - begun)
                kill = False
            told.acknowledged.append(5.0 * i)
        told.alerts = [(e["data"]["id"], e["data"]["event"]) for e in child.get("/v1/alerts?limit=1000")]
        told.readings = [r["time"] for r in child.get("/v1/readings?limit=1000")]
        eventually(lambda: {e["id"] for e in receiver.events} == {e["id"] for e in child.get("/v1/alerts?limit=1000")})
        told.received = [(e["id"], e["data"]["id"], e["data"]["event"]) for e in receiver.events]
    finally:
        child.process.kill()
        child.process.wait()
        receiver.down()
    return told


def plainly(folder: Path, frames: int) -> list[tuple[str, str]]:
    """What a plain watch says of the same frames: ids and events of its alerts."""
    module.find_drift, kept = still, module.find_drift  # type: ignore[assignment]
    watch, said = watcher(folder), []
    for i, what in enumerate(story(frames)):
        said += [(alert.id, alert.event) for alert in watch.see(frame(5.0 * i, what))]
        watch.keep()
    module.find_drift = kept
    return said


def faults(told: Told, expected: list[tuple[str, str]]) -> list[str]:
    """What was lost or said twice, a line each."""
    found = []
    if told.readings != told.acknowledged:
        found.append(f"readings {told.readings}; acknowledged {told.acknowledged}")
    if told.alerts != expected:
        found.append(f"alerts {told.alerts}; expected {expected}")
    once = list(dict.fromkeys(told.received))
    if [(alert, event) for _, alert, event in once] != expected:
        found.append(f"received {once}; expected {expected}")
    return found


def main(kills: int) -> None:
    frames = max(60, 2 * kills)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        expected, told = plainly(Path(one), frames), play(Path(other), frames, kills, int(time.time()))
    for line in (found := faults(told, expected)):
        print(line)
    again = len(told.received) - len(set(told.received))
    print(f"{told.kills} kills, {len(told.acknowledged)} frames acknowledged, {len(told.readings)} readings kept")
    print(f"{len(told.alerts)} alerts, {len(set(told.received))} received; {again} deliveries came again, same id")
    sys.exit(bool(found))


if __name__ == "__main__":
    main(int(sys.argv[1]))
