"""A service that a store is played to for a long time: does its memory grow?

    python -m tests.bench.soak SECONDS [KEY=VALUE …]

plays so many seconds in real time through four cameras, each of which sends a frame every two seconds, prints what came
of it, and ends with 1 where memory grew by more than 5 % after loading (of the first quarter). KEY=VALUE: of
conf/twin.yaml.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bench.configs import compose
from bench.twin.command import run_twin
from bench.twin.plan import plan_of

MOST = 5.0
"""Percent."""


def main(seconds: float, more: list[str]) -> int:
    words = [f"seconds={seconds}", "cameras=4", "every=2", "port=0", "sales=20", "restock_after=300", *more]
    config = compose("twin", words)
    plan = plan_of(config)
    config.pop("camera_models")
    folder = run_twin(plan, config)
    assert folder is not None
    result = json.loads((Path(folder) / "result.json").read_text(encoding="utf-8"))
    grown = result["service"]["memory"]
    if grown is None:
        print("too short to say anything of memory; expected a minute at least")
        return 3
    return int(grown["growth_percent"] > MOST)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
