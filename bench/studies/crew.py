"""The workers of a study: each takes cells that are missing until none is left.

    python -m bench.studies.crew work FOLDER INDEX WORKERS     one worker
    python -m bench.studies.crew launch FOLDER WORKERS …       workers by a launcher of Hydra; … are its overrides

A worker needs nothing but the study's folder. It may be killed at any time: what it was at is missing still.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.studies.claims import claimed, owner, write_whole
from bench.studies.study import READING, Study, code_version, study_of
from scenarios import InputError

DEATHS = 3
"""Workers that died at a cell before it counts as failed: it takes its workers with it."""
STOPPING = {errno.ENOSPC: 3, errno.EROFS: 4, errno.EDQUOT: 5}
"""Errors that every further cell would meet too, and the exit status of a worker that met one."""


@dataclass(frozen=True)
class Plan:
    """A study as its folder has it: the cells in their order, each with its hash."""

    folder: Path
    study: Study
    hashes: list[str]

    def settled(self, hash: str) -> bool:
        """Whether a cell is done, or has failed since the study was last begun."""
        return self.done(hash) or self.failure_file(hash).exists()

    def done(self, hash: str) -> bool:
        return self.cell_folder(hash).is_dir()

    def cell_folder(self, hash: str) -> Path:
        return self.folder / "cells" / hash

    def failure_file(self, hash: str) -> Path:
        return self.folder / "cells" / f"{hash}.failed"

    def claim_file(self, hash: str) -> Path:
        return self.folder / "cells" / f"{hash}.claim"

    def deaths_file(self, hash: str) -> Path:
        return self.folder / "cells" / f"{hash}.deaths"


def load_plan(folder: Path) -> Plan:
    """Read a study's folder. Raises InputError where this machine has other code than the study was begun with."""
    data = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    here, there = code_version(READING), data["manifest"]["code"]
    if here != there:
        raise InputError(f"{folder}: begun with code {there}; here is {here}; expected the same on every machine")
    return Plan(folder, study_of(data["config"]), data["cells"])


def work(folder: Path, index: int = 0, workers: int = 1) -> int:
    """Make cells that nobody makes until none is left, and return how many. Workers begin at places of their own,
    so that the cells of one worker share pictures."""
    from bench.studies.cells import Bench
    from bench.studies.pictures import PictureCache

    plan = load_plan(folder)
    bench = Bench(PictureCache(plan.study.pictures, int(plan.study.cache_gb * 1e9)))
    cells = list(zip(plan.study.cells, plan.hashes))
    first = len(cells) * (index % workers) // workers
    made = 0
    try:
        for cell, hash in cells[first:] + cells[:first]:
            if plan.settled(hash):
                continue
            with claimed(plan.claim_file(hash)) as claim:
                if claim is None or plan.settled(hash):
                    continue
                if claim.lost and _died_too_often(plan, hash):
                    continue
                with (folder / "begun.txt").open("a") as begun:
                    begun.write(f"{hash}\n")
                made += _make(plan, cell, hash, bench, claim.note)
    finally:
        bench.close()
    return made


def _died_too_often(plan: Plan, hash: str) -> bool:
    with plan.deaths_file(hash).open("a") as deaths:
        deaths.write(".")
    count = plan.deaths_file(hash).stat().st_size
    if count >= DEATHS:
        _fail(plan, hash, f"{count} workers died at it", "")
    return count >= DEATHS


def _make(plan: Plan, cell: Any, hash: str, bench: Any, note: Any) -> bool:
    """Make one cell in a draft that gets its name when it is whole; what goes wrong in it is its own affair."""
    from bench.studies.cells import run_cell
    from bench.studies.quiet import working

    draft = plan.folder / "cells" / f".{hash}.draft-{owner()['host']}-{os.getpid()}"
    try:
        draft.mkdir()
        with working():
            run_cell(cell, hash, bench, draft, note)
        try:
            draft.rename(plan.cell_folder(hash))
        except OSError:
            if not plan.done(hash):  # else another worker was first
                raise
        return True
    except OSError as error:
        if error.errno in STOPPING:
            raise
        _fail(plan, hash, f"{type(error).__name__}: {error}", traceback.format_exc())
    except Exception as error:
        _fail(plan, hash, f"{type(error).__name__}: {error}", traceback.format_exc())
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return False


def _fail(plan: Plan, hash: str, error: str, trace: str) -> None:
    write_whole(plan.failure_file(hash), json.dumps({"error": " ".join(error.split()), "traceback": trace}))


def job(config: Any) -> int:
    """A worker as a job of one of Hydra's launchers."""
    return work(Path(config.folder), config.worker, config.workers)


def launch(folder: Path, workers: int, overrides: Sequence[str]) -> None:
    """Start workers by the launcher that `overrides` name, and wait for them."""
    from bench.studies.multirun import multirun

    jobs = ",".join(str(i) for i in range(workers))
    multirun("worker", job, [f"folder={folder.resolve()}", f"workers={workers}", f"worker={jobs}", *overrides])


class Crew:
    """Processes that work on a study, started again when they die while cells are missing."""

    def __init__(self, folder: Path, workers: int, launcher: Sequence[str]) -> None:
        own = [sys.executable, "-m", "bench.studies.crew"]
        if launcher:
            self._commands = [[*own, "launch", str(folder), str(workers), *launcher]]
        else:
            self._commands = [[*own, "work", str(folder), str(i), str(workers)] for i in range(workers)]
        self.logs = folder / "logs"
        self.logs.mkdir(exist_ok=True)
        self.processes: list[subprocess.Popen] = []
        self.deaths = 0
        """Without a cell finished in between."""

    @property
    def patience(self) -> int:
        return 3 * len(self._commands) + DEATHS

    def start(self) -> None:
        self.processes = [self._start(i) for i in range(len(self._commands))]

    def tend(self, missing: bool) -> None:
        """Replace workers that died; all, when all have ended and cells are `missing`.

        Raises OSError where one met a full or read-only disk, InputError where they die again and again.
        """
        for i, process in enumerate(self.processes):
            status = process.poll()
            if status in STOPPING.values():
                number = next(n for n, s in STOPPING.items() if s == status)
                raise OSError(number, os.strerror(number), str(self.logs.parent))
            if status and missing:
                self.deaths += 1
                if self.deaths > self.patience:
                    raise InputError(f"the workers end again and again; the last said: {self._last_words(i)}")
                self.processes[i] = self._start(i)
        if missing and all(p.poll() == 0 for p in self.processes):
            self.deaths += 1
            if self.deaths > self.patience:
                raise InputError("the workers end and leave cells missing that others hold; run again when those ended")
            self.start()

    @property
    def ended(self) -> bool:
        return all(p.poll() is not None for p in self.processes)

    def stop(self) -> None:
        """End all workers: politely, then for good."""
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        until = time.monotonic() + 5
        for process in self.processes:
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, i: int) -> subprocess.Popen:
        # A session of its own: Ctrl-C reaches the parent alone, which ends its workers in order.
        with (self.logs / f"worker-{i}.log").open("a") as log:
            return subprocess.Popen(
                self._commands[i], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=os.environ | {"SHELFBENCH_PARENT": str(os.getpid())},
            )  # fmt: skip

    def _last_words(self, i: int) -> str:
        lines = (self.logs / f"worker-{i}.log").read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "nothing")


def _end_with(parent: int) -> None:
    """End when the parent does, however that ended."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main(words: Sequence[str]) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that claims and drafts go
    parent = os.environ.pop("SHELFBENCH_PARENT", "")
    if parent:
        _end_with(int(parent))
    try:
        if words[0] == "work":
            work(Path(words[1]), int(words[2]), int(words[3]))
        else:
            launch(Path(words[1]), int(words[2]), words[3:])
    except OSError as error:
        traceback.print_exc()
        sys.exit(STOPPING.get(error.errno or 0, 1))


if __name__ == "__main__":
    from bench.studies import crew  # by its name, under which launchers find its functions

    crew.main(sys.argv[1:])
