"""Threads read frames, taking turns between the cameras; one more takes in what they read, and acknowledges what is on
the disk."""

from __future__ import annotations

import logging
import math
import sqlite3
import threading
import time
from collections import Counter as Tally
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from typing import Any, get_args

from scenarios import Camera, Frame, InputError, Level, ShelfState
from vision.alerts import Alert
from vision.pipeline import Pipeline
from vision.readings import CLASSES, Reading, as_plain
from vision.review import Question
from vision.service.database import Database, KeptInDatabase
from vision.service.links import changed_availability, task_of
from vision.service.metrics import Metrics
from vision.service.problems import Refused
from vision.service.readers import Readers, Tried
from vision.watch import Seen, Watch

AHEAD = 60.0
"""Seconds that a frame may be ahead of this machine's clock."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Taken:
    """A frame that was read and kept: the number of its reading, and what is new since."""

    seq: int
    alerts: tuple[Alert, ...]


@dataclass(frozen=True)
class Known:
    """What is known at a moment, as it is on the disk."""

    time: float
    states: tuple[ShelfState, ...]
    standing: tuple[Alert, ...]
    questions: tuple[Question, ...]
    asked: frozenset[str]
    last_times: dict[str, float]


@dataclass
class _Job:
    """A frame; `seen` or `error` once it was read."""

    frame: Frame
    done: Future[Taken] = field(default_factory=Future)
    seen: Seen | None = None
    error: Exception | None = None


Call = Callable[[Watch, float], Sequence[Alert]]
"""Something to do to the watch, at a time."""
TRIALS = 4
"""Frames to be read by themselves that may wait at once."""


class Engine:
    """Reads the frames of all cameras in turn, one waiting frame a camera. Each pipeline has a thread, and some of the
    cameras; of a camera no frame is read before the one before it was taken in.

    `listen` are called after something was kept, `look` with each frame and its reading.
    """

    def __init__(
        self, database: Database, pipelines: Sequence[Pipeline], cameras: Sequence[Camera], metrics: Metrics,
        wall: bool = True,
    ) -> None:  # fmt: skip
        """Raises InputError for a database that is not of this store."""
        self.readers = Readers(pipelines, [camera.id for camera in cameras])
        self.database, self.layout = database, self.readers.layout
        self.cameras, self.metrics = cameras, metrics
        self.wall = wall
        self.listen: list[Callable[[], None]] = []
        self.look: Callable[[Frame, Reading], None] = lambda frame, reading: None
        self.arrived = {camera.id: time.monotonic() for camera in cameras}
        self.trouble = ""
        self._busy: dict[str, float] = {}
        self._changed = threading.Condition()
        self._slots: dict[str, _Job | None] = {camera.id: None for camera in cameras}
        self._under_way: set[str] = set()
        self._read: deque[_Job] = deque()
        self._calls: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._trials = 0
        self._stop = False
        self._threads: list[threading.Thread] = []
        self._watch: Watch | None = None
        self._opening = threading.Lock()
        self.known = self._summary(self._ready())

    def start(self) -> None:
        """Begin to read."""
        self._threads = [threading.Thread(target=self._run, name="engine", daemon=True)]
        for n, group in enumerate(self.readers.groups):
            reader = threading.Thread(target=self._read_frames, args=(deque(group),), name=f"reader {n}", daemon=True)
            self._threads.append(reader)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End after the frames that are being read; those that wait are refused."""
        with self._changed:
            self._stop = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        left: list[Future[Any]] = [done for _, done in self._calls]
        for done in left + [job.done for job in self._slots.values() if job is not None]:
            done.set_exception(Refused("not saved", "the service is stopping", 5.0))

    @property
    def alive(self) -> bool:
        """Whether all its threads run."""
        return bool(self._threads) and all(thread.is_alive() for thread in self._threads)

    @property
    def busy_since(self) -> float | None:
        """Since when (`time.monotonic`) the longest work under way is; None where there is none."""
        return min(self._busy.values(), default=None)

    @property
    def now(self) -> float:
        """Seconds by the service's clock: this machine's, or the frames' own."""
        return time.time() if self.wall else max(0.0, self.known.time)

    def is_new(self, camera: str, at: float) -> bool:
        """Whether a frame is later than all of its camera that were kept."""
        return at > self.known.last_times[camera]

    def check(self, camera: str, at: float) -> None:
        """Raise Refused for a frame that would not be read, before anything is done about it."""
        if not self.is_new(camera, at):
            if self.database.has_reading(camera, at):
                raise Refused("seen twice", f"{camera} at {at}: this frame was read before")
            newest = self.known.last_times[camera]
            raise Refused("out of order", f"{camera} at {at}; expected a time after {newest}")
        if self.wall and at > time.time() + AHEAD:
            raise Refused("in the future", f"{camera} at {at}; expected a time by the clock, {time.time():.3f}")
        if self._slots[camera] is not None:
            raise Refused("busy", f"a frame of {camera} is waiting already", 1.0)

    def offer(self, frame: Frame) -> Future[Taken]:
        """Let a frame be read, soon. Raises Refused where one of its camera waits already."""
        job = _Job(frame)
        with self._changed:
            if self._slots[_id(frame)] is not None:
                raise Refused("busy", f"a frame of {_id(frame)} is waiting already", 1.0)
            self._put(job)
        return job.done

    def replace(self, frame: Frame) -> None:
        """Let a frame be read in the place of one of its camera that is still waiting."""
        with self._changed:
            if self._slots[_id(frame)] is not None:
                self.metrics.dropped.labels(_id(frame)).inc()
            self._put(self._from_source(frame))

    def wait(self, frame: Frame) -> None:
        """Let a frame be read, once none of its camera waits."""
        with self._changed:
            self._changed.wait_for(lambda: self._stop or self._slots[_id(frame)] is None)
            self._put(self._from_source(frame))

    def _from_source(self, frame: Frame) -> _Job:
        """Nobody waits for its answer, so what is refused is counted here."""

        def counted(done: Future[Taken]) -> None:
            if (error := done.exception()) is not None:
                code = error.code if isinstance(error, Refused) else "not read"
                self.metrics.refused.labels(_id(frame), code).inc()

        job = _Job(frame)
        job.done.add_done_callback(counted)
        return job

    def call(self, call: Call) -> Future[tuple[Alert, ...]]:
        """Let something be done to the watch between two frames."""
        done: Future[tuple[Alert, ...]] = Future()
        with self._changed:
            self._calls.append((lambda: self._do(call), done))
            self._changed.notify_all()
        return done

    def trial(self, frame: Frame) -> Future[Tried]:
        """Let a frame be read by itself between two frames: nothing of it is kept, and nothing that was seen before has
        a say. Raises Refused where several wait already."""
        done: Future[Tried] = Future()
        with self._changed:
            if self._trials >= TRIALS:
                raise Refused("busy", f"{TRIALS} trials are waiting already", 1.0)
            self._trials += 1
            self._calls.append((lambda: self._try(frame), done))
            self._changed.notify_all()
        return done

    def _put(self, job: _Job) -> None:
        self.arrived[_id(job.frame)] = time.monotonic()
        self.metrics.last_frame.labels(_id(job.frame)).set(time.time())
        self._slots[_id(job.frame)] = job
        self._changed.notify_all()

    def _read_frames(self, turn: deque[str]) -> None:
        """A reader's thread: frame after frame of these cameras."""
        name = threading.current_thread().name
        while (job := self._next_frame(turn)) is not None:
            self._busy[name] = time.monotonic()
            try:
                job.seen = self._seen(job.frame)
            except Exception as error:
                job.error = error
            with self._changed:
                del self._busy[name]
                self._read.append(job)
                self._changed.notify_all()
        self.database.close()

    def _next_frame(self, turn: deque[str]) -> _Job | None:
        """The frame of the camera that has waited longest for its turn; None at the end."""

        def ready() -> str | None:
            return next((c for c in turn if self._slots[c] is not None and c not in self._under_way), None)

        with self._changed:
            self._changed.wait_for(lambda: self._stop or ready() is not None)
            camera = ready()
            if self._stop or camera is None:
                return None
            turn.remove(camera)
            turn.append(camera)
            job, self._slots[camera] = self._slots[camera], None
            self._under_way.add(camera)
            self._changed.notify_all()
        return job

    def _seen(self, frame: Frame) -> Seen:
        watch, camera = self._ready(), _id(frame)
        if not watch.is_new(camera, frame.time):
            self.check(camera, frame.time)
        try:
            return watch.read(frame)
        except InputError as error:
            raise Refused("wrong size", str(error)) from None

    def _run(self) -> None:
        """The engine's thread: what was read is taken in, and what was called for is done."""
        while (next := self._next()) is not None:
            self._busy["engine"] = time.monotonic()
            work, done, camera = next
            try:
                answer = work()
            except Exception as error:
                done.set_exception(self._told(error))
            else:
                done.set_result(answer)
            with self._changed:
                del self._busy["engine"]
                self._under_way.discard(camera)
                self._changed.notify_all()
        self.database.close()

    def _next(self) -> tuple[Callable[[], Any], Future[Any], str] | None:
        """What is to be done next, and the camera it is of: calls first, then what was read first. None at the end,
        once all that was begun is taken in."""
        with self._changed:
            self._changed.wait_for(lambda: self._read or (not self._under_way if self._stop else bool(self._calls)))
            if self._calls and not self._stop:
                return *self._calls.popleft(), ""
            if not self._read:
                return None
            job = self._read.popleft()
        return (lambda: self._take(job)), job.done, _id(job.frame)

    def _told(self, error: Exception) -> Exception:
        """An error as who offered the frame should hear of it. What the watch knows is then read from the disk again,
        so that nothing is believed that is not kept."""
        if isinstance(error, Refused):
            return error
        self._watch = None
        if isinstance(error, (sqlite3.Error, OSError)):
            self.trouble = f"not saved: {error}"
            self.metrics.not_saved.inc()
            log.error("%s", self.trouble)
            return Refused("not saved", "the disk does not take what is new", 5.0)
        log.error("not read: %s: %s", type(error).__name__, error)
        return error

    def _ready(self) -> Watch:
        with self._opening:
            if self._watch is None:
                self._watch = Watch(KeptInDatabase(self.database, self.layout), self.readers, self.cameras)
            return self._watch

    def _take(self, job: _Job) -> Taken:
        if job.error is not None:
            raise job.error
        assert job.seen is not None
        watch, frame, camera = self._ready(), job.frame, _id(job.frame)
        new = watch.take(frame, job.seen)
        reading = watch.reading
        assert reading is not None
        with self.database.transaction():
            seq = self.database.add_reading(camera, frame.time, time.time(), as_plain(reading))
            self.database.add_event("reading", camera, frame.time, time.time(), _brief(seq, camera, reading))
            self._keep(watch, new, frame.time)
        self._published(watch, new)
        self.metrics.read.labels(camera).inc()
        if reading.age:
            self.metrics.reused.labels(camera).inc()
        for stage, ms in reading.latency_ms.items():
            self.metrics.stage.labels(stage).observe(ms / 1000)
        self._looked_at(frame, reading)
        return Taken(seq, new)

    def _do(self, call: Call) -> tuple[Alert, ...]:
        watch = self._ready()
        with self.database.transaction():
            new = tuple(call(watch, self.now))
            self._keep(watch, new, self.now)
        self._published(watch, new)
        return new

    def _try(self, frame: Frame) -> Tried:
        with self._changed:
            self._trials -= 1
        return self.readers.read_apart(frame)

    def _keep(self, watch: Watch, new: Sequence[Alert], at: float) -> None:
        """Write what is new, within a transaction: the alerts by the watch itself, the shelves that changed, and what
        follows from both for others."""
        before, now = {s.position: s for s in self.known.states}, time.time()
        changed = [s for s in watch.states if _differs(before.get(s.position), s)]
        for state in changed:
            self.database.add_event("shelf", state.position, at, now, asdict(state))
        if changed:
            ids = {s.position for s in changed}
            for product in changed_availability(self.layout, self.database, ids, watch.states):
                self.database.add_event("availability", product.sku, at, now, asdict(product))
        watch.keep()
        states = {s.position: s for s in watch.states} if new else {}
        for alert in new:
            task = task_of(self.layout, alert, states.get(alert.subject))
            if task is not None and (task.event == "open" or self.database.has_task(task.position, task.id)):
                self.database.add_event("task", task.position, at, now, asdict(task))

    def _published(self, watch: Watch, new: Sequence[Alert]) -> None:
        self.trouble = ""
        self.known = self._summary(watch)
        for alert in new:
            self.metrics.alerts.labels(alert.kind, alert.event).inc()
        levels = Tally(s.level for s in self.known.states)
        for level in get_args(Level):
            self.metrics.positions.labels(level).set(levels[level])
        self.metrics.to_review.set(len(self.known.questions))
        for heard in list(self.listen):
            heard()

    def _looked_at(self, frame: Frame, reading: Reading) -> None:
        try:
            self.look(frame, reading)
        except Exception as error:  # the frame is kept all the same
            log.error("picture of %s not stored: %s: %s", _id(frame), type(error).__name__, error)

    def _summary(self, watch: Watch) -> Known:
        times = {camera.id: watch.last_time(camera.id) for camera in self.cameras}
        states = watch.states or watch.memory.update([])
        at = watch.memory.time if math.isfinite(watch.memory.time) else 0.0
        queue = watch.queue
        return Known(at, states, watch.alerts.standing, queue.pending, frozenset(queue.ids), times)


def _differs(old: ShelfState | None, new: ShelfState) -> bool:
    return old is None or (old.last_level, old.intruder) != (new.last_level, new.intruder)


def _id(frame: Frame) -> str:
    assert frame.camera is not None
    return frame.camera.id


def _brief(seq: int, camera: str, reading: Reading) -> dict[str, Any]:
    """A reading as an event: how many boxes of each class, and how many products have a name."""
    found = reading.detections
    counts = Tally(CLASSES[c] for c in found.class_id)
    named = int((found.sku != None).sum())  # noqa: E711
    return {"reading": seq, "camera": camera, "named": named, **{name: counts[name] for name in CLASSES}}
