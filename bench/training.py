"""`shelfbench train`: train, export, and write the card that goes with the weights."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from bench.devices import commit
from scenarios import InputError
from vision.training import (
    DetectorPlan,
    RecognizerPlan,
    detector_figures,
    export_detector,
    train_detector,
    train_recognizer,
)


@dataclass(frozen=True)
class DetectorRecipe:
    """What conf/training says of a detector: see `vision.training.DetectorPlan`."""

    architecture: str
    epochs: int
    size: int
    batch: int
    seed: int


@dataclass(frozen=True)
class RecognizerRecipe:
    """What conf/training says of a recognizer: see `vision.training.RecognizerPlan`."""

    epochs: int
    batch: int
    crops_per_sku: int
    smallest: int
    dimensions: int
    seed: int


@dataclass(frozen=True)
class Training:
    """One model to train: exactly one of `detector` and `recognizer` is given."""

    name: str
    data: Path
    folder: Path
    weights: Path
    detector: DetectorRecipe | None = None
    recognizer: RecognizerRecipe | None = None
    start: str = ""


def run_training(training: Training, command: str) -> Path:
    """Train, or go on with, a model and return the exported weights."""
    if (training.detector is None) == (training.recognizer is None):
        raise InputError(f"training {training.name}: expected either detector or recognizer")
    output, folder = training.weights / f"{training.name}.onnx", training.folder / training.name
    start = Path(training.start) if training.start else None
    if start is not None and not start.is_file():
        raise InputError(f"{start}: no such file; start names weights, .onnx or .pt")
    origin = f"{start}, SHA-256 {hashlib.sha256(start.read_bytes()).hexdigest()}" if start else ""
    if training.detector is not None:
        plan = DetectorPlan(training.data, folder=folder, start=start, **vars(training.detector))
        export_detector(train_detector(plan), output)
        figures = detector_figures(folder)
    elif training.recognizer is not None:
        made = RecognizerPlan(training.data, folder, start=start, **vars(training.recognizer))
        figures = train_recognizer(made, output, _say)
    write_card(training, output, command, figures, origin)
    return output


def _say(progress: dict[str, float]) -> None:
    print("  ".join(f"{name} {value:.4g}" for name, value in progress.items()), flush=True)


def write_card(training: Training, output: Path, command: str, figures: dict[str, float], origin: str = "") -> None:
    """Write NAME.md beside NAME.onnx: how it was made, from which seeds and weights (`origin`), with which figures."""
    coco = json.loads((training.data / "train.json").read_text())
    seeds = sorted({image["store_seed"] for image in coco["images"]})
    recipe = training.detector or training.recognizer
    lines = [
        f"# {training.name}",
        "",
        f"- made by: `{command}`; exported at commit {commit()}",
        f"- data: `shelfbench dataset`, store seeds {seeds[0]} to {seeds[-1]}, {len(coco['images'])} pictures, "
        f"{len(coco['annotations'])} boxes; products of manufacturers that no experiment uses",
        f"- recipe: {', '.join(f'{k} {v}' for k, v in vars(recipe).items())}"
        + (f", starting from {origin}" if origin else ""),
        f"- file: {output.stat().st_size / 1e6:.1f} MB, SHA-256 {hashlib.sha256(output.read_bytes()).hexdigest()}",
        "- licence: AGPL-3.0",
        "",
        "Figures while training, on stores and seeds left out of it:",
        "",
        *(f"- {name}: {value:.4f}" for name, value in figures.items()),
    ]
    output.with_suffix(".md").write_text("\n".join(lines) + "\n")
