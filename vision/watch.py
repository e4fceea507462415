"""A store watched by its cameras: frames in, alerts out, and all that is known kept on the disk."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from scenarios import Camera, Frame, InputError, Layout, ShelfState
from vision.alerts import Alert, Alerts
from vision.drift import Drift, find_drift
from vision.durable import Lines, Log, append_lines, read_lines, read_whole, write_whole
from vision.health import CameraLook, Outlook, faults, look_at, outlook_of, silence
from vision.memory import Memory
from vision.readings import PERSON, Reading
from vision.review import ReviewQueue

FORM = "shelfwatch watch 2"
STATE, ALERTS, REVIEW = "state.json", "alerts.jsonl", "review.jsonl"
CHECKED = 60.0
"""Seconds after which a camera's place is looked at again."""
SURPRISE = 0.15
"""The share of what a frame shows that contradicts what is believed, from which on the camera's place is looked at
before the frame is believed. A restocked bay is as surprising; its camera is then found where it was."""
CROWD = 0.15
"""The share of the picture that people may take while a camera's place is judged."""
SAME_TURN = np.radians(0.15)
"""Two frames that find turns no further apart agree."""
ZERO = np.radians(1.0)
"""A first frame that is off by less is what rails look like from there, and no drift (see `find_drift`)."""


Turn = tuple[float, float, float]
Seen = tuple[Reading, CameraLook, Drift | None]
"""What a frame shows of the shelves, how good its camera's view is, and where the camera looks, if it was time to look
after that."""


@dataclass
class _Eye:
    """One camera as it was calibrated; `now` is where it looks, corrected, and `time` that of its last frame.

    `settled` is what its place was last found to be: None for as calibrated, a turn that is corrected, or "moved".
    `doubt` is another finding, which a second frame has to confirm.
    """

    camera: Camera
    now: Camera
    time: float = -np.inf
    zero: Turn | None = None
    checked: float = -np.inf
    settled: Turn | str | None = None
    doubt: Turn | str | None = None


class Kept(Protocol):
    """Where a watch is kept."""

    @property
    def review(self) -> Log:
        """Questions and answers."""

    def state(self) -> dict[str, Any] | None:
        """What was last saved, None at first."""

    def said(self) -> set[tuple[str, str]]:
        """Ids and events of the alerts that may be there without the state that led to them."""

    def add_alerts(self, alerts: Sequence[Alert]) -> None:
        """Add what is new."""

    def save_state(self, state: dict[str, Any]) -> None:
        """Put a state in the place of the last one."""


class KeptInFolder:
    """A watch kept as files: state.json (written whole after every frame), alerts.jsonl (a line for each thing that
    was said) and review.jsonl (questions to a person, and the answers)."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.review = folder, Lines(folder / REVIEW)

    def __str__(self) -> str:
        return str(self.folder / STATE)

    def state(self) -> dict[str, Any] | None:
        return read_whole(self.folder / STATE, FORM) if (self.folder / STATE).is_file() else None

    def said(self) -> set[tuple[str, str]]:
        return {(str(line.get("id")), str(line.get("event"))) for line in read_lines(self.folder / ALERTS)[0]}

    def add_alerts(self, alerts: Sequence[Alert]) -> None:
        append_lines(self.folder / ALERTS, [dataclasses.asdict(a) for a in alerts])

    def save_state(self, state: dict[str, Any]) -> None:
        write_whole(self.folder / STATE, {"form": FORM, **state})


class Reads(Protocol):
    """What stands for a pipeline."""

    @property
    def layout(self) -> Layout | None:
        """The shelves."""

    def __call__(self, frame: Frame) -> Reading:
        """Read one frame."""


class Watch:
    """What is known and was said of a store. Not safe for several threads or processes at once, but for `read`.

    `states` is the last word on every position, in plan order, and `reading` what the last frame gave. Pictures are
    not kept.
    """

    def __init__(self, kept: Kept, pipeline: Reads, cameras: Sequence[Camera]) -> None:
        """Begin, or go on from what was kept. Raises InputError for what is none of this."""
        if pipeline.layout is None:
            raise InputError("watch: expected a pipeline with a planogram")
        self.kept, self.pipeline, self.layout = kept, pipeline, pipeline.layout
        self.queue = ReviewQueue(kept.review)
        self.memory, self.alerts = Memory(self.layout), Alerts(self.layout, self.queue)
        self._eyes = {c.id: _Eye(c, c) for c in cameras}
        self._outlooks: dict[str, tuple[Camera, Outlook]] = {}
        self.states: tuple[ShelfState, ...] = ()
        self.reading: Reading | None = None
        self._unsaved: list[Alert] = []
        state = kept.state()
        if state is not None:
            self._restore(state, str(kept))
        self._said = kept.said()

    def is_new(self, camera: str, time: float) -> bool:
        """Whether a camera's frame of this time is later than all that were taken in."""
        return time > self._eyes[camera].time

    def last_time(self, camera: str) -> float:
        """When a camera's last frame was taken; minus infinity before its first."""
        return self._eyes[camera].time

    @property
    def any_seen(self) -> bool:
        """Whether there ever was a frame."""
        return any(np.isfinite(eye.time) for eye in self._eyes.values())

    def see(self, frame: Frame) -> tuple[Alert, ...]:
        """Take in one frame of one of the cameras, and return what is new, the dearest first. Call `keep` then.

        Raises InputError for a frame of another size than its camera was calibrated with.
        """
        return self.take(frame, self.read(frame))

    def read(self, frame: Frame) -> Seen:
        """What a frame shows, to be taken in: the first half of `see`. While one camera's frame is read those of others
        may be read and taken in by other threads, as far as the pipeline allows it."""
        assert frame.camera is not None
        eye = self._eyes[frame.camera.id]
        reading, look = self._read(frame, eye)
        due = frame.time - eye.checked >= CHECKED or eye.doubt is not None
        drift = self._drift(eye, frame) if due and not faults(look) and _people(reading) <= CROWD else None
        return reading, look, drift

    def take(self, frame: Frame, seen: Seen) -> tuple[Alert, ...]:
        """Take in what `read` found in a frame: the second half of `see`."""
        assert frame.camera is not None
        eye, (reading, look, drift) = self._eyes[frame.camera.id], seen
        believed = not faults(look)
        if believed:
            before = eye.now
            believed = self._aim(eye, frame, reading, drift)
            if eye.now is not before:
                reading, look = self._read(frame, eye)
            look = dataclasses.replace(look, moved=eye.settled == "moved")
        eye.time = frame.time
        self.queue.refresh()
        # What is only said again is no second witness.
        news = [reading] if believed and not reading.age else []
        self.reading, self.states = reading, self.memory.update(news, frame.time)
        return self._say(self.alerts.update(frame.time, self.states, [look]))

    def _read(self, frame: Frame, eye: _Eye) -> tuple[Reading, CameraLook]:
        frame = dataclasses.replace(frame, camera=eye.now)
        reading = self.pipeline(frame)
        return reading, look_at(frame, reading, self.layout, outlook=self._outlook(eye))

    def _outlook(self, eye: _Eye) -> Outlook:
        """Worked out again only where the camera has turned."""
        camera, outlook = self._outlooks.get(eye.camera.id, (None, None))
        if outlook is None or camera is not eye.now:
            outlook = outlook_of(self.layout, eye.now)
            self._outlooks[eye.camera.id] = eye.now, outlook
        return outlook

    def miss(self, camera: str, time: float) -> tuple[Alert, ...]:
        """Take note that a camera has had no frame for some time."""
        self.queue.refresh()
        self.states = self.memory.update([], time)
        look = silence(self._eyes[camera].now, time, self.layout)
        return self._say(self.alerts.update(time, self.states, [look]))

    def hear(self, time: float) -> tuple[Alert, ...]:
        """Take note of what people have answered, without waiting for a frame."""
        self.queue.refresh()
        return self._say(self.alerts.update(time))

    def _say(self, new: Sequence[Alert]) -> tuple[Alert, ...]:
        """What has not been said before: a crash after the line and before the state would say it twice."""
        fresh = tuple(a for a in new if (a.id, a.event) not in self._said)
        self._said |= {(a.id, a.event) for a in fresh}
        self._unsaved += fresh
        return fresh

    def keep(self) -> None:
        """Bring all to the disk. After an OSError (a full disk) the files hold what they held before, and the next
        `keep` writes what this one could not."""
        self.kept.add_alerts(self._unsaved)
        self._unsaved = []
        self.queue.flush()
        eyes = {
            id: {"calibrated": repr(e.camera), "time": e.time if np.isfinite(e.time) else None, "zero": e.zero,
                 "settled": e.settled, "position": e.now.position, "target": e.now.target, "roll": e.now.roll}
            for id, e in self._eyes.items()
        }  # fmt: skip
        plain = {"memory": self.memory.as_plain(), "alerts": self.alerts.as_plain(), "cameras": eyes}
        self.kept.save_state(plain)

    def _restore(self, data: dict[str, Any], where: str) -> None:
        self.memory = Memory.from_plain(data.get("memory"), self.layout, where)
        self.alerts.take(data.get("alerts"), where)
        try:
            for id, row in data["cameras"].items():
                eye = self._eyes.get(id)
                if eye is None:
                    continue
                eye.time = -np.inf if row["time"] is None else float(row["time"])
                if row["calibrated"] == repr(eye.camera):  # one that was calibrated anew begins anew
                    position, target = _triple(row["position"]), _triple(row["target"])
                    eye.now = dataclasses.replace(eye.camera, position=position, target=target, roll=float(row["roll"]))
                    eye.zero = None if row["zero"] is None else _triple(row["zero"])
                    eye.settled = _triple(row["settled"]) if isinstance(row["settled"], list) else row["settled"]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{where}: {type(error).__name__} {error}; expected cameras of a watch") from None

    def _aim(self, eye: _Eye, frame: Frame, reading: Reading, drift: Drift | None) -> bool:
        """What follows from where the camera looks, which is looked after at once where the frame surprises; whether
        the frame can be believed. A turn is corrected, and a camera given up as moved, when two frames in a row say
        so."""
        if drift is None and self._surprises(eye, reading):
            drift = self._drift(eye, frame)
        if drift is None:
            return eye.settled != "moved"
        eye.checked = frame.time
        if drift.status == "unclear":
            return eye.settled != "moved"
        if eye.zero is None and drift.status != "moved" and drift.angle < ZERO:
            eye.zero = drift.turn
            drift = dataclasses.replace(drift, status="fits", camera=eye.camera)
        return self._settle(eye, drift)

    def _surprises(self, eye: _Eye, reading: Reading) -> bool:
        assert reading.places is not None
        if eye.settled == "moved" or _people(reading) > CROWD:
            return False
        return self.memory.contradiction(reading.places) > SURPRISE

    def _drift(self, eye: _Eye, frame: Frame) -> Drift:
        return find_drift(dataclasses.replace(frame, camera=eye.camera), self.layout, eye.zero or (0.0, 0.0, 0.0))

    def _settle(self, eye: _Eye, drift: Drift) -> bool:
        found = {"fits": None, "moved": "moved"}.get(drift.status, drift.turn)
        if found is not None and not _agree(eye.settled, found) and not _agree(eye.doubt, found):
            eye.doubt = found
            return False
        if not _agree(eye.settled, found):
            eye.now, eye.settled = drift.camera, found
        eye.doubt = None
        return eye.settled != "moved"


def _agree(one: Turn | str | None, other: Turn | str | None) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return bool(np.linalg.norm(np.subtract(one, other)) < SAME_TURN)
    return one == other


def _triple(values: Any) -> Turn:
    x, y, z = map(float, values)
    return x, y, z


def _people(reading: Reading) -> float:
    """The share of the picture that boxes of people take."""
    boxes = reading.detections.xyxy[reading.detections.class_id == PERSON]
    size = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return float(size.prod(axis=1).sum() / (reading.size[0] * reading.size[1]))
