"""Where frames come from over time: folders of pictures, video files, and streams that may stall or end."""

from __future__ import annotations

import heapq
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, Frame, InputError
from vision.pictures import PICTURE_SUFFIXES, load_picture

VIDEO_SUFFIXES = (".mp4", ".avi", ".mkv", ".mov")
STAMP = re.compile(r"(\d{4})\D?(\d\d)\D?(\d\d)\D?(\d\d)\D?(\d\d)\D?(\d\d)(\D\d{1,6})?(?!\d)")
"""A moment in a file's name: 2026-11-24_14-13-55.jpg, cam1-20261124T141355.250.jpg."""
STALL = 10.0
"""Seconds without a new frame after which a stream counts as stalled, and is opened again."""
EVERY = 5.0
"""Seconds between the frames that are taken of a video or stream."""
QUIET = 1.0
"""Seconds for which a picture that is followed has to be left alone: it may still be being written."""


@dataclass(frozen=True)
class Missed:
    """No frame, at `time`: a picture that cannot be read or a stream that stalls, and why. `silent`: the camera has
    had none for longer than it should."""

    camera: Camera
    time: float
    why: str
    silent: bool = False


Seen = Frame | Missed


@dataclass(frozen=True)
class Source:
    """Where a camera's frames come from.

    `every`: seconds between the pictures of a folder, in the order of their names; None takes their times from their
    names. Of a video and a stream one frame every so many seconds is taken, 5 without it. `follow` waits for more
    pictures at a folder's end. `silent`: seconds without a frame after which a camera that should go on is silent.
    """

    path: str
    camera: Camera
    every: float | None = None
    follow: bool = False
    silent: float = 600.0

    def __post_init__(self) -> None:
        if self.follow and (self.every is not None or not Path(self.path).is_dir()):
            raise InputError(f"{self.path}: expected a folder, and no time between pictures, to follow")

    @property
    def is_live(self) -> bool:
        """Whether it goes on until it is stopped."""
        return self.follow or self.is_stream

    @property
    def is_stream(self) -> bool:
        return "://" in self.path or self.path.startswith("/dev/")

    def frames(self, new: Callable[[str, float], bool]) -> Iterator[Seen]:
        """The frames in the order of time; those of a camera and time that are not `new` are left out before they are
        read. Raises InputError."""
        path = Path(self.path)
        if self.is_stream:
            return Stream(self).frames()
        if path.is_file() and path.suffix.lower() in VIDEO_SUFFIXES:
            return _video(path, self, new)
        if path.is_dir():
            return _folder(path, self, new)
        kinds = f"a folder of pictures, a video ({', '.join(VIDEO_SUFFIXES)}), or a stream such as rtsp://HOST/PATH"
        raise InputError(f"{self.path}: expected {kinds}")


def together(sources: Sequence[Source], new: Callable[[str, float], bool]) -> Iterator[Seen]:
    """The frames of all sources in the order of time, or as they come where any source is live."""
    streams = [source.frames(new) for source in sources]
    if not any(source.is_live for source in sources):
        return heapq.merge(*streams, key=lambda seen: seen.time)
    return _as_they_come(streams)


def _as_they_come(streams: Sequence[Iterator[Seen]]) -> Iterator[Seen]:
    """One thread a source, each at most one frame ahead. An error of one ends all."""
    waiting: queue.Queue[Seen | Exception | None] = queue.Queue(maxsize=len(streams))

    def pump(stream: Iterator[Seen]) -> None:
        try:
            for seen in stream:
                waiting.put(seen)
            waiting.put(None)
        except Exception as error:
            waiting.put(error)

    for stream in streams:
        threading.Thread(target=pump, args=(stream,), daemon=True).start()
    left = len(streams)
    while left:
        seen = waiting.get()
        if isinstance(seen, Exception):
            raise seen
        if seen is None:
            left -= 1
        else:
            yield seen


def _folder(folder: Path, source: Source, new: Callable[[str, float], bool]) -> Iterator[Seen]:
    camera, done, last = source.camera, set[Path](), time.time()
    while True:
        paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES and p.is_file())
        if not paths and not source.follow:
            raise InputError(f"{folder}: no pictures in it; expected {', '.join(PICTURE_SUFFIXES)}")
        if source.follow:
            paths = [p for p in paths if p not in done and time.time() - p.stat().st_mtime >= QUIET]
        timed = ((taken_at(p) if source.every is None else i * source.every, p) for i, p in enumerate(paths))
        for taken, path in sorted(timed):
            done.add(path)
            if not new(camera.id, taken):
                continue
            last = time.time()
            try:
                yield Frame(load_picture(path), camera, taken)
            except InputError as error:
                yield Missed(camera, taken, str(error))
        if not source.follow:
            return
        if time.time() - last >= source.silent:
            yield Missed(camera, time.time(), f"{folder}: no picture for {time.time() - last:.0f} s", silent=True)
        time.sleep(QUIET)


def taken_at(path: Path) -> float:
    """When a picture was taken, seconds since 1970: by its name, in local time, else by when it was last changed."""
    match = STAMP.search(path.stem)
    if match is not None:
        year, month, day, hour, minute, second = map(int, match.groups()[:6])
        fraction = f"0.{match[7][1:]}" if match[7] else "0"
        try:
            return datetime(year, month, day, hour, minute, second).timestamp() + float(fraction)
        except ValueError:  # other digits
            pass
    return path.stat().st_mtime


def _video(path: Path, source: Source, new: Callable[[str, float], bool]) -> Iterator[Seen]:
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise InputError(f"{path}: not readable as a video")
    camera, rate, index, due = source.camera, capture.get(cv2.CAP_PROP_FPS) or 25.0, 0, 0.0
    while capture.grab():
        at = index / rate
        index += 1
        if at < due - 1e-6:
            continue
        due = at + (source.every or EVERY)
        if new(camera.id, at):
            whole, image = capture.retrieve()
            yield Frame(_rgb(image), camera, at) if whole else Missed(camera, at, f"{path}: broken frame at {at:.1f} s")
    capture.release()


class Stream:
    """A live stream, read in a thread of its own so that only the newest frame waits. It is opened again when it ends
    or stalls, which is said each time."""

    def __init__(self, source: Source, open: Callable[[str], Any] = cv2.VideoCapture, stall: float = STALL) -> None:
        self.source, self.open, self.stall = source, open, stall
        self._newest: tuple[float, NDArray[np.uint8]] | None = None
        self._lock = threading.Lock()

    def frames(self) -> Iterator[Seen]:
        """The newest frame every so many seconds, or a `Missed` when it is opened again. Never ends."""
        every, camera, name = self.source.every or EVERY, self.source.camera, _without_password(self.source.path)
        opened = last = time.time()
        stop = self._start()
        while True:
            started = now = time.time()
            with self._lock:
                newest, self._newest = self._newest, None
            if newest is not None:
                last = newest[0]
                yield Frame(_rgb(newest[1]), camera, newest[0])
            elif now - max(last, opened) >= self.stall:
                silent = now - last >= self.source.silent
                yield Missed(camera, now, f"{name}: no frame for {now - last:.0f} s; opened again", silent)
                stop.set()
                opened, stop = now, self._start()
            time.sleep(max(0.0, every - (time.time() - started)))

    def _start(self) -> threading.Event:
        stop = threading.Event()
        threading.Thread(target=self._pump, args=(stop,), daemon=True).start()
        return stop

    def _pump(self, stop: threading.Event) -> None:
        capture = self.open(self.source.path)
        while not stop.is_set():
            whole, image = capture.read()
            if not whole:
                break
            with self._lock:
                self._newest = (time.time(), image)
        capture.release()


def _without_password(url: str) -> str:
    """A URL without the name and password that may be in it."""
    return re.sub(r"//[^/@]*@", "//", url)


def _rgb(image: NDArray[Any]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(image[..., ::-1])
