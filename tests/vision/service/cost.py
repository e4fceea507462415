"""What a frame costs a service: processor time, and what is written.

    python -m tests.vision.service.cost FOLDER FRAMES MOST

FOLDER is of `shelfbench twin prepare=FOLDER`, FRAMES of `shelfbench twin record=FRAMES`; of MOST frames the first 16
are left out. By the process's own time, so that it says something on a busy machine too. FOLDER's state is deleted.
"""

from __future__ import annotations

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


def written() -> int:
    """Bytes that this process has written."""
    rows = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(rows["wchar"])


def main(folder: Path, frames: Path, most: int) -> None:
    settings = load_settings(folder / "service.yaml")
    shutil.rmtree(settings.state, ignore_errors=True)
    service = _service(settings)
    service.engine.start()
    cameras = list(service.cameras.values())
    rows = json.loads((frames / "frames.json").read_text())["frames"][:most]
    stages: list[dict[str, float]] = []
    for n, (camera, at) in enumerate(rows):
        if n == WARM_UP:
            before, cpu, begun = written(), time.process_time(), time.perf_counter()
        data = np.frombuffer((frames / f"{n:06d}.jpg").read_bytes(), np.uint8)
        image = np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])
        taken = service.engine.offer(Frame(image, cameras[camera], 1e9 + at)).result()
        stages.append(service.database.reading(taken.seq)["latency_ms"])
    count = len(rows) - WARM_UP
    said = {
        "frames": count, "positions": len(service.engine.layout.planogram.positions),
        "cpu_ms": round(1000 * (time.process_time() - cpu) / count, 1),
        "frames_per_second": round(count / (time.perf_counter() - begun), 2),
        "kB_written": round((written() - before) / count / 1000, 1),
        "stages_ms_p50": {k: round(float(np.median([s[k] for s in stages[WARM_UP:]])), 1) for k in stages[0]},
    }  # fmt: skip
    print(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
