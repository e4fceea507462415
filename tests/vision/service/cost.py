"""What a frame costs a service: processor time, and what is written.

    python -m tests.vision.service.cost FOLDER FRAMES MOST [every-frame | every-crop]

FOLDER is of `shelfbench twin prepare=FOLDER`, FRAMES of `shelfbench twin record=FRAMES`; of MOST frames the first 16
are left out. `every-frame` uses no reading again, `every-crop` no embedding either. By the process's own time, so that
it says something on a busy machine too. FOLDER's state is deleted.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from scenarios import Frame
from vision.service.command import _service
from vision.service.settings import load_settings

WARM_UP = 16
WITHOUT = {"every-frame": {"read_anew": 0.0}, "every-crop": {"reuse": False}}


def written() -> int:
    """Bytes that this process has written."""
    rows = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(rows["wchar"])


def main(folder: Path, frames: Path, most: int, without: str = "") -> None:
    settings = dataclasses.replace(load_settings(folder / "service.yaml"), **WITHOUT.get(without, {}))
    shutil.rmtree(settings.state, ignore_errors=True)
    service = _service(settings)
    service.engine.start()
    cameras = list(service.cameras.values())
    rows = json.loads((frames / "frames.json").read_text())["frames"][:most]
    cpu: list[float] = []
    stages: list[dict[str, float]] = []
    ages: list[float] = []
    for n, (camera, at) in enumerate(rows):
        if n == WARM_UP:
            before, begun = written(), time.perf_counter()
        start = time.process_time()
        data = np.frombuffer((frames / f"{n:06d}.jpg").read_bytes(), np.uint8)
        image = np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])
        taken = service.engine.offer(Frame(image, cameras[camera], 1e9 + at)).result()
        cpu.append(1000 * (time.process_time() - start))
        reading = service.database.reading(taken.seq)
        stages.append(reading["latency_ms"])
        ages.append(reading.get("age", 0.0))
    took, age = np.array(cpu[WARM_UP:]), np.array(ages[WARM_UP:])
    read = [s for s, a in zip(stages[WARM_UP:], age) if not a]
    said = {
        "frames": len(took), "positions": len(service.engine.layout.planogram.positions),
        "cpu_ms": round(float(took.mean()), 1), "two_cores_frames_per_second": round(2000 / float(took.mean()), 1),
        "reused": int((age > 0).sum()),
        "cpu_ms_p50": {"read": middle(took[age == 0]), "reused": middle(took[age > 0])},
        "frames_per_second": round(len(took) / (time.perf_counter() - begun), 2),
        "kB_written": round((written() - before) / len(took) / 1000, 1),
        "stages_ms_p50": {k: middle([s[k] for s in read]) for k in (read[0] if read else {})},
    }  # fmt: skip
    print(json.dumps(said))


def middle(values) -> float | None:
    return round(float(np.median(values)), 1) if len(values) else None


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:5])
