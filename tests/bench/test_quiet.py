"""Who works beside whom, and whether a machine is quiet."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from bench.studies.quiet import quietness

HOLD = """
import time
from bench.studies.quiet import {kind}
with {kind}():
    print('held', flush=True)
    time.sleep(60)
"""


def test_a_busy_process_is_named() -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        time.sleep(0.3)
        found = quietness(0.5)
        busy.kill()
    assert not found["quiet"]
    assert found["by"]


@pytest.mark.parametrize(
    ("held", "wanted", "waits"), [("working", "working", False), ("working", "alone", True), ("alone", "working", True)]
)
def test_latency_is_measured_alone(
    held: str, wanted: str, waits: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    holder = subprocess.Popen([sys.executable, "-c", HOLD.format(kind=held)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    other = subprocess.Popen([sys.executable, "-c", HOLD.format(kind=wanted)], stdout=subprocess.PIPE)
    assert other.stdout is not None
    if waits:
        time.sleep(1)
        assert other.poll() is None
        holder.kill()  # the lock goes with its process
    assert other.stdout.readline() == b"held\n"
    for process in (holder, other):
        process.kill()
        process.wait()
