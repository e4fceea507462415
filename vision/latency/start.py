"""How long a process takes from nothing to its first reading: `python -m vision.latency.start` with JSON on stdin."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scenarios import Frame, InputError
from vision.latency.harness import row
from vision.pictures import load_picture
from vision.pipeline import Pipeline

WARM = 3
"""Warm starts, the medians of which are told."""


def starts(loaded: Mapping[str, Any], picture: Path) -> dict[str, Any]:
    """Milliseconds of a cold start, with an empty cache of engines, and of warm ones after it, each in a process of
    its own. `loaded` are arguments of `Pipeline.load`. The files of the system's own cache stay in memory."""
    given = json.dumps({"load": dict(loaded), "picture": str(picture)})
    if "tensorrt" in (loaded["runtime"], *loaded["fallback"]):
        # Its engines are built by export and never by a start.
        warm = [_start(given, None) for _ in range(WARM)]
        return {
            "cold": None,
            "warm": _medians(warm),
            "note": "engines are built by `shelfwatch export`, not by a start",
        }
    with tempfile.TemporaryDirectory() as cache:
        cold = _start(given, cache)
        warm = [_start(given, cache) for _ in range(WARM)]
    return {"cold": cold, "warm": _medians(warm), "note": "cold: an empty cache of engines; all: a process of its own"}


def _medians(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: row([r[name] for r in rows])["p50"] for name in rows[0]}


def _start(given: str, cache: str | None) -> dict[str, float]:
    environment = dict(os.environ) | ({"SHELFWATCH_CACHE": cache} if cache else {})
    environment["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)
    begin = time.perf_counter()
    environment["SHELFWATCH_BEGUN"] = str(time.time())
    done = subprocess.run(
        [sys.executable, "-m", "vision.latency.start"], input=given, capture_output=True, text=True, env=environment,
        check=False,
    )  # fmt: skip
    whole = (time.perf_counter() - begin) * 1000
    if done.returncode:
        words = [line for line in done.stderr.splitlines() if line.strip()]
        raise InputError(f"latency: a start failed: {words[-1] if words else 'its process was killed'}")
    return json.loads(done.stdout) | {"process_ms": round(whole, 1)}


def _here() -> dict[str, float]:
    """Load a pipeline and read one picture, as stdin says."""
    given = json.loads(sys.stdin.read())
    clock, waited = time.perf_counter, time.time() - float(os.environ["SHELFWATCH_BEGUN"])
    begin, worked = clock(), time.process_time()
    pipeline = Pipeline.load(**given["load"])
    opened, worked = clock(), time.process_time() - worked
    image = load_picture(Path(given["picture"]))
    read = clock()
    pipeline(Frame(image))
    steps = {
        "import_ms": waited, "sessions_ms": opened - begin, "sessions_processor_ms": worked,
        "first_frame_ms": clock() - read,
    }  # fmt: skip
    return {name: round(seconds * 1000, 1) for name, seconds in steps.items()}


if __name__ == "__main__":
    print(json.dumps(_here()))
