"""The notebooks: made of their sources, through public doors alone, and they run."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import jupytext
import psutil
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from notebooks.make import SOURCES, copy_to, executed, made_of

ROOMS = ("scenarios", "sim", "vision", "bench")
LARGEST = 1_500_000
"""Bytes of an .ipynb."""
LONG = (
    "2_light_occlusion_lookalikes", "4_latency_and_precision", "5_a_running_service", "6_where_to_hang_cameras",
)  # fmt: skip
"""One and a half to four minutes each; they go through doors that other tests go through."""


def private(source: str) -> list[str]:
    """What a text imports, or reaches for, that is no public door of a room."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [(node.module or "", alias.name) for alias in node.names]
        else:
            if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
                found.append(node.attr)
            continue
        found += [f"{module} {name}".strip() for module, name in names if not is_public(module, name)]
    return found


def is_public(module: str, name: str) -> bool:
    """Of scenarios, sim and vision what the room itself offers; of bench what its modules name without underscore."""
    room = module.partition(".")[0]
    if room in ("tests", "notebooks"):
        return False
    if room not in ROOMS:
        return True
    if room != "bench":
        return module == room and name in importlib.import_module(room).__all__
    return not any(part.startswith("_") for part in (*module.split("."), name)) and bool(name)


def test_there_are_notebooks() -> None:
    assert len(SOURCES) == 7


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.stem)
def test_an_ipynb_is_made_of_its_source(source: Path) -> None:
    stored = jupytext.read(source.with_suffix(".ipynb"))
    cells = [[(c.cell_type, c.source) for c in notebook.cells] for notebook in (made_of(source), stored)]
    assert cells[0] == cells[1], f"{source.name} has changed: python notebooks/make.py {source.stem}"


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.stem)
def test_a_stored_notebook_can_be_read_without_running(source: Path) -> None:
    path = source.with_suffix(".ipynb")
    assert path.stat().st_size <= LARGEST
    outputs = [o for c in jupytext.read(path).cells if c.cell_type == "code" for o in c.outputs]
    assert {"image/jpeg", "image/png"} & {kind for o in outputs for kind in o.get("data", {})}
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.stem)
def test_a_notebook_goes_through_public_doors(source: Path) -> None:
    assert private(source.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from scenarios import Camera, rng\nfrom bench.figures import interval_figure\nimport pandas", []),
        ("from scenarios.files import build", ["scenarios.files build"]),
        ("from bench.figures import _label_axis", ["bench.figures _label_axis"]),
        ("import sim.world", ["sim.world"]),
        ("from tests.layouts import product", ["tests.layouts product"]),
        ("from sim import World\nWorld._crowd", ["_crowd"]),
    ],
)
def test_a_private_door_is_found(text: str, found: list[str]) -> None:
    assert private(text) == found


def kinds(notebook: NotebookNode) -> list[list[str]]:
    """What kinds of output each cell has."""
    cells = [c for c in notebook.cells if c.cell_type == "code"]
    return [sorted({kind for o in c.outputs for kind in o.get("data", {o.get("name"): 0})}) for c in cells]


@pytest.mark.slow
def test_a_cell_that_fails_ends_notebook_and_kernel(tmp_path: Path) -> None:
    source = tmp_path / "broken.py"
    source.write_text("# %%\n1 / 0\n")
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        executed(source, tmp_path)
    assert not [child for child in psutil.Process().children(recursive=True) if "ipykernel" in str(child.cmdline())]


@pytest.mark.slow
@pytest.mark.parametrize(
    "source", [pytest.param(s, id=s.stem, marks=pytest.mark.long if s.stem in LONG else ()) for s in SOURCES]
)
def test_a_notebook_runs(source: Path, tmp_path: Path) -> None:
    """Figures may differ from machine to machine; what kind of output a cell has may not."""
    made = executed(source, copy_to(tmp_path / source.stem))
    assert kinds(made) == kinds(jupytext.read(source.with_suffix(".ipynb")))
