"""Mitsuba, imported with the fastest of its variants that works on this machine.

A variant that does not work can end the whole process (LLVM older than 16 aborts it), so each is first
tried in a child process.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from scenarios import InputError

VARIANTS = ("cuda_ad_rgb", "llvm_ad_rgb", "scalar_rgb")
"""On the GPU, compiled for the CPU, plain; the fastest first."""
OLDEST_LLVM = 16
_LIBRARIES = (
    "/usr/lib/*-linux-gnu",
    "/usr/lib/llvm-*/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/opt/homebrew/opt/llvm/lib",
)
_TRIAL = """
import sys, numpy, mitsuba
mitsuba.set_variant(sys.argv[1])
film = {"type": "hdrfilm", "width": 8, "height": 8}
ball, camera = {"type": "sphere", "center": [0, 0, 4]}, {"type": "perspective", "film": film}
parts = {"lamp": {"type": "constant"}, "ball": ball, "camera": camera}
picture = numpy.array(mitsuba.render(mitsuba.load_dict({"type": "scene"} | parts | {"how": {"type": "path"}}), spp=1))
assert picture.shape[:2] == (8, 8) and picture.min() >= 0 and picture.max() > 0
"""


def mitsuba() -> ModuleType:
    """The module, with a variant set. Raises InputError where it is not installed."""
    variant = choose_variant()
    import mitsuba as module

    if module.variant() != variant:
        module.set_variant(variant)
    return module


@lru_cache(maxsize=1)
def choose_variant() -> str:
    """The variant that this process uses: SHELFBENCH_MITSUBA where it is set, else the fastest that works.

    Child processes inherit the choice. Raises InputError for a variant that does not work here.
    """
    if importlib.util.find_spec("mitsuba") is None or importlib.util.find_spec("mitsuba_oidn") is None:
        raise InputError(
            "renderer pathtrace: mitsuba is not installed; get it with pip install 'shelfbench[pathtrace]'"
        )
    wanted = os.environ.get("SHELFBENCH_MITSUBA")
    if wanted is not None and wanted not in VARIANTS:
        raise InputError(f"SHELFBENCH_MITSUBA={wanted}; expected one of {', '.join(VARIANTS)}")
    if "DRJIT_LIBLLVM_PATH" not in os.environ and (library := newest_llvm()) is not None:
        os.environ["DRJIT_LIBLLVM_PATH"] = str(library)
    for variant in (wanted,) if wanted else VARIANTS:
        if works(variant):
            os.environ["SHELFBENCH_MITSUBA"] = variant
            return variant
    raise InputError(f"renderer pathtrace: Mitsuba's {wanted or VARIANTS[-1]} does not work on this machine")


def works(variant: str) -> bool:
    """Whether a child process can render with a variant."""
    try:
        trial = subprocess.run([sys.executable, "-c", _TRIAL, variant], capture_output=True, timeout=120)
    except subprocess.TimeoutExpired:
        return False
    return trial.returncode == 0


def newest_llvm() -> Path | None:
    """The newest libLLVM, 16 or newer, in the usual folders: Dr.Jit by itself may take an older one."""
    found = []
    for pattern in _LIBRARIES:
        for path in Path("/").glob(f"{pattern[1:]}/libLLVM*.so*"):
            version = re.search(r"libLLVM(?:-(\d+)\.so|\.so\.(\d+))", path.name)
            if version:
                found.append((int(version[1] or version[2]), str(path)))
    return Path(max(found)[1]) if found and max(found)[0] >= OLDEST_LLVM else None
