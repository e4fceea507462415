"""What the pipeline takes of a small device: a short start and little memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# VmHWM, not getrusage: a child's ru_maxrss begins with what its parent, here pytest, had.
READING = """
import sys, time
import numpy as np
start = time.process_time()
import vision
took = time.process_time() - start
from scenarios import Frame
from vision import Gallery, Pipeline
from vision.pipeline import weights_path
from vision.runtimes import open_session
network = open_session(weights_path("embed")).checksum
gallery = Gallery(np.array(["a", "b"]), np.eye(2, 128, dtype=np.float32), network)
pipeline = Pipeline.load(gallery=gallery, score=0.01)
pictures = np.random.default_rng(0).integers(0, 255, (2, 1080, 1920, 3), dtype=np.uint8)
crops = [len(pipeline(Frame(picture)).detections) for picture in pictures]
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(took, int(status["VmHWM"].split()[0]) / 1024, *crops)
"""


def test_vision_starts_at_once_and_reads_in_little_memory() -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra: cpu)")
    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not tell a process's memory")
    answer = subprocess.run([sys.executable, "-c", READING], capture_output=True, text=True, check=True, cwd=ROOT)
    seconds, megabytes, *crops = map(float, answer.stdout.split())
    print(f"import vision: {seconds:.2f} s of processor time; {megabytes:.0f} MB at most, {crops} detections")
    assert seconds <= 1.5
    assert megabytes <= 600
