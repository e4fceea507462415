"""The card NAME.md beside weights NAME.onnx: how they were made, of what, how far, with which figures."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from bench.devices import commit

if TYPE_CHECKING:
    from bench.training.train import Made


def write_card(output: Path, command: str, made: Made) -> None:
    """Write the card of exported weights. Its checksum is the one that `vision.runtimes` holds a file to."""
    recipe = ", ".join(f"{k} {v}" for k, v in made.recipe.items())
    lines = [
        f"# {output.stem}",
        "",
        f"- made by: `{command}`; exported at commit {commit()}",
        *(f"- data: {_described(line)}" for line in made.data),
        f"- data, SHA-256: {made.digest}",
        f"- recipe: {recipe}" + (f", starting from {made.origin}" if made.origin else ", starting from nothing"),
        f"- trained {made.reached}",
        f"- file: {output.stat().st_size / 1e6:.1f} MB, SHA-256 {hashlib.sha256(output.read_bytes()).hexdigest()}",
        "- licence: AGPL-3.0",
        "",
        "Figures of this file on pictures left out of the training (its val split):",
        "",
        *(f"- {name}: {value:.4f}" for name, value in made.figures.items()),
    ]
    output.with_suffix(".md").write_text("\n".join(lines) + "\n")


def _described(line: str) -> str:
    """A data set by how the simulator made it; by its own line where it did not."""
    folder = Path(line.split(": ")[0])
    coco = folder / "train.json"
    if not (folder / "done").is_dir() or not coco.is_file():
        return line
    made = json.loads(coco.read_text())
    seeds = sorted({image["store_seed"] for image in made["images"]})
    card = folder / "card.json"
    about = f". {json.loads(card.read_text())['about']}" if card.is_file() else ""
    return (
        f"`shelfbench dataset`, store seeds {seeds[0]} to {seeds[-1]}, {len(made['images'])} pictures, "
        f"{len(made['annotations'])} boxes{about}"
    )
