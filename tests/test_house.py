"""The house rules: an import goes down, never up and never sideways."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = {
    "scenarios": set(),
    "vision": {"scenarios"},
    "sim": {"scenarios"},
    "bench": {"scenarios", "vision", "sim"},
}
HEAVY = {
    "scenarios": {"cv2", "onnxruntime", "torch", "pybullet", "hydra", "omegaconf", "mlflow", "pandas"},
    "vision": {"pybullet", "hydra", "omegaconf", "mlflow", "pandas", "tqdm", "PIL"},
}
"""What a device has to do without, at any depth of a file."""


def imports(path: Path) -> Iterator[str]:
    """The first words of all that a file imports, also inside of functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield (node.module or "").split(".")[0]


@pytest.mark.parametrize("room", ROOMS)
def test_imports_go_down(room: str) -> None:
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    for path in files:
        found = set(imports(path))
        assert found & (set(ROOMS) | {"tests", "conf"}) <= ROOMS[room] | {room}, path
        assert not found & HEAVY.get(room, set()), path
