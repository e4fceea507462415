"""Claims: who makes what, among processes on one machine or on many that share a folder.

A claim only spares work. Nothing rests on it for being right: what two processes made all the same is put in place
by an atomic rename, and the second finds it there.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

HEARTBEAT = 5.0
"""Seconds between two signs of life of an owner."""
SILENCE = 60.0
"""Seconds without one after which an owner on another machine counts as gone. On this machine its process is looked
for instead."""


def owner() -> dict[str, Any]:
    """This process, so that it is not taken for another one with its number."""
    return {"host": socket.gethostname(), "pid": os.getpid(), "started": psutil.Process().create_time()}


class Claim:
    """A claim that is held: a file with its owner, touched as a sign of life until `release`."""

    def __init__(self, path: Path, lost: dict[str, Any] | None) -> None:
        self.path, self.lost = path, lost
        """`lost`: the owner that this claim was taken over from, or None."""
        self._ended = threading.Event()
        threading.Thread(target=self._beat, daemon=True).start()

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT):
            try:
                os.utime(self.path)
            except OSError:
                return

    def note(self, done: int) -> None:
        """Leave word of how far the work is."""
        write_whole(self.path, json.dumps(owner() | {"done": done}))

    def release(self) -> None:
        self._ended.set()
        self.path.unlink(missing_ok=True)


@contextmanager
def claimed(path: Path) -> Iterator[Claim | None]:
    """Claim what `path` stands for; yields None where a living process holds it."""
    claim = _take(path)
    try:
        yield claim
    finally:
        if claim is not None:
            claim.release()


def _take(path: Path) -> Claim | None:
    draft = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    draft.write_text(json.dumps(owner()))
    try:
        os.link(draft, path)  # with its content, and only where there is none yet
        return Claim(path, None)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
    with (path.parent / ".takeover").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        held = read(path)
        if held is None or is_alive(path, held):
            return None
        write_whole(path, json.dumps(owner()))
        return Claim(path, held)


def read(path: Path) -> dict[str, Any] | None:
    """The owner of a claim and what it noted; None where nobody holds it."""
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        return None


def is_alive(path: Path, held: dict[str, Any]) -> bool:
    """Whether the owner of a claim still works."""
    if held["host"] == socket.gethostname():
        try:
            return abs(psutil.Process(held["pid"]).create_time() - held["started"]) < 1
        except psutil.NoSuchProcess:
            return False
    probe = path.with_name(f".{path.name}.now-{os.getpid()}")
    try:
        probe.touch()  # the file system's own clock, which other machines' signs of life are told by
        return probe.stat().st_mtime - path.stat().st_mtime < SILENCE
    except FileNotFoundError:
        return False
    finally:
        probe.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old or the new one, never a part."""
    draft = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def wait_for(path: Path, claim: Path, pause: float = 0.05) -> bool:
    """Wait until `path` is there (True) or nobody holds `claim` any more (False)."""
    while not path.exists():
        held = read(claim)
        if held is None or not is_alive(claim, held):
            return path.exists()
        time.sleep(pause)
    return True
