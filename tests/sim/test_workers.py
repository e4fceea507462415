"""Workers end with their parent, whatever ended it, and share out the cores."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import cv2
import psutil
import pytest

from sim.workers import worker_pool

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


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_share_out_the_cores(workers: int) -> None:
    """Each had as many of OpenCV's threads as there are cores, and two made a data set 1.7 times as fast as one."""
    with worker_pool(workers) as pool:
        assert pool.submit(cv2.getNumThreads).result() == max(1, (os.cpu_count() or 1) // workers)
