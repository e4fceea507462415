"""A proof run that the page starts: a process of its own, one at a time, which can be stopped and goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.placement.ui.prove_job import Job, write_job
from bench.studies.claims import read
from bench.studies.study import digest
from scenarios import InputError

COMMAND = (sys.executable, "-m", "bench.placement.ui.prove_job")
PATIENCE = 20.0
"""Seconds that a proof that is stopped may take to end in order."""


class Proofs:
    """Proofs in `folder`, a folder each. `study_of` tells the study's folder of a job, in which its progress is looked
    up; `command` is what proves, with the job's folder as its last word."""

    def __init__(self, folder: Path, study_of: Callable[[Job], Path], command: Sequence[str] = COMMAND) -> None:
        self._root, self._study_of, self._command = folder, study_of, tuple(command)
        self._process: subprocess.Popen[bytes] | None = None
        self._job: Job | None = None
        self._folder = self._study = folder
        self._said: Any = None
        self._stopped = False

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, job: Job, said: Any) -> None:
        """Begin to prove; `said` is how the page names the cameras. Raises InputError while another proof runs."""
        if self.running:
            raise InputError("a proof is running; expected it to end, or to be stopped, first")
        self._folder = self._root / digest([job.config, [str(c) for c in job.cameras], job.worlds])[:12]
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "result.json").unlink(missing_ok=True)
        write_job(self._folder / "job.json", job)
        self._job, self._said, self._study, self._stopped = job, said, self._study_of(job), False
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
        with (self._folder / "log.txt").open("w") as log:
            self._process = subprocess.Popen(
                [*self._command, str(self._folder)], stdout=log, stderr=log, start_new_session=True, env=environment
            )

    def stop(self) -> None:
        """End the proof that runs, in order; what is read stays read."""
        if self._process is None or not self.running:
            return
        self._stopped = True
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)  # a shell's background jobs, and their children, ignore SIGINT
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def state(self) -> dict[str, Any]:
        """`state` is "none", "running", "stopped", "failed" or "done"; the `cameras` as the page said them; pictures
        `done` and `of`; the `result` when it is done, and `error`, a line, when it failed."""
        if self._process is None or self._job is None:
            return {"state": "none"}
        said: dict[str, Any] = {"of": self._job.pictures, "cameras": self._said}
        if self.running:
            return said | {"state": "running", "done": self._pictures_read()}
        if (self._folder / "result.json").is_file():
            result = json.loads((self._folder / "result.json").read_text(encoding="utf-8"))
            return said | {"state": "done", "done": self._job.pictures, "result": result}
        if self._stopped:
            return said | {"state": "stopped", "done": self._pictures_read()}
        return said | {"state": "failed", "error": self._last_line()}

    def _pictures_read(self) -> int:
        cells = self._study / "cells"
        if any(path.is_dir() and not path.name.startswith(".") for path in cells.glob("*")):
            return self._job.pictures if self._job else 0
        notes = [read(path) for path in cells.glob("*.claim")]
        return sum(int(note.get("done", 0)) for note in notes if note)

    def _last_line(self) -> str:
        text = (self._folder / "log.txt").read_text(encoding="utf-8", errors="replace")
        lines = [line for line in text.splitlines() if line.strip()]
        code = self._process.returncode if self._process else ""
        return lines[-1].strip() if lines else f"the proof ended with status {code} and said nothing"
