"""The two versions: the base's files in a temporary folder, and a long-lived process for each."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scenarios import InputError

ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).with_name("worker.py")
ROOMS = ("scenarios", "vision")
"""What a device gets: all that a worker imports."""
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


class SideError(RuntimeError):
    """A version that does not start, or stops; the message is one line."""

    def __init__(self, side: str, reason: str) -> None:
        super().__init__(f"{side} {reason}")
        self.side = side


def resolve(revision: str) -> str:
    """The commit of a revision, in full. Raises InputError."""
    inside = _git("rev-parse", "--is-inside-work-tree")
    if inside.returncode:
        raise InputError(f"base={revision}: {ROOT} is no git checkout; expected one that holds the revision")
    found = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if found.returncode:
        raise InputError(f"base={revision}: no such revision; expected a commit, branch or tag of {ROOT}")
    return found.stdout.decode().strip()


def extract(commit: str, folder: Path) -> None:
    """Write the rooms of a commit into a folder; the repository itself is not touched. Raises SideError."""
    folder.mkdir()
    packed = _git("archive", commit, *ROOMS)
    if packed.returncode:
        reason = packed.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise SideError("base", f"{commit[:12]} cannot be taken from git: {''.join(reason)}")
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed.stdout, check=True, capture_output=True)


def _git(*arguments: str) -> subprocess.CompletedProcess:
    try:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True)
    except OSError:
        raise InputError("git is not installed; the gate takes the base from it") from None


class Side:
    """A process with one version of the pipeline."""

    def __init__(self, name: str, tree: Path, folder: Path, one_thread: bool) -> None:
        self.name = name
        self._log = folder / f"{name}.log"
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"PYTHONHASHSEED": "0"}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-B", str(WORKER), str(tree)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=log, cwd=tree, env=environment | (ONE_THREAD if one_thread else {}),
                start_new_session=True,  # Ctrl-C is for the gate, which ends it
            )  # fmt: skip
        if one_thread and hasattr(os, "sched_setaffinity"):
            # On one core both: cores differ by what else runs there, by more than what is looked for.
            os.sched_setaffinity(self._process.pid, {max(os.sched_getaffinity(0))})

    def send(self, message: Any) -> None:
        """Raises SideError."""
        assert self._process.stdin is not None
        try:
            pickle.dump(message, self._process.stdin)
            self._process.stdin.flush()
        except OSError:
            raise self._stopped() from None

    def receive(self) -> Any:
        """The next answer. Raises SideError."""
        assert self._process.stdout is not None
        try:
            return pickle.load(self._process.stdout)
        except (EOFError, pickle.UnpicklingError):
            raise self._stopped() from None

    def ask(self, verb: str, argument: Any) -> Any:
        """Send one request and wait for its answer. Raises SideError."""
        self.send((verb, argument))
        return self.receive()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:
                pass  # what was still to be sent has nobody to read it

    def _stopped(self) -> SideError:
        status = self._process.wait()
        said = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return SideError(self.name, f"does not run: {said[-1].strip() if said else f'exit status {status}'}")


@contextmanager
def started(trees: dict[str, Path], folder: Path, one_thread: bool) -> Iterator[dict[str, Side]]:
    """A process for each tree, ended when the block is left, however that happens."""
    sides: dict[str, Side] = {}
    try:
        for name, tree in trees.items():
            sides[name] = Side(name, tree, folder, one_thread)
        yield sides
    finally:
        for side in sides.values():
            side.close()
