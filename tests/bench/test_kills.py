"""A study whose workers, and whose own process, are killed at random is whole after the same command again.

STUDY_CELLS=200 STUDY_KILLS=10 python -m pytest -s tests/bench/test_kills.py     at the size of a real study
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import mlflow
import psutil
import pytest

from bench.tracking import EXPERIMENT
from tests.small_study import overrides

CELLS, KILLS = int(os.environ.get("STUDY_CELLS", 16)), int(os.environ.get("STUDY_KILLS", 2))


def start(words: list[str]) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "bench.cli", "run", *words], stdout=subprocess.DEVNULL)


def workers_of(process: subprocess.Popen) -> list[psutil.Process]:
    try:
        return [c for c in psutil.Process(process.pid).children() if "bench.studies.crew" in c.cmdline()]
    except psutil.NoSuchProcess:
        return []


def done(root: Path) -> int:
    return len(list((root / "outputs/studies/tiny/cells").glob("*/cell.json")))


@pytest.mark.slow
def test_a_study_survives_kills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    draw = random.Random(5)
    words = overrides(tmp_path, CELLS)
    process, killed, whole = start(words), 0, True
    # Kills spread over the study: the next when that many more cells are done, some moments later.
    while killed < KILLS and process.poll() is None:  # a small study on a fast machine can end before
        if done(tmp_path) >= killed * CELLS / (KILLS + 1):
            time.sleep(draw.uniform(0, min(2.0, CELLS / 100)))
            if whole and killed == KILLS // 2:  # and once the command itself, which its workers follow
                whole = False
                process.kill()
                process.wait()
                time.sleep(2.5)
                process = start(words)
            victims = workers_of(process)
            if victims:
                draw.choice(victims).kill()
                killed += 1
        time.sleep(0.1)
    assert killed, "the study ended before anything was killed"
    assert process.wait() == 0
    again = start(words)  # nothing is missing any more
    assert again.wait() == 0

    client = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'outputs' / 'mlflow.db'}")
    runs = client.search_runs([client.get_experiment_by_name(EXPERIMENT).experiment_id], max_results=5000)
    cells = [r for r in runs if "mlflow.parentRunId" in r.data.tags]
    assert Counter(r.info.status for r in runs) == {"FINISHED": CELLS + 1}
    assert len({r.data.tags["shelfbench.cell"] for r in cells}) == len(cells) == CELLS
    work = json.loads((tmp_path / "outputs/latest/result.json").read_text())["work"]
    print(f"\n{killed} workers and the command killed: {len(cells)} FINISHED, none twice, none RUNNING; {work}")
    # A kill costs the cell that the worker was at, and that of the command what all its workers were at.
    assert work["cells_begun_again"] <= max(KILLS + 2, 0.05 * CELLS)
    assert not list((tmp_path / "outputs/studies/tiny/cells").glob("*.claim"))
    report = (tmp_path / "outputs/latest/report.html").read_text()
    figures = {p.name for p in (tmp_path / "outputs/latest/figures").iterdir()}
    assert figures == {"light.pdf", "light.png", "light.svg"}
    assert 'src="figures/light.svg"' in report
