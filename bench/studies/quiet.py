"""Quiet: who may work beside whom on a machine, and whether anybody did."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

BUSY = 0.1
"""Of one core: a process that takes more over the second is named. The workbench's own take less when they wait."""


@contextmanager
def working() -> Iterator[None]:
    """Work whose time is not measured: waits until no latency is being measured on this machine."""
    with _held(fcntl.LOCK_SH):
        yield


@contextmanager
def alone() -> Iterator[None]:
    """Measure time: waits until nothing of the workbench works on this machine, and keeps it so."""
    with _held(fcntl.LOCK_EX):
        yield


@contextmanager
def _held(mode: int) -> Iterator[None]:
    # A lock of the kernel's, which goes with its process however that ends.
    path = Path(tempfile.gettempdir()) / f"shelfbench-quiet-{os.getuid()}.lock"
    with path.open("a") as lock:
        fcntl.flock(lock, mode)
        yield


def quietness(seconds: float = 1.0) -> dict[str, Any]:
    """Whether the machine is quiet, looked at for `seconds`: `quiet`, its load, and `by` whom it is not.

    Not quiet: another process takes a tenth of a core or more.
    """
    mine = {os.getpid(), *(p.pid for p in psutil.Process().parents())}
    before = _seconds(mine)
    start = time.perf_counter()
    time.sleep(seconds)
    took = time.perf_counter() - start
    busy: list[dict[str, Any]] = []
    for process, (name, cpu) in _seconds(mine).items():
        share = (cpu - before.get(process, (name, cpu))[1]) / took
        if share >= BUSY:
            busy.append({"process": name, "pid": process[0], "cores": round(share, 2)})
    busy.sort(key=lambda b: -b["cores"])
    return {"quiet": not busy, "load": round(os.getloadavg()[0], 2), "by": busy[:5]}


def _seconds(left_out: set[int]) -> dict[tuple[int, float], tuple[str, float]]:
    """Name and processor seconds of every process, by number and start."""
    found = {}
    for process in psutil.process_iter(["name", "cpu_times", "create_time"]):
        times = process.info["cpu_times"]
        if process.pid not in left_out and times is not None:
            found[process.pid, process.info["create_time"]] = (process.info["name"], times.user + times.system)
    return found
