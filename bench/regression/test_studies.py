"""What a study costs beside its rendering and reading, and what a second worker brings. By the clock: a busy machine
says little."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from bench.configs import compose
from bench.studies.conduct import conduct
from bench.studies.study import Study, study_of

SETTINGS = ["experiment=lighting", "scenarios=6", "~models.yolo26n"]


def study(folder: Path, *words: str) -> Study:
    return study_of(compose("run", [*SETTINGS, f"outputs={folder}", *words]))


def result(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "latest" / "result.json").read_text()))


def test_two_workers_are_almost_twice_as_fast(tmp_path: Path) -> None:
    """Eight lights of the quickstart store, each on six scenarios, by workers that joblib starts; rendered anew by
    either (10 minutes)."""
    took = {}
    for workers in (1, 2):
        start = time.perf_counter()
        conduct(study(tmp_path / str(workers), f"workers={workers}"), ["hydra/launcher=joblib"])
        took[workers] = time.perf_counter() - start
    print(f"\n1 worker {took[1]:.0f} s, 2 workers {took[2]:.0f} s: {took[1] / took[2]:.2f} x")
    cells = [[(c["name"], c["metrics"]) for c in result(tmp_path / str(n))["cells"]] for n in (1, 2)]
    assert cells[0] == cells[1]
    assert took[1] >= 1.8 * took[2]


def test_logging_and_bookkeeping_take_little(tmp_path: Path) -> None:
    """Logging at most 1 % of a study's time; all that is not rendering, reading and scoring at most 5 %."""
    conduct(study(tmp_path, "workers=1"))
    found = result(tmp_path)
    total, logging = found["work"]["seconds"], found["work"]["logging_seconds"]
    rest = total - sum(cell["work"]["seconds"] for cell in found["cells"])
    shares = f"logging {logging:.1f} s ({logging / total:.1%}), bookkeeping {rest:.1f} s ({rest / total:.1%})"
    print(f"\n{total:.0f} s: {shares}")
    assert logging <= 0.01 * total
    assert rest <= 0.05 * total
