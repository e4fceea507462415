"""Worker processes that render: spawned, so that each has a PyBullet of its own, and ended with their parent."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from typing import Any

import cv2


def worker_pool(workers: int, start: Callable[..., None] | None = None, *arguments: Any) -> ProcessPoolExecutor:
    """A pool of `workers` processes, each of which first calls `start(*arguments)`.

    Workers of a parent that was killed end too; the pool alone would leave them behind for good. They share out
    the cores: OpenCV's threads of each, as many as there are cores, got into each other's way.
    """
    threads = max(1, (os.cpu_count() or 1) // workers)
    return ProcessPoolExecutor(workers, get_context("spawn"), _start, (threads, start, arguments))


def _start(threads: int, start: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(threads)
    if start is not None:
        start(*arguments)


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
