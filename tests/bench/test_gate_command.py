"""The gate as it is run: two processes, a base out of git, and what is left when something goes wrong."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from bench.cli import main
from bench.gate import command, scenes, sides
from scenarios import Catalog, Planogram, load_scenario
from scenarios.files import write_csv, write_yaml

ROOT = Path(__file__).parents[2]
IN_GIT = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True).returncode == 0
in_git = pytest.mark.skipif(not IN_GIT, reason="this checkout has no git history to take a base from")


def left_over(pid: int) -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(f"shelfbench-frames-{pid}-*"))


def gate(words: list[str]) -> int:
    with pytest.raises(SystemExit) as exit:
        main(["gate", *words])
    return int(exit.value.code or 0)


@in_git
@pytest.mark.parametrize(("broken", "status"), [("base", 3), ("head", 1)])
def test_a_version_that_does_not_start_is_named(
    broken: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A broken base says nothing of head: no verdict. A head that a running base was broken to is a regression."""

    def tree(folder: Path, code: str) -> Path:
        for room in ("scenarios", "vision"):
            (folder / room).mkdir(parents=True)
            (folder / room / "__init__.py").write_text(code if room == "vision" else "")
        return folder

    starts = "import pickle, sys\nclass Reader: pass\n"
    bad = "raise ImportError('no module named pipelines')\n"
    monkeypatch.setattr(command, "extract", lambda _, folder: tree(folder, bad if broken == "base" else starts))
    monkeypatch.setattr(command, "ROOT", tree(tmp_path / "head", bad if broken == "head" else starts))
    # The worker that runs goes no further than its import; what it would be told is of no matter.
    monkeypatch.setattr(sides, "WORKER", tmp_path / "worker.py")
    (tmp_path / "worker.py").write_text(
        "import pickle, sys\nsys.path[0] = sys.argv[1]\nimport vision\n"
        "pickle.load(sys.stdin.buffer)\npickle.dump('ready', sys.stdout.buffer)\nsys.stdout.flush()\n"
        "sys.stdin.buffer.read()\n"
    )
    monkeypatch.setattr(scenes, "make_scenes", lambda *_: SimpleNamespace(images=np.zeros(1)))
    monkeypatch.setattr(scenes, "gallery_path", lambda *_: None)
    monkeypatch.setattr(scenes, "task", lambda *_: {})
    assert gate(["base=HEAD", f"outputs={tmp_path / 'outputs'}"]) == status
    assert f"{broken} does not run: ImportError: no module named pipelines" in capsys.readouterr().out
    result = json.loads((tmp_path / "outputs/latest/result.json").read_text())
    assert result["verdict"] == ("no verdict" if status == 3 else "regression")
    assert (tmp_path / "outputs/latest/summary.md").read_text().startswith("### shelfbench gate")
    assert left_over(os.getpid()) == []


@in_git
def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "bench.cli", "gate", "base=HEAD", f"outputs={tmp_path / 'outputs'}"]
    heed = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731  in the background a shell has it ignored
    running = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True, preexec_fn=heed)
    workers: list[psutil.Process] = []
    ends = time.monotonic() + 60
    while len(workers) < 2 and time.monotonic() < ends:  # the base lies there, and both processes run
        time.sleep(0.05)
        workers = [p for p in psutil.Process(running.pid).children() if "worker.py" in " ".join(p.cmdline())]
    assert left_over(running.pid)
    running.send_signal(signal.SIGINT)
    assert "interrupted" in running.communicate(timeout=60)[1]
    assert running.returncode == 130
    assert left_over(running.pid) == []
    assert not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in workers)
    assert not (tmp_path / "outputs" / "gate").exists()
    known = subprocess.run(["git", "worktree", "list"], cwd=ROOT, capture_output=True, text=True).stdout
    assert "shelfbench-frames" not in known


def small_store(folder: Path) -> Path:
    """The first positions of the gate's store that its left camera sees, with their products alone."""
    whole = load_scenario(scenes.SCENARIO)
    positions = tuple(p for p in whole.layout.planogram.positions if p.fixture == "bay-1" and p.shelf in (2, 3))
    products = tuple(whole.layout.catalog[sku] for sku in dict.fromkeys(p.sku for p in positions))
    folder.mkdir()
    write_yaml(folder / "store.yaml", whole.layout.store, "A part of a store.")
    write_yaml(folder / "scenario.yaml", whole.conditions, "Its dials.")
    write_csv(folder / "catalog.csv", Catalog(products), ("family", "pictures", "mesh"))
    write_csv(folder / "planogram.csv", Planogram(positions).positions)
    return folder


@in_git
@pytest.mark.slow
def test_the_same_version_passes_and_is_read_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From git to the page, on a few pictures: too few for a verdict on what was out, which is said."""
    monkeypatch.setattr(scenes, "SCENARIO", str(small_store(tmp_path / "store")))
    monkeypatch.setattr(scenes, "CAMERAS", tuple(dataclasses.replace(c, id=f"{c.id}!") for c in scenes.CAMERAS[:1]))
    words = ["base=HEAD", f"outputs={tmp_path / 'outputs'}", "scenarios=4", "limits.slowdown=60", "seconds=90"]
    assert gate(words) == 3
    result = json.loads((tmp_path / "outputs/latest/result.json").read_text())
    assert result["pictures"] | {"name": ""} == {"name": "", "number": 4, "read_alike": 4}
    assert {m: a["value"] for m, a in result["accuracy"].items()}["detection_recall"] == 0
    assert result["accuracy"]["detection_recall"]["base"] > 0.5
    assert set(result["time"]) == {"processor", "clock", "detect", "recognize", "register", "count"}
    stages = sum(result["time"][s]["base_ms"] for s in ("detect", "recognize", "register", "count"))
    assert stages == pytest.approx(result["time"]["clock"]["base_ms"], rel=0.2)
    page = (tmp_path / "outputs/latest/gate.html").read_text()
    assert page.count("<circle") == result["time"]["processor"]["pairs"] >= 16
    assert "<script src" not in page
    assert len((tmp_path / "outputs/latest/summary.md").read_text()) < 3000
