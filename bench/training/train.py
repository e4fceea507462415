"""`shelfbench train`: train, export, measure the exported file, and keep all of it: card, pictures, MLflow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.devices import conditions
from bench.training.card import write_card
from bench.training.log import open_run
from bench.training.review import Review, draw_confusion, draw_curves, draw_worst, review_detector, table
from scenarios import InputError
from scenarios.files import build
from vision.outputs import final_path, result_folder, write_json
from vision.training import (
    DetectorPlan,
    DetectorRecipe,
    RecognizerPlan,
    export_detector,
    prepare_data,
    train_detector,
    train_recognizer,
)
from vision.training.calibration import calibrate
from vision.training.extras import require_extras
from vision.training.sources import Names

Row = dict[str, float]


@dataclass(frozen=True)
class RecognizerRecipe:
    """What conf/training says of a recognizer: see `vision.training.RecognizerPlan`."""

    epochs: int
    batch: int
    crops_per_sku: int
    smallest: int
    dimensions: int
    seed: int
    architecture: str = "residual"
    minutes: float = 0.0


@dataclass(frozen=True)
class Training:
    """One model to train: exactly one of `detector` and `recognizer` is given. `names` says what classes of the
    user's data are that have other names than ours."""

    name: str
    data: tuple[Path, ...]
    folder: Path
    weights: Path
    outputs: Path
    detector: DetectorRecipe | None = None
    recognizer: RecognizerRecipe | None = None
    start: str = ""
    names: Names = field(default_factory=dict)

    @property
    def output(self) -> Path:
        return self.weights / f"{self.name}.onnx"


@dataclass(frozen=True)
class Made:
    """What a training has made: lines and figures for the card, the rows of its passes, and a review of its errors."""

    data: tuple[str, ...]
    digest: str
    recipe: dict[str, Any]
    origin: str
    reached: str
    figures: dict[str, float]
    history: tuple[Row, ...]
    review: Review | None = None


@dataclass(frozen=True)
class Outcome:
    """Where to look: the exported weights, the folder with result.json, and MLflow's store."""

    weights: Path
    folder: Path
    store: str
    table: str


def training_of(config: dict[str, Any]) -> Training:
    """The training that conf/train.yaml and its overrides describe. Raises InputError."""
    keys = {k: v for k, v in config.items() if k not in ("training", "names")} | config["training"]
    keys["data"] = keys["data"] if isinstance(keys["data"], list) else [keys["data"]]
    if not isinstance(config["names"], dict):
        raise InputError(f"train: names is {config['names']!r}; expected a mapping like {{object: product}}")
    return replace(build(Training, keys, "train"), names={str(k): v for k, v in config["names"].items()})


def run_training(training: Training, command: str) -> Outcome:
    """Train, or go on with, a model, export it and write down how it was made and what it gets wrong.

    Raises InputError for wrong input before anything is trained.
    """
    if (training.detector is None) == (training.recognizer is None):
        raise InputError(f"training {training.name}: expected either detector or recognizer")
    start = Path(training.start) if training.start else None
    if start is not None and not start.is_file():
        raise InputError(f"{start}: no such file; start names weights, .onnx or .pt")
    make = _make_detector if training.detector is not None else _make_recognizer
    made_by = make(training, start)  # reads and checks the data
    with open_run(training.outputs, training.name, training.folder / training.name) as run:
        made = made_by(run.curve)
        write_card(training.output, command, made)
        with result_folder(training.outputs, "train") as folder:
            _write_evidence(folder, training, made, command)
            run.finish(folder, training.output, made)
    final = final_path(folder)
    return Outcome(training.output, final, run.store, table(made.review) if made.review else "")


Maker = Callable[[Callable[[Row], None]], Made]


def _make_detector(training: Training, start: Path | None) -> Maker:
    recipe, folder = training.detector, training.folder / training.name
    assert recipe is not None
    data = prepare_data(training.data, training.names, folder / "data")
    require_extras("torch", "ultralytics", "onnx")
    for share in data.shares:
        print(f"data  {share}", flush=True)

    def make(report: Callable[[Row], None]) -> Made:
        trained = train_detector(DetectorPlan(recipe, data, folder, start), report)
        export_detector(trained.weights, training.output)
        review = review_detector(training.output, data)
        best = f"{trained.reached(recipe.epochs)}; weights of pass {trained.best['epoch']:.0f}"
        shares = tuple(str(share) for share in data.shares)
        return Made(shares, data.digest, asdict(recipe), trained.origin, best, review.figures, trained.history, review)

    return make


def _make_recognizer(training: Training, start: Path | None) -> Maker:
    recipe, folder = training.recognizer, training.folder / training.name
    assert recipe is not None
    if len(training.data) != 1:
        raise InputError(f"training {training.name}: data names {len(training.data)} data sets; a recognizer takes one")
    data = training.data[0]
    coco = data / "train.json"
    if not coco.is_file():
        raise InputError(f"{coco}: no such file; expected a folder made by `shelfbench dataset`")
    require_extras("torch", "onnx")
    origin = f"{start}, SHA-256 {hashlib.sha256(start.read_bytes()).hexdigest()}" if start else ""
    plan = RecognizerPlan(data, folder, start=start, **vars(recipe))

    def make(report: Callable[[Row], None]) -> Made:
        trained = train_recognizer(plan, training.output, report)
        figures = trained.figures | calibrate(data, training.output)
        last = trained.history[-1]
        goal = "to its target" if last["passes"] >= recipe.epochs else "as far as the time reached"
        far = f"{goal}: {last['passes']:.1f} of {recipe.epochs} passes over the data in {last['minutes']:.0f} minutes"
        digest = hashlib.sha256(coco.read_bytes()).hexdigest()
        return Made((str(data),), digest, asdict(recipe), origin, far, figures, trained.history)

    return make


def _write_evidence(folder: Path, training: Training, made: Made, command: str) -> None:
    """result.json, curves and, of a detector, its confusions and worst pictures."""
    if made.history:
        draw_curves(made.history, folder / "curves.png")
    if made.review is not None:
        draw_confusion(made.review, folder / "confusion.png")
        draw_worst(made.review, folder / "worst")
    result = {
        "command": command,
        "weights": str(training.output),
        "sha256": hashlib.sha256(training.output.read_bytes()).hexdigest(),
        "data": list(made.data),
        "data_sha256": made.digest,
        "recipe": json.loads(json.dumps(made.recipe)),
        "start": made.origin,
        "reached": made.reached,
        "figures": made.figures,
        "confusion": made.review.as_rows() if made.review else None,
        "history": list(made.history),
        "conditions": conditions(),
    }
    write_json(folder / "result.json", result)
