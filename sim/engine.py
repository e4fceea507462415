"""PyBullet, imported without the line that it prints on standard output."""

from __future__ import annotations

import ctypes
import os
import sys

sys.stdout.flush()
_stdout, _nothing = os.dup(1), os.open(os.devnull, os.O_WRONLY)
os.dup2(_nothing, 1)
try:
    import pybullet
finally:
    ctypes.CDLL(None).fflush(None)  # the line waits in C's buffer
    os.dup2(_stdout, 1)
    os.close(_stdout)
    os.close(_nothing)

__all__ = ["pybullet"]
