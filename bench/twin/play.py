"""Playing a store in time: what its cameras see goes to a service at the pace that was asked for."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.hardware.client import Client
from bench.twin.cameras import VirtualCameras
from bench.twin.plan import TwinPlan
from bench.twin.sending import Heard, Listener, Sender, SentAt, jpeg_of
from bench.twin.stock import Change, Shelves
from scenarios import Camera, InputError, Scenario
from sim import World

LOOK = 5.0
"""Seconds between two looks at how it goes."""
LAST = 3.0
"""Seconds that the last frames and alerts are waited for."""
INDEX = "frames.json"


@dataclass(frozen=True)
class Shown:
    """A picture on its way: which camera's, when in the store's time, and the JPEG; None for one that was too late."""

    camera: int
    time: float
    jpeg: bytes | None


@dataclass
class Played:
    """What came of it. `seconds` by the clock here, `store_seconds` by the store's."""

    sent: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    acknowledged_ms: list[float] = field(default_factory=list)
    alerts: list[Heard] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    rendered: int = 0
    kept: int = 0
    seconds: float = 0.0
    store_seconds: float = 0.0
    base: float = 0.0
    """The service's time at which the store's began."""


def play(
    plan: TwinPlan, scenario: Scenario, cameras: Sequence[Camera], client: Client, base: float,
    stop: threading.Event, look: Callable[[Played], None],
) -> Played:  # fmt: skip
    """Play until `stop` or the end; `look` hears every few seconds how it goes. Raises InputError where the service
    refuses for good."""
    played, entered = Played(base=base), time.monotonic()
    with _pictures(plan, scenario, cameras, played) as pictures:
        played.base += time.monotonic() - entered
        return _sent(plan, cameras, client, pictures, played, stop, look)


def _sent(
    plan: TwinPlan, cameras: Sequence[Camera], client: Client, pictures: Callable[[float], Iterator[Shown]],
    played: Played, stop: threading.Event, look: Callable[[Played], None],
) -> Played:  # fmt: skip
    sent_at = SentAt()
    listener = Listener(client, sent_at)
    listener.begun.wait(10.0)
    senders = [Sender(client, camera.id, sent_at) for camera in cameras]
    begun = looked = time.monotonic()
    try:
        for shown in pictures(begun):
            _wait_until(stop, begun + shown.time / plan.speed if plan.speed else 0.0)
            failed = next((s.error for s in senders if s.error), None)
            if failed:
                raise failed
            if stop.is_set():
                break
            played.store_seconds = shown.time
            if shown.jpeg is None:
                played.dropped["the renderer was late"] += 1
            else:
                senders[shown.camera].offer(played.base + shown.time, shown.jpeg, patient=plan.speed == 0)
            if time.monotonic() - looked >= LOOK:
                looked = time.monotonic()
                look(_counted(played, senders, listener, begun))
        for sender in senders:
            sender.settle(LAST)
        time.sleep(min(LAST, 0.5) if stop.is_set() else LAST)
    finally:
        listener.stop()
        for sender in senders:
            sender.stop()
    return _counted(played, senders, listener, begun)


def _counted(played: Played, senders: Sequence[Sender], listener: Listener, begun: float) -> Played:
    counts = [s.counts for s in senders]
    dropped = sum((c.dropped for c in counts), Counter[str]())
    late = played.dropped["the renderer was late"]
    played.dropped = dropped + (Counter({"the renderer was late": late}) if late else Counter())
    played.sent = sum(c.sent for c in counts)
    played.acknowledged_ms = [ms for c in counts for ms in c.acknowledged_ms]
    played.alerts = list(listener.alerts)
    played.seconds = time.monotonic() - begun
    return played


def _wait_until(stop: threading.Event, due: float) -> None:
    left = due - time.monotonic()
    if left > 0:
        stop.wait(left)


@contextmanager
def _pictures(
    plan: TwinPlan, scenario: Scenario, cameras: Sequence[Camera], played: Played
) -> Iterator[Callable[[float], Iterator[Shown]]]:
    """What gives all pictures in the order of their times, from a beginning by `time.monotonic` on."""
    if plan.replay:
        folder = Path(plan.replay)
        yield lambda begun: recorded(folder, cameras, plan.seconds)
        return
    shelves = Shelves(scenario, plan.sales, plan.restock_after)
    record = Recorder(Path(plan.record), cameras) if plan.record else None
    with World(scenario.layout, lookalikes=scenario.conditions.lookalikes) as world:
        eyes = VirtualCameras(world, plan.renderer)
        for camera in cameras:  # the first picture of each takes seconds: artwork and bodies are made
            eyes.frame(shelves.at(0.0), camera, 0.0)
        yield lambda begun: _rendered(plan, shelves, eyes, cameras, record, played, begun)


def _rendered(
    plan: TwinPlan, shelves: Shelves, eyes: VirtualCameras, cameras: Sequence[Camera], record: Recorder | None,
    played: Played, begun: float,
) -> Iterator[Shown]:  # fmt: skip
    """Render picture after picture; the cameras take turns within `every` seconds."""
    n = 0
    while True:
        turn, k = divmod(n, len(cameras))
        at, n = (turn + k / len(cameras)) * plan.every, n + 1
        if plan.seconds is not None and at >= plan.seconds:
            return
        if plan.speed and time.monotonic() > begun + (at + plan.every) / plan.speed:
            yield Shown(k, at, None)
            continue
        jpeg = jpeg_of(eyes.frame(shelves.at(at), cameras[k], at))
        played.rendered, played.kept, played.changes = eyes.rendered, eyes.kept, shelves.changes
        if record:
            record.add(k, at, jpeg)
        yield Shown(k, at, jpeg)


class Recorder:
    """Frames as files, with an index of whose and when."""

    def __init__(self, folder: Path, cameras: Sequence[Camera]) -> None:
        if folder.exists() and any(folder.iterdir()):
            raise InputError(f"record {folder}: is not empty; expected a folder that is made")
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.cameras = folder, [c.id for c in cameras]
        self._rows: list[tuple[int, float]] = []

    def add(self, camera: int, at: float, jpeg: bytes) -> None:
        """Write one frame, and the index anew."""
        (self.folder / f"{len(self._rows):06d}.jpg").write_bytes(jpeg)
        self._rows.append((camera, at))
        (self.folder / INDEX).write_text(json.dumps({"cameras": self.cameras, "frames": self._rows}))


def recorded(folder: Path, cameras: Sequence[Camera], seconds: float | None) -> Iterator[Shown]:
    """The frames that a Recorder wrote, so many seconds of them. Raises InputError where they are not of these
    cameras."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        rows = [(int(camera), float(at)) for camera, at in index["frames"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"replay {folder}: {type(error).__name__}; expected what record=FOLDER wrote") from None
    if index["cameras"] != [c.id for c in cameras]:
        raise InputError(
            f"replay {folder}: of {', '.join(index['cameras'])}; expected {', '.join(c.id for c in cameras)}"
        )
    for i, (camera, at) in enumerate(rows):
        if seconds is not None and at >= seconds:
            return
        yield Shown(camera, at, (folder / f"{i:06d}.jpg").read_bytes())
