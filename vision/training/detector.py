"""Training of a detector by ultralytics, and its export to the ONNX form that `vision.detect` reads."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenarios import InputError
from vision.readings import CLASSES
from vision.training.data import TrainingData
from vision.training.extras import import_extra
from vision.training.half import store_half
from vision.training.warm_start import trainable_detector

Row = dict[str, float]
"""Figures of one pass over the data: `epoch` (1, 2, …), `passes` and `minutes` until then, losses, figures of val."""
Report = Callable[[Row], None]


@dataclass(frozen=True)
class DetectorRecipe:
    """How to train a detector; the same for every architecture, an ultralytics model YAML ("yolo11n.yaml").

    Pictures are scaled to a long side of `view` pixels (that of the largest, if it is less; 0: `size`) and, by a
    random factor of `zoom`, cut to squares of `size`. `minutes` end the training early (0: no limit); the learning
    rate falls by the clock then.
    """

    architecture: str
    epochs: int
    size: int = 416
    view: int = 0
    batch: int = 16
    minutes: float = 0.0
    zoom: tuple[float, float] = (0.7, 1.3)
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch) < 1 or self.size < 64 or self.size % 32 or 0 < self.view < self.size:
            raise InputError(
                f"detector: epochs {self.epochs}, batch {self.batch}, size {self.size}, view {self.view}; expected "
                "1 or more, 1 or more, a multiple of 32 from 64 up, and 0 or a view not below size"
            )
        if self.minutes < 0 or not 0 < self.zoom[0] <= self.zoom[1]:
            raise InputError(
                f"detector: minutes {self.minutes}, zoom {self.zoom}; expected 0 or more and a range above 0"
            )


@dataclass(frozen=True)
class DetectorPlan:
    """What to train, on what and where. `start` are weights that the training begins with: .pt, of which matching
    layers are taken over, or .onnx of the same architecture."""

    recipe: DetectorRecipe
    data: TrainingData
    folder: Path
    start: Path | None = None


@dataclass(frozen=True)
class Trained:
    """A training that has ended: `weights` (.pt) of its best pass, all its rows, and `origin`: the weights it began
    with and their SHA-256, or nothing."""

    weights: Path
    history: tuple[Row, ...]
    origin: str

    @property
    def best(self) -> Row:
        """The row of the pass whose weights are kept."""
        return max(self.history, key=lambda row: row["fitness"])

    def reached(self, epochs: int) -> str:
        """How far the training went, in words."""
        last = self.history[-1]
        far = f"{last['passes']:.1f} of {epochs} passes over the data in {last['minutes']:.0f} minutes"
        return (
            f"to its target: {far}"
            if last["epoch"] >= epochs and last["passes"] >= epochs
            else f"as far as the time reached: {far}"
        )


def train_detector(plan: DetectorPlan, report: Report = lambda _: None) -> Trained:
    """Train a detector or, where `plan.folder` holds an unfinished training, go on with it; a finished one is returned.

    `report` gets the row of every pass as it ends. A training that was killed goes on from its last whole pass.
    Raises InputError where the folder holds a training of another recipe or other data.
    """
    _prepare_ultralytics(plan.folder)
    trainer = importlib.import_module("vision.training.trainer")
    record = plan.folder / "training.json"
    last = plan.folder / "train" / "weights" / "last.pt"
    done = _epochs_in(last)
    told = _told(plan, record, done > 0)
    history = [row for row in told["history"] if row["epoch"] <= done]
    if not (history and history[-1]["ended"]):
        start = _start(plan) if not done else None

        def keep(rows: list[Row]) -> None:
            _write(record, told | {"history": rows})

        trainer.ShelfTrainer(
            _arguments(plan, last if done else None),
            plan.data,
            _view(plan),
            plan.recipe.minutes,
            start,
            history,
            keep,
            report,
        ).train()
    best = last.with_name("best.pt")
    return Trained(best if best.exists() else last, tuple(history), told["origin"])


def _view(plan: DetectorPlan) -> int:
    """The long side that pictures are scaled to: enlarged, small ones would only cost more."""
    return max(plan.recipe.size, min(plan.recipe.view, plan.data.largest))


def _arguments(plan: DetectorPlan, resume: Path | None) -> dict[str, Any]:
    """What ultralytics is told."""
    recipe = plan.recipe
    rate = 0.002 if plan.start is None else 0.001  # weights that are good already are moved less
    shift = max(0.1, (_view(plan) - recipe.size) / (2 * recipe.size))  # so that a cut comes from anywhere
    return dict(
        model=recipe.architecture, data=str(plan.data.yaml), imgsz=recipe.size, epochs=recipe.epochs,
        batch=recipe.batch, seed=recipe.seed, project=str(plan.folder.resolve()), name="train", exist_ok=True,
        resume=str(resume) if resume else False, patience=recipe.epochs,
        device=None if import_extra("torch").cuda.is_available() else "cpu", workers=2, amp=False, plots=False,
        # The simulator varies scale, pose and light itself; tiles of four pictures would cut the shelves.
        mosaic=0.0, scale=recipe.zoom, translate=shift, fliplr=0.5, hsv_h=0.03, hsv_s=0.5, hsv_v=0.4,
        optimizer="AdamW", lr0=rate, warmup_epochs=0.0, weight_decay=0.0005, close_mosaic=0,
        nbs=recipe.batch,  # a step for every batch; the default saves gradients up to 64 pictures
        max_det=1000, cache=False,  # decoding takes a hundredth of a step
    )  # fmt: skip


def _told(plan: DetectorPlan, record: Path, begun: bool) -> dict[str, Any]:
    """The record of this training, new where none has got through a pass."""
    recipe = json.loads(json.dumps(vars(plan.recipe) | {"data": plan.data.digest}))
    if begun and record.is_file():
        told: dict[str, Any] = json.loads(record.read_text())
        for key, value in recipe.items():
            if told["recipe"].get(key) != value:
                raise InputError(
                    f"{plan.folder}: holds a training with {key} {_short(told['recipe'].get(key))}, "
                    f"now {_short(value)}; go on as it was begun, or give another folder=, or remove this one"
                )
        return told
    origin = f"{plan.start}, SHA-256 {hashlib.sha256(plan.start.read_bytes()).hexdigest()}" if plan.start else ""
    return {"recipe": recipe, "origin": origin, "history": []}


def _short(value: Any) -> str:
    return str(value)[:12] + "…" if len(str(value)) > 40 else str(value)


def _start(plan: DetectorPlan) -> Path | None:
    """The weights to begin with as ultralytics reads them (.pt)."""
    if plan.start is None or plan.start.suffix != ".onnx":
        return plan.start
    pictures = plan.data.yaml.parent / "images" / "train"
    output = plan.folder / "start.pt"
    return trainable_detector(plan.start, plan.recipe.architecture, len(CLASSES), pictures, plan.recipe.size, output)


def _write(record: Path, told: dict[str, Any]) -> None:
    draft = record.with_suffix(".draft")
    draft.write_text(json.dumps(told, indent=1))
    draft.replace(record)


def _prepare_ultralytics(folder: Path) -> None:
    """Import ultralytics with settings of its own under `folder`: no analytics, no loggers of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["YOLO_CONFIG_DIR"] = str(folder.resolve())
    import_extra("ultralytics").settings.update({"mlflow": False, "sync": False})


def _epochs_in(weights: Path) -> int:
    """How many passes a checkpoint has behind it; 0 where there is none."""
    if not weights.is_file():
        return 0
    return int(import_extra("torch").load(weights, map_location="cpu", weights_only=False)["epoch"]) + 1


def export_detector(weights: Path, output: Path, size: int = 1024) -> None:
    """Export .pt weights to the ONNX form that `vision.detect` reads: boxes and class scores before NMS, the weights
    in half precision (see `vision.training.half`).

    `size` is the long side at which pictures are read, stored in the file's metadata: on training-split stores, 1080p
    pictures read at 1024 gave the AP and the facings of 1280 (AP50 0.98 and 0.99) in two thirds of the time.
    """
    model = import_extra("ultralytics").YOLO(str(weights))
    names = tuple(model.names[i] for i in range(len(model.names)))
    if names != CLASSES:
        raise InputError(f"{weights}: classes {names}; expected {CLASSES}")
    # Without `nms` the boxes come before suppression, also from a head that could do without it: its
    # top-k would end at 300 boxes.
    path = Path(model.export(format="onnx", imgsz=640, dynamic=True, simplify=False, opset=17, device="cpu"))
    onnx = import_extra("onnx")
    graph = onnx.load(path)
    store_half(graph)
    del graph.metadata_props[:]
    for key, value in {"image_size": str(size), "classes": ",".join(CLASSES)}.items():
        graph.metadata_props.add(key=key, value=value)
    output.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(graph, output)
