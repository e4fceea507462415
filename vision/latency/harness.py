"""The stopwatch: frames through the pipeline, one stream or several at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

STAGES = ("decode", "detect", "recognize", "register", "count", "audit")
LEAST_FRAMES = 662
"""Frames from which on a 99th percentile is told with 99 % confidence: MLPerf Inference's number for MultiStream."""
SHARES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
Read = Callable[[int], dict[str, float]]
"""Reads the frame of a number and returns the milliseconds of its stages."""


@dataclass
class Timed:
    """Frames as they were timed, in milliseconds: `stages` of each frame, `total` from a frame's begin to its end.
    `seconds` is the time of the whole, `outside` what passed between the frames of a stream."""

    stages: list[dict[str, float]] = field(default_factory=list)
    total: list[float] = field(default_factory=list)
    outside: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def frames(self) -> int:
        return len(self.total)


def time_frames(read: Read, frames: int, first: int = 0) -> Timed:
    """Read `frames` frames, one after the other, and time each."""
    timed = Timed()
    clock = time.perf_counter
    begin = last = clock()
    for i in range(first, first + frames):
        start = clock()
        laps = read(i)
        end = clock()
        timed.stages.append(laps)
        timed.total.append((end - start) * 1000)
        timed.outside.append((start - last) * 1000)
        last = end
    timed.seconds = clock() - begin
    return timed


def time_streams(reads: Sequence[Read], frames: int) -> Timed:
    """Read `frames` frames altogether in as many streams as there are `reads`, each as fast as it can; the streams
    begin together. What goes wrong in one is raised."""
    shares = [frames // len(reads) + (i < frames % len(reads)) for i in range(len(reads))]
    start = threading.Barrier(len(reads) + 1)
    done: list[Timed | BaseException | None] = [None] * len(reads)

    def work(i: int) -> None:
        try:
            start.wait()
            done[i] = time_frames(reads[i], shares[i], first=i)
        except BaseException as error:
            done[i] = error

    threads = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(len(reads))]
    for thread in threads:
        thread.start()
    start.wait()
    begin = time.perf_counter()
    for thread in threads:
        thread.join()
    whole = Timed(seconds=time.perf_counter() - begin)
    for part in done:
        if isinstance(part, BaseException):
            raise part
        assert part is not None
        whole.stages += part.stages
        whole.total += part.total
        whole.outside += part.outside
    return whole


def row(values: Sequence[float] | NDArray[np.float64]) -> dict[str, float]:
    """p50, p90, p99 and max of some milliseconds."""
    found = np.asarray(values, float)
    named = {name: round(float(np.quantile(found, share)), 3) for name, share in SHARES.items()}
    return named | {"max": round(float(found.max()), 3)}


def summary(timed: Timed) -> dict[str, object]:
    """What a result tells of timed frames. `unaccounted_ms` is what a frame takes beyond its stages, in the mean and
    with what passes between two frames: the harness's own cost is within it."""
    names = [s for s in STAGES if s in timed.stages[0]]
    stages = {name: np.array([laps[name] for laps in timed.stages]) for name in names}
    medians = sum(float(np.median(v)) for v in stages.values())
    total = np.array(timed.total)
    beyond = total.sum() - sum(v.sum() for v in stages.values()) + sum(timed.outside)
    return {
        "frames": timed.frames,
        "stages_ms": {name: row(v) for name, v in stages.items()},
        "end_to_end_ms": row(total),
        "stage_medians_over_end_to_end": round(medians / float(np.median(total)), 4),
        "unaccounted_ms": round(float(beyond) / timed.frames, 4),
        "frames_per_second": round(timed.frames / timed.seconds, 3),
        "seconds": round(timed.seconds, 3),
    }
