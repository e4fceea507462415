"""Workers end with their parent, whatever ended it."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil

PARENT = """
import os, time
from sim.workers import worker_pool

if __name__ == "__main__":
    pool = worker_pool(2)
    print(*{pool.submit(os.getpid).result() for _ in range(20)}, flush=True)
    time.sleep(60)
"""


def test_workers_of_a_killed_parent_end(tmp_path) -> None:
    """A run killed during rendering left two processes behind for good."""
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    workers = [int(pid) for pid in parent.stdout.readline().split()]
    assert workers
    assert all(psutil.pid_exists(pid) for pid in workers)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 20
    while any(psutil.pid_exists(pid) for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.1)
