"""ultralytics' trainer with what short trainings on mixed data need. Import it where ultralytics is installed.

- The learning rate falls with every step, or with the clock where minutes are given, to its end: ultralytics' steps
  once a pass, and a training of four passes would end at a fifth of its first rate.
- The averaged weights are those of the last twentieth of the training: ultralytics averages over 1.05 steps after 100
  and over 1.2 after 400.
- A warm-up moves the biases no faster than the rest: ultralytics' rate of 0.1 for them destroys good weights.
- A class that is not labelled in a picture adds nothing to the loss there and is not counted as found there.
- Only the head is trained that is exported (yolo26's second one, without suppression, ends at 300 boxes): 15 % less
  work, and the exported one is not faded out of the loss.
- A checkpoint is there whole or not at all.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Any

import torch
from ultralytics.data import build_yolo_dataset
from ultralytics.models.yolo.detect import DetectionTrainer, DetectionValidator
from ultralytics.nn.tasks import DetectionModel, load_checkpoint, yaml_model_load
from ultralytics.utils.torch_utils import init_seeds

from vision.training.data import TrainingData
from vision.training.extras import has_bfloat16

LAST_RATE = 0.01
"""Of the first learning rate, at the end."""
WARM_UP = 0.05
"""Share of the training over which the rate rises: the optimizer knows nothing yet of its gradients' size."""
AVERAGED = 0.05
"""Share of the training over which weights are averaged."""

Row = dict[str, float]


def single_headed(architecture: str | dict[str, Any]) -> dict[str, Any]:
    """An ultralytics architecture (YAML name or its content) with that head only whose boxes are suppressed."""
    layers = yaml_model_load(architecture) if isinstance(architecture, str) else dict(architecture)
    if "end2end" in layers:
        layers["end2end"] = False
    return layers


class ShelfTrainer(DetectionTrainer):
    """`minutes` 0 sets no limit. `history` are rows of earlier passes; `record` takes them all
    after each pass, before its checkpoint is kept, and `report` its own row after that."""

    last: Path
    best: Path

    def __init__(
        self,
        overrides: dict[str, Any],
        data: TrainingData,
        view: int,
        minutes: float,
        start: Path | None,
        history: list[Row],
        record: Callable[[list[Row]], None],
        report: Callable[[Row], None],
    ) -> None:
        self.shelves, self.view, self.minutes, self.start = data, view, minutes, start
        self.history, self.record, self.report = history, record, report
        super().__init__(overrides=overrides)
        self.add_callback("on_train_start", _begin)
        self.add_callback("on_train_batch_start", _set_rate)
        self.add_callback("on_train_batch_end", _count)

    def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = True) -> Any:
        network = DetectionModel(single_headed(cfg), nc=self.data["nc"], ch=self.data["channels"], verbose=False)
        network.names = self.data["names"]
        if weights is None and self.start is not None:
            weights = load_checkpoint(self.start)[0]
        if weights is not None:
            network.load(weights)
        return network

    def build_dataset(self, img_path: str, mode: str = "train", batch: int | None = None) -> Any:
        """Pictures have a long side of `view` pixels; those to train on are cut to squares of the plan's size."""
        arguments = copy(self.args)
        if mode == "val":
            arguments.imgsz = self.view
        pictures = build_yolo_dataset(arguments, img_path, batch, self.data, mode=mode, rect=mode == "val")
        pictures.imgsz = self.view  # the cut was set up with the plan's size
        return pictures

    def preprocess_batch(self, batch: dict) -> dict:
        batch = super().preprocess_batch(batch)
        if getattr(self.model, "criterion", None) is None:
            self.model.criterion = self.model.init_criterion()
        taught = torch.zeros(len(batch["im_file"]), 1, self.data["nc"])
        for i, picture in enumerate(batch["im_file"]):
            taught[i, 0, list(self.shelves.known(picture))] = 1
        self.model.criterion.class_weights = taught.to(self.device)
        return batch

    def get_validator(self) -> Any:
        validator = ShelfValidator(self.test_loader, self.save_dir, copy(self.args), self.callbacks)
        validator.shelves = self.shelves
        return validator

    def save_model(self) -> bool:
        """Keep last.pt and best.pt, and before them the record: a row counts once its checkpoint is there."""
        last, best = self.last, self.best
        self.last, self.best = (path.with_suffix(".draft") for path in (last, best))
        drafts = {self.best: best, self.last: last}
        try:
            saved = super().save_model()
        finally:
            self.last, self.best = last, best
        self.history.append(self._row())
        self.record(self.history)
        for draft, path in drafts.items():
            if draft.exists():
                os.replace(draft, path)
        self.report(self.history[-1])
        return bool(saved)

    def final_eval(self) -> None:
        """Nothing: the exported file is measured instead, and stripping the checkpoints in place may be cut short."""

    def spent(self) -> float:
        """Minutes of training until now, those of earlier sessions included."""
        return self.spent_before + (time.time() - self.train_time_start) / 60

    def progress(self) -> float:
        """The share of the training that is done, by steps or by the clock."""
        by_clock = self.spent() / self.minutes if self.minutes else 0.0
        return min(1.0, max(self.steps / (self.epochs * len(self.train_loader)), by_clock))

    def _row(self) -> Row:
        figures = {**self.label_loss_items(self.tloss), **self.metrics, "fitness": float(self.fitness)}
        plain = {name.removeprefix("metrics/").removesuffix("(B)"): float(v) for name, v in figures.items()}
        passes = self.steps / len(self.train_loader)
        state = {"epoch": self.epoch + 1, "passes": passes, "minutes": self.spent(), "ended": float(self.stop)}
        return {**state, "rate": self.optimizer.param_groups[0]["lr"], **plain}


class ShelfValidator(DetectionValidator):
    """Leaves out what was found of classes that are not labelled in a picture."""

    shelves: TrainingData

    def update_metrics(self, preds: list[dict], batch: dict) -> None:
        for found, picture in zip(preds, batch["im_file"]):
            known = torch.tensor(self.shelves.known(picture), device=found["cls"].device)
            kept = torch.isin(found["cls"].long(), known)
            for name in list(found):
                found[name] = found[name][kept]
        super().update_metrics(preds, batch)


def _begin(trainer: ShelfTrainer) -> None:
    trainer.steps = trainer.start_epoch * len(trainer.train_loader)
    trainer.spent_before = trainer.history[-1]["minutes"] if trainer.history else 0.0
    if trainer.start_epoch:  # other draws than those of the first pass
        init_seeds(trainer.args.seed + 1 + trainer.start_epoch, trainer.args.deterministic)
    window = max(1.0, AVERAGED * trainer.epochs * len(trainer.train_loader))
    trainer.ema.decay = lambda updates: min((1 + updates) / (10 + updates), 1 - 1 / window)
    _hasten(trainer)


def _set_rate(trainer: ShelfTrainer) -> None:
    done = trainer.progress()
    rate = min(1.0, (done + 1e-3) / WARM_UP) * (LAST_RATE + (1 - LAST_RATE) * (1 + math.cos(math.pi * done)) / 2)
    for group in trainer.optimizer.param_groups:
        group["lr"] = group["initial_lr"] * rate


def _count(trainer: ShelfTrainer) -> None:
    trainer.steps += 1
    if trainer.minutes and trainer.spent() >= trainer.minutes:
        trainer.stop = True  # it validates and saves, and ends


def _hasten(trainer: Any) -> None:
    """Train on a CPU with all cores, and in bfloat16 and channels-last where it can: a step of yolo11n at 416
    pixels took 1.8 s of CPU time in place of 6.7 (AVX-512, beside other work). The loss stays in float32.
    In float32 channels-last gains nothing (AVX2: 2.4 s of CPU time for 8 pictures in place of 2.0)."""
    if trainer.device.type != "cpu":
        return
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    torch.set_num_threads(cores or 1)  # ultralytics leaves one free
    if not has_bfloat16(torch):
        return
    network = trainer.model.to(memory_format=torch.channels_last)
    predict = network.predict

    def predict_in_bfloat16(images: Any, *arguments: Any, **options: Any) -> Any:
        with torch.autocast("cpu", torch.bfloat16):
            found = predict(images.contiguous(memory_format=torch.channels_last), *arguments, **options)
        return _to_float32(found)

    network.predict = predict_in_bfloat16


def _to_float32(found: Any) -> Any:
    if isinstance(found, torch.Tensor):
        return found.float()
    if isinstance(found, dict):
        return {key: _to_float32(value) for key, value in found.items()}
    return type(found)(_to_float32(value) for value in found)
