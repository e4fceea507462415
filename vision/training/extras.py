"""What both trainings need of the packages of the `train` extra."""

from __future__ import annotations

from typing import Any

from scenarios import InputError


def import_extra(name: str) -> Any:
    """A package of the `train` extra. Raises InputError where it is not installed."""
    try:
        return __import__(name)
    except ImportError:
        raise InputError(f"training needs {name}: install shelfbench[train] (see the README)") from None


def has_bfloat16(torch: Any) -> bool:
    """Whether this CPU multiplies bfloat16 in hardware."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
