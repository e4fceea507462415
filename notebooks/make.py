"""The notebooks: each .py (py:percent) is the source, and the .ipynb beside it is made of it, with its outputs.

    python notebooks/make.py [1_first_experiment ...]

runs all, or those named, and writes their .ipynb.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import jupytext
from nbclient import NotebookClient
from nbformat import NotebookNode
from traitlets.config import Config

HERE = Path(__file__).parent
SOURCES = sorted(HERE.glob("[0-9]_*.py"))
LONGEST = 600
"""Seconds that one cell may take."""


def made_of(source: Path) -> NotebookNode:
    """The notebook of a source, without outputs."""
    notebook = jupytext.read(source, fmt="py:percent")
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"  # drawn by chance otherwise
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata = {"kernelspec": kernel, "jupytext": {"formats": "ipynb,py:percent"}}
    return notebook


def executed(source: Path, folder: Path) -> NotebookNode:
    """The notebook of a source with its outputs, run in `folder`, a copy of this one that it may write to.

    The kernel ends with it. Raises nbclient's CellExecutionError where a cell fails.
    """
    notebook = made_of(source)
    paths = os.pathsep.join([str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"} | {"PYTHONPATH": paths}
    with tempfile.TemporaryDirectory() as sockets:  # files, not ports: nothing but this process can reach the kernel
        config = Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"}})
        client = NotebookClient(
            notebook, timeout=LONGEST, startup_timeout=LONGEST, kernel_name="python3", record_timing=False,
            coalesce_streams=True, resources={"metadata": {"path": str(folder)}}, config=config,
        )  # fmt: skip
        client.execute(env=environment)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if _is_kept(output)]
    return notebook


def _is_kept(output: NotebookNode) -> bool:
    """What libraries warn of goes to the terminal. A photograph is kept once, as the smaller of its two pictures."""
    if output.get("name") == "stderr":
        print(output.text, file=sys.stderr)
        return False
    if "image/jpeg" in output.get("data", {}):
        output.data.pop("image/png", None)
    return True


def copy_to(folder: Path) -> Path:
    """A copy of what the notebooks read, without what they wrote."""
    return Path(shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("outputs", "__pycache__", "*.ipynb")))


def main(names: Sequence[str]) -> None:
    for source in SOURCES:
        if not names or source.stem in names:
            with tempfile.TemporaryDirectory() as folder:
                notebook = executed(source, copy_to(Path(folder) / "notebooks"))
            jupytext.write(notebook, source.with_suffix(".ipynb"), fmt="ipynb")
            print(source.with_suffix(".ipynb"))


if __name__ == "__main__":
    main(sys.argv[1:])
