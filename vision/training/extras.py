"""What both trainings need of the packages of the `train` extra."""

from __future__ import annotations

import importlib.util
from typing import Any

from scenarios import InputError

MISSING = "training needs {}: install shelfbench[train] (see the README)"


def import_extra(name: str) -> Any:
    """A package of the `train` extra. Raises InputError where it is not installed."""
    try:
        return __import__(name)
    except ImportError:
        raise InputError(MISSING.format(name)) from None


def require_extras(*names: str) -> None:
    """Raise InputError where one of these packages is not installed; nothing is imported."""
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise InputError(MISSING.format(name))


def has_bfloat16(torch: Any) -> bool:
    """Whether this CPU multiplies bfloat16 in hardware."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
