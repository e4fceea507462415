"""PyBullet, imported without the line about its build that it writes on standard error."""

from __future__ import annotations

import os
import sys

sys.stderr.flush()
_stderr, _nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
os.dup2(_nothing, 2)
try:
    import pybullet
finally:
    os.dup2(_stderr, 2)
    os.close(_stderr)
    os.close(_nothing)

__all__ = ["pybullet"]
